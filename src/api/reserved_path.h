/* SPDX-License-Identifier: Apache-2.0 */
/* The first parts of paths that belong to APIs and to the server's own pages: the PATH lines of apis.def. */
#ifndef CAIS_API_RESERVED_PATH_H
#define CAIS_API_RESERVED_PATH_H

#include "base/slice.h"

/* Is `name` the first part of such a path? Then no bucket may have that name, also on a listener where only buckets are
 * served, so that a bucket that was created on one listener can be reached on all of them. Thread: any. */
bool path_is_reserved(slice name);

#endif
