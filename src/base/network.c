/* SPDX-License-Identifier: Apache-2.0 */
#include "base/network.h"

#include "base/scoped.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool parse_bytes(slice text, unsigned char ret[16], bool *ret_is_ipv4)
{
    char z[INET6_ADDRSTRLEN];
    if (text.n >= sizeof z || slice_find_byte(text, '\0') != SLICE_NONE)
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    memcpy(ret, mapped, sizeof mapped);
    *ret_is_ipv4 = inet_pton(AF_INET, z, ret + 12) == 1;
    return *ret_is_ipv4 || inet_pton(AF_INET6, z, ret) == 1;
}

bool network_parse(slice text, struct network *ret)
{
    slice address, bits_text;
    uint64_t bits = 0;
    bool is_ipv4, cut = slice_cut(text, '/', &address, &bits_text);
    if (!parse_bytes(address, ret->address, &is_ipv4) ||
        (cut && (!slice_to_u64(bits_text, &bits) || bits > (is_ipv4 ? 32 : 128))))
        return false;
    ret->bits = cut ? (unsigned)bits + (is_ipv4 ? 96 : 0) : 128;
    return true;
}

bool network_has(const struct network *n, const unsigned char address[16])
{
    unsigned whole = n->bits / 8, rest = n->bits % 8;
    return memcmp(n->address, address, whole) == 0 &&
           (rest == 0 || ((n->address[whole] ^ address[whole]) >> (8 - rest)) == 0);
}

bool network_address(const struct sockaddr *from, unsigned char ret[16])
{
    memcpy(ret, mapped, sizeof mapped);
    if (from->sa_family == AF_INET)
        memcpy(ret + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    else if (from->sa_family == AF_INET6)
        memcpy(ret, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
    else
        return false;
    return true;
}

static const char *const special_ipv4[] = {
    "0.0.0.0/8",       "10.0.0.0/8",    "100.64.0.0/10",   "127.0.0.0/8",     "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24",    "192.0.2.0/24",  "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
    "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",  "224.0.0.0/4",    "240.0.0.0/4",
};
/* Of 2000::/3; everything else of IPv6 is not public. */
static const char *const special_ipv6[] = { "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48",
                                            "3fff::/20" };

static bool is_in(const unsigned char address[16], const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct network n;
        if (network_parse(slice_of(list[i]), &n) && network_has(&n, address))
            return true;
    }
    return false;
}

bool network_is_public(const unsigned char address[16])
{
    if (memcmp(address, mapped, sizeof mapped) == 0)
        return !is_in(address, special_ipv4, LENGTH_OF(special_ipv4));
    return address[0] >> 5 == 1 && !is_in(address, special_ipv6, LENGTH_OF(special_ipv6));
}
