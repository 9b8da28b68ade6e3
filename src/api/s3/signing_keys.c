/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/signing_keys_priv.h"

#include "base/hash.h"
#include "base/text.h"

#include <string.h>

/* Keys are found by a hash of everything that they are derived from, the secret included. Core has just returned the
 * secret to the caller, so a revoked secret never finds a key. */
void s3_signing_key(struct s3 *s3, slice access_key, slice secret, const struct sigv4 *claim, struct sigv4_key *ret)
{
    unsigned char of[SHA256_SIZE];
    {
        SCRATCH(scratch);
        const slice parts[] = { access_key, S("\n"), secret, S("\n"), claim->date, S("\n"), claim->region };
        slice text = arena_join(&scratch, parts, LENGTH_OF(parts));
        hash_sha256(text, of);
        explicit_bzero((char *)text.p, text.n);
    }
    struct s3_cached_key *kept = &s3->keys[of[0] % S3_CACHED_KEYS];
    {
        SCOPED(unlockp) pthread_mutex_t *held = lock(&s3->keys_mutex);
        if (kept->is_set && memcmp(kept->of, of, sizeof of) == 0) {
            memcpy(ret->bytes, kept->key, sizeof ret->bytes);
            return;
        }
    }
    sigv4_key_derive(secret, claim->date, claim->region, ret);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s3->keys_mutex);
    memcpy(kept->of, of, sizeof of);
    memcpy(kept->key, ret->bytes, sizeof ret->bytes);
    kept->is_set = true;
}
