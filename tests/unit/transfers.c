/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads whose bytes come in several requests. */
#include "records_fixture.h"
#include "rounds.h"
#include "test.h"
#include "world.h"

#include "core/file/file.h"
#include "core/object/garbage.h"
#include "core/reasons.h"
#include "core/records/account.h"
#include "core/store/blob_store.h"
#include "core/store/transfer_store.h"
#include "core/task/task.h"
#include "core/transfer/transfer_priv.h"

#include <string.h>

#define LIFETIME hours(24)

struct fixture {
    struct world *w;
    struct principal ana;
};

static struct fixture fixture_new(struct world *w)
{
    return (struct fixture){ w, world_user(w, S("ana")) };
}

static struct transfer create(const struct fixture *f, int64_t length)
{
    struct transfer_request request = { .origin = S("sample"),
                                        .file_name = S("a.bin"),
                                        .content_type = S("text/plain"),
                                        .metadata = S("filename YQ=="),
                                        .length = length,
                                        .lifetime_ms = LIFETIME };
    struct transfer t = { 0 };
    EXPECT_OK(transfer_create(&f->w->core, &f->ana, &request, f->w->a, &t));
    return t;
}

static err_t open_at(const struct fixture *f, slice name, int64_t offset, struct transfer_writer **ret)
{
    struct transfer_opening opening = { .name = name, .offset = offset, .lifetime_ms = LIFETIME };
    return transfer_open(&f->w->core, &f->ana, &opening, f->w->a, ret);
}

static err_t append_as(const struct fixture *f, const struct transfer_opening *opening, slice bytes,
                       struct transfer *ret)
{
    struct transfer_writer *writer;
    TRY(transfer_open(&f->w->core, &f->ana, opening, f->w->a, &writer));
    err_t e = transfer_write(writer, bytes, f->w->a);
    if (e) {
        transfer_drop(writer);
        return e;
    }
    return transfer_close(writer, f->w->a, ret);
}

static err_t append(const struct fixture *f, slice name, int64_t offset, slice bytes, struct transfer *ret)
{
    struct transfer_opening opening = { .name = name, .offset = offset, .lifetime_ms = LIFETIME };
    return append_as(f, &opening, bytes, ret);
}

static struct transfer state_of(const struct fixture *f, slice name)
{
    struct transfer t = { 0 };
    EXPECT_OK(transfer_find(&f->w->core, &f->ana, name, f->w->a, &t));
    return t;
}

static void expect_sound(const struct fixture *f)
{
    EXPECT_EQ(world_fsck(f->w, false), 0);
}

static void expect_file(const struct fixture *f, const struct transfer *t, slice bytes)
{
    struct file file;
    struct content content;
    slice read;
    EXPECT(t->finished_at_ms > 0);
    EXPECT_OK(file_open(&f->w->core, &f->ana, t->file_uuid, f->w->a, &file, &content));
    content_close(&content);
    EXPECT_SLICE(file.name, S("a.bin"));
    EXPECT_SLICE(file.origin, S("sample"));
    unsigned char md5[MD5_SIZE];
    hash_md5(bytes, md5);
    EXPECT(memcmp(md5, file.md5, MD5_SIZE) == 0);
    EXPECT_OK(world_read(f->w, &f->ana, &file, &read));
    EXPECT_SLICE(read, bytes);
}

static err_t add_growing_bytes(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    (void)key;
    (void)modified_ms;
    *(uint64_t *)arg += size_bytes;
    return NULL;
}

static int64_t world_used(struct world *w)
{
    struct account account = world_account(w);
    return account.used_bytes + account.record_bytes;
}

static uint64_t bytes_in_growing(struct world *w)
{
    uint64_t bytes = 0;
    EXPECT_OK(w->core.blob->ops->each_growing(w->core.blob, w->a, add_growing_bytes, &bytes));
    return bytes;
}

/* ---- bytes ---- */

TEST(bytes_of_several_requests_become_one_file)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    slice bytes = world_bytes(w, 100000);
    struct transfer t = create(&f, (int64_t)bytes.n), now = { 0 };
    EXPECT_EQ(world_account(w).open_uploads, 1);
    const size_t cuts[] = { 1, 63, 64, 65, 4096, 99999, 100000 };
    size_t at = 0;
    for (size_t i = 0; i < LENGTH_OF(cuts); at = cuts[i++]) {
        EXPECT_OK(append(&f, t.name, (int64_t)at, slice_part(bytes, at, cuts[i] - at), &now));
        EXPECT_EQ(now.offset, (int64_t)cuts[i]);
        EXPECT_EQ(world_account(w).used_bytes, (int64_t)cuts[i]);
        expect_sound(&f);
    }
    expect_file(&f, &now, bytes);
    EXPECT_EQ(world_account(w).open_uploads, 0);
    EXPECT_EQ(world_account(w).used_files, 1);
    EXPECT_REFUSED(append(&f, t.name, (int64_t)bytes.n, S("x"), &now), REASON_TRANSFER_FINISHED);
    struct transfer made = state_of(&f, t.name);
    EXPECT_EQ(made.offset, (int64_t)bytes.n);
    world_wait(w, TRANSFER_KEPT_MS + hours(2));
    world_run_jobs(w);
    EXPECT_REFUSED(transfer_find(&w->core, &f.ana, t.name, w->a, &now), REASON_TRANSFER_NOT_THERE);
    expect_file(&f, &made, bytes); /* the file stays */
    expect_sound(&f);
}

