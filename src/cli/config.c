/* SPDX-License-Identifier: Apache-2.0 */
/* One table, made from config_keys.def, says what every key is; everything here walks it. libinih finds sections, keys
 * and values; because it silently cuts what is longer than its buffer of 200 bytes, it sees a file only line by line,
 * after we looked at each line ourselves. */
#include "cli/config.h"

#include "base/buf.h"
#include "cli/terminal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define LINE_MAX_BYTES 190
#define NAME_MAX_BYTES 64 /* longer ones are cut before distances are measured */

#define KiB INT64_C(1024)
#define MiB (1024 * KiB)
#define GiB (1024 * MiB)
#define TiB (1024 * GiB)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

static const char apis[] = "pyrus|runrun|redu|datasnap|appfile|s3|native";

enum key_type {
    TYPE_STRING,
    TYPE_ADDRESS,
    TYPE_URL,
    TYPE_INTEGER,
    TYPE_SIZE,
    TYPE_DURATION,
    TYPE_BOOLEAN,
    TYPE_CHOICE,
    TYPE_ADDRESSES, /* from here on: lists */
    TYPE_NETWORKS,
    TYPE_PATHS,
    TYPE_ORIGINS,
};

struct key {
    const char *section, *name;
    enum key_type type;
    size_t offset; /* of the member in struct config */
    const char *by_default;
    int64_t least, most; /* INTEGER, SIZE, DURATION */
    const char *choices; /* CHOICE */
    const char *doc;
};

#define ROW(section, key, type, member, ...)                                                                           \
    [CONFIG_##section##_##key] = { #section, #key, type, offsetof(struct config, section.member), __VA_ARGS__ },
static const struct key keys[] = {
#define SECTION(section)
#define SECTION_END(section)
#define STRING(section, key, given, doc) ROW(section, key, TYPE_STRING, key, given, 0, 0, NULL, doc)
#define ADDRESS(section, key, given, doc) ROW(section, key, TYPE_ADDRESS, key, given, 0, 0, NULL, doc)
#define URL(section, key, given, doc) ROW(section, key, TYPE_URL, key, given, 0, 0, NULL, doc)
#define ADDRESSES(section, key, given, doc) ROW(section, key, TYPE_ADDRESSES, key, given, 0, 0, NULL, doc)
#define NETWORKS(section, key, given, doc) ROW(section, key, TYPE_NETWORKS, key, given, 0, 0, NULL, doc)
#define PATHS(section, key, given, doc) ROW(section, key, TYPE_PATHS, key, given, 0, 0, NULL, doc)
#define ORIGINS(section, key, given, doc) ROW(section, key, TYPE_ORIGINS, key, given, 0, 0, NULL, doc)
#define INTEGER(section, key, given, least, most, doc)                                                                 \
    ROW(section, key, TYPE_INTEGER, key, given, least, most, NULL, doc)
#define SIZE(section, key, member, given, least, most, doc)                                                            \
    ROW(section, key, TYPE_SIZE, member, given, least, most, NULL, doc)
#define DURATION(section, key, given, least, most, doc)                                                                \
    ROW(section, key, TYPE_DURATION, key##_ms, given, least, most, NULL, doc)
#define BOOLEAN(section, key, given, doc) ROW(section, key, TYPE_BOOLEAN, key, given, 0, 0, NULL, doc)
#define CHOICE(section, key, type, choices, given, doc) ROW(section, key, TYPE_CHOICE, key, given, 0, 0, choices, doc)
#include "cli/config_keys.def"
#include "cli/config_undef.def"
};

static const char *const sections[] = {
#define SECTION(section) #section,
#define SECTION_END(section)
#define STRING(...)
#define ADDRESS(...)
#define ADDRESSES(...)
#define NETWORKS(...)
#define PATHS(...)
#define ORIGINS(...)
#define URL(...)
#define INTEGER(...)
#define SIZE(...)
#define DURATION(...)
#define BOOLEAN(...)
#define CHOICE(...)
#include "cli/config_keys.def"
#include "cli/config_undef.def"
    "hosts",
};

/* A choice is written through its offset as an unsigned int. */
_Static_assert(sizeof(enum log_level) == sizeof(unsigned) && sizeof(enum config_durability) == sizeof(unsigned) &&
                   sizeof(enum config_log_format) == sizeof(unsigned),
               "enums are ints");

/* ── Numbers with units ─────────────────────────────────────────────────────────────────────────────────────────── */

struct unit {
    const char *suffix;
    int64_t factor;
};
static const struct unit size_units[] = { { "", 1 }, { "K", KiB }, { "M", MiB }, { "G", GiB }, { "T", TiB } };
static const struct unit duration_units[] = {
    { "ms", 1 }, { "s", SECOND }, { "m", 60 * SECOND }, { "h", HOUR }, { "d", DAY },
};

static bool parse_with_unit(slice text, const struct unit *units, size_t count, int64_t *ret)
{
    size_t digits = 0;
    uint64_t number;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    if (!slice_to_u64(slice_part(text, 0, digits), &number))
        return false;
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(slice_from(text, digits), slice_of(units[i].suffix)))
            return number <= INT64_MAX && !__builtin_mul_overflow((int64_t)number, units[i].factor, ret);
    /* Nothing of something is the same in every unit. */
    *ret = 0;
    return number == 0 && digits == text.n;
}

/* With the largest unit that leaves no rest. */
static slice format_with_unit(struct arena *a, int64_t value, const struct unit *units, size_t count)
{
    const struct unit *best = &units[0];
    for (size_t i = 1; value && i < count; i++)
        if (value % units[i].factor == 0)
            best = &units[i];
    return arena_printf(a, "%lld%s", (long long)(value / best->factor), best->suffix);
}

/* ── Errors ─────────────────────────────────────────────────────────────────────────────────────────────────────── */

static size_t edit_distance(slice x, slice y)
{
    size_t row[NAME_MAX_BYTES + 1];
    x = slice_part(x, 0, NAME_MAX_BYTES), y = slice_part(y, 0, NAME_MAX_BYTES);
    for (size_t j = 0; j <= y.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= x.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= y.n; j++) {
            size_t replaced = diagonal + (x.p[i - 1] != y.p[j - 1]);
            size_t added = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < added ? replaced : added;
        }
    }
    return row[y.n];
}

