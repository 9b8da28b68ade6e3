/* SPDX-License-Identifier: Apache-2.0 */
/* Sends requests to receivers of webhooks, many at a time. An implementation goes to addresses that are public or that the operator has
 * listed, and to no others; it checks the address that it connects to, and not another resolution of its name. It verifies certificates,
 * follows no redirect, uses no proxy of the environment, and reads at most HOOK_REPLY_BYTES of an answer. Thread: one at a time. */
#ifndef CAIS_CORE_STORE_HOOK_SENDER_H
#define CAIS_CORE_STORE_HOOK_SENDER_H

#include "base/err.h"

#define HOOK_REPLY_BYTES ((size_t)1 << 20)

struct hook_request {
    int64_t tag;                /* of the caller */
    slice url;                  /* http or https */
    const char *const *headers; /* "Name: value", ends with NULL */
    slice body;                 /* of a POST */
    int64_t timeout_ms;         /* from the name to the last byte of the answer */
};
/* The outcome. error NULL: an answer came, whatever its status. */
struct hook_result {
    int64_t tag;
    int status; /* 0: none */
    slice body; /* in the arena of the caller */
    const char *error;
};

struct hook_sender;
struct hook_sender_ops {
    /* Begin to send; everything is copied. Errors: INVALID the URL cannot be used: there is no result. */
    err_t (*begin)(struct hook_sender *, const struct hook_request *, struct arena *a);
    /* The next outcome; false: there was none in that time, or nothing is being sent. */
    bool (*next)(struct hook_sender *, int64_t wait_ms, struct arena *a, struct hook_result *ret);
    /* Give up whatever is being sent; it has no outcome. */
    void (*cancel)(struct hook_sender *);
};
struct hook_sender {
    const struct hook_sender_ops *ops;
};

#endif
