/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/admin_progress.h"

#include <string.h>

void admin_progress_set(struct admin_progress *p, const char *what, int64_t done, int64_t total)
{
    if (p)
        p->set(p, what, done, total);
}

void admin_progress_of_bytes(void *progress, const char *what, uint64_t done_bytes, uint64_t total_bytes)
{
    admin_progress_set(progress, what, (int64_t)done_bytes, (int64_t)total_bytes);
}

/* ---- in the process of the command line ---- */

static void draw(struct admin_progress *p, const char *what, int64_t done, int64_t total)
{
    struct admin_bar *b = (struct admin_bar *)p;
    if (!what) {
        admin_bar_end(b);
        return;
    }
    b->bar.name = slice_of(what);
    if (done || total)
        progress_update(&b->bar, done, total ? total : -1);
    else
        progress_note(&b->bar, S("…"), false);
}

void admin_bar_init(struct admin_bar *b, FILE *to, struct clock *clock)
{
    *b = (struct admin_bar){ .progress = { draw } };
    progress_init(&b->bar, to, clock, S(""));
}

void admin_bar_end(struct admin_bar *b)
{
    progress_end(&b->bar);
    fflush(b->bar.to);
}

void admin_bar_draw(struct admin_bar *b, slice text)
{
    SCRATCH(a);
    slice done, total, what;
    int64_t done_bytes, total_bytes;
    if (slice_cut(text, ' ', &done, &text) && slice_cut(text, ' ', &total, &what) && slice_to_i64(done, &done_bytes) &&
        slice_to_i64(total, &total_bytes))
        draw(&b->progress, arena_cstr(&a, terminal_safe(&a, what)), done_bytes, total_bytes);
}

/* ---- in a server ---- */

static void note(struct admin_progress *p, const char *what, int64_t done, int64_t total)
{
    struct admin_slot *s = (struct admin_slot *)p;
    pthread_mutex_lock(s->mutex);
    slice text = slice_part(slice_of(what), 0, sizeof s->what - 1);
    memcpy(s->what, text.p ? text.p : "", text.n);
    s->what[text.n] = '\0';
    s->done = done;
    s->total = total;
    pthread_mutex_unlock(s->mutex);
}

void admin_slots_init(struct admin_slots *all)
{
    memset(all, 0, sizeof *all);
    pthread_mutex_init(&all->mutex, NULL);
    for (size_t i = 0; i < ADMIN_PROGRESS_MAX; i++)
        all->slots[i] = (struct admin_slot){ .progress = { note }, .mutex = &all->mutex };
}

/* Under the mutex. An empty id finds a free one. */
static struct admin_slot *find_slot(struct admin_slots *all, slice id)
{
    for (size_t i = 0; i < ADMIN_PROGRESS_MAX; i++)
        if (slice_eq(slice_of(all->slots[i].id), id))
            return &all->slots[i];
    return NULL;
}

struct admin_slot *admin_slots_take(struct admin_slots *all, slice id)
{
    if (id.n != ADMIN_PROGRESS_ID)
        return NULL;
    pthread_mutex_lock(&all->mutex);
    struct admin_slot *free_slot = find_slot(all, id) ? NULL : find_slot(all, S(""));
    if (free_slot) {
        memcpy(free_slot->id, id.p, ADMIN_PROGRESS_ID);
        free_slot->what[0] = '\0';
        free_slot->done = free_slot->total = 0;
    }
    pthread_mutex_unlock(&all->mutex);
    return free_slot;
}

void admin_slots_give(struct admin_slot *s)
{
    if (!s)
        return;
    pthread_mutex_lock(s->mutex);
    memset(s->id, 0, sizeof s->id);
    pthread_mutex_unlock(s->mutex);
}

slice admin_slots_text(struct admin_slots *all, slice id, struct arena *a)
{
    slice text = S("");
    pthread_mutex_lock(&all->mutex);
    const struct admin_slot *s = id.n == ADMIN_PROGRESS_ID ? find_slot(all, id) : NULL;
    if (s && s->what[0])
        text = arena_printf(a, "%lld %lld %s", (long long)s->done, (long long)s->total, s->what);
    pthread_mutex_unlock(&all->mutex);
    return text;
}
