/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that runs a function while its caller does something else; then the caller waits for it. */
#ifndef CAIS_BASE_HELPER_H
#define CAIS_BASE_HELPER_H

#include <stdbool.h>

struct helper;

struct helper *helper_new(void);   /* the thread starts at the first helper_try */
void helper_free(struct helper *); /* not while a function runs; NULL is fine */
/* Start fn(arg) on the helper's thread. False: another caller uses the helper, and nothing was started. Thread: any. */
bool helper_try(struct helper *, void (*fn)(void *), void *arg);
/* Wait until fn has returned. Once, and only after a helper_try that returned true. What fn wrote is visible. */
void helper_wait(struct helper *);

#endif
