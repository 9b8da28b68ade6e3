/* SPDX-License-Identifier: Apache-2.0 */
#include "http/auth_header.h"

#include "http/field.h"

#include <string.h>

bool is_bearer_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~+/=", c));
}

bool bearer_token_is_valid(slice token)
{
    while (token.n && token.p[token.n - 1] == '=')
        token.n--;
    for (size_t i = 0; i < token.n; i++)
        if (!is_bearer_token_char(token.p[i]) || token.p[i] == '=')
            return false;
    return token.n > 0;
}

bool auth_header_is(const struct auth_header *h, slice scheme)
{
    return slice_eq_nocase(h->scheme, scheme);
}

/* Schemes that clients may send without credentials: these words alone are not tokens. */
static bool is_known_scheme(slice word)
{
    static const char *const schemes[] = { "Bearer", "Basic", "Digest", "Token", "AWS", "AWS4-HMAC-SHA256" };
    for (size_t i = 0; i < LENGTH_OF(schemes); i++)
        if (slice_eq_nocase(word, slice_of(schemes[i])))
            return true;
    return false;
}

err_t auth_header_parse(slice value, struct arena *a, struct auth_header *ret)
{
    if (value.n > AUTH_HEADER_MAX_BYTES || field_has_control(value))
        return err_make(a, ERR_INVALID, "the Authorization header is too long or holds control characters");
    value = slice_trim(value);
    size_t end = 0;
    while (end < value.n && value.p[end] != ' ' && value.p[end] != '\t')
        end++;
    slice word = slice_part(value, 0, end), rest = slice_trim(slice_from(value, end));
    if (word.n == 0 || (rest.n == 0 && is_known_scheme(word)))
        return err_make(a, ERR_EMPTY, "no credentials in the Authorization header");

    struct auth_header h = { .scheme = word, .credentials = rest };
    if (rest.n == 0)
        h = (struct auth_header){ .scheme = S(""), .credentials = word };
    bool is_bearer = h.scheme.n == 0 || auth_header_is(&h, S("Bearer"));
    if (is_bearer ? !bearer_token_is_valid(h.credentials) : !is_token(h.scheme))
        return err_make(a, ERR_INVALID, "the Authorization header is malformed");
    *ret = h;
    return NULL;
}
