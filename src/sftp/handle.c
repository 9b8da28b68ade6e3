/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/handle.h"

#include <stdlib.h>
#include <string.h>

void handles_init(struct handles *h, struct handle_total *total, struct memory_budget *memory)
{
    memset(h, 0, sizeof *h);
    h->total = total;
    h->memory = memory;
    h->reserve = READERS_RESERVE_BYTES;
}

bool handle_count_memory(struct handles *h, struct handle *place, size_t bytes)
{
    bool is_reserved = !memory_take(h->memory, bytes);
    if (is_reserved && bytes > h->reserve)
        return false;
    h->reserve -= is_reserved ? bytes : 0;
    place->is_reserved = is_reserved;
    place->memory_bytes = bytes;
    return true;
}

static void give_memory(struct handles *h, const struct handle *place)
{
    if (place->is_reserved)
        h->reserve += place->memory_bytes;
    else
        memory_give(h->memory, place->memory_bytes);
}

static void close_content(struct handle *place)
{
    switch (place->kind) {
    case HANDLE_UPLOAD:
        upload_cut(place->upload);
        break;
    case HANDLE_READER:
        inbox_reader_close(place->reader);
        break;
    case HANDLE_LISTING:
        free(place->listing);
        break;
    case HANDLE_NONE:
        break;
    }
    free(place->file);
}

void handle_close(struct handles *h, struct handle *place)
{
    close_content(place);
    give_memory(h, place);
    *place = (struct handle){ .use = place->use };
    if (h->open-- > HANDLES_RESERVED)
        __atomic_sub_fetch(&h->total->open, 1, __ATOMIC_RELAXED);
}

void handles_release(struct handles *h)
{
    for (size_t i = 0; i < h->used; i++)
        if (h->places[i].kind != HANDLE_NONE)
            handle_close(h, &h->places[i]);
}

/* False: the total is open. */
static bool count_open(struct handles *h)
{
    if (h->open >= HANDLES_RESERVED && __atomic_add_fetch(&h->total->open, 1, __ATOMIC_RELAXED) > h->total->max) {
        __atomic_sub_fetch(&h->total->open, 1, __ATOMIC_RELAXED);
        return false;
    }
    h->open++;
    return true;
}

struct handle *handle_open(struct handles *h, enum handle_kind kind)
{
    size_t i = 0;
    while (i < h->used && h->places[i].kind != HANDLE_NONE)
        i++;
    if (i == HANDLES_MAX || !count_open(h))
        return NULL;
    if (i == h->used)
        h->used++;
    h->places[i].kind = kind;
    h->places[i].use++;
    return &h->places[i];
}

void handle_name(const struct handles *h, const struct handle *place, char ret_name[HANDLE_NAME_SIZE])
{
    uint32_t at = (uint32_t)(place - h->places);
    memcpy(ret_name, &at, sizeof at);
    memcpy(ret_name + sizeof at, &place->use, sizeof place->use);
}

struct handle *handle_find(struct handles *h, slice name)
{
    uint32_t at, use;
    if (name.n != HANDLE_NAME_SIZE)
        return NULL;
    memcpy(&at, name.p, sizeof at);
    memcpy(&use, name.p + sizeof at, sizeof use);
    if (at >= h->used || h->places[at].kind == HANDLE_NONE || h->places[at].use != use)
        return NULL;
    return &h->places[at];
}

size_t handles_count(const struct handles *h, enum handle_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < h->used; i++)
        count += h->places[i].kind == kind;
    return count;
}
