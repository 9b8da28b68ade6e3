/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

/* The number of an IPv4 address is that of the network 0:ffff:a:b::/64, which is reserved: no client is in it. */
static uint64_t number_of_ipv4(const void *four)
{
    uint32_t host;
    memcpy(&host, four, sizeof host);
    return UINT64_C(0xffff00000000) | ntohl(host);
}

uint64_t address_network(slice text)
{
    char z[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (text.n >= sizeof z || slice_find_byte(text, '\0') != SLICE_NONE)
        return 0;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    if (inet_pton(AF_INET, z, bytes) == 1)
        return number_of_ipv4(bytes);
    if (inet_pton(AF_INET6, z, bytes) != 1)
        return 0;
    if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)bytes))
        return number_of_ipv4(bytes + 12);
    uint64_t network = 0;
    for (int i = 0; i < 8; i++)
        network = network << 8 | bytes[i];
    return network;
}
