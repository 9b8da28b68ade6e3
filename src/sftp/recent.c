/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/recent.h"

#include "base/scoped.h"

#include <string.h>

void recent_init(struct recent *r, struct clock *clock)
{
    memset(r, 0, sizeof *r);
    r->clock = clock;
    pthread_mutex_init(&r->mutex, NULL);
}

void recent_release(struct recent *r)
{
    pthread_mutex_destroy(&r->mutex);
}

static struct recent_file *find(struct recent *r, int64_t section_id, slice name)
{
    int64_t now_ms = clock_monotonic_ms(r->clock);
    for (size_t i = 0; i < RECENT_MAX; i++) {
        struct recent_file *f = &r->files[i];
        if (f->section_id == section_id && now_ms - f->put_ms < RECENT_MS &&
            slice_eq(name, (slice){ f->name, f->name_size }))
            return f;
    }
    return NULL;
}

void recent_note(struct recent *r, int64_t section_id, slice name, uint64_t size_bytes)
{
    if (!section_id || name.n > RECENT_NAME_MAX)
        return;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&r->mutex);
    struct recent_file *f = find(r, section_id, name);
    if (!f) {
        f = &r->files[r->next];
        r->next = (r->next + 1) % RECENT_MAX;
    }
    f->section_id = section_id;
    f->put_ms = clock_monotonic_ms(r->clock);
    f->put_at_ms = clock_now_ms(r->clock);
    f->size_bytes = size_bytes;
    f->name_size = name.n;
    memcpy(f->name, name.p, name.n);
}

bool recent_find(struct recent *r, int64_t section_id, slice name, uint64_t *ret_size_bytes, int64_t *ret_put_at_ms)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&r->mutex);
    const struct recent_file *f = section_id ? find(r, section_id, name) : NULL;
    if (!f)
        return false;
    *ret_size_bytes = f->size_bytes;
    *ret_put_at_ms = f->put_at_ms;
    return true;
}

void recent_forget(struct recent *r, int64_t section_id, slice name)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&r->mutex);
    struct recent_file *f = section_id ? find(r, section_id, name) : NULL;
    if (f)
        f->section_id = 0;
}