TEST(the_offset_of_the_sender_must_be_the_one_that_is_known)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 100), now;
    static const int64_t wrong[] = { 1, -1, 100, 101, INT64_MAX, INT64_MIN };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        EXPECT_REFUSED(append(&f, t.name, wrong[i], S("x"), &now), REASON_TRANSFER_OFFSET);
    EXPECT_OK(append(&f, t.name, 0, S("x"), &now));
    EXPECT_REFUSED(append(&f, t.name, 0, S("x"), &now), REASON_TRANSFER_OFFSET);
    EXPECT_ERR(append(&f, t.name, 1, world_bytes(w, 100), &now), ERR_TOO_LARGE);
    EXPECT_EQ(state_of(&f, t.name).offset, 1);
    expect_sound(&f);
}

TEST(what_a_request_that_is_cut_has_brought_stays_unless_it_was_to_be_verified)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10), now;
    struct transfer_writer *writer;
    EXPECT_OK(open_at(&f, t.name, 0, &writer));
    EXPECT_OK(transfer_write(writer, S("abc"), w->a));
    transfer_cut(writer);
    EXPECT_EQ(state_of(&f, t.name).offset, 3);
    struct transfer_opening opening = { .name = t.name, .offset = 3, .is_unverified = true, .lifetime_ms = LIFETIME };
    EXPECT_OK(transfer_open(&w->core, &f.ana, &opening, w->a, &writer));
    EXPECT_OK(transfer_write(writer, S("wro"), w->a));
    world_wait(w, minutes(1)); /* others would be flushed by now */
    EXPECT_OK(transfer_write(writer, S("ng"), w->a));
    transfer_cut(writer);
    EXPECT_EQ(state_of(&f, t.name).offset, 3);
    EXPECT_OK(transfer_open(&w->core, &f.ana, &opening, w->a, &writer));
    EXPECT_OK(transfer_write(writer, S("wrong"), w->a));
    transfer_drop(writer); /* its checksum was another one */
    EXPECT_EQ(state_of(&f, t.name).offset, 3);
    EXPECT_OK(append(&f, t.name, 3, S("defghij"), &now));
    expect_file(&f, &now, S("abcdefghij"));
    expect_sound(&f);
}

TEST(what_came_is_flushed_after_a_while)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10);
    struct transfer_writer *writer;
    EXPECT_OK(open_at(&f, t.name, 0, &writer));
    EXPECT_OK(transfer_write(writer, S("abc"), w->a));
    EXPECT_EQ(state_of(&f, t.name).offset, 0);
    world_wait(w, seconds(31));
    EXPECT_OK(transfer_write(writer, S("d"), w->a));
    EXPECT_EQ(state_of(&f, t.name).offset, 4);
    EXPECT_EQ(transfer_acknowledged(writer), 4);
    transfer_drop(writer);
    EXPECT_EQ(state_of(&f, t.name).offset, 4);
}

TEST(a_slow_request_with_a_checksum_lost_its_claim)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 100), now;
    struct transfer_opening opening = { .name = t.name, .is_unverified = true, .lifetime_ms = LIFETIME };
    struct transfer_writer *writer, *second;
    EXPECT_OK(transfer_open(&w->core, &f.ana, &opening, w->a, &writer));
    for (int i = 0; i < 10; i++) {
        world_wait(w, seconds(40));
        EXPECT_OK(transfer_write(writer, S("0123456789"), w->a));
        EXPECT_EQ(state_of(&f, t.name).offset, 0);
    }
    EXPECT_REFUSED(open_at(&f, t.name, 0, &second), REASON_TRANSFER_BUSY);
    EXPECT_OK(transfer_close(writer, w->a, &now));
    EXPECT(now.finished_at_ms > 0 && now.offset == 100);
    expect_sound(&f);
}

TEST(one_request_writes_at_a_time_and_another_may_take_over)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10), now;
    struct transfer_writer *first, *second;
    EXPECT_OK(open_at(&f, t.name, 0, &first));
    EXPECT_OK(transfer_write(first, S("abc"), w->a));
    EXPECT_REFUSED(open_at(&f, t.name, 0, &second), REASON_TRANSFER_BUSY);
    struct transfer_opening opening = { .name = t.name, .rivalry = TRANSFER_ENDS_ANOTHER, .lifetime_ms = LIFETIME };
    EXPECT_OK(transfer_open(&w->core, &f.ana, &opening, w->a, &second));
    EXPECT_OK(transfer_write(second, S("12345"), w->a));
    EXPECT_REFUSED(transfer_write(first, S("def"), w->a), REASON_TRANSFER_BUSY);
    EXPECT_REFUSED(transfer_close(first, w->a, &now), REASON_TRANSFER_BUSY);
    EXPECT_OK(transfer_close(second, w->a, &now));
    EXPECT_EQ(now.offset, 5);
    EXPECT_OK(append(&f, t.name, 5, S("67890"), &now));
    expect_file(&f, &now, S("1234567890"));
    expect_sound(&f);
}

struct other_machine {
    int64_t id;
    bool claimed;
};

static err_t claim_elsewhere(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct other_machine *m = arg;
    struct transfer_claim claim = { m->id, S("another machine"), 0, INT64_MAX, true };
    return meta_transfer_claim(tx, &claim, a, &m->claimed);
}

