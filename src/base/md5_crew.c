/* SPDX-License-Identifier: Apache-2.0 */
/*            leaders < most                      own piece done
 *   comes ───────────────────► leads ◄───────┐ ─────────────────► first in line leads; nobody there: leaders - 1
 *     │ else                                 │
 *     └───► stands in line ──────────────────┘
 *                  └── a leader takes it in ──► worked on ──► done
 *
 * A leader works in short turns. Between them it lets go of those who are done and takes in those who wait, so nobody
 * waits for the whole of another's piece. Who is worked on, or waits, sleeps on a condition of its own.
 *
 * When cores are scarce, others who have something to hash may be waiting for the core that a new leader is about to
 * spend on its own piece alone. So where there was company lately it lets them run first: they come, stand in line, and
 * sleep. */
#include "base/md5_crew.h"

#include "base/arena.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>

#define TURN_BLOCKS 128    /* 8 KiB of each: some 20 µs */
#define WORTH_MEETING 4096 /* bytes below which the locks cost more than the lanes gain */
#define COMPANY_LASTS 16

struct member {
    struct md5 *md5;
    const char *at;
    size_t blocks;                                          /* left */
    enum { MEMBER_WAITS, MEMBER_LEADS, MEMBER_DONE } state; /* under lock */
    pthread_cond_t moved;
    struct member *next; /* in line */
};

struct md5_crew {
    pthread_mutex_t lock;
    enum md5_code code;
    size_t lanes;
    int leaders, most_leaders;
    int company;                 /* above 0: several were here, that many pieces ago or less */
    struct member *first, *last; /* in line */
};

struct md5_crew *md5_crew_new(enum md5_code code, int leaders)
{
    assert(md5_code_runs(code) && leaders > 0);
    struct md5_crew *c = must_malloc(sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    c->code = code;
    c->lanes = md5_code_lanes(code);
    c->most_leaders = leaders;
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

static void line_up(struct md5_crew *c, struct member *m)
{
    m->next = NULL;
    *(c->first ? &c->last->next : &c->first) = m;
    c->last = m;
}

static struct member *next_in_line(struct md5_crew *c)
{
    struct member *m = c->first;
    c->first = m->next;
    return m;
}

static void tell(struct member *m, int state)
{
    m->state = state;
    pthread_cond_signal(&m->moved); /* under the lock: once it is let go, m may be gone */
}

/* One turn for all, as long as the shortest of them. */
static void work(enum md5_code code, struct member *const *team, size_t count)
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

/* Until the own piece is done. With the lock, which is let go while there is work. */
static void lead(struct md5_crew *c, struct member *own)
{
    struct member *team[MD5_MAX_LANES] = { own };
    size_t count = 1;
    while (own->blocks) {
        while (c->first && count < c->lanes)
            team[count++] = next_in_line(c);
        pthread_mutex_unlock(&c->lock);
        work(c->code, team, count);
        pthread_mutex_lock(&c->lock);
        for (size_t i = count; --i > 0;) {
            if (!team[i]->blocks) {
                tell(team[i], MEMBER_DONE);
                team[i] = team[--count];
            }
        }
    }
    while (count > 1) { /* first in line again */
        struct member *m = team[--count];
        m->next = c->first;
        c->last = c->first ? c->last : m;
        c->first = m;
    }
    if (c->first)
        tell(next_in_line(c), MEMBER_LEADS);
    else
        c->leaders--;
}

/* With the lock. */
static void let_others_come(struct md5_crew *c)
{
    if (!c->company)
        return;
    c->company--;
    pthread_mutex_unlock(&c->lock);
    sched_yield();
    pthread_mutex_lock(&c->lock);
}

static void take_part(struct md5_crew *c, struct member *own)
{
    pthread_mutex_lock(&c->lock);
    if (c->leaders < c->most_leaders) {
        c->leaders++;
        own->state = MEMBER_LEADS;
        let_others_come(c);
    } else {
        line_up(c, own);
        c->company = COMPANY_LASTS;
    }
    while (own->state == MEMBER_WAITS)
        pthread_cond_wait(&own->moved, &c->lock);
    if (own->state == MEMBER_LEADS)
        lead(c, own);
    pthread_mutex_unlock(&c->lock);
}

void md5_crew_update(struct md5_crew *c, struct md5 *md5, slice bytes)
{
    if (c->lanes == 1 || bytes.n < WORTH_MEETING) {
        md5_update(md5, bytes);
        return;
    }
    size_t to_edge = (MD5_BLOCK - md5->bytes % MD5_BLOCK) % MD5_BLOCK;
    md5_update(md5, slice_part(bytes, 0, to_edge));
    bytes = slice_from(bytes, to_edge);
    struct member own = { .md5 = md5, .at = bytes.p, .blocks = bytes.n / MD5_BLOCK, .state = MEMBER_WAITS };
    pthread_cond_init(&own.moved, NULL);
    take_part(c, &own);
    pthread_cond_destroy(&own.moved);
    md5_update(md5, slice_from(bytes, bytes.n - bytes.n % MD5_BLOCK));
}
