/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that each have a piece of a stream to hash, and hash them together: the first thread leads, accepts the
 * pieces of threads that arrive meanwhile, and hashes all of them at once in the lanes of md5.h. A crew has no thread
 * of its own and no timer; a thread that finds no leader begins at once. docs/internals/hashing.md explains it with a
 * picture. */
#ifndef CAIS_BASE_MD5_CREW_H
#define CAIS_BASE_MD5_CREW_H

#include "base/md5.h"

struct md5_crew;

/* code     one for which md5_code_runs is true; with MD5_PLAIN every thread hashes its own piece
 * leaders  how many threads may lead at the same time, at least 1. With more of them more cores hash, but each
 *          leader has fewer pieces for its lanes */
struct md5_crew *md5_crew_new(enum md5_code code, int leaders);
void md5_crew_free(struct md5_crew *); /* not during a call of md5_crew_update; NULL is fine */
/* As md5_update. May wait for other threads that hash; returns when the bytes were hashed. Thread: any, but only one at
 * a time for each stream. */
void md5_crew_update(struct md5_crew *, struct md5 *, slice bytes);

#endif
