/* SPDX-License-Identifier: Apache-2.0 */
/* A refusal costs less than an acceptance: a claim is parsed completely before its secret is looked up, and times are
 * compared before anything is hashed. Signatures are compared in constant time.
 *
 * canonical request = method, path, query, headers, names of the signed headers, payload tag
 * string to sign    = algorithm, timestamp, scope, SHA-256 of the canonical request
 *
 * Each item is on a line of its own. */
#include "sign/sigv4.h"

#include "base/text.h"
#include "sign/sign_priv.h"

#include <string.h>

#define SERVICE S("s3")
#define SCOPE_END S("aws4_request")
#define EMPTY_SHA256 S("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

static bool is_lower_hex(slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < '0' || s.p[i] > '9') && (s.p[i] < 'a' || s.p[i] > 'f'))
            return false;
    return true;
}

/* Parse 20130524T000000Z: rewritten as 2013-05-24T00:00:00Z, which base/text.h parses. */
static bool parse_timestamp(slice text, int64_t *ret_ms)
{
    SCRATCH(s);
    return text.n == 16 && time_parse_utc(arena_printf(&s, "%.4s-%.2s-%.5s:%.2s:%.3s", text.p, text.p + 4, text.p + 6,
                                                       text.p + 11, text.p + 13),
                                          ret_ms);
}

slice sigv4_timestamp(struct arena *a, int64_t ms)
{
    slice spread = time_format_utc(a, ms);
    char *text = arena_alloc(a, spread.n + 1), *to = text;
    for (size_t i = 0; i < spread.n; i++)
        if (spread.p[i] != '-' && spread.p[i] != ':')
            *to++ = spread.p[i];
    return (slice){ text, (size_t)(to - text) };
}

/* ---- parse a claim ---- */

static bool cut_last(slice *s, slice *ret_tail)
{
    size_t at = slice_rfind_byte(*s, '/');
    if (at == SLICE_NONE)
        return false;
    *ret_tail = slice_from(*s, at + 1);
    s->n = at;
    return true;
}

/* Cuts from the right, because an access key may contain a slash. */
enum sign_fault sigv4_read_credential(slice credential, slice timestamp, slice region, struct arena *a,
                                      struct sigv4 *claim, struct sign_detail *detail)
{
    slice key = credential, end, service;
    if (!cut_last(&key, &end) || !cut_last(&key, &service) || !cut_last(&key, &claim->region) ||
        !cut_last(&key, &claim->date) || key.n == 0)
        return sign_because(detail, SIGN_MALFORMED, S("Credential"));
    if (!parse_timestamp(timestamp, &claim->signed_at_ms))
        return sign_because(detail, SIGN_DATE, S("X-Amz-Date"));
    claim->access_key = key;
    claim->scope = slice_from(credential, key.n + 1);
    claim->timestamp = arena_copy(a, timestamp);
    if (!slice_eq(claim->date, slice_part(timestamp, 0, 8)))
        return sign_because(detail, SIGN_SCOPE, S("date"));
    if (claim->region.n == 0 || (region.n && !slice_eq(claim->region, region)))
        return sign_because(detail, SIGN_SCOPE, S("region"));
    if (!slice_eq(service, SERVICE))
        return sign_because(detail, SIGN_SCOPE, S("service"));
    return slice_eq(end, SCOPE_END) ? SIGN_OK : sign_because(detail, SIGN_SCOPE, SCOPE_END);
}

/* A header name in lower case, without the semicolon that separates names in SignedHeaders. */
static bool is_header_name(slice name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] >= 0x7f || (name.p[i] >= 'A' && name.p[i] <= 'Z') || name.p[i] == ';')
            return false;
    return name.n > 0;
}

