/* SPDX-License-Identifier: Apache-2.0 */
/* Worlds that use one database after the other, as fuzz targets make them. What one of them leaves behind would make a finding
 * that nobody can repeat. */
#include "world.h"

#include "test.h"
#include <string.h>

struct seen {
    int64_t now_ms, file_id, file_count, blob_count;
    char uuid[16];
};

/* What a world sees after the same requests as every other: a small file, a large one, one more user, time that passes. */
static struct seen look_around(struct world *w, struct principal *alice)
{
    struct seen s = { 0 };
    struct file f = world_store(w, alice, S("small"), S("hello"), 0);
    world_store(w, alice, S("large"), world_bytes(w, WORLD_INLINE_MAX + 1), minutes(10));
    world_user(w, S("bob"));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("bob"), USER_DISABLED, w->a));
    world_wait(w, minutes(5));
    s.now_ms = core_now_ms(&w->core);
    s.file_id = f.id;
    s.file_count = world_file_count(w);
    s.blob_count = world_blob_count(w);
    memcpy(s.uuid, f.uuid, sizeof s.uuid);
    return s;
}

TEST(every_world_of_a_kept_database_begins_as_the_same_world)
{
    WORLD(origin);
    struct world_kept kept = { 0 };
    struct seen first = { 0 };
    world_user(origin, S("alice"));
    kept.image = world_image(origin);
    for (int i = 0; i < WORLDS_MAX + 3; i++) {
        SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .kept = &kept });
        struct principal alice = world_principal(w, S("alice"));
        EXPECT_EQ(world_file_count(w), 0);
        EXPECT_EQ(world_blob_count(w), 0);
        struct seen seen = look_around(w, &alice);
        if (i == 0)
            first = seen;
        EXPECT(memcmp(&seen, &first, sizeof seen) == 0);
        EXPECT_EQ(world_fsck(w, true), 0);
    }
    world_kept_release(&kept);
}

RUN_TESTS(cmocka_unit_test(every_world_of_a_kept_database_begins_as_the_same_world))
