/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of keys, made from config_keys.def and by each API, say what every key is; everything here follows them. */
#include "cli/config.h"

#include "api/apis.h"
#include "base/live.h"
#include "cli/config_value_priv.h"
#include "cli/terminal.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#define HTTP_MEMORY_MIN_BYTES (INT64_C(32) << 20) /* the worst document of one request takes 18 MiB */
#define NAME_MAX_BYTES 64                         /* longer names are cut before edit distances are computed */

/* What [hosts] may name, each after a bar: "|first|second" */
static const char apis[] =
#define API(name) "|" #name
#define PLANNED(name) "|" #name
#include "api/apis.def"
    ;

static const struct config_key keys[] = {
#define CONFIG_LIST "cli/config_keys.def"
#define CONFIG_OFFSET(section, member) offsetof(struct config, section.member)
#include "base/config_rows.def"
};
_Static_assert(LENGTH_OF(keys) == CONFIG_KEY_COUNT, "the table has the order of enum config_key_id");

size_t config_key_count(void)
{
    size_t count = LENGTH_OF(keys);
    for (size_t i = 0; i < API_COUNT; i++)
        count += api_modules[i]->key_count;
    return count;
}

/* The key of that number. *ret_api: the position of its API in api_modules; API_COUNT: it is a key of the server. */
static const struct config_key *key_of_number(size_t number, size_t *ret_api)
{
    *ret_api = API_COUNT;
    if (number < LENGTH_OF(keys))
        return &keys[number];
    number -= LENGTH_OF(keys);
    for (size_t i = 0;; i++) {
        assert(i < API_COUNT);
        *ret_api = i;
        if (number < api_modules[i]->key_count)
            return &api_modules[i]->keys[number];
        number -= api_modules[i]->key_count;
    }
}

/* A choice is written through its offset as an unsigned int. */
_Static_assert(sizeof(enum log_level) == sizeof(unsigned) && sizeof(enum config_durability) == sizeof(unsigned) &&
                   sizeof(enum config_log_format) == sizeof(unsigned),
               "enums are ints");

bool config_log_is_text(const struct config *c)
{
    bool is_for_person = c->log.format == CONFIG_LOG_AUTO && !c->log.file.n && isatty(STDERR_FILENO);
    return c->log.format == CONFIG_LOG_TEXT || is_for_person;
}

bool config_has_section(slice name)
{
    for (size_t i = 0, unused; i < config_key_count(); i++)
        if (slice_eq(name, slice_of(key_of_number(i, &unused)->section)))
            return true;
    return slice_eq(name, S("hosts"));
}

const void *config_api_options(const struct config *c, slice api)
{
    for (size_t i = 0; i < API_COUNT; i++)
        if (slice_eq(api, slice_of(api_modules[i]->name)))
            return c->api_options[i];
    assert(!"no such API");
    return NULL;
}

/* ---- hosts ---- */

/* "*.example.org" stands for every name below example.org. */
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
    if (!config_choice_index(slice_of(apis + 1), api, &at))
        return err_make(c->arena, ERR_INVALID,
                        "%s: hosts." SLICE_FMT ": '" SLICE_FMT "' is no dialect; allowed: " SLICE_FMT, origin,
                        SLICE_ARG(name), SLICE_ARG(terminal_safe(c->arena, api)),
                        SLICE_ARG(config_choices_text(c->arena, apis + 1)));
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

/* ---- layers ---- */

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
    size_t best = SIZE_MAX;
    for (size_t i = 0, unused; i < config_key_count(); i++) {
        const struct config_key *k = key_of_number(i, &unused);
        slice candidate = arena_printf(a, "%s.%s", k->section, k->name);
        size_t distance = edit_distance(given, candidate);
        if (distance < best)
            best = distance, nearest = candidate;
    }
    return err_make(a, ERR_INVALID, "%s: unknown key '" SLICE_FMT "'; the nearest is '" SLICE_FMT "'", origin,
                    SLICE_ARG(terminal_safe(a, given)), SLICE_ARG(nearest));
}