static enum sign_fault read_signed_headers(slice list, struct arena *a, struct sigv4 *claim, struct sign_detail *detail)
{
    slice *names = arena_array(a, slice, SIGV4_SIGNED_HEADERS_MAX), rest = list;
    bool more = true;
    claim->signed_header_list = list;
    claim->signed_headers = names;
    while (more) {
        size_t n = claim->signed_header_count;
        if (n == SIGV4_SIGNED_HEADERS_MAX)
            return sign_because(detail, SIGN_MALFORMED, S("SignedHeaders"));
        more = slice_cut(rest, ';', &names[n], &rest);
        if (!is_header_name(names[n]) || (n && slice_cmp(names[n - 1], names[n]) >= 0))
            return sign_because(detail, SIGN_MALFORMED, S("SignedHeaders"));
        claim->signed_header_count++;
    }
    return SIGN_OK;
}

static enum sign_fault read_signature(slice signature, struct sigv4 *claim, struct sign_detail *detail)
{
    claim->signature = signature;
    return signature.n == SIGV4_SIGNATURE_SIZE && is_lower_hex(signature)
               ? SIGN_OK
               : sign_because(detail, SIGN_MALFORMED, S("Signature"));
}

static enum sign_fault read_payload_tag(slice tag, struct arena *a, struct sigv4 *claim, struct sign_detail *detail)
{
    static const struct {
        const char *tag;
        enum sigv4_payload payload;
    } words[] = {
        { "UNSIGNED-PAYLOAD", SIGV4_PAYLOAD_UNSIGNED },
        { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SIGV4_PAYLOAD_CHUNKS },
        { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", SIGV4_PAYLOAD_CHUNKS_TRAILER },
        { "STREAMING-UNSIGNED-PAYLOAD-TRAILER", SIGV4_PAYLOAD_UNSIGNED_CHUNKS_TRAILER },
    };
    slice digest;
    claim->payload_tag = tag;
    for (size_t i = 0; i < LENGTH_OF(words); i++)
        if (slice_eq(tag, slice_of(words[i].tag))) {
            claim->payload = words[i].payload;
            return SIGN_OK;
        }
    if (tag.n != 2 * SHA256_SIZE || !hex_decode(a, tag, &digest))
        return sign_because(detail, SIGN_PAYLOAD_TAG, S("x-amz-content-sha256"));
    memcpy(claim->payload_sha256, digest.p, SHA256_SIZE);
    claim->payload = SIGV4_PAYLOAD_SHA256;
    return SIGN_OK;
}

/* The date of a request that is signed by header: x-amz-date, else Date in either notation. *ret is in the notation
 * that is signed, 20130524T000000Z. */
static enum sign_fault header_timestamp(const struct sign_request *r, struct arena *a, slice *ret,
                                        struct sign_detail *detail)
{
    int64_t ms;
    slice date = S("");
    unsigned found = sign_header(r, S("x-amz-date"), &date);
    if (!found && (found = sign_header(r, S("date"), &date)) == 1 && time_parse_http(date, &ms))
        date = sigv4_timestamp(a, ms);
    *ret = date;
    return found == 1 ? SIGN_OK : sign_because(detail, found ? SIGN_DATE : SIGN_NO_DATE, S("x-amz-date"));
}

/* Credential=…, SignedHeaders=…, Signature=… in any order, each exactly once, into ret in this order. The result is the part that is
 * wrong or absent; empty: none is. */
static slice read_authorization(slice rest, slice ret[3])
{
    static const char *const names[3] = { "Credential", "SignedHeaders", "Signature" };
    slice piece, name, value;
    bool more = true;
    while (more) {
        size_t i = 0;
        more = slice_cut(rest, ',', &piece, &rest);
        bool has_value = slice_cut(slice_trim(piece), '=', &name, &value) && value.n;
        while (i < 3 && !slice_eq(name, slice_of(names[i])))
            i++;
        if (i == 3)
            return S("Authorization");
        if (!has_value || ret[i].n)
            return slice_of(names[i]);
        ret[i] = value;
    }
    for (size_t i = 0; i < 3; i++)
        if (!ret[i].n)
            return slice_of(names[i]);
    return S("");
}

static enum sign_fault parse_header_form(const struct sign_request *r, slice region, struct arena *a,
                                         struct sigv4 *claim, struct sign_detail *detail)
{
    slice value = S(""), algorithm, rest, timestamp, tag;
    slice parts[3] = { S(""), S(""), S("") };
    if (sign_header(r, S("authorization"), &value) != 1)
        return sign_because(detail, SIGN_MALFORMED, S("Authorization"));
    slice_cut(value, ' ', &algorithm, &rest);
    if (!slice_eq(algorithm, SIGV4_ALGORITHM))
        return sign_because(detail, SIGN_ALGORITHM, algorithm);
    slice wrong = read_authorization(rest, parts);
    if (wrong.n)
        return sign_because(detail, SIGN_MALFORMED, wrong);
    slice credential = parts[0], headers = parts[1], signature = parts[2];
    enum sign_fault fault = header_timestamp(r, a, &timestamp, detail);
    if (!fault)
        fault = sigv4_read_credential(credential, timestamp, region, a, claim, detail);
    if (!fault)
        fault = read_signed_headers(headers, a, claim, detail);
    if (!fault)
        fault = read_signature(signature, claim, detail);
    if (fault)
        return fault;
    switch (sign_header(r, S("x-amz-content-sha256"), &tag)) {
    case 0:
        claim->payload_tag = EMPTY_SHA256;
        return SIGN_OK;
    case 1:
        return read_payload_tag(tag, a, claim, detail);
    default:
        return sign_because(detail, SIGN_PAYLOAD_TAG, S("x-amz-content-sha256"));
    }
}

/* The payload tag of a link is in its query, else in a header; without either the body is unsigned. */
static enum sign_fault link_payload_tag(const struct sign_request *r, struct arena *a, struct sigv4 *claim,
                                        struct sign_detail *detail)
{
    slice tag = S("UNSIGNED-PAYLOAD");
    unsigned found = sign_param(r, S("X-Amz-Content-Sha256"), &tag);
    if (!found)
        found = sign_header(r, S("x-amz-content-sha256"), &tag);
    return found > 1 ? sign_because(detail, SIGN_PAYLOAD_TAG, S("x-amz-content-sha256"))
                     : read_payload_tag(tag, a, claim, detail);
}

static enum sign_fault parse_query_form(const struct sign_request *r, slice region, struct arena *a,
                                        struct sigv4 *claim, struct sign_detail *detail)
{
    enum { ALGORITHM, CREDENTIAL, DATE, EXPIRES, HEADERS, SIGNATURE, COUNT };
    static const char *const names[COUNT] = { "X-Amz-Algorithm", "X-Amz-Credential",    "X-Amz-Date",
                                              "X-Amz-Expires",   "X-Amz-SignedHeaders", "X-Amz-Signature" };
    slice values[COUNT], raw;
    uint64_t lifetime_s;
    for (int i = 0; i < COUNT; i++)
        if (sign_param(r, slice_of(names[i]), &raw) != 1 || !sign_decode(a, raw, &values[i]))
            return sign_because(detail, SIGN_MALFORMED, slice_of(names[i]));
    if (!slice_eq(values[ALGORITHM], SIGV4_ALGORITHM))
        return sign_because(detail, SIGN_ALGORITHM, values[ALGORITHM]);
    enum sign_fault fault = sigv4_read_credential(values[CREDENTIAL], values[DATE], region, a, claim, detail);
    if (fault)
        return fault;
    if (!slice_to_u64(values[EXPIRES], &lifetime_s) || lifetime_s < 1 || lifetime_s > SIGV4_LIFETIME_MAX_S)
        return sign_because(detail, SIGN_LIFETIME, S("X-Amz-Expires"));
    claim->is_link = true;
    claim->expires_at_ms = claim->signed_at_ms + (int64_t)lifetime_s * 1000;
    fault = read_signed_headers(values[HEADERS], a, claim, detail);
    if (!fault)
        fault = read_signature(values[SIGNATURE], claim, detail);
    return fault ? fault : link_payload_tag(r, a, claim, detail);
}

enum sign_fault sigv4_parse(const struct sign_request *r, slice region, struct arena *a, struct sigv4 *ret,
                            struct sign_detail *detail)
{
    slice unused;
    struct sigv4 claim = { 0 };
    bool by_header = sign_header(r, S("authorization"), &unused) > 0 && !sign_param(r, S("X-Amz-Algorithm"), &unused);
    enum sign_fault fault =
        by_header ? parse_header_form(r, region, a, &claim, detail) : parse_query_form(r, region, a, &claim, detail);
    if (!fault)
        *ret = claim;
    return fault;
}

/* ---- the text that is signed ---- */

/* The path is decoded and encoded again; every slash of the decoded path stays a slash. */
static bool add_path(struct buf *to, slice path, struct arena *a)
{
    slice decoded = path;
    if (slice_find_byte(path, '%') != SLICE_NONE && !percent_decode(a, path, false, &decoded))
        return false;
    buf_add(to, decoded.n ? percent_encode(a, decoded, "/") : S("/"));
    return true;
}

static bool add_query(struct buf *to, const struct sign_pair *raw, size_t count, bool is_link, struct arena *a)
{
    struct sign_pair *pairs = arena_array(a, struct sign_pair, count + 1);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        slice name, value;
        if (is_link && slice_eq(raw[i].name, S("X-Amz-Signature")))
            continue;
        if (!sign_decode(a, raw[i].name, &name) || !sign_decode(a, raw[i].value, &value))
            return false;
        pairs[n++] = (struct sign_pair){ percent_encode(a, name, ""), percent_encode(a, value, "") };
    }
    sign_sort_pairs(pairs, n);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_byte(to, '&');
        buf_add(to, pairs[i].name);
        buf_add_byte(to, '=');
        buf_add(to, pairs[i].value);
    }
    return true;
}