TEST(a_request_whose_claim_another_machine_has_acknowledges_nothing)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10), now;
    struct transfer_writer *first;
    EXPECT_OK(open_at(&f, t.name, 0, &first));
    EXPECT_OK(transfer_write(first, S("abc"), w->a));
    struct other_machine other = { .id = t.id };
    world_write(w, claim_elsewhere, &other);
    EXPECT(other.claimed);
    EXPECT_REFUSED(transfer_close(first, w->a, &now), REASON_TRANSFER_BUSY);
    EXPECT_EQ(state_of(&f, t.name).offset, 0);
    EXPECT_SLICE(state_of(&f, t.name).writer, S("another machine"));
}

TEST(a_request_that_brings_nothing_is_ended_by_the_next_one)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10), now;
    struct transfer_writer *first, *second;
    struct transfer_opening opening = { .name = t.name, .rivalry = TRANSFER_ENDS_SILENT, .lifetime_ms = LIFETIME };
    EXPECT_OK(open_at(&f, t.name, 0, &first));
    world_wait(w, TRANSFER_SILENCE_MS - 1);
    EXPECT_OK(transfer_write(first, S("abc"), w->a));
    world_wait(w, TRANSFER_SILENCE_MS - 1);
    EXPECT_REFUSED(transfer_open(&w->core, &f.ana, &opening, w->a, &second), REASON_TRANSFER_BUSY);
    world_wait(w, 1);
    EXPECT_OK(transfer_open(&w->core, &f.ana, &opening, w->a, &second));
    EXPECT_REFUSED(transfer_write(first, S("def"), w->a), REASON_TRANSFER_BUSY);
    transfer_cut(first);
    EXPECT_OK(transfer_write(second, S("12345"), w->a));
    EXPECT_OK(transfer_close(second, w->a, &now));
    EXPECT_EQ(now.offset, 5);
    expect_sound(&f);
}

TEST(the_offset_stays_after_the_request_that_writes_was_ended)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10), now;
    struct transfer_writer *first;
    EXPECT_OK(append(&f, t.name, 0, S("ab"), &now));
    EXPECT_OK(open_at(&f, t.name, 2, &first));
    EXPECT_OK(transfer_write(first, S("cde"), w->a));
    EXPECT_OK(transfer_end_writer(&w->core, &f.ana, t.name, w->a, &now));
    EXPECT_EQ(now.offset, 2);
    EXPECT_REFUSED(transfer_close(first, w->a, &now), REASON_TRANSFER_BUSY);
    EXPECT_OK(append(&f, t.name, 2, S("34567890"), &now));
    expect_file(&f, &now, S("ab34567890"));
    EXPECT_OK(transfer_end_writer(&w->core, &f.ana, t.name, w->a, &now)); /* there is none */
    expect_sound(&f);
}

TEST(a_claim_of_a_request_that_is_gone_ends_by_itself)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 3), now;
    struct transfer_writer *gone;
    EXPECT_OK(open_at(&f, t.name, 0, &gone));
    EXPECT_REFUSED(append(&f, t.name, 0, S("abc"), &now), REASON_TRANSFER_BUSY);
    world_wait(w, minutes(2));
    EXPECT_OK(append(&f, t.name, 0, S("abc"), &now));
    expect_file(&f, &now, S("abc"));
    transfer_drop(gone);
    t = create(&f, 3);
    EXPECT_OK(open_at(&f, t.name, 0, &gone));
    EXPECT_OK(transfer_release_all(&w->core, w->a)); /* after a restart */
    EXPECT_OK(append(&f, t.name, 0, S("abc"), &now));
    transfer_drop(gone);
    expect_sound(&f);
}

/* ---- lengths ---- */

static err_t append_with_length(const struct fixture *f, slice name, int64_t offset, int64_t length, slice bytes,
                                struct transfer *ret)
{
    struct transfer_opening opening = { name, offset, .has_length = true, .length = length, .lifetime_ms = LIFETIME };
    return append_as(f, &opening, bytes, ret);
}

TEST(of_two_requests_that_finish_an_upload_one_named_a_file_that_is_not_there)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 3), first, second, late;
    struct transfer_opening stays = { t.name, 0, .end = TRANSFER_STAYS_OPEN, .lifetime_ms = LIFETIME };
    EXPECT_OK(append_as(&f, &stays, S("abc"), &late)); /* as a request has it that is about to finish */
    EXPECT_OK(transfer_complete(&w->core, &f.ana, t.name, w->a, &first));
    EXPECT_OK(transfer_finish(&w->core, &f.ana, &late, w->a));
    EXPECT(memcmp(first.file_uuid, late.file_uuid, sizeof first.file_uuid) == 0);
    expect_file(&f, &late, S("abc"));
    EXPECT_OK(transfer_remove(&w->core, &f.ana, t.name, w->a));
    second = late;
    second.finished_at_ms = 0;
    EXPECT_REFUSED(transfer_finish(&w->core, &f.ana, &second, w->a), REASON_TRANSFER_NOT_THERE);
}

TEST(a_length_may_be_said_later_and_once)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, -1), now;
    EXPECT_OK(append(&f, t.name, 0, S("abc"), &now));
    EXPECT(now.finished_at_ms == 0 && now.length == -1);
    EXPECT_REFUSED(append_with_length(&f, t.name, 3, 2, S(""), &now), REASON_TRANSFER_LENGTH);
    EXPECT_REFUSED(append_with_length(&f, t.name, 3, -1, S(""), &now), REASON_TRANSFER_LENGTH);
    EXPECT_OK(append_with_length(&f, t.name, 3, 5, S("d"), &now));
    EXPECT_REFUSED(append_with_length(&f, t.name, 4, 6, S("e"), &now), REASON_TRANSFER_LENGTH);
    EXPECT_ERR(append(&f, t.name, 4, S("ef"), &now), ERR_TOO_LARGE);
    EXPECT_OK(append_with_length(&f, t.name, 4, 5, S("e"), &now));
    expect_file(&f, &now, S("abcde"));
    expect_sound(&f);
}