static err_t unknown_key(struct arena *a, slice section, slice key, const char *origin)
{
    slice given = arena_printf(a, SLICE_FMT "." SLICE_FMT, SLICE_ARG(section), SLICE_ARG(key));
    slice nearest = S("");
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < LENGTH_OF(keys); i++) {
        slice candidate = arena_printf(a, "%s.%s", keys[i].section, keys[i].name);
        size_t distance = edit_distance(given, candidate);
        if (distance < least)
            least = distance, nearest = candidate;
    }
    return err_make(a, ERR_INVALID, "%s: unknown key '" SLICE_FMT "'; the nearest is '" SLICE_FMT "'", origin,
                    SLICE_ARG(terminal_safe(a, given)), SLICE_ARG(nearest));
}

static err_t bad_value(struct arena *a, const struct key *k, slice given, const char *origin, const char *what,
                       slice allowed)
{
    return err_make(a, ERR_INVALID, "%s: %s.%s: '" SLICE_FMT "' is not %s; allowed: " SLICE_FMT, origin, k->section,
                    k->name, SLICE_ARG(terminal_safe(a, given)), what, SLICE_ARG(allowed));
}

/* ── Values ─────────────────────────────────────────────────────────────────────────────────────────────────────── */

static bool is_ip(struct arena *a, slice text, int family)
{
    unsigned char binary[16];
    return slice_find_byte(text, 0) == SLICE_NONE && inet_pton(family, arena_cstr(a, text), binary) == 1;
}

/* 10.0.0.1:8080 or [::1]:8080; port 0 lets the system choose. */
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

/* As a browser sends it: scheme, host, perhaps a port, no path. "*" is every page. */
static bool is_origin(slice text)
{
    size_t scheme = slice_find(text, S("://"));
    return slice_eq(text, S("*")) || (is_url(text) && slice_find_byte(slice_from(text, scheme + 3), '/') == SLICE_NONE);
}