static enum sign_fault add_canonical(struct buf *to, const struct sigv4 *claim, const struct sign_request *r,
                                     struct arena *a, struct sign_detail *detail)
{
    buf_add(to, r->method);
    buf_add_byte(to, '\n');
    if (!add_path(to, r->path, a))
        return sign_because(detail, SIGN_MALFORMED, S("path"));
    buf_add_byte(to, '\n');
    if (!add_query(to, r->query, r->query_count, claim->is_link, a))
        return sign_because(detail, SIGN_MALFORMED, S("query"));
    buf_add_byte(to, '\n');
    for (size_t i = 0; i < claim->signed_header_count; i++)
        if (!sign_add_header(to, r, claim->signed_headers[i]))
            return sign_because(detail, SIGN_ABSENT_HEADER, claim->signed_headers[i]);
    buf_add_byte(to, '\n');
    buf_add(to, claim->signed_header_list);
    buf_add_byte(to, '\n');
    buf_add(to, claim->payload_tag);
    return SIGN_OK;
}

static slice string_to_sign(struct arena *a, const struct sigv4 *claim, slice canonical)
{
    unsigned char digest[SHA256_SIZE];
    hash_sha256(canonical, digest);
    const slice parts[] = { SIGV4_ALGORITHM,
                            S("\n"),
                            claim->timestamp,
                            S("\n"),
                            claim->scope,
                            S("\n"),
                            hex_encode(a, (slice){ (const char *)digest, sizeof digest }) };
    return arena_join(a, parts, LENGTH_OF(parts));
}