TEST(an_upload_ends_where_a_request_says_so)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, -1), now;
    struct transfer_opening stays = { t.name, 0, .end = TRANSFER_STAYS_OPEN, .lifetime_ms = LIFETIME };
    EXPECT_OK(append_as(&f, &stays, S("abc"), &now));
    struct transfer_opening ends = { t.name, 3, .end = TRANSFER_ENDS_HERE, .lifetime_ms = LIFETIME };
    struct transfer_writer *writer;
    EXPECT_OK(transfer_open(&w->core, &f.ana, &ends, w->a, &writer));
    EXPECT_OK(transfer_write(writer, S("d"), w->a));
    transfer_cut(writer);
    EXPECT(state_of(&f, t.name).length == -1 && state_of(&f, t.name).offset == 4);
    ends.offset = 4;
    EXPECT_OK(append_as(&f, &ends, S("e"), &now));
    EXPECT_EQ(now.length, 5);
    expect_file(&f, &now, S("abcde"));

    t = create(&f, 5);
    stays.name = ends.name = t.name;
    ends.offset = 0;
    EXPECT_REFUSED(append_as(&f, &ends, S("abcd"), &now), REASON_TRANSFER_LENGTH);
    EXPECT_EQ(state_of(&f, t.name).offset, 0);
    EXPECT_OK(append_as(&f, &stays, S("abcde"), &now));
    EXPECT(state_of(&f, t.name).finished_at_ms == 0);
    ends.offset = 5;
    EXPECT_OK(append_as(&f, &ends, S(""), &now));
    expect_file(&f, &now, S("abcde"));
    expect_sound(&f);
}

TEST(an_upload_of_no_bytes_becomes_an_empty_file)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 0), now;
    EXPECT_OK(transfer_complete(&w->core, &f.ana, t.name, w->a, &now));
    expect_file(&f, &now, S(""));
    EXPECT_OK(transfer_complete(&w->core, &f.ana, t.name, w->a, &now)); /* again */
    EXPECT_EQ(world_account(w).used_files, 1);
    expect_sound(&f);
}

/* ---- the end ---- */

TEST(an_upload_that_expires_gives_back_all_that_it_took)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 100000), now;
    EXPECT_OK(append(&f, t.name, 0, world_bytes(w, 50000), &now));
    world_wait(w, LIFETIME - 1);
    EXPECT_OK(append(&f, t.name, 50000, S("x"), &now)); /* it lives on */
    world_wait(w, LIFETIME);
    EXPECT_REFUSED(append(&f, t.name, 50001, S("x"), &now), REASON_TRANSFER_EXPIRED);
    EXPECT_REFUSED(transfer_find(&w->core, &f.ana, t.name, w->a, &now), REASON_TRANSFER_EXPIRED);
    world_run_jobs(w);
    EXPECT_REFUSED(transfer_find(&w->core, &f.ana, t.name, w->a, &now), REASON_TRANSFER_NOT_THERE);
    EXPECT_EQ(world_account(w).used_bytes, 0);
    EXPECT_EQ(world_account(w).record_bytes, 0);
    EXPECT_EQ(world_account(w).open_uploads, 0);
    expect_sound(&f);
}

TEST(an_upload_that_had_expired_came_back_with_its_last_bytes)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10), now;
    struct transfer_writer *writer;
    EXPECT_OK(open_at(&f, t.name, 0, &writer));
    EXPECT_OK(transfer_write(writer, S("abc"), w->a));
    world_wait(w, LIFETIME);
    EXPECT_REFUSED(transfer_find(&w->core, &f.ana, t.name, w->a, &now), REASON_TRANSFER_EXPIRED);
    transfer_cut(writer);
    EXPECT_REFUSED(transfer_find(&w->core, &f.ana, t.name, w->a, &now), REASON_TRANSFER_EXPIRED);
    expect_sound(&f);
}

TEST(an_upload_can_be_removed_also_while_a_request_writes)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10), now;
    struct transfer_writer *writer;
    EXPECT_OK(open_at(&f, t.name, 0, &writer));
    EXPECT_OK(transfer_write(writer, S("abc"), w->a));
    EXPECT_OK(transfer_remove(&w->core, &f.ana, t.name, w->a));
    EXPECT(transfer_close(writer, w->a, &now) != NULL);
    EXPECT_REFUSED(transfer_remove(&w->core, &f.ana, t.name, w->a), REASON_TRANSFER_NOT_THERE);
    EXPECT_EQ(world_account(w).used_bytes, 0);
    EXPECT_EQ(world_account(w).open_uploads, 0);
    expect_sound(&f);
}

