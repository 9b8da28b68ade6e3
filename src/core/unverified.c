/* SPDX-License-Identifier: Apache-2.0 */
#include "core/unverified.h"

#include "base/scoped.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { LISTS = 64 }; /* ids are consecutive, so they spread over the lists by themselves */

struct unverified_body {
    struct unverified_budget *budget;
    int64_t credential_id;
    uint64_t size_bytes;
    struct unverified_body *next, **link; /* link: what points to this one */
};

struct unverified_budget {
    uint64_t max_bytes;
    pthread_mutex_t mutex;
    struct unverified_use use;
    struct unverified_body *lists[LISTS]; /* of the bodies that are counted, by credential_id */
};

struct unverified_budget *unverified_budget_new(uint64_t max_bytes)
{
    struct unverified_budget *b = must_malloc(sizeof *b);
    b->max_bytes = max_bytes ? max_bytes : UNVERIFIED_DEFAULT_BYTES;
    pthread_mutex_init(&b->mutex, NULL);
    return b;
}

void unverified_budget_free(struct unverified_budget *b)
{
    if (!b)
        return;
    assert(b->use.bytes == 0);
    pthread_mutex_destroy(&b->mutex);
    free(b);
}

static struct unverified_body **list_of_credential(struct unverified_budget *b, int64_t credential_id)
{
    return &b->lists[(uint64_t)credential_id % LISTS];
}

/* May the client send a body of that size, too? */
static bool has_room(struct unverified_budget *b, int64_t credential_id, uint64_t size_bytes)
{
    uint64_t count = 1, bytes = size_bytes;
    for (struct unverified_body *body = *list_of_credential(b, credential_id); body; body = body->next)
        if (body->credential_id == credential_id) {
            count++;
            bytes += body->size_bytes;
        }
    return count <= UNVERIFIED_PER_CREDENTIAL && bytes <= b->max_bytes / 4 && size_bytes <= b->max_bytes - b->use.bytes;
}

static void give_back(void *arg)
{
    struct unverified_body *body = arg;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&body->budget->mutex);
    body->budget->use.bytes -= body->size_bytes;
    *body->link = body->next;
    if (body->next)
        body->next->link = body->link;
}

bool unverified_take(struct unverified_budget *b, int64_t credential_id, uint64_t size_bytes, struct arena *owner)
{
    struct unverified_body *body = arena_new(owner, struct unverified_body),
                           **list = list_of_credential(b, credential_id);
    SCOPED(unlockp) pthread_mutex_t *held = lock(&b->mutex);
    if (!has_room(b, credential_id, size_bytes)) {
        b->use.refused++;
        return false;
    }
    *body = (struct unverified_body){ b, credential_id, size_bytes, *list, list };
    if (body->next)
        body->next->link = &body->next;
    *list = body;
    b->use.bytes += size_bytes;
    arena_defer(owner, give_back, body);
    return true;
}

struct unverified_use unverified_use(struct unverified_budget *b)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&b->mutex);
    return b->use;
}