/* A signature as computed here, with the texts that it was computed from. */
struct computed_v4 {
    struct buf canonical;
    slice to_sign, signature;
};

/* The signature that the request must have. The caller releases ret->canonical, which begins empty. */
static enum sign_fault compute_v4(const struct sigv4 *claim, const struct sign_request *r, const struct sigv4_key *key,
                                  struct arena *a, struct computed_v4 *ret, struct sign_detail *detail)
{
    enum sign_fault fault = add_canonical(&ret->canonical, claim, r, a, detail);
    if (fault)
        return fault;
    ret->to_sign = string_to_sign(a, claim, buf_slice(&ret->canonical));
    ret->signature = sigv4_mac_hex(a, key, ret->to_sign);
    return SIGN_OK;
}

static void computed_releasep(struct computed_v4 *c)
{
    buf_release(&c->canonical);
}

/* ---- keys ---- */

static slice mac_slice(const struct sigv4_key *key)
{
    return (slice){ (const char *)key->bytes, sizeof key->bytes };
}

void sigv4_key_derive(slice secret, slice date, slice region, struct sigv4_key *ret_key)
{
    SCRATCH(s);
    const slice first[] = { S("AWS4"), secret };
    struct sigv4_key key;
    slice long_secret = arena_join(&s, first, LENGTH_OF(first));
    hash_hmac_sha256(long_secret, date, key.bytes);
    hash_hmac_sha256(mac_slice(&key), region, key.bytes);
    hash_hmac_sha256(mac_slice(&key), SERVICE, key.bytes);
    hash_hmac_sha256(mac_slice(&key), SCOPE_END, ret_key->bytes);
    explicit_bzero((char *)long_secret.p, long_secret.n);
    explicit_bzero(&key, sizeof key);
}