static err_t set_key(struct config *c, enum config_layer layer, size_t number, slice value, const char *origin)
{
    size_t api;
    const struct config_key *k = key_of_number(number, &api);
    struct config_given given = { k, value, origin };
    void *to = (api == API_COUNT ? (char *)c : (char *)c->api_options[api]) + k->offset;
    bool wins = layer >= c->layer_of[number], again = layer == c->layer_of[number] && layer != CONFIG_DEFAULT;
    if (k->type >= CONFIG_TYPE_ADDRESSES) {
        struct config_list list = again ? *(struct config_list *)to : (struct config_list){ 0 };
        TRY(config_list_add(c->arena, &given, &list));
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
        } unused; /* a value that a stronger layer replaces must be valid, too */
        TRY(config_value_set(c->arena, &given, wins ? to : &unused));
    }
    if (wins)
        c->layer_of[number] = layer;
    return NULL;
}

err_t config_set(struct config *c, enum config_layer layer, slice section, slice key, slice value, const char *origin)
{
    /* No value needs control characters, and values go into paths, headers and logs. */
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
            return err_make(c->arena, ERR_INVALID, "%s: " SLICE_FMT "." SLICE_FMT ": a control character in the value",
                            origin, SLICE_ARG(terminal_safe(c->arena, section)),
                            SLICE_ARG(terminal_safe(c->arena, key)));
    value = slice_trim(value);
    if (slice_eq(section, S("hosts")))
        return set_host(c, layer, key, value, origin);
    for (size_t i = 0, unused; i < config_key_count(); i++) {
        const struct config_key *k = key_of_number(i, &unused);
        if (slice_eq(section, slice_of(k->section)) && slice_eq(key, slice_of(k->name)))
            return set_key(c, layer, i, value, origin);
    }
    return unknown_key(c->arena, section, key, origin);
}

void config_init(struct config *c, struct arena *a)
{
    memset(c, 0, sizeof *c);
    c->arena = a;
    c->layer_of = arena_array(a, enum config_layer, config_key_count());
    c->api_options = arena_array(a, void *, API_COUNT);
    for (size_t i = 0; i < API_COUNT; i++)
        c->api_options[i] = arena_alloc(a, api_modules[i]->options_size);
    for (size_t i = 0, unused; i < config_key_count(); i++) {
        err_t e = set_key(c, CONFIG_DEFAULT, i, slice_of(key_of_number(i, &unused)->by_default), "default");
        assert(!e); /* else a default breaks the rule of its own key */
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
        else if (slice_cut(rest, '_', &section, &key) && config_has_section(section) && !slice_eq(section, S("hosts")))
            TRY(config_set(c, CONFIG_ENVIRONMENT, section, key, value, origin));
    }
    return NULL;
}

/* ---- a reload ---- */

static void *member_of(const struct config *c, size_t number)
{
    size_t api;
    const struct config_key *k = key_of_number(number, &api);
    return (char *)(uintptr_t)(api == API_COUNT ? (const char *)c : (const char *)c->api_options[api]) + k->offset;
}

static bool lists_differ(const struct config_list *x, const struct config_list *y)
{
    bool differ = x->count != y->count;
    for (size_t i = 0; !differ && i < x->count; i++)
        differ = !slice_eq(x->items[i], y->items[i]);
    return differ;
}

static enum config_type type_of(size_t number)
{
    size_t unused;
    return key_of_number(number, &unused)->type;
}

static bool is_text(enum config_type type)
{
    return type == CONFIG_TYPE_STRING || type == CONFIG_TYPE_ADDRESS || type == CONFIG_TYPE_URL;
}

bool config_key_is_scalar(size_t number)
{
    return !is_text(type_of(number)) && type_of(number) < CONFIG_TYPE_ADDRESSES;
}

bool config_differs(const struct config *x, const struct config *y, size_t number)
{
    const void *mine = member_of(x, number), *theirs = member_of(y, number);
    enum config_type type = type_of(number);
    if (type >= CONFIG_TYPE_ADDRESSES)
        return lists_differ(mine, theirs);
    if (is_text(type))
        return !slice_eq(*(const slice *)mine, *(const slice *)theirs);
    if (type == CONFIG_TYPE_BOOLEAN)
        return *(const bool *)mine != *(const bool *)theirs;
    return type == CONFIG_TYPE_CHOICE ? *(const unsigned *)mine != *(const unsigned *)theirs
                                      : *(const int64_t *)mine != *(const int64_t *)theirs;
}

