/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that calls md5_crew_update is a member for the length of the call:
 *
 *         fewer leaders than max_leaders            own piece done
 *   call ───────────────────────────────► LEADS ──────────────────────► the first waiting member leads; if there is
 *     │ else                               ▲  │                         none, there is one leader less
 *     └──► WAITS ──────────────────────────┘  │
 *            └── a leader dequeues it ──► hashed in the leader's team ──► DONE
 *
 * A leader works in short turns. Between two turns it dismisses the members of its team whose piece is done and
 * dequeues waiting ones, so no member waits for the whole piece of another. A member that waits, or is in a team,
 * sleeps on a condition variable of its own.
 *
 * When cores are scarce, other threads that have something to hash may be waiting for the core on which a new leader is
 * about to hash its own piece alone. So a new leader yields the core if several members were there lately: they run,
 * enter the queue, and sleep, and the leader then hashes all pieces together. */
#include "base/md5_crew.h"

#include "base/arena.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>

#define TURN_BLOCKS 128       /* 8 KiB of each stream: some 20 µs */
#define MIN_SHARED_BYTES 4096 /* for fewer bytes the locks cost more than the lanes gain */
#define COMPANY_PIECES 16     /* for how many pieces a meeting of several members counts as recent */

struct crew_member {
    struct md5 *md5;
    const char *at;
    size_t blocks;                                          /* left */
    enum { MEMBER_WAITS, MEMBER_LEADS, MEMBER_DONE } state; /* under lock */
    pthread_cond_t moved;
    struct crew_member *next; /* in the queue */
};

struct md5_crew {
    pthread_mutex_t lock;
    enum md5_code code;
    size_t lanes;
    int leaders, max_leaders;
    int company;                      /* above 0: several members met recently; counts down with each new leader */
    struct crew_member *first, *last; /* the queue of those that wait */
};

struct md5_crew *md5_crew_new(enum md5_code code, int leaders)
{
    assert(md5_code_runs(code) && leaders > 0);
    struct md5_crew *c = must_malloc(sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    c->code = code;
    c->lanes = md5_code_lanes(code);
    c->max_leaders = leaders;
    return c;
}

void md5_crew_free(struct md5_crew *c)
{
    if (!c)
        return;
    assert(!c->leaders && !c->first);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void enqueue_member(struct md5_crew *c, struct crew_member *m)
{
    m->next = NULL;
    *(c->first ? &c->last->next : &c->first) = m;
    c->last = m;
}

static struct crew_member *dequeue_member(struct md5_crew *c)
{
    struct crew_member *m = c->first;
    c->first = m->next;
    return m;
}

static void notify_member(struct crew_member *m, int state)
{
    m->state = state;
    pthread_cond_signal(&m->moved); /* under the lock: m may be gone once the lock is released */
}

/* Hash one turn of every member of the team: TURN_BLOCKS, or as many as the shortest piece has left. */
static void hash_one_turn(enum md5_code code, struct crew_member *const *team, size_t count)
{
    struct md5 *md5[MD5_MAX_LANES];
    const char *at[MD5_MAX_LANES];
    size_t blocks = TURN_BLOCKS;
    for (size_t i = 0; i < count; i++) {
        md5[i] = team[i]->md5;
        at[i] = team[i]->at;
        blocks = team[i]->blocks < blocks ? team[i]->blocks : blocks;
    }
    md5_blocks(code, md5, at, count, blocks);
    for (size_t i = 0; i < count; i++) {
        team[i]->at += blocks * MD5_BLOCK;
        team[i]->blocks -= blocks;
    }
}

/* Lead until the own piece is done. Called with the lock, which is released during each turn. */
static void lead_team(struct md5_crew *c, struct crew_member *own)
{
    struct crew_member *team[MD5_MAX_LANES] = { own };
    size_t count = 1;
    while (own->blocks) {
        while (c->first && count < c->lanes)
            team[count++] = dequeue_member(c);
        pthread_mutex_unlock(&c->lock);
        hash_one_turn(c->code, team, count);
        pthread_mutex_lock(&c->lock);
        for (size_t i = count; --i > 0;) {
            if (!team[i]->blocks) {
                notify_member(team[i], MEMBER_DONE);
                team[i] = team[--count];
            }
        }
    }
    while (count > 1) { /* put the rest of the team back to the front of the queue */
        struct crew_member *m = team[--count];
        m->next = c->first;
        c->last = c->first ? c->last : m;
        c->first = m;
    }
    if (c->first)
        notify_member(dequeue_member(c), MEMBER_LEADS);
    else
        c->leaders--;
}

/* Called with the lock. */
static void yield_to_others(struct md5_crew *c)
{
    if (!c->company)
        return;
    c->company--;
    pthread_mutex_unlock(&c->lock);
    sched_yield();
    pthread_mutex_lock(&c->lock);
}

static void join_crew(struct md5_crew *c, struct crew_member *own)
{
    pthread_mutex_lock(&c->lock);
    if (c->leaders < c->max_leaders) {
        c->leaders++;
        own->state = MEMBER_LEADS;
        yield_to_others(c);
    } else {
        enqueue_member(c, own);
        c->company = COMPANY_PIECES;
    }
    while (own->state == MEMBER_WAITS)
        pthread_cond_wait(&own->moved, &c->lock);
    if (own->state == MEMBER_LEADS)
        lead_team(c, own);
    pthread_mutex_unlock(&c->lock);
}

void md5_crew_update(struct md5_crew *c, struct md5 *md5, slice bytes)
{
    if (c->lanes == 1 || bytes.n < MIN_SHARED_BYTES) {
        md5_update(md5, bytes);
        return;
    }
    size_t to_edge = (MD5_BLOCK - md5->bytes % MD5_BLOCK) % MD5_BLOCK;
    md5_update(md5, slice_part(bytes, 0, to_edge));
    bytes = slice_from(bytes, to_edge);
    struct crew_member own = { .md5 = md5, .at = bytes.p, .blocks = bytes.n / MD5_BLOCK, .state = MEMBER_WAITS };
    pthread_cond_init(&own.moved, NULL);
    join_crew(c, &own);
    pthread_cond_destroy(&own.moved);
    md5_update(md5, slice_from(bytes, bytes.n - bytes.n % MD5_BLOCK));
}
