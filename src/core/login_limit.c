/* SPDX-License-Identifier: Apache-2.0 */
#include "core/login_limit.h"

#include "base/address.h"
#include "base/hash.h"
#include "base/live.h"
#include "base/scoped.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 1024, WAYS = 16 };

/* What is counted. */
enum login_count_kind { OF_CLIENT, OF_USER, OF_NETWORK, SUCCESSES, KINDS, GUESSES = KINDS };

struct login_count {
    uint64_t name; /* a hash of what is counted; 0: free */
    int64_t count;
};

struct login_limit {
    struct login_limits limits;
    struct clock *clock;
    unsigned char secret[16];
    pthread_mutex_t mutex;
    int64_t window; /* the number of the window that the counts are of */
    struct login_count sets[SETS][WAYS];
};

static void set_login_limits(struct login_limit *l, const struct login_limits *limits)
{
    LIVE_SET(l->limits.window_ms, limits->window_ms > 0 ? limits->window_ms : 1); /* 0: there are no limits either */
    LIVE_SET(l->limits.failures, limits->failures);
    LIVE_SET(l->limits.failures_per_user, limits->failures_per_user);
    LIVE_SET(l->limits.failures_per_address, limits->failures_per_address);
    LIVE_SET(l->limits.per_user, limits->per_user);
}

struct login_limit *login_limit_new(const struct login_limits *limits, struct clock *clock, struct random *random)
{
    struct login_limit *l = must_malloc(sizeof *l);
    set_login_limits(l, limits);
    l->clock = clock;
    random_fill(random, l->secret, sizeof l->secret);
    pthread_mutex_init(&l->mutex, NULL);
    return l;
}

void login_limit_set(struct login_limit *l, const struct login_limits *limits)
{
    set_login_limits(l, limits);
}

void login_limit_free(struct login_limit *l)
{
    if (!l)
        return;
    pthread_mutex_destroy(&l->mutex);
    free(l);
}

static uint64_t hash_name(const struct login_limit *l, enum login_count_kind kind, slice login, slice network)
{
    unsigned char digest[SHA256_SIZE], head[sizeof l->secret + 9] = { 0 };
    uint64_t name, login_bytes = login.n;
    struct hash *hash = hash_new(HASH_SHA256);
    memcpy(head, l->secret, sizeof l->secret);
    memcpy(head + sizeof l->secret, &login_bytes, sizeof login_bytes); /* so that two texts cannot be cut elsewhere */
    head[sizeof head - 1] = (unsigned char)kind;
    hash_update(hash, (slice){ (char *)head, sizeof head });
    hash_update(hash, login);
    hash_update(hash, network);
    hash_final(hash, digest);
    hash_free(hash);
    memcpy(&name, digest, sizeof name);
    return name ? name : 1;
}

/* The count of that name, or the slot that it gets. */
static struct login_count *find_count(struct login_limit *l, uint64_t name)
{
    struct login_count *set = l->sets[name % SETS], *lowest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].name == name)
            return &set[i];
        if (set[i].count < lowest->count)
            lowest = &set[i];
    }
    return lowest;
}

static void add_to_count(struct login_limit *l, uint64_t name, int64_t by)
{
    if (!name)
        return;
    struct login_count *c = find_count(l, name);
    if (c->name != name && by < 0)
        return; /* its count was forgotten, and the slot has that of another name */
    if (c->name != name)
        *c = (struct login_count){ .name = name };
    c->count += by;
    if (c->count <= 0)
        *c = (struct login_count){ 0 };
}

static void enter_login_window(struct login_limit *l)
{
    int64_t window = clock_now_ms(l->clock) / LIVE(l->limits.window_ms);
    if (window == l->window)
        return;
    l->window = window;
    memset(l->sets, 0, sizeof l->sets);
}

struct login_names {
    uint64_t names[KINDS]; /* 0: is not counted */
    int64_t limits[KINDS];
};

static struct login_names name_login(const struct login_limit *l, slice login, slice address)
{
    uint64_t number = address_network(address);
    slice network = address.n ? (slice){ (const char *)&number, sizeof number } : S("");
    return (struct login_names){
        .names = { [OF_CLIENT] = network.n ? hash_name(l, OF_CLIENT, login, network) : 0,
                   [OF_USER] = hash_name(l, OF_USER, login, S("")),
                   [OF_NETWORK] = network.n ? hash_name(l, OF_NETWORK, S(""), network) : 0,
                   [SUCCESSES] = hash_name(l, SUCCESSES, login, S("")) },
        .limits = { [OF_CLIENT] = LIVE(l->limits.failures),
                    [OF_USER] = LIVE(l->limits.failures_per_user),
                    [OF_NETWORK] = LIVE(l->limits.failures_per_address),
                    [SUCCESSES] = LIVE(l->limits.per_user) },
    };
}

static bool limit_is_reached(struct login_limit *l, const struct login_names *n, enum login_count_kind kind)
{
    const struct login_count *c = find_count(l, n->names[kind]);
    return n->limits[kind] && n->names[kind] && c->name == n->names[kind] && c->count >= n->limits[kind];
}

bool login_limit_begin(struct login_limit *l, slice login, slice address)
{
    struct login_names n = name_login(l, login, address);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&l->mutex);
    enter_login_window(l);
    for (int kind = 0; kind < KINDS; kind++)
        if (limit_is_reached(l, &n, kind))
            return false;
    for (int kind = 0; kind < SUCCESSES; kind++)
        add_to_count(l, n.names[kind], 1);
    return true;
}

void login_limit_end(struct login_limit *l, slice login, slice address, bool succeeded)
{
    struct login_names n = name_login(l, login, address);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&l->mutex);
    enter_login_window(l);
    for (int kind = 0; kind < SUCCESSES; kind++)
        add_to_count(l, n.names[kind], -1);
    if (succeeded)
        add_to_count(l, n.names[SUCCESSES], 1);
}

bool login_limit_count_guess(struct login_limit *l, slice what, slice address)
{
    uint64_t number = address_network(address);
    int64_t max = LIVE(l->limits.failures_per_address);
    if (!address.n || !max)
        return true;
    uint64_t name = hash_name(l, GUESSES, what, (slice){ (const char *)&number, sizeof number });
    SCOPED(unlockp) pthread_mutex_t *held = lock(&l->mutex);
    enter_login_window(l);
    const struct login_count *c = find_count(l, name);
    if (c->name == name && c->count >= max)
        return false;
    add_to_count(l, name, 1);
    return true;
}

int64_t login_limit_retry_s(const struct login_limit *l)
{
    int64_t left_ms = LIVE(l->limits.window_ms) - clock_now_ms(l->clock) % LIVE(l->limits.window_ms);
    return (left_ms + 999) / 1000;
}