TEST(removed_uploads_left_bytes_that_nobody_knew_while_a_backup_ran)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10), now;
    struct transfer_list list;
    EXPECT_OK(append(&f, t.name, 0, S("abcde"), &now));
    garbage_hold(&w->core);
    EXPECT_OK(transfer_remove(&w->core, &f.ana, t.name, w->a));
    EXPECT_REFUSED(transfer_find(&w->core, &f.ana, t.name, w->a, &now), REASON_TRANSFER_EXPIRED);
    EXPECT_OK(transfer_list(&w->core, &f.ana, &(struct id_page){ 0, 10 }, w->a, &list));
    EXPECT_EQ(list.count, 0);
    EXPECT_EQ(world_account(w).used_bytes, 5); /* they still take their space */
    expect_sound(&f);
    garbage_release(&w->core);
    EXPECT_OK(transfer_purge_due(&w->core, NULL, w->a));
    EXPECT_EQ(world_account(w).used_bytes, 0);
    EXPECT_EQ(bytes_in_growing(w), 0);
    expect_sound(&f);
}

TEST(an_upload_is_nobody_elses)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct principal bob = world_user(w, S("bob"));
    struct transfer t = create(&f, 10), now;
    struct transfer_list list;
    EXPECT_REFUSED(transfer_find(&w->core, &bob, t.name, w->a, &now), REASON_TRANSFER_NOT_THERE);
    EXPECT_REFUSED(transfer_remove(&w->core, &bob, t.name, w->a), REASON_TRANSFER_NOT_THERE);
    EXPECT_REFUSED(transfer_end_writer(&w->core, &bob, t.name, w->a, &now), REASON_TRANSFER_NOT_THERE);
    EXPECT_OK(transfer_list(&w->core, &bob, &(struct id_page){ 0, 10 }, w->a, &list));
    EXPECT_EQ(list.count, 0);
    EXPECT_OK(transfer_list(&w->core, &f.ana, &(struct id_page){ 0, 10 }, w->a, &list));
    EXPECT_EQ(list.count, 1);
    EXPECT_SLICE(list.items[0].metadata, S("filename YQ=="));
}

/* ---- room ---- */

TEST(bytes_count_when_they_come_and_are_refused_when_there_is_no_room)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer now;
    struct transfer_request request = {
        .origin = S("s"), .file_name = S("a"), .length = 2000, .lifetime_ms = LIFETIME
    };
    world_set_room(w, 1000, 0);
    EXPECT_ERR(transfer_create(&w->core, &f.ana, &request, w->a, &now), ERR_QUOTA);
    request.length = -1;
    EXPECT_OK(transfer_create(&w->core, &f.ana, &request, w->a, &now));
    slice name = now.name;
    EXPECT_OK(append(&f, name, 0, world_bytes(w, 500), &now));
    EXPECT_ERR(append(&f, name, 500, world_bytes(w, 1000), &now), ERR_QUOTA);
    EXPECT_EQ(state_of(&f, name).offset, 500);
    request.max_bytes = 100;
    request.length = 101;
    EXPECT_ERR(transfer_create(&w->core, &f.ana, &request, w->a, &now), ERR_TOO_LARGE);
    expect_sound(&f);
}

/* ---- care ---- */

static void expect_finding(const struct fixture *f, const char *what)
{
    struct fsck_report report;
    EXPECT_OK(fsck_run(&f->w->core, &(struct fsck_options){ 0 }, f->w->a, &report));
    EXPECT(report.listed > 0);
    EXPECT(strcmp(report.list[0].what, what) == 0);
}

TEST(bytes_that_were_acknowledged_and_are_missing_are_no_new_upload)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10), now;
    EXPECT_OK(append(&f, t.name, 0, S("abc"), &now));
    EXPECT_OK(w->core.blob->ops->drop(w->core.blob, t.blob_key, w->a));
    EXPECT_ERR(append(&f, t.name, 3, S("def"), &now), ERR_CORRUPT);
    EXPECT_EQ(state_of(&f, t.name).offset, 3);
}

static int64_t new_task(const struct fixture *f)
{
    struct task_request request = { .text = S("t"), .is_silent = true, .is_shared = true };
    int64_t id;
    EXPECT_OK(task_create(&f->w->core, &f->ana, &request, f->w->a, &id));
    return id;
}

TEST(a_file_goes_to_the_holder_for_which_it_was_made)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer_request request = { .origin = S("sample"),
                                        .file_name = S("a.bin"),
                                        .length = 3,
                                        .lifetime_ms = LIFETIME,
                                        .holder = { HOLDER_TASK, new_task(&f) } };
    struct transfer t, now;
    struct file file;
    EXPECT_OK(transfer_create(&w->core, &f.ana, &request, w->a, &t));
    EXPECT_OK(append(&f, t.name, 0, S("abc"), &now));
    EXPECT_OK(file_get(&w->core, &f.ana, now.file_uuid, w->a, &file));
    EXPECT(!file.is_kept);
    world_wait(w, hours(1));
    world_run_jobs(w);
    EXPECT_OK(file_get(&w->core, &f.ana, now.file_uuid, w->a, &file)); /* the task holds it */

    request.holder.id = INT64_MAX; /* there is no such task */
    EXPECT_OK(transfer_create(&w->core, &f.ana, &request, w->a, &t));
    EXPECT(append(&f, t.name, 0, S("abc"), &now) != NULL);
    EXPECT(state_of(&f, t.name).finished_at_ms == 0);
    request.holder.kind = 250;
    EXPECT_OK(transfer_create(&w->core, &f.ana, &request, w->a, &t));
    EXPECT_ERR(append(&f, t.name, 0, S("abc"), &now), ERR_CORRUPT);
    EXPECT_EQ(world_account(w).used_files, 1);
}

