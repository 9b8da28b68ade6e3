/* SPDX-License-Identifier: Apache-2.0 */
/* Signed requests. Input: method, path and query on the first line, then a header on each line. A request that the
 * target signs itself is accepted, and no other. */
#include "fuzz.h"
#include "sign_pairs.h"

#include "sign/sigv2.h"
#include "sign/sigv4.h"

#include <string.h>

#define SECRET S("secret")

/* A request that one secret verifies is not verified by another. */
static void try_v4(const struct sign_request *r, struct arena *a)
{
    struct sigv4 claim;
    struct sign_detail detail = { 0 };
    if (sigv4_parse(r, S(""), a, &claim, &detail))
        return;
    HOLDS(claim.access_key.n && claim.signed_header_count && claim.signature.n == SIGV4_SIGNATURE_SIZE);
    int64_t now_ms = claim.signed_at_ms;
    enum sign_fault fault = sigv4_verify(&claim, r, SECRET, now_ms, a, &detail);
    HOLDS(fault != SIGN_SKEW && fault != SIGN_NOT_YET && fault != SIGN_EXPIRED);
    if (fault != SIGN_MISMATCH)
        return;
    struct sigv4_key key;
    sigv4_key_derive(SECRET, claim.date, claim.region, &key);
    claim.signature = sigv4_mac_hex(a, &key, detail.string_to_sign);
    HOLDS(sigv4_verify(&claim, r, SECRET, now_ms, a, NULL) == SIGN_OK);
    HOLDS(sigv4_verify(&claim, r, S("another"), now_ms, a, NULL) == SIGN_MISMATCH);
    HOLDS(sigv4_verify(&claim, r, SECRET, now_ms + (int64_t)SIGV4_LIFETIME_MAX_S * 1000, a, NULL) != SIGN_OK);
}

/* A request that sigv4_sign signs is accepted by sigv4_verify. */
static void try_own(const struct sign_request *r, struct arena *a)
{
    const struct sigv4_signer who = { S("key"), SECRET, S("region") };
    struct pairs query = { .count = 0 };
    struct sign_request full = *r;
    struct sigv4 claim;
    slice text;
    if (sigv4_sign_link(&who, r, 5, 1000000, a, &text))
        return;
    cut_pairs(text, '&', '=', &query);
    full.query = query.list;
    full.query_count = query.count;
    enum sign_fault fault =
        query.count == PAIRS_MAX ? SIGN_MALFORMED : sigv4_parse(&full, S("region"), a, &claim, NULL);
    if (!fault)
        fault = sigv4_verify(&claim, &full, SECRET, 1000000, a, NULL);
    HOLDS(fault != SIGN_MISMATCH && fault != SIGN_ABSENT_HEADER);
}

static void try_v2(const struct sign_request *r, struct arena *a)
{
    struct sigv2 claim;
    struct sign_detail detail = { 0 };
    if (sigv2_parse(r, a, &claim, &detail))
        return;
    struct sign_request with_bucket = *r;
    with_bucket.host_bucket = S("bucket");
    HOLDS(sigv2_verify(&claim, &with_bucket, SECRET, claim.expires_at_ms, a, &detail) == SIGN_EXPIRED);
    HOLDS(sigv2_verify(&claim, &with_bucket, SECRET, 0, a, &detail) != SIGN_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    slice head, rest, target, query;
    struct sign_request r = { 0 };
    struct pairs params = { .count = 0 }, headers = { .count = 0 };
    slice_cut(fuzz_slice(data, size), '\n', &head, &rest);
    slice_cut(head, ' ', &r.method, &target);
    slice_cut(target, '?', &r.path, &query);
    cut_pairs(query, '&', '=', &params);
    cut_pairs(rest, '\n', ':', &headers);
    r.query = params.list;
    r.query_count = params.count;
    r.headers = headers.list;
    r.header_count = headers.count;
    enum sign_scheme form = sign_scheme_of(&r);
    HOLDS(form <= SIGN_SCHEME_SEVERAL);
    try_v4(&r, &a);
    try_v2(&r, &a);
    try_own(&r, &a);
    return 0;
}