static bool choice_index(slice choices, slice text, unsigned *ret)
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

static slice with_commas(struct arena *a, const char *choices)
{
    struct buf b;
    buf_init(&b, 0);
    for (const char *c = choices; *c; c++)
        buf_add(&b, *c == '|' ? S(", ") : (slice){ c, 1 });
    slice text = arena_copy(a, buf_slice(&b));
    buf_release(&b);
    return text;
}

static err_t set_number(struct arena *a, const struct key *k, slice value, const char *origin, void *to)
{
    int64_t number;
    if (k->type == TYPE_INTEGER) {
        if (!slice_to_i64(value, &number) || number < k->least || number > k->most)
            return bad_value(a, k, value, origin, "a number in range",
                             arena_printf(a, "%lld to %lld", (long long)k->least, (long long)k->most));
    } else {
        bool is_size = k->type == TYPE_SIZE;
        const struct unit *units = is_size ? size_units : duration_units;
        size_t count = is_size ? LENGTH_OF(size_units) : LENGTH_OF(duration_units);
        if (!parse_with_unit(value, units, count, &number) || number < k->least || number > k->most) {
            slice least = format_with_unit(a, k->least, units, count),
                  most = format_with_unit(a, k->most, units, count);
            return bad_value(a, k, value, origin, is_size ? "a size in range" : "a duration in range",
                             arena_printf(a, "a number %s, from " SLICE_FMT " to " SLICE_FMT,
                                          is_size ? "of bytes or with K, M, G or T" : "with ms, s, m, h or d",
                                          SLICE_ARG(least), SLICE_ARG(most)));
        }
    }
    memcpy(to, &number, sizeof number);
    return NULL;
}

static err_t set_scalar(struct arena *a, const struct key *k, slice value, const char *origin, void *to)
{
    switch (k->type) {
    case TYPE_INTEGER:
    case TYPE_SIZE:
    case TYPE_DURATION:
        return set_number(a, k, value, origin, to);
    case TYPE_BOOLEAN: {
        unsigned at;
        if (!choice_index(S("false|no|off|0|true|yes|on|1"), value, &at))
            return bad_value(a, k, value, origin, "yes or no", S("true, yes, on, 1, false, no, off, 0"));
        *(bool *)to = at >= 4;
        return NULL;
    }
    case TYPE_CHOICE: {
        unsigned at;
        if (!choice_index(slice_of(k->choices), value, &at))
            return bad_value(a, k, value, origin, "one of its values", with_commas(a, k->choices));
        memcpy(to, &at, sizeof at);
        return NULL;
    }
    case TYPE_ADDRESS:
        if (value.n && !is_address(a, value))
            return bad_value(a, k, value, origin, "an address", S("like 127.0.0.1:8080 or [::1]:8080"));
        break;
    case TYPE_URL:
        if (value.n && !is_url(value))
            return bad_value(a, k, value, origin, "a URL", S("http:// or https://, a host, no query"));
        break;
    default:
        break;
    }
    *(slice *)to = arena_copy(a, value);
    return NULL;
}

static err_t add_item(struct arena *a, const struct key *k, slice item, const char *origin, struct config_list *list)
{
    if (k->type == TYPE_ADDRESSES && !is_address(a, item))
        return bad_value(a, k, item, origin, "an address", S("like 127.0.0.1:8080 or [::1]:8080"));
    if (k->type == TYPE_NETWORKS && !is_network(a, item))
        return bad_value(a, k, item, origin, "a network", S("like 10.0.0.1, 10.0.0.0/8 or fd00::/8"));
    if (k->type == TYPE_ORIGINS && !is_origin(item))
        return bad_value(a, k, item, origin, "an origin", S("like https://app.example.org, or *"));
    slice *items = arena_array(a, slice, list->count + 1);
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count] = arena_copy(a, item);
    *list = (struct config_list){ items, list->count + 1 };
    return NULL;
}

