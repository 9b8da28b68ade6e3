/* SPDX-License-Identifier: Apache-2.0 */
#include "api/links.h"

/* Cut host[:port]; an address of IPv6 keeps its brackets. */
static slice name_of(slice host, slice *ret_port)
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
    slice name = name_of(host, &port), own_name = name_of(listener->address, &own_port);
    if (port.n == 0)
        port = tls ? S("443") : S("80");
    return slice_eq(port, own_port) &&
           (slice_eq_nocase(name, own_name) || (slice_eq_nocase(name, S("localhost")) && is_loopback(own_name)));
}

/* "*.example.org": every name below it. */
static bool is_host(slice pattern, slice name)
{
    slice end = slice_from(pattern, 1);
    if (!slice_starts(pattern, S("*.")))
        return slice_eq_nocase(pattern, name);
    return name.n > end.n && slice_eq_nocase(slice_from(name, name.n - end.n), end);
}

static slice origin(bool tls, slice host, struct arena *a)
{
    return arena_printf(a, "%s://" SLICE_FMT, tls ? "https" : "http", SLICE_ARG(host));
}

slice link_origin(const struct link_base *links, const struct http_request *req, struct arena *a)
{
    slice port;
    slice name = name_of(req->host, &port);
    for (size_t i = 0; i < links->host_count; i++)
        if (name.n && is_host(links->hosts[i], name))
            return origin(req->tls, req->host, a);
    slice public_url = links->public_url;
    while (public_url.n && public_url.p[public_url.n - 1] == '/')
        public_url.n--;
    if (public_url.n)
        return public_url;
    for (size_t i = 0; i < links->listener_count; i++)
        if (is_listener(&links->listeners[i], req->host, req->tls))
            return origin(req->tls, req->host, a);
    if (links->listener_count)
        return origin(links->listeners[0].tls, links->listeners[0].address, a);
    return S("http://localhost"); /* a server behind nothing but a Unix socket */
}
