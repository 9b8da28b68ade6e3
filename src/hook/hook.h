/* SPDX-License-Identifier: Apache-2.0 */
/* A hook_sender (core/store/hook_sender.h) on libcurl, which resolves a name once and hands each address that it is about to connect to
 * to this code: so what is checked is what is connected to. */
#ifndef CAIS_HOOK_HOOK_H
#define CAIS_HOOK_HOOK_H

#include "core/store/hook_sender.h"

struct hook_options {
    const char *const *
        networks; /* addresses that are no public ones, and may be used all the same; also by plain HTTP. Ends with NULL */
    const char *ca_file; /* certificates (PEM) to trust in place of the system's; NULL: none */
};

/* The options may go after the call. Errors: INVALID a network; UNAVAILABLE libcurl does not start. */
MUST_USE err_t hook_sender_open(const struct hook_options *, struct arena *a, struct hook_sender **ret);
void hook_sender_close(struct hook_sender *); /* NULL is fine */

#endif
