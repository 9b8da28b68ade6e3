/* SPDX-License-Identifier: Apache-2.0 */
/* A file with a public key, and the key itself. What is accepted has one of the types, and one fingerprint. */
#include "fuzz.h"

#include "base/public_key.h"

static void check_key(const struct public_key *key)
{
    HOLDS(key->fingerprint.n == 7 + 43 && slice_starts(key->fingerprint, S("SHA256:")));
    bool is_rsa = slice_eq(key->type, S("ssh-rsa"));
    HOLDS(is_rsa ? key->bits >= PUBLIC_KEY_RSA_MIN_BITS && key->bits <= PUBLIC_KEY_RSA_MAX_BITS
                 : key->bits == 256 || key->bits == 384 || key->bits == 521);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    struct public_key key;
    slice bytes = fuzz_slice(data, size);
    if (!public_key_read_blob(bytes, &a, &key))
        check_key(&key);
    if (!public_key_read_file(bytes, &a, &key))
        check_key(&key);
    return 0;
}
