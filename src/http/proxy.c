/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses are compared as 16 bytes, IPv4 addresses as mapped IPv6 addresses. */
#include "http/proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct address_range {
    unsigned char address[16];
    unsigned bits;
};
struct proxies {
    size_t count;
    struct address_range ranges[];
};

/* *ret_is_ipv4: which of the two it is. */
static bool parse_address(slice text, unsigned char ret[16], bool *ret_is_ipv4)
{
    char z[64];
    if (text.n >= sizeof z ||
        slice_find_byte(text, '\0') != SLICE_NONE) /* inet_pton would read only what is before the NUL */
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = 0;
    struct in_addr four;
    if (inet_pton(AF_INET, z, &four) == 1) {
        memset(ret, 0, 10);
        ret[10] = ret[11] = 0xff;
        memcpy(ret + 12, &four, 4);
        *ret_is_ipv4 = true;
        return true;
    }
    *ret_is_ipv4 = false;
    return inet_pton(AF_INET6, z, ret) == 1;
}

err_t proxies_parse(const char *const *list, struct arena *a, struct proxies **ret)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    struct proxies *p = must_malloc(sizeof *p + count * sizeof p->ranges[0]);
    for (size_t i = 0; i < count; i++) {
        slice address, bits_text;
        bool cut = slice_cut(slice_of(list[i]), '/', &address, &bits_text), is_ipv4 = false;
        uint64_t bits = 0;
        bool ok = parse_address(address, p->ranges[i].address, &is_ipv4) &&
                  (!cut || (slice_to_u64(bits_text, &bits) && bits <= (is_ipv4 ? 32 : 128)));
        if (!ok) {
            free(p);
            return err_make(a, ERR_INVALID, "%s is neither an address nor a range like 10.0.0.0/8", list[i]);
        }
        p->ranges[i].bits = cut ? (unsigned)bits + (is_ipv4 ? 96 : 0) : 128;
    }
    p->count = count;
    *ret = p;
    return NULL;
}

void proxies_free(struct proxies *p)
{
    free(p);
}

static bool is_trusted(const struct proxies *p, slice text)
{
    unsigned char address[16];
    bool is_ipv4;
    if (p->count == 0 || !parse_address(text, address, &is_ipv4))
        return false;
    for (size_t i = 0; i < p->count; i++) {
        const struct address_range *r = &p->ranges[i];
        unsigned whole = r->bits / 8, rest = r->bits % 8;
        if (memcmp(r->address, address, whole) == 0 &&
            (rest == 0 || ((r->address[whole] ^ address[whole]) >> (8 - rest)) == 0))
            return true;
    }
    return false;
}

bool proxies_trust(const struct proxies *p, const char *address)
{
    return is_trusted(p, slice_of(address));
}

slice proxies_client(const struct proxies *p, const char *peer, slice forwarded, struct arena *a)
{
    slice rest = forwarded, best = slice_of(peer);
    while (rest.n) {
        size_t comma = slice_rfind_byte(rest, ',');
        slice item = slice_trim(comma == SLICE_NONE ? rest : slice_from(rest, comma + 1));
        rest = comma == SLICE_NONE ? (slice){ rest.p, 0 } : slice_part(rest, 0, comma);
        unsigned char bytes[16];
        bool is_ipv4;
        if (!parse_address(item, bytes, &is_ipv4))
            break; /* not an address: ignore it, and everything to its left */
        best = item;
        if (!is_trusted(p, item))
            break;
    }
    return arena_copy(a, best);
}
