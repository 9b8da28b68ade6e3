/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as text, for targets that send whole requests through the fake engine. Each request is a line "HOW METHOD TARGET",
 * a header on each line, an empty line, and the body, which ends before a line "----" or with the input. HOW is one letter,
 * which the target explains. What the engine would refuse is never handed on. */
#ifndef CAIS_FUZZ_REQUEST_TEXT_H
#define CAIS_FUZZ_REQUEST_TEXT_H

#include "fuzz.h"

#include "../tests/support/fake_http.h"
#include "http/field.h"

#define TEXT_REQUESTS_MAX 6
#define TEXT_HEADERS_MAX 24 /* so that a target can add its own */
#define TEXT_TARGET_MAX 2000

static inline bool text_is_target(slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '#')
            return false;
    return s.n && s.n <= TEXT_TARGET_MAX && s.p[0] == '/';
}

static inline bool text_read_headers(slice *rest, struct fake_request *r)
{
    slice line, name, value;
    size_t count = 0;
    while (rest->n) {
        slice_cut(*rest, '\n', &line, rest);
        if (line.n == 0)
            return true;
        slice_cut(line, ':', &name, &value);
        value = slice_trim(value);
        if (!is_token(name) || field_has_control(value) || count == TEXT_HEADERS_MAX)
            return false;
        if (slice_eq_nocase(name, S("host")))
            r->host = value;
        else
            r->headers[count++] = (struct http_header){ name, value };
    }
    return true;
}

/* The next request of the input, whose slices point into the input. False: there is none, or the engine would refuse it. */
static inline bool text_next_request(slice *rest, struct arena *a, char *ret_how, struct fake_request *ret)
{
    slice line, how, method, target, all;
    struct fake_request r = { 0 };
    if (!rest->n)
        return false;
    size_t end = slice_find(*rest, S("\n----\n"));
    all = slice_part(*rest, 0, end == SLICE_NONE ? rest->n : end);
    *rest = slice_from(*rest, end == SLICE_NONE ? rest->n : end + 6);
    slice_cut(all, '\n', &line, &all);
    slice_cut(line, ' ', &how, &target);
    slice_cut(target, ' ', &method, &target);
    if (how.n != 1 || !is_token(method) || !text_is_target(target) || !text_read_headers(&all, &r))
        return false;
    r.method = arena_cstr(a, method);
    r.target = target;
    r.body = all;
    *ret_how = how.p[0];
    *ret = r;
    return true;
}

/* The text with `by` in place of the first `mark`, in `a`. */
static inline slice text_replace(slice text, slice mark, slice by, struct arena *a)
{
    size_t at = slice_find(text, mark);
    if (at == SLICE_NONE)
        return text;
    slice parts[] = { slice_part(text, 0, at), by, slice_from(text, at + mark.n) };
    return arena_join(a, parts, LENGTH_OF(parts));
}

static inline void text_add_header(struct fake_request *r, slice name, slice value)
{
    size_t i = 0;
    while (r->headers[i].name.n)
        i++;
    HOLDS(i + 1 < FAKE_MAX_HEADERS);
    r->headers[i] = (struct http_header){ name, value };
}

#endif
