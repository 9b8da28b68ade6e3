/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory has one holder at a time: a server, or a command for as long as it runs. A command that finds it
 * held asks the holder over DIR/admin.sock; one that comes in the holder's first or last moments, when the lock is
 * taken and nobody answers, tries again:
 *
 *     do if (holder_answers(dir)) ask it;  else take the lock and work here
 *     while (that failed with CONFLICT && holder_wait(&patience)) */
#ifndef CAIS_CLI_HOLDER_H
#define CAIS_CLI_HOLDER_H

#include "base/clock.h"
#include "base/slice.h"

#include <stdbool.h>

bool holder_answers(slice data_dir);
/* Let a moment pass. False when enough have. `until_ms` is 0 at first. */
bool holder_wait(struct clock *, int64_t *until_ms);

#endif
