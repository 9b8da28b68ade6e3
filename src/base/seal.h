/* SPDX-License-Identifier: Apache-2.0 */
/* Encryption of secrets that must be stored and read again: AES-256-GCM under one key, with a new nonce for each. */
#ifndef CAIS_BASE_SEAL_H
#define CAIS_BASE_SEAL_H

#include "base/err.h"
#include "base/random.h"

#define SEAL_KEY_SIZE 32

struct seal;

/* key: SEAL_KEY_SIZE bytes, copied. random is borrowed. */
struct seal *seal_new(const unsigned char key[SEAL_KEY_SIZE], struct random *random);
void seal_free(struct seal *); /* wipes the key; NULL is fine */
/* Encrypt a secret. about: what it belongs to ("key:17"). seal_open needs the same value, so that one sealed secret
 * cannot be put in the place of another. Thread: any. */
slice seal_close(struct seal *, slice about, slice secret, struct arena *a);
/* Decrypt. Errors: CORRUPT it was altered, or sealed under another key or with another `about`. Thread: any. */
MUST_USE err_t seal_open(struct seal *, slice about, slice sealed, struct arena *a, slice *ret_secret);
/* Derive a key for another purpose: HMAC-SHA256 of the purpose, which is not empty and does not begin with NUL. For
 * links that only this server reads. */
void seal_derive(struct seal *, slice purpose, unsigned char ret_key[SEAL_KEY_SIZE]);

#endif
