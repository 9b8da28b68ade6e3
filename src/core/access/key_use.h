/* SPDX-License-Identifier: Apache-2.0 */
/* When each key was last used. A use is noted in memory, which costs two stores, and a job writes what was noted into the records of
 * the keys every KEY_USE_PERIOD_MS, all keys in one write: a request that only reads causes no write. What key_list shows has what is
 * noted, too. A process that is killed loses what it has not written; one that stops writes it. A use of a token is one of the key that
 * the token was made from. Sessions of browsers, and the server's own keys, are not noted.
 *
 * Thread: any. */
#ifndef CAIS_CORE_ACCESS_KEY_USE_H
#define CAIS_CORE_ACCESS_KEY_USE_H

#include "core/core.h"

#define KEY_USE_JOB "keys"
#define KEY_USE_PERIOD_MS ((int64_t)5 * 60 * 1000)
#define KEY_USES_MAX 8192 /* keys that are noted at a time; beyond it a use may be missed until the next write */

/* Fit for a loop. key_id 0: nothing is noted. */
void key_use_note(struct core *, int64_t key_id, int64_t now_ms);
/* When this process has noted the last use that is not written yet; 0: it has noted none. */
int64_t key_use_noted(struct core *, int64_t key_id);
/* Writes what was noted. *ret_count: how many keys. May block. Errors: UNAVAILABLE, NO_SPACE, CORRUPT of the store; then the uses are noted
 * still. */
MUST_USE err_t key_use_write(struct core *, struct arena *a, int64_t *ret_count);

#endif
