/* SPDX-License-Identifier: Apache-2.0 */
/* Absolute links in answers. Scheme and host are those of the request when its Host is one that was configured; else
 * public_url; else those of the request when its Host is an address this server listens on; else the first listener's.
 * A Host that nobody checked never ends up in a link: it would send clients, with their tokens, to whoever sent it. */
#ifndef CAIS_API_LINKS_H
#define CAIS_API_LINKS_H

#include "http/http.h"

struct link_listener {
    slice
        address; /* "127.0.0.1:8080", "[::1]:8443": in use, never port 0; of a wildcard, one entry for each interface */
    bool tls;
};

/* Made once by main; everything is borrowed. */
struct link_base {
    const slice *hosts; /* names of [hosts], without port; "*.name": all below it */
    size_t host_count;
    slice public_url; /* empty: none; a slash at its end does not matter */
    const struct link_listener *listeners;
    size_t listener_count;
};

/* "https://files.example.org": no slash at the end. */
slice link_origin(const struct link_base *, const struct http_request *, struct arena *a);

#endif
