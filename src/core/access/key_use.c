/* SPDX-License-Identifier: Apache-2.0 */
/* A table of slots, each of one key. Ids are given out in sequence, so a key is looked for in a few slots from its id on. A slot is
 * given to another key only when nothing was noted in it since the last write, and it was taken before that. */
#include "core/access/key_use.h"

#include "core/core_priv.h"
#include "core/store/credential_store.h"
#include "core/store/transaction.h"

#include <stdlib.h>

enum { PROBES = 8, PIECE = 200 };

struct key_use_slot {
    int64_t key_id, at_ms; /* atomic; 0: free, and nothing noted */
};

struct key_uses {
    struct key_use_slot slots[KEY_USES_MAX];
};

struct key_uses *key_uses_new(void)
{
    return must_malloc(sizeof(struct key_uses));
}

void key_uses_free(struct key_uses *uses)
{
    free(uses);
}

static struct key_use_slot *slot_of(struct core *core, int64_t key_id, bool takes)
{
    for (size_t i = 0; i < PROBES; i++) {
        struct key_use_slot *slot = &core->key_uses->slots[((uint64_t)key_id + i) % KEY_USES_MAX];
        int64_t has = __atomic_load_n(&slot->key_id, __ATOMIC_ACQUIRE);
        if (has == key_id)
            return slot;
        if (!has && (!takes || __atomic_compare_exchange_n(&slot->key_id, &has, key_id, false, __ATOMIC_ACQ_REL,
                                                           __ATOMIC_ACQUIRE)))
            return takes ? slot : NULL;
        if (has == key_id)
            return slot;
    }
    return NULL;
}

void key_use_note(struct core *core, int64_t key_id, int64_t now_ms)
{
    struct key_use_slot *slot = key_id ? slot_of(core, key_id, true) : NULL;
    if (slot && __atomic_load_n(&slot->at_ms, __ATOMIC_RELAXED) != now_ms)
        __atomic_store_n(&slot->at_ms, now_ms, __ATOMIC_RELAXED);
}

int64_t key_use_noted(struct core *core, int64_t key_id)
{
    const struct key_use_slot *slot = slot_of(core, key_id, false);
    return slot ? __atomic_load_n(&slot->at_ms, __ATOMIC_RELAXED) : 0;
}

/* ---- writing ---- */

struct key_use_batch {
    struct key_use_slot items[PIECE];
    size_t count;
};

static err_t apply_key_uses(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct key_use_batch *b = arg;
    for (size_t i = 0; i < b->count; i++)
        TRY(meta_credential_note_use(tx, b->items[i].key_id, b->items[i].at_ms, a));
    return NULL;
}

/* What was noted stays until it is written; a later use, which was noted meanwhile, stays for the next write. */
static void forget_written(struct core *core, const struct key_use_batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct key_use_slot *slot = slot_of(core, b->items[i].key_id, false);
        int64_t written = b->items[i].at_ms;
        if (slot)
            __atomic_compare_exchange_n(&slot->at_ms, &written, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    }
}

static err_t write_batch(struct core *core, struct key_use_batch *b, struct arena *a, int64_t *count)
{
    if (!b->count)
        return NULL;
    TRY(meta_write(core->meta, apply_key_uses, b, a));
    forget_written(core, b);
    *count += (int64_t)b->count;
    b->count = 0;
    return NULL;
}

err_t key_use_write(struct core *core, struct arena *a, int64_t *ret_count)
{
    struct key_use_batch b = { .count = 0 };
    *ret_count = 0;
    for (size_t i = 0; i < KEY_USES_MAX; i++) {
        struct key_use_slot *slot = &core->key_uses->slots[i];
        int64_t id = __atomic_load_n(&slot->key_id, __ATOMIC_ACQUIRE),
                at_ms = __atomic_load_n(&slot->at_ms, __ATOMIC_RELAXED);
        if (id &&
            !at_ms) /* not used since the last write: the slot is free. A use in this instant is one that is missed */
            __atomic_compare_exchange_n(&slot->key_id, &id, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
        else if (id)
            b.items[b.count++] = (struct key_use_slot){ id, at_ms };
        if (b.count == PIECE)
            TRY(write_batch(core, &b, a, ret_count));
    }
    return write_batch(core, &b, a, ret_count);
}