void config_take_scalar(void *to, const void *from, size_t number)
{
    enum config_type type = type_of(number);
    if (type == CONFIG_TYPE_BOOLEAN)
        LIVE_SET(*(bool *)to, *(const bool *)from);
    else if (type == CONFIG_TYPE_CHOICE)
        LIVE_SET(*(unsigned *)to, *(const unsigned *)from);
    else
        LIVE_SET(*(int64_t *)to, *(const int64_t *)from);
}

static struct config_list copy_list(struct arena *a, const struct config_list *from)
{
    struct config_list list = { arena_array(a, slice, from->count + 1), from->count };
    for (size_t i = 0; i < from->count; i++)
        list.items[i] = (slice){ arena_cstr(a, from->items[i]), from->items[i].n };
    return list;
}

void config_take(struct config *to, const struct config *from, size_t number)
{
    void *mine = member_of(to, number);
    const void *theirs = member_of(from, number);
    if (config_key_is_scalar(number))
        config_take_scalar(mine, theirs, number);
    else if (is_text(type_of(number)))
        *(slice *)mine = arena_copy(to->arena, *(const slice *)theirs);
    else
        *(struct config_list *)mine = copy_list(to->arena, theirs);
    to->layer_of[number] = from->layer_of[number];
}

bool config_hosts_differ(const struct config *x, const struct config *y)
{
    const struct config_host *mine = x->hosts, *theirs = y->hosts;
    while (mine && theirs && slice_eq(mine->name, theirs->name) && slice_eq(mine->api, theirs->api))
        mine = mine->next, theirs = theirs->next;
    return mine || theirs;
}

void config_take_hosts(struct config *to, const struct config *from)
{
    struct config_host **end = &to->hosts;
    *end = NULL;
    for (const struct config_host *h = from->hosts; h; h = h->next) {
        struct config_host *copy = *end = arena_new(to->arena, struct config_host);
        *copy = (struct config_host){ arena_copy(to->arena, h->name), arena_copy(to->arena, h->api), h->layer, NULL };
        end = &copy->next;
    }
}

size_t config_api_key(size_t api, size_t number)
{
    size_t at = LENGTH_OF(keys) + number;
    for (size_t i = 0; i < api; i++)
        at += api_modules[i]->key_count;
    return at;
}

/* ---- the whole configuration ---- */

err_t config_check(struct config *c)
{
    if (c->server.tls_cert.count != c->server.tls_key.count)
        return err_make(c->arena, ERR_INVALID,
                        "server.tls_cert has %zu entries and server.tls_key has %zu: each certificate needs its key",
                        c->server.tls_cert.count, c->server.tls_key.count);
    if (c->server.tls_listen.count && !c->server.tls_cert.count)
        return err_make(c->arena, ERR_INVALID, "server.tls_listen needs server.tls_cert and server.tls_key");
    for (size_t i = 0; i < API_COUNT; i++)
        if (api_modules[i]->check)
            TRY(api_modules[i]->check(c->api_options[i], c->arena));
    if (!c->server.data.n)
        return err_make(c->arena, ERR_INVALID, "server.data is empty: where should the files be kept?");
    if (c->http.max_header_line_bytes > c->http.max_head_bytes)
        return err_make(c->arena, ERR_INVALID, "http.max_header_line is more than http.max_head_bytes, which holds it");
    if (c->http.memory_bytes && c->http.memory_bytes < HTTP_MEMORY_MIN_BYTES)
        return err_make(c->arena, ERR_INVALID,
                        "http.memory is less than 32M, which a few large documents take; 0 chooses a value");
    if (c->audit.keep_ms && c->audit.keep_ms < DAY)
        return err_make(c->arena, ERR_INVALID, "audit.keep is less than 1d; 0 keeps the audit log for ever");
    return NULL;
}

struct config_key_info config_key_info(size_t number)
{
    size_t unused;
    const struct config_key *k = key_of_number(number, &unused);
    return (struct config_key_info){ k->section, k->name, k->by_default, k->doc };
}