slice sigv4_mac_hex(struct arena *a, const struct sigv4_key *key, slice text)
{
    unsigned char mac[SHA256_SIZE];
    hash_hmac_sha256(mac_slice(key), text, mac);
    return hex_encode(a, (slice){ (const char *)mac, sizeof mac });
}

/* ---- verify ---- */

static enum sign_fault check_time(const struct sigv4 *claim, int64_t now_ms)
{
    if (claim->is_link)
        return now_ms >= claim->expires_at_ms                 ? SIGN_EXPIRED
               : now_ms < claim->signed_at_ms - SIGV4_SKEW_MS ? SIGN_NOT_YET
                                                              : SIGN_OK;
    int64_t apart_ms = now_ms - claim->signed_at_ms;
    return apart_ms > SIGV4_SKEW_MS || apart_ms < -SIGV4_SKEW_MS ? SIGN_SKEW : SIGN_OK;
}

static bool is_signed(const struct sigv4 *claim, slice name)
{
    for (size_t i = 0; i < claim->signed_header_count; i++)
        if (slice_eq_nocase(claim->signed_headers[i], name))
            return true;
    return false;
}

/* The canonical request has the value of x-amz-content-sha256 on a line of its own, so S3 does not ask that it be signed. */
static bool must_be_signed(slice name)
{
    return slice_starts_nocase(name, SIGN_PREFIX) && !slice_eq_nocase(name, S("x-amz-content-sha256"));
}

/* An unsigned x-amz- header could turn a link for one operation into another: x-amz-copy-source would make a copy of an
 * upload, x-amz-acl and x-amz-tagging would change what is stored. All of them are named. */
static enum sign_fault check_headers(const struct sigv4 *claim, const struct sign_request *r, struct arena *a,
                                     struct sign_detail *detail)
{
    slice *names = arena_array(a, slice, 2 * (r->header_count + 1));
    size_t n = 0;
    if (!is_signed(claim, S("host")))
        names[n++] = S("host");
    for (size_t i = 0; i < r->header_count; i++) {
        slice name = r->headers[i].name;
        if (!must_be_signed(name) || is_signed(claim, name))
            continue;
        if (n)
            names[n++] = S(", ");
        names[n++] = name;
    }
    if (!n)
        return SIGN_OK;
    return sign_because(detail, SIGN_UNSIGNED_HEADER, n == 1 ? names[0] : arena_join(a, names, n));
}

enum sign_fault sigv4_verify_with_key(const struct sigv4 *claim, const struct sign_request *r,
                                      const struct sigv4_key *key, int64_t now_ms, struct arena *a,
                                      struct sign_detail *detail)
{
    SCOPED(computed_releasep) struct computed_v4 expected = { 0 };
    enum sign_fault fault = check_time(claim, now_ms);
    if (!fault)
        fault = check_headers(claim, r, a, detail);
    if (!fault)
        fault = compute_v4(claim, r, key, a, &expected, detail);
    if (fault || slice_eq_secret(expected.signature, claim->signature))
        return fault;
    if (detail)
        *detail = (struct sign_detail){ .about = S("Signature"),
                                        .canonical_request = arena_copy(a, buf_slice(&expected.canonical)),
                                        .string_to_sign = expected.to_sign };
    return SIGN_MISMATCH;
}

