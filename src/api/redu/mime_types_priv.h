/* SPDX-License-Identifier: Apache-2.0 */
/* Which types of files may be uploaded (docs/apis/redu.md §6.8). */
#ifndef CAIS_API_REDU_MIME_TYPES_PRIV_H
#define CAIS_API_REDU_MIME_TYPES_PRIV_H

#include "base/arena.h"

/* setting: redu.mime_types. type: as declared; an empty one passes. Parameters and case do not matter. */
bool redu_may_upload_type(slice setting, slice type);
/* "is not one of image/bmp, image/gif": for the setting. In `a`. */
const char *redu_types_text(slice setting, struct arena *a);

#endif
