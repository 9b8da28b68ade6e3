/* SPDX-License-Identifier: Apache-2.0 */
/* Holds every database to core/store/hold_store.h, and to what core/store/file_store.h says about holding. */
#include "core/records/bucket.h"
#include "core/records/ticket.h"
#include "core/store/bucket_store.h"
#include "core/store/hold_store.h"
#include "core/store/ticket_store.h"
#include "meta_suite.h"

enum { NOW_MS = 100, PURGE_MS = 150, LATER_MS = 900 };
static const struct holder one = { HOLDER_TASK, 1 }, other = { HOLDER_COMMENT, 1 }, third = { HOLDER_TASK, 3 };

static err_t add_file(struct meta_tx *tx, struct meta_world *w, unsigned char number, struct file f, struct arena *a)
{
    struct object o;
    int64_t id;
    f.uuid[0] = number;
    f.account_id = w->account;
    f.owner_id = w->user;
    f.size_bytes = 1;
    if (f.state != FILE_ISSUED) {
        TRY(add_object(tx, w, S("x"), a, &o));
        f.object_id = o.id;
    }
    TRY(meta_file_add(tx, &f, a, &id));
    EXPECT_EQ(id, number);
    return NULL;
}

/* 1 STORED, 2 ISSUED, 3 READY and kept, 4 and 5 STORED; 5 came by ticket. */
IN_WRITE(add_five_files)
{
    struct meta_world *w = arg;
    struct bucket b = { .owner_id = w->user, .name = S("docs"), .kind = BUCKET_GUARDED };
    struct file stored = { .state = FILE_STORED, .purge_at_ms = PURGE_MS };
    TRY(meta_bucket_add(tx, &b, a, &b.id));
    TRY(add_file(tx, w, 1, stored, a));
    TRY(add_file(tx, w, 2, (struct file){ .state = FILE_ISSUED, .purge_at_ms = PURGE_MS }, a));
    TRY(add_file(tx, w, 3, (struct file){ .state = FILE_READY, .is_kept = true }, a));
    TRY(add_file(tx, w, 4, stored, a));
    TRY(add_file(tx, w, 5, stored, a));
    return meta_ticket_add(tx, &(struct ticket){ .file_id = 5, .bucket_id = b.id, .key = S("k"), .declared_bytes = 1 },
                           a);
}

static void world_with_files(struct meta_world *w, enum database_kind kind)
{
    meta_world_init(w, kind, INLINE);
    RUN_WRITE(w, add_five_files);
}

static struct file file_of(struct meta_world *w, int64_t id)
{
    struct file f;
    struct meta_tx *tx = snapshot(w);
    EXPECT_OK(meta_file_get(tx, id, w->a, &f));
    meta_read_end(tx);
    return f;
}

static bool is_ready(struct meta_world *w, int64_t id)
{
    struct file f = file_of(w, id);
    EXPECT(f.state == FILE_READY || f.purge_at_ms > 0);
    EXPECT(f.state != FILE_READY || f.purge_at_ms == 0);
    return f.state == FILE_READY;
}

/* ---- the row of the file ---- */

