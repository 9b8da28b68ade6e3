/* SPDX-License-Identifier: Apache-2.0 */
/* The URL to which files are sent under a permission (core/dataset/prefix.h). One API gives it to its clients, and another
 * one takes what they send; so its form is here:
 *
 *     /p/{secret}/n/cais/b/datasnap/o/t{account}/{slug of the dataset}/{id of the permission}/{name of the file}
 *
 * Namespace, bucket and all before the name say only what the secret says already. They must be right nevertheless, so that
 * nobody sends files to another place than the URL shows. */
#ifndef CAIS_API_KIT_UPLOAD_URL_H
#define CAIS_API_KIT_UPLOAD_URL_H

#include "base/arena.h"
#include "core/records/dataset.h"

#define UPLOAD_URL_ROOT "/p"

/* The path without the name and the slash before it. slug: of the dataset. In `a`. */
slice upload_url_path(slice secret, const struct upload_prefix *, slice slug, struct arena *a);

struct upload_path {
    slice secret, name_space, bucket; /* decoded */
    slice object;                     /* what follows /o/, as sent; empty: nothing does */
};
/* Splits the path of a request. False: it has another form. */
bool upload_path_split(slice path, struct arena *a, struct upload_path *ret);

enum upload_path_check {
    UPLOAD_PATH_OK,
    UPLOAD_PATH_OTHER,     /* it is not the URL of this permission */
    UPLOAD_PATH_MALFORMED, /* the object is not percent-encoded properly */
};
/* Compares the path with that of the permission which the secret names. *ret_name: what follows, decoded, with one slash
 * where there are several, and none at its start; empty: nothing follows. Any bytes; the caller checks them. */
enum upload_path_check upload_path_compare(const struct upload_path *, const struct upload_prefix *, slice slug,
                                           struct arena *a, slice *ret_name);

#endif
