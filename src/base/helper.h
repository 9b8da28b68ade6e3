/* SPDX-License-Identifier: Apache-2.0 */
/* One more pair of hands: a thread that runs a function while its caller does something else, then is waited for. */
#ifndef CAIS_BASE_HELPER_H
#define CAIS_BASE_HELPER_H

#include <stdbool.h>

struct helper;

struct helper *helper_new(void);   /* its thread starts with the first piece of work */
void helper_free(struct helper *); /* not while it works; NULL is fine */
/* Start fn(arg) beside the caller. False: somebody else has the helper; nothing was started. */
bool helper_try(struct helper *, void (*fn)(void *), void *arg);
/* Wait until it is done; only after a helper_try that was true, by the same caller, once. What fn wrote is visible. */
void helper_wait(struct helper *);

#endif
