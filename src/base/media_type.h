/* SPDX-License-Identifier: Apache-2.0 */
/* What a file probably is, told by the end of its name: for files of which no byte has come yet. The table is our own,
 * so that the answer does not depend on the machine. Source of the names: the IANA registry of media types. */
#ifndef CAIS_BASE_MEDIA_TYPE_H
#define CAIS_BASE_MEDIA_TYPE_H

#include "base/arena.h"

/* What follows the last dot, in lower case (ASCII), without the dot. Empty when there is no dot, when nothing follows
 * it, or when it begins the name (".profile"). */
slice file_extension(slice name, struct arena *a);
/* Of an extension in lower case; "application/octet-stream" when it is not known. Lives for ever. */
slice media_type_of(slice extension);

#endif
