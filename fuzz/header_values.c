/* SPDX-License-Identifier: Apache-2.0 */
/* Parsers of header values. Input: one byte that selects the header, then its value. */
#include "fuzz.h"

#include "http/auth_header.h"
#include "http/conditional.h"
#include "http/content_disposition.h"
#include "http/cookie.h"
#include "http/field.h"
#include "http/language.h"
#include "http/range.h"

static void try_range(slice value, struct arena *a)
{
    (void)a;
    const uint64_t sizes[] = { 0, 1, 10, UINT64_MAX };
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        struct range r = range_parse(value, sizes[i]);
        if (r.kind == RANGE_PART)
            HOLDS(r.count > 0 && r.first < sizes[i] && r.count <= sizes[i] - r.first);
        if (r.kind == RANGE_WHOLE)
            HOLDS(r.first == 0 && r.count == sizes[i]);
    }
}

/* A formatted file name parses to the same name, except for the escapes that only HTML forms use. */
static void try_formatted(slice name, struct arena *a)
{
    slice header = content_disposition_format(S("attachment"), name, a);
    for (size_t i = 0; i < header.n; i++)
        HOLDS(header.p[i] >= ' ' && header.p[i] < 0x7f);
    struct content_disposition back;
    HOLDS(!content_disposition_parse(header, a, &back) && back.has_filename && !back.has_name);
    bool escapes = slice_find_byte(name, '%') != SLICE_NONE || slice_find(name, S("=?")) != SLICE_NONE;
    if (slice_is_utf8(name) && !escapes)
        HOLDS(slice_eq(back.filename, name));
}

static void try_content_disposition(slice value, struct arena *a)
{
    struct content_disposition d;
    if (!content_disposition_parse(value, a, &d)) {
        HOLDS(d.type.n && slice_is_utf8(d.name) && slice_is_utf8(d.filename));
        HOLDS((d.has_name || d.name.n == 0) && (d.has_filename || d.filename.n == 0));
    }
    try_formatted(value, a);
}

static void try_authorization(slice value, struct arena *a)
{
    struct auth_header h;
    if (auth_header_parse(value, a, &h))
        return;
    HOLDS(h.credentials.n && !field_has_control(h.credentials));
    if (h.scheme.n == 0 || auth_header_is(&h, S("bearer")))
        HOLDS(bearer_token_is_valid(h.credentials));
}

static void try_conditions(slice value, struct arena *a)
{
    (void)a;
    struct validators now = { .exists = true, .etag = S("\"a\""), .modified_at_ms = 784111777000 };
    struct preconditions c = { .if_match = value }, none = { .if_none_match = value };
    bool strong = etag_list_has(value, now.etag, false), weak = etag_list_has(value, now.etag, true);
    HOLDS(weak || !strong);
    if (value.n) {
        HOLDS((preconditions_check(&c, &now, true) == PRECONDITION_PROCEED) == strong);
        HOLDS((preconditions_check(&none, &now, true) == PRECONDITION_NOT_MODIFIED) == weak);
    }
    c = (struct preconditions){ .if_modified_since = value, .if_unmodified_since = value };
    preconditions_check(&c, &now, true);
    if (if_range_holds(value, &now))
        HOLDS(slice_trim(value).n == 0 || slice_trim(value).n == 3 || slice_trim(value).n == 29);
}

static void try_lists(slice value, struct arena *a)
{
    slice rest = value, item, name, text;
    while (field_list_next(&rest, &item))
        HOLDS(item.n && item.p >= value.p && item.p + item.n <= value.p + value.n);
    struct field_params params = { .rest = value };
    while (field_params_next(&params, &name, &text)) {
        slice decoded;
        HOLDS(is_token(name));
        if (field_quoted_decode(text, a, &decoded))
            HOLDS(decoded.n <= text.n - 2);
    }
    if (host_is_valid(value))
        HOLDS(value.n && slice_find_byte(value, '/') == SLICE_NONE && slice_find_byte(value, ' ') == SLICE_NONE);
}

/* Of two headers it makes no difference which one comes first. */
static void try_cookie(slice value, struct arena *a)
{
    slice one, other;
    (void)a;
    slice_cut(value, '\n', &one, &other);
    struct http_header headers[] = { { S("Cookie"), one }, { S("cookie"), other } },
                       reversed[] = { headers[1], headers[0] };
    struct http_request req = { .headers = headers, .header_count = 2 },
                        back = { .headers = reversed, .header_count = 2 };
    slice found = cookie_find(&req, S("a")), again = cookie_find(&back, S("a"));
    HOLDS((found.p != NULL) == (again.p != NULL) && slice_eq(found, again));
    HOLDS(!found.p || slice_find_byte(found, ';') == SLICE_NONE);
}

static void try_language(slice value, struct arena *a)
{
    static const slice offered[] = { { "en", 2 }, { "pt-BR", 5 }, { "es", 2 }, { "ru", 2 } };
    (void)a;
    size_t chosen = language_choose(value, offered, LENGTH_OF(offered));
    HOLDS(chosen < LENGTH_OF(offered));
    if (chosen == 3)
        HOLDS(value.n >= 2);
    HOLDS(language_choose(value, offered, 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(slice, struct arena *) = {
        try_range, try_content_disposition, try_authorization, try_conditions, try_lists, try_cookie, try_language
    };
    if (size == 0)
        return 0;
    SCRATCH(a);
    targets[data[0] % LENGTH_OF(targets)](fuzz_slice(data + 1, size - 1), &a);
    return 0;
}