enum sign_fault sigv4_verify(const struct sigv4 *claim, const struct sign_request *r, slice secret, int64_t now_ms,
                             struct arena *a, struct sign_detail *detail)
{
    struct sigv4_key key;
    sigv4_key_derive(secret, claim->date, claim->region, &key);
    enum sign_fault fault = sigv4_verify_with_key(claim, r, &key, now_ms, a, detail);
    explicit_bzero(&key, sizeof key);
    return fault;
}

/* ---- sign ---- */

slice sigv4_credential(struct arena *a, const struct sigv4_signer *who, int64_t now_ms)
{
    slice date = slice_part(sigv4_timestamp(a, now_ms), 0, 8);
    return arena_printf(a, SLICE_FMT "/" SLICE_FMT "/" SLICE_FMT "/s3/aws4_request", SLICE_ARG(who->access_key),
                        SLICE_ARG(date), SLICE_ARG(who->region));
}

/* Let the claim sign all headers of r: their names in lower case, ascending, each once. */
static enum sign_fault sign_all_headers(struct sigv4 *claim, const struct sign_request *r, struct arena *a)
{
    struct sign_pair *lower = arena_array(a, struct sign_pair, r->header_count + 1);
    slice *names = arena_array(a, slice, r->header_count + 1);
    slice *parts = arena_array(a, slice, 2 * r->header_count + 1);
    size_t n = 0;
    for (size_t i = 0; i < r->header_count; i++)
        lower[i].name = sign_lower(a, r->headers[i].name);
    sign_sort_pairs(lower, r->header_count);
    for (size_t i = 0; i < r->header_count; i++)
        if (n == 0 || !slice_eq(lower[i].name, names[n - 1])) {
            if (!is_header_name(lower[i].name) || n == SIGV4_SIGNED_HEADERS_MAX)
                return SIGN_MALFORMED;
            parts[2 * n] = names[n] = lower[i].name;
            parts[2 * n + 1] = S(";");
            n++;
        }
    claim->signed_headers = names;
    claim->signed_header_count = n;
    claim->signed_header_list = arena_join(a, parts, n ? 2 * n - 1 : 0);
    return SIGN_OK;
}

/* Set credential, scope and date of a claim that we sign ourselves, and derive its key. */
void sigv4_key_cache_init(struct sigv4_key_cache *cache)
{
    *cache = (struct sigv4_key_cache){ .date = "" };
    pthread_mutex_init(&cache->lock, NULL);
}

void sigv4_key_cache_release(struct sigv4_key_cache *cache)
{
    pthread_mutex_destroy(&cache->lock);
    explicit_bzero(cache, sizeof *cache);
}

void sigv4_signer_key(const struct sigv4_signer *who, slice date, struct sigv4_key *ret)
{
    struct sigv4_key_cache *cache = who->cache;
    if (!cache) {
        sigv4_key_derive(who->secret, date, who->region, ret);
        return;
    }
    pthread_mutex_lock(&cache->lock);
    if (!slice_eq(slice_of(cache->date), date)) {
        sigv4_key_derive(who->secret, date, who->region, &cache->key);
        memcpy(cache->date, date.p, sizeof cache->date - 1);
    }
    *ret = cache->key;
    pthread_mutex_unlock(&cache->lock);
}

static void begin_claim(const struct sigv4_signer *who, int64_t now_ms, struct arena *a, struct sigv4 *claim,
                        struct sigv4_key *ret_key, slice *ret_credential)
{
    *ret_credential = sigv4_credential(a, who, now_ms);
    claim->timestamp = sigv4_timestamp(a, now_ms);
    claim->scope = slice_from(*ret_credential, who->access_key.n + 1);
    sigv4_signer_key(who, slice_part(claim->timestamp, 0, 8), ret_key);
}

