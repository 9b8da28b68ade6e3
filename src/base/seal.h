/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that must be read again, kept where others might read: AES-256-GCM under one key, a new nonce for each. */
#ifndef CAIS_BASE_SEAL_H
#define CAIS_BASE_SEAL_H

#include "base/err.h"
#include "base/random.h"

#define SEAL_KEY_SIZE 32

struct seal;

/* key: SEAL_KEY_SIZE bytes, copied. random is borrowed. */
struct seal *seal_new(const unsigned char key[SEAL_KEY_SIZE], struct random *random);
void seal_free(struct seal *); /* wipes the key; NULL is fine */
/* about: what the secret belongs to ("key:17"); it must be told again to open it, so that sealed secrets cannot be
 * exchanged for one another. Thread: any. */
slice seal_close(struct seal *, slice about, slice secret, struct arena *a);
/* Errors: CORRUPT altered, of another key, or about something else. Thread: any. */
MUST_USE err_t seal_open(struct seal *, slice about, slice sealed, struct arena *a, slice *ret_secret);
/* A key for another purpose, made from this one: HMAC-SHA256 of the purpose. For links that only this server reads. */
void seal_derive(struct seal *, slice purpose, unsigned char ret_key[SEAL_KEY_SIZE]);

#endif
