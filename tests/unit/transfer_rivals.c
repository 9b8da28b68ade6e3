/* SPDX-License-Identifier: Apache-2.0 */
/* Several requests for one upload at the same time, each of which takes over from the others. Whatever they do, what was
 * acknowledged stays: each appends the next bytes of the same text, as a client does that asks for the offset first. */
#include "rounds.h"
#include "test.h"
#include "world.h"

#include "core/file/file.h"
#include "core/transfer/transfer.h"

#include <pthread.h>
#include <string.h>

enum { RIVALS = 4, BYTES = 20000, TRIES_MAX = 100000 };

struct rival {
    struct world *w;
    struct principal who;
    slice name, bytes;
    size_t step;
    int64_t highest; /* offset that was acknowledged to it */
    bool fell;       /* an offset was below that */
};

static err_t go_on(struct rival *r, struct arena *a, struct transfer *now)
{
    struct core *core = &r->w->core;
    struct transfer_writer *writer;
    TRY(transfer_complete(core, &r->who, r->name, a, now));
    r->fell |= now->offset < r->highest;
    r->highest = now->offset;
    if (now->finished_at_ms)
        return NULL;
    struct transfer_opening opening = {
        .name = r->name, .offset = now->offset, .rivalry = TRANSFER_ENDS_ANOTHER, .lifetime_ms = hours(1)
    };
    TRY(transfer_open(core, &r->who, &opening, a, &writer));
    err_t e = transfer_write(writer, slice_part(r->bytes, (size_t)now->offset, r->step), a);
    if (e) {
        transfer_drop(writer);
        return e;
    }
    TRY(transfer_close(writer, a, now));
    r->fell |= now->offset < r->highest;
    r->highest = now->offset;
    return NULL;
}

static void *run_rival(void *arg)
{
    struct rival *r = arg;
    bool finished = false;
    for (int tries = 0; !finished && tries < TRIES_MAX; tries++) {
        SCRATCH(a);
        struct transfer now = { 0 };
        err_t e = go_on(r, &a, &now);
        finished = !e && now.finished_at_ms;
    }
    r->fell |= !finished; /* nothing goes on any more */
    return NULL;
}

TEST(rivals_for_one_upload_never_lose_what_was_acknowledged)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct principal ana = world_user(w, S("ana"));
    slice bytes = world_bytes(w, BYTES);
    struct transfer_request request = {
        .origin = S("sample"), .file_name = S("a"), .length = BYTES, .lifetime_ms = hours(1)
    };
    for (int i = rounds(ROUNDS_transfer_rivals); i > 0; i--) {
        struct transfer t, now;
        struct rival rivals[RIVALS];
        pthread_t threads[RIVALS];
        EXPECT_OK(transfer_create(&w->core, &ana, &request, w->a, &t));
        for (int r = 0; r < RIVALS; r++) {
            rivals[r] =
                (struct rival){ .w = w, .who = ana, .name = t.name, .bytes = bytes, .step = 977 + 1000 * (size_t)r };
            assert_int_equal(pthread_create(&threads[r], NULL, run_rival, &rivals[r]), 0);
        }
        for (int r = 0; r < RIVALS; r++) {
            pthread_join(threads[r], NULL);
            EXPECT(!rivals[r].fell);
        }
        struct file file;
        struct content content;
        slice read;
        EXPECT_OK(transfer_find(&w->core, &ana, t.name, w->a, &now));
        EXPECT_OK(file_open(&w->core, &ana, now.file_uuid, w->a, &file, &content));
        content_close(&content);
        EXPECT_OK(world_read(w, &ana, &file, &read));
        EXPECT_SLICE(read, bytes);
        EXPECT_EQ(world_fsck(w, false), 0);
    }
}

RUN_TESTS(cmocka_unit_test(rivals_for_one_upload_never_lose_what_was_acknowledged))
