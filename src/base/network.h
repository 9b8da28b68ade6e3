/* SPDX-License-Identifier: Apache-2.0 */
/* Networks as operators write them, and which addresses are public. Addresses are 16 bytes: IPv4 as mapped IPv6. */
#ifndef CAIS_BASE_NETWORK_H
#define CAIS_BASE_NETWORK_H

#include "base/slice.h"

#include <stdbool.h>

struct sockaddr;

struct network {
    unsigned char address[16];
    unsigned bits;
};

/* "10.0.0.1", "10.0.0.0/8", "fd00::/8"; false: none of these. */
bool network_parse(slice text, struct network *ret);
bool network_has(const struct network *, const unsigned char address[16]);
/* The bytes of an IPv4 or IPv6 address; false: another kind. */
bool network_address(const struct sockaddr *, unsigned char ret[16]);
/* Is it an address of the public internet? Not so: this host, private and shared networks, link-local addresses, documentation, benchmarks,
 * multicast, what is reserved (the registries of IANA for special addresses), and IPv6 addresses that contain an IPv4 address of a
 * translator or a tunnel, because that may be any of these. */
bool network_is_public(const unsigned char address[16]);

#endif