IN_WRITE(hold_the_rows)
{
    (void)arg;
    bool held = true;
    TRY(meta_file_hold(tx, 2, NOW_MS, a, &held));
    EXPECT(!held); /* no bytes */
    TRY(meta_file_hold(tx, 99, NOW_MS, a, &held));
    EXPECT(!held);
    TRY(meta_file_hold(tx, 4, PURGE_MS, a, &held));
    EXPECT(!held); /* its time has come */
    TRY(meta_file_hold(tx, 4, PURGE_MS - 1, a, &held));
    EXPECT(held);
    TRY(meta_file_hold(tx, 4, LATER_MS, a, &held)); /* file 4 is READY, so it has no purge time */
    EXPECT(held);
    TRY(meta_file_hold(tx, 3, LATER_MS, a, &held));
    EXPECT(held);
    TRY(meta_file_lock(tx, 4, a));
    EXPECT_ERR(meta_file_lock(tx, 99, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_file_keep(tx, 1, PURGE_MS, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_file_keep(tx, 2, NOW_MS, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_file_keep(tx, 4, NOW_MS, a), ERR_NOT_FOUND); /* READY already */
    return meta_file_keep(tx, 1, PURGE_MS - 1, a);
}

FOR_EACH_DATABASE(a_file_is_held_only_while_it_has_bytes_and_time)
{
    struct meta_world w;
    world_with_files(&w, kind);
    RUN_WRITE(&w, hold_the_rows);
    EXPECT(is_ready(&w, 1) && file_of(&w, 1).is_kept);
    EXPECT_EQ(file_of(&w, 2).state, FILE_ISSUED);
    EXPECT(is_ready(&w, 3) && file_of(&w, 3).is_kept);
    EXPECT(is_ready(&w, 4) && !file_of(&w, 4).is_kept);
    meta_world_release(&w);
}

IN_WRITE(remove_due_files)
{
    (void)arg;
    bool held;
    TRY(meta_file_hold(tx, 4, NOW_MS, a, &held));
    TRY(meta_hold_add(tx, &(struct hold){ 4, one }, a));
    EXPECT_ERR(meta_file_remove(tx, 4, a), ERR_CONFLICT);
    EXPECT_ERR(meta_file_remove_due(tx, 4, LATER_MS, a), ERR_NOT_FOUND); /* a holder came first */
    EXPECT_ERR(meta_file_remove_due(tx, 3, LATER_MS, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_file_remove_due(tx, 1, PURGE_MS - 1, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_file_remove_due(tx, 99, LATER_MS, a), ERR_NOT_FOUND);
    TRY(meta_file_remove_due(tx, 1, PURGE_MS, a));
    TRY(meta_file_remove_due(tx, 2, PURGE_MS, a));
    TRY(meta_file_move(tx, 4, FILE_READY, FILE_STORED, PURGE_MS, a));
    EXPECT_ERR(meta_file_remove_due(tx, 4, LATER_MS, a), ERR_CONFLICT); /* held, although it is due */
    return NULL;
}

FOR_EACH_DATABASE(only_a_file_that_is_due_and_not_held_is_removed_by_the_purge)
{
    struct meta_world w;
    world_with_files(&w, kind);
    RUN_WRITE(&w, remove_due_files);
    struct meta_tx *tx = snapshot(&w);
    struct file_list files;
    EXPECT_OK(meta_file_list(tx, &(struct file_query){ .state = -1, .limit = 10 }, w.a, &files));
    EXPECT(files.count == 3 && files.items[0].id == 5 && files.items[1].id == 4 && files.items[2].id == 3);
    meta_read_end(tx);
    meta_world_release(&w);
}

/* ---- one hold ---- */

IN_WRITE(add_holds_twice)
{
    (void)arg;
    bool held;
    for (int i = 0; i < 2; i++) {
        TRY(meta_hold_add(tx, &(struct hold){ 1, one }, a));
        TRY(meta_hold_add(tx, &(struct hold){ 1, other }, a));
        TRY(meta_hold_add(tx, &(struct hold){ 3, one }, a));
    }
    EXPECT_ERR(meta_hold_add(tx, &(struct hold){ 99, one }, a), ERR_CONFLICT);
    EXPECT_ERR(meta_hold_add(tx, &(struct hold){ 1, { HOLDER_NONE, 1 } }, a), ERR_CONFLICT);
    return meta_file_hold(tx, 1, NOW_MS, a, &held);
}

IN_WRITE(release_one_of_file_1)
{
    (void)arg;
    TRY(meta_hold_remove(tx, &(struct hold){ 1, one }, a));
    TRY(meta_hold_remove(tx, &(struct hold){ 1, third }, a)); /* it never held the file */
    return meta_file_expire(tx, 1, LATER_MS, a);
}

IN_WRITE(release_the_others)
{
    (void)arg;
    TRY(meta_hold_remove(tx, &(struct hold){ 1, other }, a));
    TRY(meta_file_expire(tx, 1, LATER_MS, a));
    TRY(meta_hold_remove(tx, &(struct hold){ 3, one }, a));
    TRY(meta_file_expire(tx, 3, LATER_MS, a)); /* kept */
    return meta_file_expire(tx, 2, LATER_MS, a);
}

static size_t count_holds(struct meta_world *w, int64_t file_id)
{
    struct meta_tx *tx = snapshot(w);
    struct hold after = { 0 };
    struct hold_list page;
    size_t count = 0;
    bool any;
    do {
        EXPECT_OK(meta_hold_list(tx, &after, 2, w->a, &page));
        for (size_t i = 0; i < page.count; i++) {
            bool has;
            EXPECT_OK(meta_hold_has(tx, &page.items[i], w->a, &has));
            EXPECT(has);
            count += page.items[i].file_id == file_id;
            after = page.items[i];
        }
    } while (page.count == 2);
    EXPECT_OK(meta_hold_any(tx, file_id, w->a, &any));
    EXPECT_EQ(any, count > 0);
    meta_read_end(tx);
    return count;
}

FOR_EACH_DATABASE(a_holder_holds_a_file_once_and_the_last_one_makes_it_expire)
{
    struct meta_world w;
    world_with_files(&w, kind);
    RUN_WRITE(&w, add_holds_twice);
    EXPECT_EQ(count_holds(&w, 1), 2);
    EXPECT_EQ(count_holds(&w, 3), 1);
    EXPECT_EQ(count_holds(&w, 4), 0);
    RUN_WRITE(&w, release_one_of_file_1);
    EXPECT_EQ(count_holds(&w, 1), 1);
    EXPECT(is_ready(&w, 1));
    RUN_WRITE(&w, release_the_others);
    EXPECT_EQ(count_holds(&w, 1), 0);
    EXPECT(!is_ready(&w, 1));
    EXPECT_EQ(file_of(&w, 1).purge_at_ms, LATER_MS);
    EXPECT(is_ready(&w, 3)); /* kept */
    EXPECT(file_of(&w, 2).state == FILE_ISSUED && file_of(&w, 2).purge_at_ms == PURGE_MS);
    meta_world_release(&w);
}

/* ---- all holds of a holder ---- */

IN_WRITE(hold_all)
{
    (void)arg;
    bool held;
    for (int64_t id = 1; id <= 5; id++) {
        TRY(meta_file_hold(tx, id, NOW_MS, a, &held));
        if (held)
            TRY(meta_hold_add(tx, &(struct hold){ id, one }, a));
    }
    TRY(meta_hold_add(tx, &(struct hold){ 4, other }, a));
    return meta_hold_add(tx, &(struct hold){ 5, third }, a);
}

IN_WRITE(release_up_to_4)
{
    (void)arg;
    struct file_id_list files;
    TRY(meta_hold_files(tx, one, 3, a, &files));
    EXPECT(files.count == 3 && files.items[0] == 1 && files.items[1] == 3 && files.items[2] == 4);
    TRY(meta_hold_lock_files(tx, one, 4, a));
    TRY(meta_hold_ticket_files(tx, one, 5, a, &files));
    EXPECT_EQ(files.count, 0); /* file 5 came by ticket, but something else holds it */
    TRY(meta_hold_expire_files(tx, one, 4, LATER_MS, a));
    return meta_hold_remove_files(tx, one, 4, a);
}

IN_WRITE(release_file_5)
{
    (void)arg;
    struct file_id_list files;
    TRY(meta_hold_remove(tx, &(struct hold){ 5, third }, a));
    TRY(meta_hold_ticket_files(tx, one, 5, a, &files));
    EXPECT(files.count == 1 && files.items[0] == 5);
    TRY(meta_hold_ticket_files(tx, one, 4, a, &files));
    EXPECT_EQ(files.count, 0);
    TRY(meta_hold_expire_files(tx, one, 5, LATER_MS, a));
    TRY(meta_hold_remove_files(tx, one, 5, a));
    TRY(meta_hold_files(tx, one, 3, a, &files));
    EXPECT_EQ(files.count, 0);
    return NULL;
}

FOR_EACH_DATABASE(a_holder_releases_its_files_in_pieces)
{
    struct meta_world w;
    world_with_files(&w, kind);
    RUN_WRITE(&w, hold_all);
    RUN_WRITE(&w, release_up_to_4);
    EXPECT(!is_ready(&w, 1) && file_of(&w, 1).purge_at_ms == LATER_MS);
    EXPECT(is_ready(&w, 3)); /* kept */
    EXPECT(is_ready(&w, 4)); /* something else holds it */
    EXPECT(is_ready(&w, 5)); /* not in this piece */
    EXPECT_EQ(count_holds(&w, 1) + count_holds(&w, 3), 0);
    EXPECT_EQ(count_holds(&w, 4), 1);
    EXPECT_EQ(count_holds(&w, 5), 2);
    RUN_WRITE(&w, release_file_5);
    EXPECT(!is_ready(&w, 5));
    meta_world_release(&w);
}

IN_WRITE(end_two_holders)
{
    (void)arg;
    struct ended_holder e;
    bool is;
    EXPECT_ERR(meta_ended_holder_first(tx, a, &e), ERR_NOT_FOUND);
    TRY(meta_ended_holder_add(tx, &(struct ended_holder){ other, 7 }, a));
    TRY(meta_ended_holder_add(tx, &(struct ended_holder){ third, 8, 1, 2, S("request") }, a));
    EXPECT_ERR(meta_ended_holder_add(tx, &(struct ended_holder){ third, 9 }, a), ERR_CONFLICT);
    TRY(meta_ended_holder_first(tx, a, &e));
    EXPECT(e.account_id == 1 && e.ended_by == 2);
    EXPECT_SLICE(e.request_id, S("request"));
    EXPECT(e.holder.kind == third.kind && e.holder.id == third.id && e.purge_at_ms == 8);
    TRY(meta_ended_holder_has(tx, other, a, &is));
    EXPECT(is);
    TRY(meta_ended_holder_has(tx, one, a, &is));
    EXPECT(!is);
    TRY(meta_ended_holder_remove(tx, third, a));
    TRY(meta_ended_holder_first(tx, a, &e));
    EXPECT(e.holder.kind == other.kind && e.purge_at_ms == 7);
    TRY(meta_ended_holder_remove(tx, other, a));
    EXPECT_ERR(meta_ended_holder_first(tx, a, &e), ERR_NOT_FOUND);
    return NULL;
}

FOR_EACH_DATABASE(holders_that_ended_are_found_until_they_are_removed)
{
    struct meta_world w;
    world_with_files(&w, kind);
    RUN_WRITE(&w, end_two_holders);
    meta_world_release(&w);
}

/* ---- caches, query plans ---- */

IN_WRITE(lock_file_1)
{
    (void)arg;
    return meta_file_lock(tx, 1, a);
}

FOR_EACH_DATABASE(the_generation_rises_when_a_file_is_held_and_not_when_it_is_locked)
{
    struct meta_world w;
    world_with_files(&w, kind);
    uint64_t before = meta_generation(w.store);
    RUN_WRITE(&w, lock_file_1);
    EXPECT_EQ(meta_generation(w.store), before);
    RUN_WRITE(&w, hold_all);
    EXPECT(meta_generation(w.store) > before);
    meta_world_release(&w);
}

static bool may_scan(slice sql)
{
    (void)sql;
    return false;
}

TEST(no_query_of_holds_reads_a_whole_table)
{
    struct meta_world w;
    spied_world_init(&w);
    RUN_WRITE(&w, add_five_files);
    RUN_WRITE(&w, hold_all);
    RUN_WRITE(&w, release_up_to_4);
    RUN_WRITE(&w, release_file_5);
    RUN_WRITE(&w, add_holds_twice);
    RUN_WRITE(&w, release_one_of_file_1);
    RUN_WRITE(&w, release_the_others);
    EXPECT_ERR(meta_write(w.store, remove_due_files, &w, w.a), ERR_NOT_FOUND); /* file 1 is due later now */
    RUN_WRITE(&w, end_two_holders);
    count_holds(&w, 1);
    EXPECT(spy.n > 20);
    spied_check_plans(&w, may_scan);
    meta_world_release(&w);
}

RUN_TESTS(cmocka_unit_test(a_file_is_held_only_while_it_has_bytes_and_time),
          cmocka_unit_test(only_a_file_that_is_due_and_not_held_is_removed_by_the_purge),
          cmocka_unit_test(a_holder_holds_a_file_once_and_the_last_one_makes_it_expire),
          cmocka_unit_test(a_holder_releases_its_files_in_pieces),
          cmocka_unit_test(holders_that_ended_are_found_until_they_are_removed),
          cmocka_unit_test(the_generation_rises_when_a_file_is_held_and_not_when_it_is_locked),
          cmocka_unit_test(no_query_of_holds_reads_a_whole_table))
