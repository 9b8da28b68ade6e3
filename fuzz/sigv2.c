/* SPDX-License-Identifier: Apache-2.0 */
/* Links of version 2. Input: method, path and query on the first line, then a header on each line. A link that the target signs
 * is accepted until it expires, and with no other secret; so is the request of the input once its signature is replaced by
 * the right one. A parameter that the signature covers cannot be changed. */
#include "fuzz.h"
#include "sign_pairs.h"

#include "base/hash.h"
#include "base/text.h"
#include "sign/sigv2.h"

#define SECRET S("secret")
#define EXPIRES_S 1000000

/* The claim of the request, with the signature that the text to sign must have. */
static void try_claim(const struct sign_request *r, struct arena *a)
{
    struct sigv2 claim;
    struct sign_detail detail = { 0 };
    if (sigv2_parse(r, a, &claim, &detail))
        return;
    int64_t in_time = claim.expires_at_ms - 1;
    HOLDS(claim.access_key.n && claim.expires_at_ms > 0);
    HOLDS(sigv2_verify(&claim, r, SECRET, claim.expires_at_ms, a, NULL) == SIGN_EXPIRED);
    if (sigv2_verify(&claim, r, SECRET, in_time, a, &detail) != SIGN_MISMATCH)
        return;
    unsigned char mac[SHA1_SIZE];
    hash_hmac_sha1(SECRET, detail.string_to_sign, mac);
    claim.signature = base64_encode(a, (slice){ (const char *)mac, sizeof mac });
    HOLDS(sigv2_verify(&claim, r, SECRET, in_time, a, NULL) == SIGN_OK);
    HOLDS(sigv2_verify(&claim, r, S("another"), in_time, a, NULL) == SIGN_MISMATCH);
    HOLDS(sigv2_verify(&claim, r, SECRET, claim.expires_at_ms, a, NULL) == SIGN_EXPIRED);
}

static bool has_own_params(const struct sign_request *r, struct arena *a)
{
    for (size_t i = 0; i < r->query_count; i++) {
        slice name;
        if (!percent_decode(a, r->query[i].name, true, &name) || slice_eq(name, S("AWSAccessKeyId")) ||
            slice_eq(name, S("Expires")) || slice_eq(name, S("Signature")))
            return true;
    }
    return false;
}

static void try_link(const struct sign_request *r, struct arena *a)
{
    struct pairs query = { .count = 0 };
    struct sign_request full = *r;
    struct sigv2 claim;
    slice text;
    if (has_own_params(r, a) || r->query_count + 3 > PAIRS_MAX)
        return;
    full.method = slice_eq(r->method, S("HEAD")) ? r->method : S("GET");
    if (sigv2_sign_link(S("key"), SECRET, &full, EXPIRES_S, a, &text))
        return;
    cut_pairs(text, '&', '=', &query);
    full.query = query.list;
    full.query_count = query.count;
    if (sigv2_parse(&full, a, &claim, NULL))
        return; /* a name or value of the input holds what separates parameters */
    HOLDS(claim.expires_at_ms == (int64_t)EXPIRES_S * 1000 || r->query_count);
    if (r->query_count)
        return;
    HOLDS(sigv2_verify(&claim, &full, SECRET, claim.expires_at_ms - 1, a, NULL) == SIGN_OK);
    query.list[query.count++] = (struct sign_pair){ S("tagging"), S("") };
    full.query_count = query.count;
    HOLDS(sigv2_verify(&claim, &full, SECRET, claim.expires_at_ms - 1, a, NULL) == SIGN_MISMATCH);
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
    try_claim(&r, &a);
    try_link(&r, &a);
    return 0;
}
