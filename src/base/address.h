/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of clients as the unit that a limit counts. */
#ifndef CAIS_BASE_ADDRESS_H
#define CAIS_BASE_ADDRESS_H

#include "base/slice.h"

#include <stdint.h>

struct sockaddr;

/* A number for the network that an address stands for: an IPv4 address stands for itself, also when it is mapped into
 * IPv6, and an IPv6 address for its /64, because a provider gives each of its customers a /64 at least, in which the
 * customer may use any address. Whatever is no address, such as "unix", has the number of the network ::/64. */
uint64_t address_network(slice text);

#define ADDRESS_TEXT_BYTES 46 /* an address as text, with its NUL */
/* The address of a peer as text: an IPv4 address also when it is mapped into IPv6, and "unix" for what is neither. */
void address_format(const struct sockaddr *, char to[ADDRESS_TEXT_BYTES]);

#endif