/* Commas part the items of a list; blanks too, except in paths, which may have some. */
static err_t add_items(struct arena *a, const struct key *k, slice value, const char *origin, struct config_list *list)
{
    for (size_t start = 0, i = 0; i <= value.n; i++) {
        bool ends =
            i == value.n || value.p[i] == ',' || (k->type != TYPE_PATHS && (value.p[i] == ' ' || value.p[i] == '\t'));
        if (!ends)
            continue;
        slice item = slice_trim(slice_part(value, start, i - start));
        start = i + 1;
        if (item.n)
            TRY(add_item(a, k, item, origin, list));
    }
    return NULL;
}

/* ── Hosts ──────────────────────────────────────────────────────────────────────────────────────────────────────── */

/* "*.example.org" is every name below it. */
static bool is_host_name(slice name)
{
    if (slice_starts(name, S("*.")))
        name = slice_from(name, 2);
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'))
            return false;
    }
    return name.n > 0 && name.n <= 253;
}

static slice lower_case(struct arena *a, slice text)
{
    char *copy = arena_cstr(a, text);
    for (size_t i = 0; i < text.n; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] - 'A' + 'a');
    return (slice){ copy, text.n };
}

static err_t set_host(struct config *c, enum config_layer layer, slice name, slice api, const char *origin)
{
    unsigned at;
    name = lower_case(c->arena, name);
    if (!is_host_name(name))
        return err_make(c->arena, ERR_INVALID, "%s: hosts: '" SLICE_FMT "' is not a host name", origin,
                        SLICE_ARG(terminal_safe(c->arena, name)));
    if (!choice_index(slice_of(apis), api, &at))
        return err_make(
            c->arena, ERR_INVALID, "%s: hosts." SLICE_FMT ": '" SLICE_FMT "' is no dialect; allowed: " SLICE_FMT,
            origin, SLICE_ARG(name), SLICE_ARG(terminal_safe(c->arena, api)), SLICE_ARG(with_commas(c->arena, apis)));
    struct config_host **link = &c->hosts;
    while (*link && !slice_eq((*link)->name, name))
        link = &(*link)->next;
    struct config_host *host = *link;
    if (host && host->layer > layer)
        return NULL;
    if (host && host->layer == layer && layer == CONFIG_FILE)
        return err_make(c->arena, ERR_INVALID, "%s: hosts." SLICE_FMT " is given twice", origin, SLICE_ARG(name));
    if (!host) {
        host = *link = arena_new(c->arena, struct config_host);
        host->name = name;
    }
    host->api = arena_copy(c->arena, api);
    host->layer = layer;
    return NULL;
}

/* ── The layers ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static err_t set_key(struct config *c, enum config_layer layer, enum config_key_id id, slice value, const char *origin)
{
    const struct key *k = &keys[id];
    void *to = (char *)c + k->offset;
    bool wins = layer >= c->layer_of[id], again = layer == c->layer_of[id] && layer != CONFIG_DEFAULT;
    if (k->type >= TYPE_ADDRESSES) {
        struct config_list list = again ? *(struct config_list *)to : (struct config_list){ 0 };
        TRY(add_items(c->arena, k, value, origin, &list));
        if (wins)
            *(struct config_list *)to = list;
    } else {
        if (again && layer == CONFIG_FILE)
            return err_make(c->arena, ERR_INVALID,
                            "%s: %s.%s is given twice (an indented line continues the one above)", origin, k->section,
                            k->name);
        union {
            slice text;
            int64_t number;
        } loser; /* a value that loses must be right all the same */
        TRY(set_scalar(c->arena, k, value, origin, wins ? to : &loser));
    }
    if (wins)
        c->layer_of[id] = layer;
    return NULL;
}

err_t config_set(struct config *c, enum config_layer layer, slice section, slice key, slice value, const char *origin)
{
    /* Nothing in here can use control characters; the strings go on to paths, headers and logs. */
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
            return err_make(c->arena, ERR_INVALID, "%s: " SLICE_FMT "." SLICE_FMT ": a control character in the value",
                            origin, SLICE_ARG(terminal_safe(c->arena, section)),
                            SLICE_ARG(terminal_safe(c->arena, key)));
    value = slice_trim(value);
    if (slice_eq(section, S("hosts")))
        return set_host(c, layer, key, value, origin);
    for (size_t i = 0; i < LENGTH_OF(keys); i++)
        if (slice_eq(section, slice_of(keys[i].section)) && slice_eq(key, slice_of(keys[i].name)))
            return set_key(c, layer, (enum config_key_id)i, value, origin);
    return unknown_key(c->arena, section, key, origin);
}

