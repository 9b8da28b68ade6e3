/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/links.h"

#include "core/core.h"

#include <string.h>

/* Split "host[:port]". An IPv6 address keeps its brackets; *ret_port is empty when there is none. */
static slice split_host(slice host, slice *ret_port)
{
    size_t colon = slice_rfind_byte(host, ':');
    size_t bracket = slice_rfind_byte(host, ']');
    *ret_port = S("");
    if (colon == SLICE_NONE || (bracket != SLICE_NONE && colon < bracket))
        return host;
    *ret_port = slice_from(host, colon + 1);
    return slice_part(host, 0, colon);
}

static bool is_loopback(slice name)
{
    return slice_eq(name, S("127.0.0.1")) || slice_eq(name, S("[::1]"));
}

static bool is_listener(const struct link_listener *listener, slice host, bool tls)
{
    slice port, own_port;
    slice name = split_host(host, &port), own_name = split_host(listener->address, &own_port);
    if (port.n == 0)
        port = tls ? S("443") : S("80");
    return slice_eq(port, own_port) &&
           (slice_eq_nocase(name, own_name) || (slice_eq_nocase(name, S("localhost")) && is_loopback(own_name)));
}

/* A pattern "*.example.org" matches every name below example.org, but not example.org itself. */
static bool host_matches(slice pattern, slice name)
{
    slice suffix = slice_from(pattern, 1);
    if (!slice_starts(pattern, S("*.")))
        return slice_eq_nocase(pattern, name);
    return name.n > suffix.n && slice_eq_nocase(slice_from(name, name.n - suffix.n), suffix);
}

static slice format_origin(bool tls, slice host, struct arena *a)
{
    return arena_printf(a, "%s://" SLICE_FMT, tls ? "https" : "http", SLICE_ARG(host));
}

static const struct link_base *newest_of(const struct link_base *links)
{
    const struct link_base *newest = __atomic_load_n(&links->newest, __ATOMIC_ACQUIRE);
    return newest ? newest : links;
}

static slice public_url_of(const struct link_base *links)
{
    slice url = links->public_url;
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    return url;
}

slice link_home(const struct link_base *links, const struct http_request *req, struct arena *a)
{
    slice url = public_url_of(newest_of(links));
    return url.n ? url : link_origin(links, req, a);
}

slice link_origin(const struct link_base *links, const struct http_request *req, struct arena *a)
{
    links = newest_of(links);
    slice port;
    slice name = split_host(req->host, &port);
    for (size_t i = 0; i < links->host_count; i++)
        if (name.n && host_matches(links->hosts[i], name))
            return format_origin(req->tls, req->host, a);
    slice public_url = public_url_of(links);
    if (public_url.n)
        return public_url;
    for (size_t i = 0; i < links->listener_count; i++)
        if (is_listener(&links->listeners[i], req->host, req->tls))
            return format_origin(req->tls, req->host, a);
    if (links->listener_count)
        return format_origin(links->listeners[0].tls, links->listeners[0].address, a);
    return S("http://localhost"); /* only a Unix socket listens: no address is known */
}

slice link_storage_origin(const struct link_base *base, slice storage_url, const struct http_request *req,
                          struct arena *a, slice *ret_host)
{
    slice url = storage_url.n ? storage_url : link_origin(base, req, a);
    bool tls = slice_starts(url, S("https://"));
    slice host = slice_from(url, tls ? 8 : 7);
    size_t slash = slice_find_byte(host, '/');
    if (slash != SLICE_NONE)
        host.n = slash;
    slice port = tls ? S(":443") : S(":80");
    if (slice_ends(host, port))
        host.n -= port.n;
    *ret_host = host;
    return format_origin(tls, host, a);
}

slice link_own_storage_origin(const struct link_base *base, slice storage_url, const struct http_request *req,
                              struct arena *a, slice *ret_host)
{
    slice host, port, origin = link_storage_origin(base, storage_url, req, a, ret_host);
    slice storage_host = newest_of(base)->storage_host;
    if (storage_url.n || !storage_host.n)
        return origin;
    split_host(*ret_host, &port);
    host = arena_printf(a, SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(storage_host), port.n ? ":" : "", SLICE_ARG(port));
    *ret_host = host;
    return format_origin(slice_starts(origin, S("https:")), host, a);
}

/* Becomes part of a header with a syntax of its own (Content-Security-Policy). */
static bool is_plain_host(slice host)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
    for (size_t i = 0; i < host.n; i++)
        if (!memchr(allowed, host.p[i], sizeof allowed - 1))
            return false;
    return host.n > 0;
}

bool link_file_origin(const struct link_base *base, const struct http_request *req, struct arena *a, slice *ret_origin,
                      slice *ret_host)
{
    slice unused, storage_host = newest_of(base)->storage_host;
    if (!storage_host.n || slice_eq_nocase(split_host(req->host, &unused), storage_host))
        return false;
    *ret_origin = link_own_storage_origin(base, S(""), req, a, ret_host);
    return is_plain_host(*ret_host) && (!req->tls || slice_starts(*ret_origin, S("https:")));
}

/* ---- whom a link was made for ---- */

slice link_user_format(const struct principal *who, struct arena *a)
{
    return arena_printf(a, "%lld-%lld", who ? (long long)who->user_id : 0, who ? (long long)who->credential_id : 0);
}

bool link_user_parse(slice value, int64_t *ret_user_id, int64_t *ret_credential_id)
{
    slice user, credential;
    *ret_credential_id = 0;
    bool has_credential = slice_cut(value, '-', &user, &credential);
    return slice_to_i64(user, ret_user_id) && (!has_credential || slice_to_i64(credential, ret_credential_id));
}