enum sign_fault sigv4_sign(const struct sigv4_signer *who, const struct sign_request *r, slice payload_tag,
                           int64_t now_ms, struct arena *a, struct sigv4_signed *ret)
{
    SCOPED(computed_releasep) struct computed_v4 computed = { 0 };
    struct sigv4 claim = { .payload_tag = payload_tag };
    struct sigv4_signed out;
    slice credential;
    begin_claim(who, now_ms, a, &claim, &out.key, &credential);

    struct sign_request full = *r;
    struct sign_pair *headers = arena_array(a, struct sign_pair, r->header_count + 2);
    if (r->header_count)
        memcpy(headers, r->headers, r->header_count * sizeof *headers);
    headers[full.header_count++] = (struct sign_pair){ S("x-amz-content-sha256"), payload_tag };
    headers[full.header_count++] = (struct sign_pair){ S("x-amz-date"), claim.timestamp };
    full.headers = headers;

    enum sign_fault fault = sign_all_headers(&claim, &full, a);
    if (!fault)
        fault = compute_v4(&claim, &full, &out.key, a, &computed, NULL);
    if (fault)
        return fault;
    out.signature = computed.signature;
    out.timestamp = claim.timestamp;
    out.scope = claim.scope;
    const slice parts[] = { SIGV4_ALGORITHM,          S(" Credential="), credential,   S(", SignedHeaders="),
                            claim.signed_header_list, S(", Signature="), out.signature };
    out.authorization = arena_join(a, parts, LENGTH_OF(parts));
    *ret = out;
    return SIGN_OK;
}

enum sign_fault sigv4_sign_link(const struct sigv4_signer *who, const struct sign_request *r, int64_t lifetime_s,
                                int64_t now_ms, struct arena *a, slice *ret_query)
{
    SCOPED(computed_releasep) struct computed_v4 computed = { 0 };
    struct sigv4 claim = { .is_link = true };
    struct sigv4_key key;
    slice credential;
    if (lifetime_s < 1 || lifetime_s > SIGV4_LIFETIME_MAX_S)
        return SIGN_LIFETIME;
    begin_claim(who, now_ms, a, &claim, &key, &credential);
    enum sign_fault fault = sign_all_headers(&claim, r, a);
    if (!fault)
        fault = link_payload_tag(r, a, &claim, NULL);
    if (fault)
        return fault;

    struct sign_request full = *r;
    struct sign_pair *params = arena_array(a, struct sign_pair, r->query_count + 5);
    if (r->query_count)
        memcpy(params, r->query, r->query_count * sizeof *params);
    const struct sign_pair own[] = {
        { S("X-Amz-Algorithm"), SIGV4_ALGORITHM },
        { S("X-Amz-Credential"), percent_encode(a, credential, "") },
        { S("X-Amz-Date"), claim.timestamp },
        { S("X-Amz-Expires"), arena_printf(a, "%lld", (long long)lifetime_s) },
        { S("X-Amz-SignedHeaders"), percent_encode(a, claim.signed_header_list, "") },
    };
    memcpy(params + r->query_count, own, sizeof own);
    full.query = params;
    full.query_count += LENGTH_OF(own);

    fault = compute_v4(&claim, &full, &key, a, &computed, NULL);
    explicit_bzero(&key, sizeof key);
    if (fault)
        return fault;
    /* The canonical request has the query in its third line. */
    slice method, path, query, rest;
    slice_cut(buf_slice(&computed.canonical), '\n', &method, &rest);
    slice_cut(rest, '\n', &path, &rest);
    slice_cut(rest, '\n', &query, &rest);
    const slice parts[] = { query, S("&X-Amz-Signature="), computed.signature };
    *ret_query = arena_join(a, parts, LENGTH_OF(parts));
    return SIGN_OK;
}
