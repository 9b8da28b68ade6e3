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

slice forwarded_address(slice element)
{
    slice address, port;
    uint64_t number;
    unsigned char bytes[16];
    bool is_ipv4, in_brackets = slice_starts(element, S("["));
    if (parse_address(element, bytes, &is_ipv4))
        return element;
    if (!slice_cut(in_brackets ? slice_from(element, 1) : element, in_brackets ? ']' : ':', &address, &port))
        return S("");
    bool has_port = !in_brackets || slice_starts(port, S(":"));
    port = slice_from(port, in_brackets && has_port);
    if (has_port ? !slice_to_u64(port, &number) || number > 65535 : port.n > 0)
        return S("");
    return parse_address(address, bytes, &is_ipv4) && is_ipv4 != in_brackets ? address : S("");
}

/* Cut the last element off a list. */
static slice cut_last_element(slice *list)
{
    size_t comma = slice_rfind_byte(*list, ',');
    slice element = slice_trim(comma == SLICE_NONE ? *list : slice_from(*list, comma + 1));
    *list = slice_part(*list, 0, comma == SLICE_NONE ? 0 : comma);
    return element;
}

slice proxies_client(const struct proxies *p, const char *peer, slice forwarded, struct arena *a, size_t *ret_behind)
{
    slice rest = forwarded, best = slice_of(peer);
    *ret_behind = 0;
    for (size_t behind = 0; rest.n; behind++) {
        slice address = forwarded_address(cut_last_element(&rest));
        if (!address.n)
            break; /* not an address: ignore it, and everything to its left */
        best = address;
        *ret_behind = behind;
        if (!is_trusted(p, address))
            break;
    }
    return arena_copy(a, best);
}

bool forwarded_is_https(slice forwarded_proto, size_t behind)
{
    slice rest = forwarded_proto, found = S("");
    for (size_t i = 0; rest.n && i <= behind; i++)
        found = cut_last_element(&rest);
    return slice_eq_nocase(found, S("https"));
}
