/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/config_value_priv.h"

#include "base/buf.h"
#include "cli/terminal.h"
#include "cli/unit.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- values ---- */

static err_t bad_value(struct arena *a, const struct config_given *g, const char *what, slice allowed)
{
    return err_make(a, ERR_INVALID, "%s: %s.%s: '" SLICE_FMT "' is not %s; allowed: " SLICE_FMT, g->origin,
                    g->key->section, g->key->name, SLICE_ARG(terminal_safe(a, g->text)), what, SLICE_ARG(allowed));
}

static bool is_ip(struct arena *a, slice text, int family)
{
    unsigned char binary[16];
    return slice_find_byte(text, 0) == SLICE_NONE && inet_pton(family, arena_cstr(a, text), binary) == 1;
}

/* 10.0.0.1:8080 or [::1]:8080. With port 0 the system chooses the port. */
static bool is_address(struct arena *a, slice text)
{
    size_t colon = slice_rfind_byte(text, ':');
    uint64_t port;
    if (colon == SLICE_NONE || !slice_to_u64(slice_from(text, colon + 1), &port) || port > 65535)
        return false;
    slice host = slice_part(text, 0, colon);
    if (slice_starts(host, S("[")) && slice_ends(host, S("]")))
        return is_ip(a, slice_part(host, 1, host.n - 2), AF_INET6);
    return is_ip(a, host, AF_INET);
}

/* 10.0.0.1, 10.0.0.0/8, ::1 or fd00::/8 */
static bool is_network(struct arena *a, slice text)
{
    slice host, bits;
    uint64_t prefix = 0;
    bool has_prefix = slice_cut(text, '/', &host, &bits);
    if (has_prefix && !slice_to_u64(bits, &prefix))
        return false;
    return (prefix <= 32 && is_ip(a, host, AF_INET)) || (prefix <= 128 && is_ip(a, host, AF_INET6));
}

static bool is_url(slice text)
{
    slice rest = slice_starts(text, S("https://"))  ? slice_from(text, 8)
                 : slice_starts(text, S("http://")) ? slice_from(text, 7)
                                                    : S("");
    for (size_t i = 0; i < rest.n; i++)
        if ((unsigned char)rest.p[i] <= ' ' || rest.p[i] == 0x7f || rest.p[i] == '?' || rest.p[i] == '#')
            return false;
    return rest.n > 0 && rest.p[0] != '/';
}

/* An origin as browsers send it: scheme, host and perhaps a port, without a path. "*" stands for every origin. */
static bool is_origin(slice text)
{
    size_t scheme = slice_find(text, S("://"));
    return slice_eq(text, S("*")) || (is_url(text) && slice_find_byte(slice_from(text, scheme + 3), '/') == SLICE_NONE);
}

bool config_choice_index(slice choices, slice text, unsigned *ret)
{
    slice one;
    for (unsigned i = 0; choices.n; i++) {
        slice_cut(choices, '|', &one, &choices);
        if (slice_eq(one, text)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

slice config_choices_text(struct arena *a, const char *choices)
{
    struct buf b;
    buf_init(&b, 0);
    for (const char *c = choices; *c; c++)
        buf_add(&b, *c == '|' ? S(", ") : (slice){ c, 1 });
    slice text = arena_copy(a, buf_slice(&b));
    buf_release(&b);
    return text;
}

static err_t set_number(struct arena *a, const struct config_given *g, void *to)
{
    const struct config_key *k = g->key;
    int64_t number;
    if (k->type == CONFIG_TYPE_INTEGER) {
        if (!slice_to_i64(g->text, &number) || number < k->min || number > k->max)
            return bad_value(a, g, "a number in range",
                             arena_printf(a, "%lld to %lld", (long long)k->min, (long long)k->max));
    } else {
        bool is_size = k->type == CONFIG_TYPE_SIZE;
        const struct unit_list *units = is_size ? &units_of_size : &units_of_duration;
        if (!unit_parse(units, g->text, &number) || number < k->min || number > k->max) {
            slice min = unit_format(units, k->min, a), max = unit_format(units, k->max, a);
            return bad_value(a, g, is_size ? "a size in range" : "a duration in range",
                             arena_printf(a, "a number %s, from " SLICE_FMT " to " SLICE_FMT,
                                          is_size ? "of bytes or with K, M, G or T" : "with ms, s, m, h or d",
                                          SLICE_ARG(min), SLICE_ARG(max)));
        }
    }
    memcpy(to, &number, sizeof number);
    return NULL;
}

err_t config_value_set(struct arena *a, const struct config_given *g, void *to)
{
    const struct config_key *k = g->key;
    slice value = g->text;
    switch (k->type) {
    case CONFIG_TYPE_INTEGER:
    case CONFIG_TYPE_SIZE:
    case CONFIG_TYPE_DURATION:
        return set_number(a, g, to);
    case CONFIG_TYPE_BOOLEAN: {
        unsigned at;
        if (!config_choice_index(S("false|no|off|0|true|yes|on|1"), value, &at))
            return bad_value(a, g, "yes or no", S("true, yes, on, 1, false, no, off, 0"));
        *(bool *)to = at >= 4;
        return NULL;
    }
    case CONFIG_TYPE_CHOICE: {
        unsigned at;
        if (!config_choice_index(slice_of(k->choices), value, &at))
            return bad_value(a, g, "one of its values", config_choices_text(a, k->choices));
        memcpy(to, &at, sizeof at);
        return NULL;
    }
    case CONFIG_TYPE_ADDRESS:
        if (value.n && !is_address(a, value))
            return bad_value(a, g, "an address", S("like 127.0.0.1:8080 or [::1]:8080"));
        break;
    case CONFIG_TYPE_URL:
        if (value.n && !is_url(value))
            return bad_value(a, g, "a URL", S("http:// or https://, a host, no query"));
        break;
    default:
        break;
    }
    *(slice *)to = arena_copy(a, value);
    return NULL;
}

/* g->text is one item. */
static err_t add_item(struct arena *a, const struct config_given *g, struct config_list *list)
{
    enum config_type type = g->key->type;
    slice item = g->text;
    if (type == CONFIG_TYPE_ADDRESSES && !is_address(a, item))
        return bad_value(a, g, "an address", S("like 127.0.0.1:8080 or [::1]:8080"));
    if (type == CONFIG_TYPE_NETWORKS && !is_network(a, item))
        return bad_value(a, g, "a network", S("like 10.0.0.1, 10.0.0.0/8 or fd00::/8"));
    if (type == CONFIG_TYPE_ORIGINS && !is_origin(item))
        return bad_value(a, g, "an origin", S("like https://app.example.org, or *"));
    slice *items = arena_array(a, slice, list->count + 1);
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count] = arena_copy(a, item);
    *list = (struct config_list){ items, list->count + 1 };
    return NULL;
}

err_t config_list_add(struct arena *a, const struct config_given *g, struct config_list *list)
{
    slice value = g->text;
    bool blanks_separate = g->key->type != CONFIG_TYPE_PATHS;
    for (size_t start = 0, i = 0; i <= value.n; i++) {
        bool ends = i == value.n || value.p[i] == ',' || (blanks_separate && (value.p[i] == ' ' || value.p[i] == '\t'));
        if (!ends)
            continue;
        struct config_given item = { g->key, slice_trim(slice_part(value, start, i - start)), g->origin };
        start = i + 1;
        if (item.text.n)
            TRY(add_item(a, &item, list));
    }
    return NULL;
}
