/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a token: its version, the place, and a part of HMAC-SHA256 over both, the dataset and the fingerprint of the
 * query. The last two are not in the token, because the request that carries it says them again. */
#include "api/kit/page_token.h"

#include "base/hash.h"
#include "base/text.h"
#include "core/dataset/query_fingerprint.h"

#include <string.h>

#define VERSION 1
#define PLACE_BYTES 17 /* version, offset, newest row */
#define MAC_BYTES 16
#define TOKEN_BYTES (PLACE_BYTES + MAC_BYTES)

static void put_number(unsigned char *to, uint64_t v)
{
    for (size_t i = 0; i < 8; i++)
        to[i] = (unsigned char)(v >> 8 * i);
}

static uint64_t get_number(const char *from)
{
    uint64_t v = 0;
    for (size_t i = 8; i-- > 0;)
        v = v << 8 | (unsigned char)from[i];
    return v;
}

static slice bytes_of_token(const struct page_token_key *key, const struct row_query *query, struct page_place place,
                            struct arena *a)
{
    unsigned char signed_bytes[PLACE_BYTES + 8 + SHA256_SIZE], mac[SHA256_SIZE];
    signed_bytes[0] = VERSION;
    put_number(signed_bytes + 1, place.offset);
    put_number(signed_bytes + 9, (uint64_t)place.newest_row);
    put_number(signed_bytes + PLACE_BYTES, (uint64_t)key->dataset_id);
    query_fingerprint(query, signed_bytes + PLACE_BYTES + 8);
    hash_hmac_sha256(key->key, (slice){ (const char *)signed_bytes, sizeof signed_bytes }, mac);
    char *token = arena_alloc(a, TOKEN_BYTES);
    memcpy(token, signed_bytes, PLACE_BYTES);
    memcpy(token + PLACE_BYTES, mac, MAC_BYTES);
    return (slice){ token, TOKEN_BYTES };
}

slice page_token_make(const struct page_token_key *key, const struct row_query *query, struct page_place place,
                      struct arena *a)
{
    return base64_encode(a, bytes_of_token(key, query, place, a));
}

bool page_token_read(const struct page_token_key *key, const struct row_query *query, slice text, struct arena *a,
                     struct page_place *ret_place)
{
    slice bytes;
    if (text.n > 2 * (size_t)TOKEN_BYTES || !base64_decode(a, text, &bytes) || bytes.n != TOKEN_BYTES)
        return false;
    struct page_place place = { .offset = get_number(bytes.p + 1), .newest_row = (int64_t)get_number(bytes.p + 9) };
    if (!slice_eq_secret(bytes, bytes_of_token(key, query, place, a)))
        return false;
    *ret_place = place;
    return true;
}
