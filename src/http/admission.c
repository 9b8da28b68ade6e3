/* SPDX-License-Identifier: Apache-2.0 */
#include "http/admission.h"

#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

void admission_init(struct admission *d, size_t max_connections, size_t max_per_address)
{
    *d = (struct admission){ .max_connections = max_connections, .max_per_address = max_per_address };
    pthread_mutex_init(&d->lock, NULL);
}

void admission_release(struct admission *d)
{
    free(d->slots);
    pthread_mutex_destroy(&d->lock);
}

/* The slot of an address, or the free slot where it belongs. The table always has a free slot. */
static struct address_count *find_slot(struct admission *d, const char *address)
{
    uint64_t h = slice_hash(slice_of(address));
    for (size_t i = 0;; i++) {
        struct address_count *c = &d->slots[(h + i) & (d->slot_count - 1)];
        if (!c->address[0] || strcmp(c->address, address) == 0)
            return c;
    }
}

/* Keep half of the table free. */
static void grow_slots(struct admission *d)
{
    if (d->slots_used * 2 < d->slot_count)
        return;
    struct address_count *old = d->slots;
    size_t old_count = d->slot_count, live = 0;
    for (size_t i = 0; i < old_count; i++)
        live += old[i].count > 0;
    d->slot_count = 64;
    while (d->slot_count < live * 4)
        d->slot_count *= 2;
    d->slots = must_malloc(d->slot_count * sizeof *d->slots);
    d->slots_used = 0;
    for (size_t i = 0; i < old_count; i++)
        if (old[i].count) { /* addresses without a connection are dropped here */
            *find_slot(d, old[i].address) = old[i];
            d->slots_used++;
        }
    free(old);
}

static bool enter_address(struct admission *d, const char *address)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->lock);
    grow_slots(d);
    struct address_count *c = find_slot(d, address);
    if (c->count >= d->max_per_address)
        return false;
    if (!c->address[0]) {
        strncat(c->address, address, sizeof c->address - 1);
        d->slots_used++;
    }
    c->count++;
    return true;
}

bool admission_enter(struct admission *d, const char *address, bool by_address)
{
    bool below_total = __atomic_add_fetch(&d->connection_count, 1, __ATOMIC_RELAXED) <= d->max_connections;
    if (below_total && (!by_address || !d->max_per_address || enter_address(d, address)))
        return true;
    __atomic_sub_fetch(&d->connection_count, 1, __ATOMIC_RELAXED);
    return false;
}

void admission_leave(struct admission *d, const char *address, bool by_address)
{
    __atomic_sub_fetch(&d->connection_count, 1, __ATOMIC_RELAXED);
    if (!by_address || !d->max_per_address)
        return;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->lock);
    find_slot(d, address)->count--;
}