void config_init(struct config *c, struct arena *a)
{
    memset(c, 0, sizeof *c);
    c->arena = a;
    for (size_t i = 0; i < LENGTH_OF(keys); i++) {
        err_t e = set_key(c, CONFIG_DEFAULT, (enum config_key_id)i, slice_of(keys[i].by_default), "default");
        assert(!e); /* config_keys.def has a default that its own rule refuses */
        (void)e;
    }
}

err_t config_assign(struct config *c, enum config_layer layer, slice assignment, const char *origin)
{
    slice name, value, section, key;
    if (!slice_cut(assignment, '=', &name, &value) || !slice_cut(name, '.', &section, &key))
        return err_make(c->arena, ERR_INVALID, "%s: '" SLICE_FMT "' is not section.key=value", origin,
                        SLICE_ARG(terminal_safe(c->arena, assignment)));
    return config_set(c, layer, slice_trim(section), slice_trim(key), value, origin);
}

static err_t read_hosts_variable(struct config *c, slice value, const char *origin)
{
    while (value.n) {
        slice one, host, api;
        slice_cut(value, ',', &one, &value);
        if (!slice_trim(one).n)
            continue;
        if (!slice_cut(one, '=', &host, &api))
            return err_make(c->arena, ERR_INVALID, "%s: '" SLICE_FMT "' is not host=dialect", origin,
                            SLICE_ARG(terminal_safe(c->arena, one)));
        TRY(config_set(c, CONFIG_ENVIRONMENT, S("hosts"), slice_trim(host), api, origin));
    }
    return NULL;
}

err_t config_read_environment(struct config *c, char *const *environment)
{
    for (; *environment; environment++) {
        slice name, value;
        if (!slice_cut(slice_of(*environment), '=', &name, &value) || !slice_starts(name, S("CAIS_")))
            continue;
        const char *origin = arena_cstr(c->arena, name);
        slice rest = lower_case(c->arena, slice_from(name, 5)), section, key;
        if (slice_eq(rest, S("hosts")))
            TRY(read_hosts_variable(c, value, origin));
        else if (slice_cut(rest, '_', &section, &key))
            for (size_t i = 0; i < LENGTH_OF(sections); i++)
                if (slice_eq(section, slice_of(sections[i])) && !slice_eq(section, S("hosts")))
                    TRY(config_set(c, CONFIG_ENVIRONMENT, section, key, value, origin));
    }
    return NULL;
}

/* ── The file ───────────────────────────────────────────────────────────────────────────────────────────────────── */

struct reading {
    struct config *config;
    slice rest; /* what libinih has not seen */
    const char *name;
    int line;
    err_t error; /* the first */
};

static const char *here(struct reading *r)
{
    return arena_printf(r->config->arena, "%s:%d", r->name, r->line).p;
}

/* libinih would take the name of a section as it comes, cut at 49 bytes, and say nothing about one without keys. */
static err_t check_section(struct reading *r, slice line)
{
    slice name;
    /* Indented, it may be an IPv6 address that continues a list. */
    if (!slice_starts(line, S("[")))
        return NULL;
    if (!slice_cut(slice_from(line, 1), ']', &name, &line))
        return err_make(r->config->arena, ERR_INVALID, "%s: neither [section] nor key = value", here(r));
    for (size_t i = 0; i < LENGTH_OF(sections); i++)
        if (slice_eq(name, slice_of(sections[i])))
            return NULL;
    return err_make(r->config->arena, ERR_INVALID, "%s: unknown section [" SLICE_FMT "]", here(r),
                    SLICE_ARG(terminal_safe(r->config->arena, name)));
}

