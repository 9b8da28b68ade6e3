/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of clients as the unit that a limit counts. */
#ifndef CAIS_BASE_ADDRESS_H
#define CAIS_BASE_ADDRESS_H

#include "base/slice.h"

#include <stdint.h>

/* A number for the network that an address stands for: an IPv4 address stands for itself, also when it is mapped into
 * IPv6, and an IPv6 address for its /64, because a provider gives each of its customers a /64 at least, in which the
 * customer may use any address. Whatever is no address, such as "unix", has the number of the network ::/64. */
uint64_t address_network(slice text);

#endif
