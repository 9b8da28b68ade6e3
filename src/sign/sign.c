/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/sign.h"

#include "base/text.h"
#include "sign/sign_priv.h"

#include <stdlib.h>

const char *sign_fault_text(enum sign_fault fault)
{
    static const char *const texts[SIGN_FAULT_COUNT] = {
        [SIGN_OK] = "the signature is valid",
#define SIGN_FAULT(name, text) [SIGN_##name] = text,
#include "sign/faults.def"
#undef SIGN_FAULT
    };
    return texts[fault];
}

unsigned sign_header(const struct sign_request *r, slice name, slice *ret_value)
{
    unsigned found = 0;
    for (size_t i = 0; i < r->header_count && found < 2; i++)
        if (slice_eq_nocase(r->headers[i].name, name) && found++ == 0)
            *ret_value = slice_trim(r->headers[i].value);
    return found;
}

/* Names are compared as sent: no client percent-encodes the letters of X-Amz-Date, and an encoded name does not count
 * as that name. */
unsigned sign_param(const struct sign_request *r, slice name, slice *ret_raw_value)
{
    unsigned found = 0;
    for (size_t i = 0; i < r->query_count && found < 2; i++)
        if (slice_eq(r->query[i].name, name) && found++ == 0)
            *ret_raw_value = r->query[i].value;
    return found;
}

/* Most pieces have nothing to decode: they are returned as they are, without a copy. */
bool sign_decode(struct arena *a, slice raw, slice *ret)
{
    if (slice_find_byte(raw, '%') == SLICE_NONE && slice_find_byte(raw, '+') == SLICE_NONE) {
        *ret = raw;
        return true;
    }
    return percent_decode(a, raw, true, ret);
}

static bool is_header_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void add_collapsed(struct buf *to, slice value)
{
    size_t start = 0;
    value = slice_trim(value);
    for (size_t i = 0; i < value.n; i++) {
        if (!is_header_blank(value.p[i]) || (value.p[i] == ' ' && !is_header_blank(value.p[i + 1])))
            continue; /* i + 1 is in range: a trimmed value does not end in a blank */
        buf_add(to, slice_part(value, start, i - start));
        buf_add_byte(to, ' ');
        while (is_header_blank(value.p[i + 1]))
            i++;
        start = i + 1;
    }
    buf_add(to, slice_from(value, start));
}

bool sign_add_header(struct buf *to, const struct sign_request *r, slice name)
{
    bool found = false;
    for (size_t i = 0; i < r->header_count; i++) {
        if (!slice_eq_nocase(r->headers[i].name, name))
            continue;
        buf_add(to, found ? S(",") : name);
        if (!found)
            buf_add_byte(to, ':');
        add_collapsed(to, r->headers[i].value);
        found = true;
    }
    if (found)
        buf_add_byte(to, '\n');
    return found;
}

static int compare_pairs(const void *x, const void *y)
{
    const struct sign_pair *a = x, *b = y;
    int c = slice_cmp(a->name, b->name);
    return c ? c : slice_cmp(a->value, b->value);
}

void sign_sort_pairs(struct sign_pair *pairs, size_t count)
{
    if (count > 1)
        qsort(pairs, count, sizeof *pairs, compare_pairs);
}

slice sign_lower(struct arena *a, slice s)
{
    char *out = arena_alloc(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
    return (slice){ out, s.n };
}

static enum sign_scheme scheme_of_header(slice value)
{
    slice scheme, rest;
    slice_cut(value, ' ', &scheme, &rest);
    if (slice_starts(scheme, S("AWS4-")))
        return SIGN_SCHEME_V4_HEADER; /* also with an algorithm that sigv4_parse refuses */
    return slice_eq(scheme, S("AWS")) ? SIGN_SCHEME_V2_HEADER : SIGN_SCHEME_NONE;
}

enum sign_scheme sign_scheme_of(const struct sign_request *r)
{
    slice value = S("");
    enum sign_scheme scheme = SIGN_SCHEME_NONE;
    unsigned headers = sign_header(r, S("authorization"), &value), count = 0;
    if (headers && (scheme = scheme_of_header(value)) != SIGN_SCHEME_NONE)
        count += headers; /* two Authorization headers are two signatures */
    if (sign_param(r, S("X-Amz-Algorithm"), &value) || sign_param(r, S("X-Amz-Signature"), &value)) {
        scheme = SIGN_SCHEME_V4_QUERY;
        count++;
    }
    if (sign_param(r, S("AWSAccessKeyId"), &value) || sign_param(r, S("Signature"), &value)) {
        scheme = SIGN_SCHEME_V2_QUERY;
        count++;
    }
    return count > 1 ? SIGN_SCHEME_SEVERAL : scheme;
}