TEST(fsck_finds_bytes_of_an_upload_that_are_missing_or_others)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct blob_store *blob = w->core.blob;
    struct transfer t = create(&f, 100), now;
    struct blob_writer *writer;
    EXPECT_OK(append(&f, t.name, 0, S("abcdef"), &now));
    expect_sound(&f);
    EXPECT_OK(blob->ops->grow(blob, t.blob_key, 3, w->a, &writer));
    EXPECT_OK(writer->ops->flush(writer, w->a));
    expect_finding(&f, "fewer bytes than were acknowledged");
    EXPECT_OK(writer->ops->write(writer, S("xyz"), w->a));
    EXPECT_OK(writer->ops->flush(writer, w->a));
    writer->ops->discard(writer);
    expect_finding(&f, "digest differs");
    EXPECT_OK(blob->ops->drop(blob, t.blob_key, w->a));
    expect_finding(&f, "bytes missing");
}

static err_t count_one(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    (void)key, (void)size_bytes, (void)modified_ms;
    ++*(int64_t *)arg;
    return NULL;
}

static int64_t count_growing(struct world *w)
{
    int64_t count = 0;
    EXPECT_OK(w->core.blob->ops->each_growing(w->core.blob, w->a, count_one, &count));
    return count;
}

TEST(bytes_that_were_not_acknowledged_stayed_on_the_disk)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    slice large = world_bytes(w, 5 << 20);
    struct transfer t = create(&f, -1), now;
    struct transfer_writer *writer;
    EXPECT_OK(append(&f, t.name, 0, S("abc"), &now));
    struct transfer_opening opening = { .name = t.name, .offset = 3, .is_unverified = true, .lifetime_ms = LIFETIME };
    EXPECT_OK(transfer_open(&w->core, &f.ana, &opening, w->a, &writer));
    EXPECT_OK(transfer_write(writer, large, w->a));
    transfer_cut(writer);
    EXPECT_EQ(bytes_in_growing(w), 3);
    EXPECT_OK(transfer_open(&w->core, &f.ana, &opening, w->a, &writer));
    EXPECT_OK(transfer_write(writer, large, w->a));
    EXPECT_OK(transfer_end_writer(&w->core, &f.ana, t.name, w->a, &now));
    EXPECT_EQ(bytes_in_growing(w), 3);
    transfer_drop(writer);
    EXPECT_EQ(bytes_in_growing(w), 3);
    EXPECT_OK(append(&f, t.name, 3, S("def"), &now));
    expect_sound(&f);
}

TEST(what_has_room_in_the_account_counts_when_the_rest_has_none)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, -1);
    struct transfer_writer *writer;
    for (int is_unverified = 0; is_unverified < 2; is_unverified++) {
        int64_t before = state_of(&f, t.name).offset;
        EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), world_used(w) + 300000, 0, w->a));
        struct transfer_opening opening = {
            .name = t.name, .offset = before, .is_unverified = is_unverified, .lifetime_ms = LIFETIME
        };
        EXPECT_OK(transfer_open(&w->core, &f.ana, &opening, w->a, &writer));
        err_t e = NULL;
        int64_t sent = 0;
        for (; !e && sent < 1000000; sent += 100000)
            e = transfer_write(writer, world_bytes(w, 100000), w->a);
        EXPECT_ERR(e, ERR_QUOTA);
        transfer_cut(writer);
        EXPECT_EQ(state_of(&f, t.name).offset, before + (is_unverified ? 0 : 300000));
    }
    EXPECT_EQ(bytes_in_growing(w), 300000);
    expect_sound(&f);
}

TEST(bytes_that_no_upload_names_are_swept_and_those_of_uploads_are_not)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct blob_store *blob = w->core.blob;
    struct transfer t = create(&f, 6), now;
    struct blob_writer *writer;
    EXPECT_OK(append(&f, t.name, 0, S("abc"), &now));
    EXPECT_OK(blob->ops->grow(blob, S("aa0123"), 0, w->a, &writer));
    EXPECT_OK(writer->ops->write(writer, S("x"), w->a));
    EXPECT_OK(writer->ops->flush(writer, w->a));
    writer->ops->discard(writer);
    EXPECT_EQ(count_growing(w), 2);
    world_wait(w, hours(8)); /* longer than the grace, and than the period of the sweep */
    world_run_jobs(w);
    EXPECT_EQ(count_growing(w), 1);
    EXPECT_OK(append(&f, t.name, 3, S("def"), &now));
    EXPECT_EQ(count_growing(w), 0);
    world_wait(w, hours(8));
    world_run_jobs(w);
    expect_file(&f, &now, S("abcdef"));
    expect_sound(&f);
}

/* ---- faults ---- */

/* The nth call of a store fails; the sender asks for the offset and goes on, as a client does. */
static void send_with_fault(int64_t nth, bool answer_lost, bool *ret_reached)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    slice bytes = world_bytes(w, 60000);
    struct transfer t = create(&f, (int64_t)bytes.n), now = { 0 };
    int64_t acknowledged = 0;
    w->faults =
        (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
    bool finished = false;
    for (int tries = 0; tries < 20 && !finished; tries++) {
        err_t e = transfer_complete(&w->core, &f.ana, t.name, w->a, &now);
        if (!e && now.finished_at_ms) {
            finished = true;
            break;
        }
        if (!e) {
            EXPECT(now.offset >= acknowledged); /* it never falls */
            acknowledged = now.offset;
            e = append(&f, t.name, now.offset, slice_part(bytes, (size_t)now.offset, 25000), &now);
            if (!e)
                acknowledged = now.offset;
        }
        if (e)
            world_wait(w, minutes(2)); /* a claim that could not be released ends */
    }
    *ret_reached = w->faults.calls >= nth;
    w->faults.fail_at = 0;
    EXPECT(finished);
    expect_file(&f, &now, bytes);
    EXPECT_EQ(world_account(w).used_files, 1);
    EXPECT_EQ(world_account(w).used_bytes, (int64_t)bytes.n);
    expect_sound(&f);
}

