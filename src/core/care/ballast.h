/* SPDX-License-Identifier: Apache-2.0 */
/* The ballast of a data directory: a file that only takes space. When the disk has no byte left, it is removed. What it took is
 * enough to start, to log in, and to delete files, so that somebody can make room. It is made again when there is space.
 *
 * It is not flushed: a power failure may take it, and then the next start makes it again. */
#ifndef CAIS_CORE_CARE_BALLAST_H
#define CAIS_CORE_CARE_BALLAST_H

#include <stdbool.h>
#include <stdint.h>

#define BALLAST_BYTES (4 << 20)

/* Make the ballast if it is missing and the disk, which has so many bytes free, keeps more than the reserve and as much again as
 * the ballast. Returns whether the directory has it. No error is reported: a server without it works. */
bool ballast_make(const char *data_dir, uint64_t free_bytes, uint64_t reserve_bytes);
/* Remove it. Returns whether there was one. */
bool ballast_drop(const char *data_dir);

#endif
