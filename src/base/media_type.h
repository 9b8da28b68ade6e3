/* SPDX-License-Identifier: Apache-2.0 */
/* The media type that a file probably has, by the extension of its name: for files whose bytes have not arrived yet. The
 * table is our own, so that the result does not depend on the machine. Source of the names: the IANA registry of media
 * types. */
#ifndef CAIS_BASE_MEDIA_TYPE_H
#define CAIS_BASE_MEDIA_TYPE_H

#include "base/arena.h"

/* The extension of a name: what follows the last dot, in lower case (ASCII). Empty when there is no dot, when nothing
 * follows it, or when it is the first character (".profile"). */
slice file_extension(slice name, struct arena *a);
/* The type for an extension in lower case; "application/octet-stream" when it is unknown. A literal. */
slice media_type_of(slice extension);

#endif