TEST(no_acknowledged_byte_is_lost_whatever_call_of_a_store_fails)
{
    for (int lost = 0; lost < 2; lost++) {
        bool reached = true;
        for (int64_t nth = fault_first(); reached; nth += fault_step()) {
            send_with_fault(nth, lost, &reached);
            assert_true(nth < 2000);
        }
    }
}

/* Flushes, with the answer of each store call lost in turn, and ends the request. *ret_reached: a call was failed. */
static void flush_and_cut(int64_t nth, bool *ret_reached)
{
    WORLD(w);
    struct fixture f = fixture_new(w);
    struct transfer t = create(&f, 10), now;
    struct transfer_writer *writer;
    EXPECT_OK(open_at(&f, t.name, 0, &writer));
    EXPECT_OK(transfer_write(writer, S("abc"), w->a));
    w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = true };
    *ret_reached = transfer_flush(writer, w->a) != NULL;
    w->faults.fail_at = 0;
    transfer_cut(writer);
    expect_sound(&f);
    world_wait(w, minutes(2));
    int64_t offset = state_of(&f, t.name).offset;
    EXPECT(offset == 0 || offset == 3);
    EXPECT_OK(append(&f, t.name, offset, slice_from(S("abc"), (size_t)offset), &now));
    EXPECT_OK(append(&f, t.name, 3, S("defghij"), &now));
    expect_file(&f, &now, S("abcdefghij"));
}

TEST(bytes_whose_acknowledgement_was_not_heard_were_cut_off_at_the_end_of_the_request)
{
    bool reached = true;
    for (int64_t nth = 1; reached; nth++)
        flush_and_cut(nth, &reached);
}

/* ---- a model: random schedules over stores that fail ---- */

enum { MODEL_STEPS = 120, MODEL_BYTES = 200000 };

struct model {
    struct fixture f;
    struct random_seeded random;
    slice bytes; /* that the sender wants to send */
    slice name;  /* of the upload; empty: there is none */
    int64_t told;
    struct transfer_writer *writer;
    int64_t writer_at; /* where the next byte of its request belongs */
};

static uint64_t draw(struct model *m, uint64_t below)
{
    uint64_t n;
    random_fill(&m->random.random, (char *)&n, sizeof n);
    return n % below;
}

/* What was told is on the disk, whatever failed, and it is what was sent. */
static void read_back(struct model *m, const struct transfer *t)
{
    struct world *w = m->f.w;
    struct fault_plan paused = w->faults;
    w->faults.fail_at = 0;
    SCOPED(blob_reader_closep) struct blob_reader *reader = NULL;
    char *read = arena_alloc(w->a, (size_t)t->offset + 1);
    size_t got = 0;
    EXPECT(t->offset >= m->told && t->offset <= MODEL_BYTES);
    if (t->offset) {
        EXPECT_OK(w->core.blob->ops->open_growing(w->core.blob, t->blob_key, w->a, &reader));
        EXPECT_OK(w->core.blob->ops->read_at(reader, 0, read, (size_t)t->offset, w->a, &got));
    }
    EXPECT_SLICE(((slice){ read, got }), slice_part(m->bytes, 0, (size_t)t->offset));
    m->told = t->offset;
    w->faults = paused;
}

static void model_ask(struct model *m)
{
    struct transfer t;
    err_t e = draw(m, 2) ? transfer_find(&m->f.w->core, &m->f.ana, m->name, m->f.w->a, &t)
                         : transfer_end_writer(&m->f.w->core, &m->f.ana, m->name, m->f.w->a, &t);
    if (!e)
        read_back(m, &t);
}

static void model_open(struct model *m)
{
    struct transfer_opening opening = { .name = m->name,
                                        .offset = m->told,
                                        .rivalry = (enum transfer_rivalry)draw(m, 3),
                                        .end = TRANSFER_STAYS_OPEN,
                                        .is_unverified = draw(m, 4) == 0,
                                        .lifetime_ms = hours(1000) };
    struct transfer_writer *writer;
    if (transfer_open(&m->f.w->core, &m->f.ana, &opening, m->f.w->a, &writer))
        return;
    transfer_drop(m->writer); /* of a request that has lost its right */
    m->writer = writer;
    m->writer_at = m->told;
}

static void model_write(struct model *m)
{
    size_t n = draw(m, 20000), left = MODEL_BYTES - (size_t)m->writer_at;
    n = n < left ? n : left;
    if (!m->writer)
        return;
    if (transfer_write(m->writer, slice_part(m->bytes, (size_t)m->writer_at, n), m->f.w->a)) {
        transfer_cut(m->writer);
        m->writer = NULL;
    }
    m->writer_at += (int64_t)n;
}

