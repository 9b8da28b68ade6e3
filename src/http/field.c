/* SPDX-License-Identifier: Apache-2.0 */
#include "http/field.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_token_char(char c)
{
    return is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool is_token(slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_char(s.p[i]))
            return false;
    return s.n > 0;
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

bool field_has_control(slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (is_control(s.p[i]))
            return true;
    return false;
}

/* Length of the quoted string at the start of s, with its quotes; 0: it is not closed. */
static size_t quoted_length(slice s)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            return i + 1;
    }
    return 0;
}

bool field_list_next(slice *rest, slice *ret_item)
{
    while (rest->n) {
        size_t end = 0;
        while (end < rest->n && rest->p[end] != ',') {
            size_t quoted = rest->p[end] == '"' ? quoted_length(slice_from(*rest, end)) : 1;
            end = quoted ? end + quoted : rest->n; /* a quote that is not closed extends to the end */
        }
        slice item = slice_trim(slice_part(*rest, 0, end));
        *rest = slice_from(*rest, end + 1);
        if (item.n) {
            *ret_item = item;
            return true;
        }
    }
    return false;
}

bool field_quoted_decode(slice quoted, struct arena *a, slice *ret_text)
{
    if (quoted.n < 2 || quoted.p[0] != '"' || quoted_length(quoted) != quoted.n || field_has_control(quoted))
        return false;
    char *out = arena_alloc(a, quoted.n), *o = out;
    for (size_t i = 1; i < quoted.n - 1; i++) {
        if (quoted.p[i] == '\\')
            i++;
        *o++ = quoted.p[i];
    }
    *ret_text = (slice){ out, (size_t)(o - out) };
    return true;
}

static bool mark_broken(struct field_params *params)
{
    params->broken = true;
    return false;
}

bool field_params_next(struct field_params *params, slice *ret_name, slice *ret_value)
{
    slice rest = slice_trim(params->rest);
    while (rest.n && rest.p[0] == ';')
        rest = slice_trim(slice_from(rest, 1));
    if (params->broken || rest.n == 0)
        return false;

    slice name, value;
    if (!slice_cut(rest, '=', &name, &rest) || !is_token(slice_trim(name)))
        return mark_broken(params);
    rest = slice_trim(rest);
    if (rest.n && rest.p[0] == '"') {
        size_t n = quoted_length(rest);
        slice after = slice_trim(slice_from(rest, n));
        if (n == 0 || (after.n && after.p[0] != ';'))
            return mark_broken(params);
        value = slice_part(rest, 0, n);
        rest = after;
    } else {
        slice_cut(rest, ';', &value, &rest);
        value = slice_trim(value);
    }
    params->rest = rest;
    *ret_name = slice_trim(name);
    *ret_value = value;
    return true;
}

static bool is_ipv6(slice s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (s.n >= sizeof text || slice_find_byte(s, 0) != SLICE_NONE)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    return inet_pton(AF_INET6, text, &address) == 1;
}

static bool port_is_valid(slice port)
{
    uint64_t number = 0;
    return port.n == 0 || (port.n <= 5 && slice_to_u64(port, &number) && number <= 65535);
}

bool host_is_valid(slice host)
{
    slice name, after, port;
    if (host.n && host.p[0] == '[') {
        if (!slice_cut(slice_from(host, 1), ']', &name, &after) || !is_ipv6(name))
            return false;
        return after.n == 0 || (after.p[0] == ':' && port_is_valid(slice_from(after, 1)));
    }
    slice_cut(host, ':', &name, &port);
    for (size_t i = 0; i < name.n; i++)
        if (!is_alnum(name.p[i]) && !(name.p[i] && strchr("-._~", name.p[i])))
            return false;
    return name.n > 0 && name.n <= HOST_MAX_BYTES && port_is_valid(port);
}
