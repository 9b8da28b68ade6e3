/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/row_walk.h"

static bool can_read(const struct row_walk *w, int64_t from_id)
{
    SCRATCH(a);
    int64_t id;
    err_t e = w->read(w->tx, from_id, &a, arena_alloc(&a, w->row_bytes), &id);
    return !e || e->code == ERR_NOT_FOUND;
}

/* The lowest number above `bad` from which on a row can be read; INT64_MAX: there is none. */
static int64_t find_readable(const struct row_walk *w, int64_t bad)
{
    int64_t good = bad, step = 1;
    do {
        bad = good;
        if (good > INT64_MAX - step)
            return INT64_MAX;
        good += step;
        step *= 2;
    } while (!can_read(w, good));
    while (good - bad > 1) {
        int64_t middle = bad + (good - bad) / 2;
        if (can_read(w, middle))
            good = middle;
        else
            bad = middle;
    }
    return good;
}

err_t row_walk_run(const struct row_walk *w, struct arena *a)
{
    for (int64_t from_id = 0; from_id < INT64_MAX;) {
        SCRATCH(own);
        int64_t id = 0;
        void *row = arena_alloc(&own, w->row_bytes);
        err_t e = w->read(w->tx, from_id, &own, row, &id);
        if (err_is(e, ERR_NOT_FOUND))
            return NULL;
        if (!e) {
            from_id = id == INT64_MAX ? id : id + 1;
            e = w->use(w->arg, row, &own);
            if (e)
                return err_copy(a, e);
            continue;
        }
        int64_t next_id = find_readable(w, from_id);
        if (w->gap)
            w->gap(w->arg, from_id, next_id, e);
        from_id = next_id;
    }
    return NULL;
}
