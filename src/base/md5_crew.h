/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that each have a piece of a stream of their own to hash, and do it together: who comes first leads, takes in
 * whoever comes meanwhile, and works on all of them at once in the lanes of md5.h. No thread of its own, no timer; who
 * finds nobody there begins at once. */
#ifndef CAIS_BASE_MD5_CREW_H
#define CAIS_BASE_MD5_CREW_H

#include "base/md5.h"

struct md5_crew;

/* code     must run here; with MD5_ALONE every thread works for itself
 * leaders  how many may lead at a time, at least 1: more need more cores, and each has fewer to lead */
struct md5_crew *md5_crew_new(enum md5_code code, int leaders);
void md5_crew_free(struct md5_crew *); /* not while somebody is in it; NULL is fine */
/* As md5_update; returns when the bytes are in. From any thread that may wait for another one; each stream from one at
 * a time. */
void md5_crew_update(struct md5_crew *, struct md5 *, slice bytes);

#endif