static void model_end(struct model *m)
{
    struct transfer t;
    if (!m->writer)
        return;
    uint64_t how = draw(m, 3);
    if (how == 0)
        transfer_drop(m->writer);
    else if (how == 1)
        transfer_cut(m->writer);
    else if (!transfer_close(m->writer, m->f.w->a, &t))
        read_back(m, &t);
    m->writer = NULL;
}

static void model_fail(struct model *m)
{
    static const enum err_code codes[] = { ERR_UNAVAILABLE, ERR_NO_SPACE };
    m->f.w->faults = (struct fault_plan){ .fail_at = m->f.w->faults.calls + 1 + (int64_t)draw(m, 12),
                                          .fail_count = 1 + (int64_t)draw(m, 2),
                                          .code = codes[draw(m, 2)],
                                          .answer_lost = draw(m, 2),
                                          .calls = m->f.w->faults.calls };
}

/* The process ends at once: nobody releases a claim, and what was not flushed is lost. */
static void model_restart(struct model *m)
{
    transfer_drop(m->writer);
    m->writer = NULL;
    m->f.w->faults.fail_at = 0;
    EXPECT_OK(transfer_release_all(&m->f.w->core, m->f.w->a));
}

static void model_step(struct model *m)
{
    uint64_t step = draw(m, 20);
    if (step < 5)
        model_ask(m);
    else if (step < 9)
        model_open(m);
    else if (step < 15)
        model_write(m);
    else if (step < 17)
        model_end(m);
    else if (step < 18)
        model_fail(m);
    else if (step < 19)
        world_wait(m->f.w, (int64_t)draw(m, (uint64_t)minutes(3)));
    else
        model_restart(m);
}

static void run_model(uint64_t seed)
{
    WORLD(w);
    struct model m = { .f = fixture_new(w), .bytes = world_bytes(w, MODEL_BYTES) };
    struct transfer t;
    random_seeded_init(&m.random, seed);
    m.name = create(&m.f, -1).name;
    for (int i = 0; i < MODEL_STEPS; i++)
        model_step(&m);
    model_restart(&m);
    EXPECT_OK(transfer_find(&w->core, &m.f.ana, m.name, w->a, &t));
    read_back(&m, &t);
    struct transfer_opening rest = {
        .name = m.name, .offset = t.offset, .end = TRANSFER_ENDS_HERE, .lifetime_ms = LIFETIME
    };
    EXPECT_OK(append_as(&m.f, &rest, slice_from(m.bytes, (size_t)t.offset), &t));
    expect_file(&m.f, &t, m.bytes);
    expect_sound(&m.f);
}

TEST(each_offset_that_is_told_can_be_read_back_in_random_schedules)
{
    for (uint64_t i = 0; i < (uint64_t)rounds(ROUNDS_transfer_schedules); i++)
        run_model(rounds_seed() + i);
}

RUN_TESTS(cmocka_unit_test(bytes_of_several_requests_become_one_file),
          cmocka_unit_test(the_offset_of_the_sender_must_be_the_one_that_is_known),
          cmocka_unit_test(what_a_request_that_is_cut_has_brought_stays_unless_it_was_to_be_verified),
          cmocka_unit_test(what_came_is_flushed_after_a_while),
          cmocka_unit_test(a_slow_request_with_a_checksum_lost_its_claim),
          cmocka_unit_test(one_request_writes_at_a_time_and_another_may_take_over),
          cmocka_unit_test(a_request_whose_claim_another_machine_has_acknowledges_nothing),
          cmocka_unit_test(a_request_that_brings_nothing_is_ended_by_the_next_one),
          cmocka_unit_test(the_offset_stays_after_the_request_that_writes_was_ended),
          cmocka_unit_test(a_claim_of_a_request_that_is_gone_ends_by_itself),
          cmocka_unit_test(of_two_requests_that_finish_an_upload_one_named_a_file_that_is_not_there),
          cmocka_unit_test(a_length_may_be_said_later_and_once),
          cmocka_unit_test(an_upload_ends_where_a_request_says_so),
          cmocka_unit_test(an_upload_of_no_bytes_becomes_an_empty_file),
          cmocka_unit_test(an_upload_that_expires_gives_back_all_that_it_took),
          cmocka_unit_test(an_upload_that_had_expired_came_back_with_its_last_bytes),
          cmocka_unit_test(an_upload_can_be_removed_also_while_a_request_writes),
          cmocka_unit_test(removed_uploads_left_bytes_that_nobody_knew_while_a_backup_ran),
          cmocka_unit_test(an_upload_is_nobody_elses),
          cmocka_unit_test(bytes_count_when_they_come_and_are_refused_when_there_is_no_room),
          cmocka_unit_test(bytes_that_were_acknowledged_and_are_missing_are_no_new_upload),
          cmocka_unit_test(a_file_goes_to_the_holder_for_which_it_was_made),
          cmocka_unit_test(fsck_finds_bytes_of_an_upload_that_are_missing_or_others),
          cmocka_unit_test(bytes_that_were_not_acknowledged_stayed_on_the_disk),
          cmocka_unit_test(what_has_room_in_the_account_counts_when_the_rest_has_none),
          cmocka_unit_test(bytes_that_no_upload_names_are_swept_and_those_of_uploads_are_not),
          cmocka_unit_test(no_acknowledged_byte_is_lost_whatever_call_of_a_store_fails),
          cmocka_unit_test(bytes_whose_acknowledgement_was_not_heard_were_cut_off_at_the_end_of_the_request),
          cmocka_unit_test(each_offset_that_is_told_can_be_read_back_in_random_schedules))
