/* SPDX-License-Identifier: Apache-2.0 */
/* The origin of absolute links in replies. It is the first of these that applies:
 *
 *   1. scheme and host of the request, when its Host is one of the configured [hosts]
 *   2. public_url, when it is configured
 *   3. scheme and host of the request, when its Host is an address on which this server listens
 *   4. the address of the first listener
 *
 * A Host that was not checked never appears in a link. Otherwise an attacker who forges a Host could lead clients, with
 * their tokens, to a server of the attacker. */
#ifndef CAIS_API_KIT_LINKS_H
#define CAIS_API_KIT_LINKS_H

#include "http/http.h"

struct link_listener {
    slice address; /* "127.0.0.1:8080", "[::1]:8443": the port in use, never 0; a wildcard gives one per interface */
    bool tls;
};

/* A parameter of links that the server's own user signs: "USER-KEY", the ids of the user whom the link was made for and of the
 * key or token with which the user asked for it. The link ends when that user is disabled, or that key revoked
 * (access_act_for). */
#define LINK_USER_PARAM "X-Cais-User"
/* A parameter of links of the server: the origin of the only page whose scripts may read the reply (CORS). */
#define LINK_ORIGIN_PARAM "X-Cais-Origin"
struct principal;
/* The value of the parameter, in `a`. who: NULL is nobody. */
slice link_user_format(const struct principal *who, struct arena *a);
/* False: it has another form. Without "-KEY", as links of earlier versions, the key is 0. */
bool link_user_parse(slice value, int64_t *ret_user_id, int64_t *ret_credential_id);

/* Built at the start; everything it points to is borrowed. */
struct link_base {
    const slice *hosts; /* names in [hosts], without ports; "*.name" means every name below it */
    size_t host_count;
    slice public_url; /* empty when not configured; a slash at the end is ignored */
    const struct link_listener *listeners;
    size_t listener_count;
    slice storage_host; /* the first name in [hosts] that belongs to the object store and is no pattern; empty: none */
    const struct link_base *newest; /* what a reload put into its place; NULL: nothing. Atomic */
};

/* The origin for links in the reply to this request, such as "https://files.example.org", without a slash at the end.
 * In `a`, or pointing into the link_base. */
slice link_origin(const struct link_base *, const struct http_request *, struct arena *a);
/* The same, but public_url comes first: for replies that tell a client where all of its later requests go. */
slice link_home(const struct link_base *, const struct http_request *, struct arena *a);
/* The origin of the object store for signed links: that of storage_url when it is not empty, else link_origin. Without a path,
 * and without the default port, which clients leave out of Host (RFC 9110 §4.2.3). *ret_host is the part after "://", which the
 * signature covers. In `a`. */
slice link_storage_origin(const struct link_base *, slice storage_url, const struct http_request *, struct arena *a,
                          slice *ret_host);
/* The same for an API whose clients know a host of the object store that is none of the API's: in place of the host of link_origin it
 * is the storage host, if there is one, with the scheme and the port of link_origin. Clients of other APIs know no other host than
 * that of the API, so what [hosts] says of objects may lead them to a stranger. */
slice link_own_storage_origin(const struct link_base *, slice storage_url, const struct http_request *, struct arena *a,
                              slice *ret_host);
/* Where a page of this server shows stored files from: the storage host, with scheme and port as above. False: there is none, or it is
 * no use to the page of this request: it is the page's own host, or would be asked by http from a page of https. */
MUST_USE bool link_file_origin(const struct link_base *, const struct http_request *, struct arena *a,
                               slice *ret_origin, slice *ret_host);

#endif
