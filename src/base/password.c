/* SPDX-License-Identifier: Apache-2.0 */
#include "base/password.h"

#include <argon2.h>
#include <assert.h>
#include <string.h>

/* OWASP's second choice (2024): 19 MiB, two passes, one lane. */
enum { PASSES = 2, MEMORY_KIB = 19456, LANES = 1, SALT_SIZE = 16, HASH_SIZE = 32, ENCODED_MAX = 160 };

slice password_hash(struct random *r, struct arena *a, slice password)
{
    unsigned char salt[SALT_SIZE];
    random_fill(r, salt, sizeof salt);
    char *encoded = arena_alloc(a, ENCODED_MAX);
    int result = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.p, password.n, salt, sizeof salt, HASH_SIZE,
                                       encoded, ENCODED_MAX);
    assert(result == ARGON2_OK); /* fails only without memory, or with invalid parameters above */
    return slice_of(encoded);
}

bool password_check(slice hash, slice password)
{
    char encoded[ENCODED_MAX];
    if (hash.n > 0 && hash.n < sizeof encoded) {
        memcpy(encoded, hash.p, hash.n);
        encoded[hash.n] = 0;
        int result = argon2id_verify(encoded, password.p, password.n);
        assert(result != ARGON2_MEMORY_ALLOCATION_ERROR);
        if (result == ARGON2_OK || result == ARGON2_VERIFY_MISMATCH)
            return result == ARGON2_OK;
    }
    /* Do the same work all the same, so that the time does not reveal whether there is a password at all. */
    static const unsigned char salt[SALT_SIZE] = { 0 };
    unsigned char nothing[HASH_SIZE];
    argon2id_hash_raw(PASSES, MEMORY_KIB, LANES, password.p, password.n, salt, sizeof salt, nothing, sizeof nothing);
    return false;
}
