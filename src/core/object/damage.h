/* SPDX-License-Identifier: Apache-2.0 */
/* Stored bytes that are found to be damaged. Each finding is counted, and told to whoever listens, which is the log of the
 * server: a reply whose head is sent can only be cut, and then nobody else would hear of the error. */
#ifndef CAIS_CORE_OBJECT_DAMAGE_H
#define CAIS_CORE_OBJECT_DAMAGE_H

#include "core/core.h"

/* Counts and reports the error, which says what is damaged, and returns it. Thread: any. */
err_t damage_found(struct core *, err_t e);
/* How often since the start. */
uint64_t damage_count(struct core *);
/* Whom to tell, instead of whoever was told before; NULL: nobody. `found` runs on the thread that has found the damage, which may
 * be a loop: it must not block. Not while a request is served. */
void damage_listen(struct core *, void (*found)(void *arg, err_t e), void *arg);

#endif
