/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
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

void address_format(const struct sockaddr *from, char to[ADDRESS_TEXT_BYTES])
{
    const void *address = NULL;
    int family = from->sa_family;
    if (family == AF_INET)
        address = &((const struct sockaddr_in *)(const void *)from)->sin_addr;
    if (family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
        address = six;
        if (IN6_IS_ADDR_V4MAPPED(six)) {
            family = AF_INET;
            address = six->s6_addr + 12;
        }
    }
    if (!address || !inet_ntop(family, address, to, ADDRESS_TEXT_BYTES))
        memcpy(to, "unix", sizeof "unix");
}
