/* SPDX-License-Identifier: Apache-2.0 */
/* X-Forwarded-For, and the list of trusted proxies. Input: the entries of the list, with commas, on the first line; the address
 * of the peer on the second; the rest is the value of the header. The result is the peer or one item of the value, everything
 * right of it is a trusted proxy, and what a client writes left of the result changes nothing. */
#include "fuzz.h"

#include "base/buf.h"
#include "http/proxy.h"

#define ENTRIES_MAX 20

/* Is `client` an item, and does each item right of it name a trusted proxy? */
static bool only_trusted_after(const struct proxies *p, slice value, slice client, struct arena *a)
{
    for (;;) {
        size_t comma = slice_rfind_byte(value, ',');
        slice item = slice_trim(comma == SLICE_NONE ? value : slice_from(value, comma + 1));
        slice address = forwarded_address(item);
        if (slice_eq(address, client))
            return true;
        if (comma == SLICE_NONE || !proxies_trust(p, arena_cstr(a, address)))
            return false;
        value = slice_part(value, 0, comma);
    }
}

static void try_value(const struct proxies *p, const char *peer, slice value, struct arena *a)
{
    size_t behind, commas = 0;
    slice client = proxies_client(p, peer, value, a, &behind);
    bool is_peer = slice_eq(client, slice_of(peer));
    HOLDS(is_peer || only_trusted_after(p, value, client, a));
    HOLDS(is_peer || (slice_find_byte(client, ',') == SLICE_NONE && slice_find_byte(client, 0) == SLICE_NONE));
    slice forged[] = { S("6.6.6.6, nonsense,"), value };
    if (is_peer || !proxies_trust(p, arena_cstr(a, client)))
        HOLDS(value.n == 0 || is_peer ||
              slice_eq(proxies_client(p, peer, arena_join(a, forged, 2), a, &behind), client));
    for (size_t i = 0; i < value.n; i++)
        commas += value.p[i] == ',';
    HOLDS(behind <= commas);
    bool https = forwarded_is_https(value, behind);
    if (behind < commas) /* as with addresses: what a client writes in front changes nothing */
        HOLDS(forwarded_is_https(arena_join(a, forged, 2), behind) == https);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    slice list, peer, value, entry;
    slice_cut(fuzz_slice(data, size), '\n', &list, &value);
    slice_cut(value, '\n', &peer, &value);
    const char *entries[ENTRIES_MAX + 1] = { NULL };
    size_t count = 0;
    while (list.n && count < ENTRIES_MAX) {
        slice_cut(list, ',', &entry, &list);
        entries[count++] = arena_cstr(&a, entry);
    }
    struct proxies *p;
    if (proxies_parse(entries, &a, &p))
        return 0;
    const char *from = arena_cstr(&a, peer);
    HOLDS(count || !proxies_trust(p, from));
    try_value(p, from, value, &a);
    proxies_free(p);
    return 0;
}
