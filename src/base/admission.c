/* SPDX-License-Identifier: Apache-2.0 */
#include "base/admission.h"

#include "base/address.h"
#include "base/arena.h"
#include "base/live.h"

#include <stdlib.h>

void admission_init(struct admission *d, size_t max_connections, size_t max_per_address)
{
    *d = (struct admission){ .max_connections = max_connections, .max_per_address = max_per_address };
    pthread_mutex_init(&d->lock, NULL);
}

void admission_set(struct admission *d, size_t max_connections, size_t max_per_address)
{
    LIVE_SET(d->max_connections, max_connections);
    LIVE_SET(d->max_per_address, max_per_address);
}

void admission_release(struct admission *d)
{
    free(d->slots);
    pthread_mutex_destroy(&d->lock);
}

/* The slot of a network, or the free slot where it belongs. The table always has a free slot. */
static struct address_count *find_slot(struct admission *d, uint64_t network)
{
    uint64_t h = slice_hash((slice){ (const char *)&network, sizeof network });
    for (size_t i = 0;; i++) {
        struct address_count *c = &d->slots[(h + i) & (d->slot_count - 1)];
        if (!c->used || c->network == network)
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
        if (old[i].count) { /* networks without a connection are dropped here */
            *find_slot(d, old[i].network) = old[i];
            d->slots_used++;
        }
    free(old);
}

static bool enter_network(struct admission *d, uint64_t network)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->lock);
    grow_slots(d);
    struct address_count *c = find_slot(d, network);
    size_t max = LIVE(d->max_per_address);
    if (max && c->count >= max)
        return false;
    if (!c->used) {
        *c = (struct address_count){ .network = network, .used = true };
        d->slots_used++;
    }
    c->count++;
    return true;
}

static bool enter_below(uint64_t *count, size_t max)
{
    if (__atomic_add_fetch(count, 1, __ATOMIC_RELAXED) <= max)
        return true;
    __atomic_sub_fetch(count, 1, __ATOMIC_RELAXED);
    return false;
}

bool admission_enter(struct admission *d, const char *address, enum admission_kind kind)
{
    if (kind == ADMISSION_APART)
        return enter_below(&d->apart_count, ADMISSION_APART_MAX);
    if (!enter_below(&d->connection_count, LIVE(d->max_connections)))
        return false;
    if (kind == ADMISSION_IN_TOTAL || enter_network(d, address_network(slice_of(address))))
        return true;
    __atomic_sub_fetch(&d->connection_count, 1, __ATOMIC_RELAXED);
    return false;
}

void admission_leave(struct admission *d, const char *address, enum admission_kind kind)
{
    __atomic_sub_fetch(kind == ADMISSION_APART ? &d->apart_count : &d->connection_count, 1, __ATOMIC_RELAXED);
    if (kind != ADMISSION_BY_ADDRESS)
        return;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&d->lock);
    find_slot(d, address_network(slice_of(address)))->count--;
}