/* fgets for libinih: the next line, or NULL at the end and after an error. */
static char *next_line(char *to, int size, void *reading)
{
    struct reading *r = reading;
    slice line, rest;
    if (r->error || !r->rest.n)
        return NULL;
    slice_cut(r->rest, '\n', &line, &rest);
    r->rest = rest;
    r->line++;
    if (slice_find_byte(line, 0) != SLICE_NONE)
        r->error = err_make(r->config->arena, ERR_INVALID, "%s: a NUL byte", here(r));
    else if (line.n > LINE_MAX_BYTES)
        r->error = err_make(r->config->arena, ERR_INVALID, "%s: a line of %zu bytes; %d are allowed", here(r), line.n,
                            LINE_MAX_BYTES);
    else
        r->error = check_section(r, line);
    if (r->error)
        return NULL;
    assert(line.n + 2 <= (size_t)size);
    memcpy(to, line.p, line.n);
    memcpy(to + line.n, "\n", 2);
    return to;
}

static int take_pair(void *reading, const char *section, const char *key, const char *value)
{
    struct reading *r = reading;
    struct arena *a = r->config->arena;
    if (r->error)
        return 0;
    if (!*section)
        r->error = err_make(a, ERR_INVALID, "%s: '" SLICE_FMT "' stands before any [section]", here(r),
                            SLICE_ARG(terminal_safe(a, slice_of(key))));
    else
        r->error = config_set(r->config, CONFIG_FILE, slice_of(section), slice_of(key), slice_of(value), here(r));
    return !r->error;
}

err_t config_read_text(struct config *c, slice text, const char *name)
{
    if (text.n > FILE_MAX_BYTES)
        return err_make(c->arena, ERR_TOO_LARGE, "%s: larger than 1 MiB", name);
    struct reading r = { .config = c, .rest = text, .name = name };
    int bad_line = ini_parse_stream(next_line, &r, take_pair, &r);
    if (r.error)
        return r.error;
    if (bad_line)
        return err_make(c->arena, ERR_INVALID, "%s:%d: neither [section] nor key = value", name, bad_line);
    return NULL;
}

err_t config_read_file(struct config *c, const char *path)
{
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(c->arena, errno, "cannot read the configuration %s", path);
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 2 * FILE_MAX_BYTES);
    while (text.n <= FILE_MAX_BYTES) {
        char *to = buf_reserve(&text, 65536);
        ssize_t got = read(fd, to, 65536);
        if (got < 0)
            return err_errno(c->arena, errno, "cannot read the configuration %s", path);
        if (!got)
            break;
        text.n += (size_t)got;
    }
    return config_read_text(c, buf_slice(&text), path);
}

/* ── The whole ──────────────────────────────────────────────────────────────────────────────────────────────────── */

err_t config_check(struct config *c)
{
    if (c->server.tls_cert.count != c->server.tls_key.count)
        return err_make(c->arena, ERR_INVALID,
                        "server.tls_cert has %zu entries and server.tls_key has %zu: each certificate needs its key",
                        c->server.tls_cert.count, c->server.tls_key.count);
    if (c->server.tls_listen.count && !c->server.tls_cert.count)
        return err_make(c->arena, ERR_INVALID, "server.tls_listen needs server.tls_cert and server.tls_key");
    if (c->runrun.pending_lifetime_ms < c->runrun.form_lifetime_ms + HOUR)
        return err_make(c->arena, ERR_INVALID,
                        "runrun.pending_lifetime is less than runrun.form_lifetime and an hour: uploads in time would "
                        "be purged before they are confirmed");
    if (!c->server.data.n)
        return err_make(c->arena, ERR_INVALID, "server.data is empty: where should the files be kept?");
    if (c->http.max_header_line_bytes > c->http.max_head_bytes)
        return err_make(c->arena, ERR_INVALID, "http.max_header_line is more than http.max_head_bytes, which holds it");
    return NULL;
}

struct config_key_info config_key_info(enum config_key_id id)
{
    assert((size_t)id < LENGTH_OF(keys));
    const struct key *k = &keys[id];
    return (struct config_key_info){ k->section, k->name, k->by_default, k->doc };
}
