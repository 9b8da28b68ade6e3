/* SPDX-License-Identifier: Apache-2.0 */
/* What spaces.c and folders.c show of folders and of the files in them. */
#ifndef CAIS_API_NATIVE_FOLDERS_PRIV_H
#define CAIS_API_NATIVE_FOLDERS_PRIV_H

#include "base/json.h"
#include "core/records/course.h"
#include "core/records/folder.h"

enum { NATIVE_HITS_MAX = 100 }; /* of one page of a search */

/* What this API calls a role; empty: none. */
slice native_role_name(enum course_role role);
void put_folder(struct json_out *, const struct folder *, struct arena *a);
/* A file object, with the folder that it is in. */
void put_folder_file(struct json_out *, const struct folder_file *, struct arena *a);

#endif
