/* SPDX-License-Identifier: Apache-2.0 */
/* Putting bytes under the key of a ticket. The tickets are written with calls of the store alone; tests/unit/ticket.c tests
 * issuing and confirming. */
#include "bucket_fixture.h"
#include "core/file/hold.h"
#include "core/records/file.h"
#include "core/store/file_store.h"
#include "core/store/ticket_store.h"
#include "rounds.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL = 100, LARGE = 40000 };

static err_t apply_confirm(struct meta_tx *tx, void *arg, struct arena *a)
{
    int64_t file_id = *(int64_t *)arg;
    TRY(meta_ticket_confirm(tx, file_id, WORLD_START_MS, a));
    return meta_file_keep(tx, file_id, WORLD_START_MS, a);
}

static err_t put(const struct guarded_fixture *c, slice key, slice bytes)
{
    struct entry_request request = bucket_fixture_request(key);
    struct stored_entry unused;
    return bucket_fixture_put(&c->s, &request, bytes, c->s.w->a, &unused);
}

static err_t open_put(const struct guarded_fixture *c, slice key, int64_t exact_bytes, struct entry_put *put_)
{
    struct entry_request *request = arena_new(c->s.w->a, struct entry_request);
    *request = bucket_fixture_request(arena_copy(c->s.w->a, key));
    request->exact_bytes = exact_bytes;
    return entry_put_open(&c->s.w->core, &c->s.who, &c->s.bucket, request, c->s.w->a, put_);
}

static void note_code(void *arg, err_t e, const struct entry_stored *stored)
{
    EXPECT(!e == !!stored);
    *(enum err_code *)arg = e ? e->code : ERR_CODE_COUNT;
}

static struct file file_of(struct world *w, int64_t id)
{
    struct file file = { 0 };
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_file_get(tx, id, w->a, &file));
    meta_read_end(tx);
    return file;
}

TEST(put_under_a_ticket_key_gives_the_file_its_bytes)
{
    WORLD(w);
    struct guarded_fixture c = guarded_fixture_new(w);
    size_t sizes[] = { 0, SMALL, LARGE };
    uint64_t all = 0;
    for (size_t i = 0; i < LENGTH_OF(sizes); i++) {
        slice bytes = world_bytes(w, sizes[i]), key = arena_printf(w->a, "data/%zu/x", i);
        int64_t id = guarded_fixture_issue(&c, key, sizes[i]);
        struct entry entry;
        struct content content;
        EXPECT(!bucket_fixture_has(&c.s, key)); /* without bytes there is no entry */
        EXPECT_ERR(entry_open(&w->core, &c.s.bucket, key, w->a, &entry, &content), ERR_NOT_FOUND);
        EXPECT_OK(put(&c, key, bytes));
        bucket_fixture_expect(&c.s, key, bytes);
        struct file file = file_of(w, id);
        EXPECT_EQ(file.state, FILE_STORED);
        EXPECT_EQ(file.size_bytes, sizes[i]);
        EXPECT_OK(entry_open(&w->core, &c.s.bucket, key, w->a, &entry, &content));
        EXPECT_EQ(content.size_bytes, sizes[i]);
        EXPECT_SLICE(entry.headers, S("Content-Type: text/csv\n"));
        EXPECT_EQ(entry.owner_id, c.bob.user_id);
        EXPECT_SLICE(entry.key, key);
        content_close(&content);
        all += sizes[i];
    }
    EXPECT_EQ(world_account(w).used_files, 3);
    EXPECT_EQ(world_account(w).used_bytes, all);
    EXPECT_EQ(world_event_count(w, S("file.store")), 3);
    EXPECT_EQ(world_fsck(w, true), 0);
    world_wait(w, minutes(20)); /* past the purge time of the file */
    world_run_jobs(w);
    EXPECT(!bucket_fixture_has(&c.s, S("data/1/x")));
    EXPECT_ERR(put(&c, S("data/1/x"), world_bytes(w, SMALL)), ERR_FORBIDDEN);
    expect_empty_store(w);
}

TEST(put_is_forbidden_without_a_pending_ticket)
{
    WORLD(w);
    struct guarded_fixture c = guarded_fixture_new(w);
    struct entry_removal removal = { S("mine") };
    bool existed;
    struct entry entry;
    struct bucket open;
    guarded_fixture_issue(&c, S("mine"), 5);
    EXPECT_ERR(put(&c, S("other"), S("hello")), ERR_FORBIDDEN);
    EXPECT_ERR(put(&c, S("mine/"), S("hello")), ERR_FORBIDDEN);
    EXPECT_ERR(put(&c, S(""), S("hello")), ERR_INVALID);
    EXPECT_OK(put(&c, S("mine"), S("hello")));
    EXPECT_ERR(entry_remove(&w->core, &c.s.who, &c.s.bucket, &removal, w->a, &existed), ERR_FORBIDDEN);
    EXPECT_ERR(entry_set_tags(&w->core, &c.s.who, &c.s.bucket, S("mine"), S("t"), w->a), ERR_FORBIDDEN);
    struct upload_request upload = { .key = S("mine"), .lifetime_ms = 1 };
    slice name;
    EXPECT_ERR(upload_create(&w->core, &c.s.who, &c.s.bucket, &upload, w->a, &name), ERR_FORBIDDEN);
    EXPECT_OK(bucket_create(&w->core, &c.bob, S("open"), w->a));
    EXPECT_OK(bucket_find(&w->core, &c.bob, S("open"), BUCKET_WRITE, w->a, &open));
    struct entry_copy out = { .from = &c.s.bucket, .to = &open, .from_key = S("mine"), .to_key = S("stolen") };
    EXPECT_ERR(entry_copy(&w->core, &c.bob, &out, w->a, &entry), ERR_FORBIDDEN);
    struct entry_copy in = { .from = &open, .to = &c.s.bucket, .from_key = S("x"), .to_key = S("mine") };
    EXPECT_ERR(entry_copy(&w->core, &c.bob, &in, w->a, &entry), ERR_FORBIDDEN);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(put_accepts_exactly_the_declared_number_of_bytes)
{
    WORLD(w);
    struct guarded_fixture c = guarded_fixture_new(w);
    struct entry_put put_;
    guarded_fixture_issue(&c, S("k"), 5);
    EXPECT_ERR(open_put(&c, S("k"), 6, &put_), ERR_TOO_LARGE);
    EXPECT_ERR(open_put(&c, S("k"), 4, &put_), ERR_EMPTY);
    EXPECT_ERR(put(&c, S("k"), S("hello!")), ERR_TOO_LARGE);
    EXPECT_ERR(put(&c, S("k"), S("hell")), ERR_EMPTY);
    EXPECT_ERR(put(&c, S("k"), S("")), ERR_EMPTY);
    struct entry_request request = bucket_fixture_request(S("k"));
    struct stored_entry unused;
    request.max_bytes = 4; /* the form allows fewer bytes than the ticket */
    EXPECT_ERR(bucket_fixture_put(&c.s, &request, S("hello"), w->a, &unused), ERR_TOO_LARGE);
    request.max_bytes = 0;
    request.min_bytes = 6;
    EXPECT_ERR(bucket_fixture_put(&c.s, &request, S("hello"), w->a, &unused), ERR_EMPTY);
    EXPECT_EQ(count_objects(w), 0);
    EXPECT_OK(put(&c, S("k"), S("hello")));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(put_under_a_ticket_for_0_bytes_refuses_the_first_byte)
{
    WORLD(w);
    struct guarded_fixture c = guarded_fixture_new(w);
    struct entry_put put_;
    guarded_fixture_issue(&c, S("k"), 0);
    EXPECT_OK(open_put(&c, S("k"), -1, &put_)); /* chunked: the length is not known */
    EXPECT_ERR(intake_write(put_.intake, S("x"), w->a), ERR_TOO_LARGE);
    entry_put_discard(&put_);
    EXPECT_OK(put(&c, S("k"), S("")));
}

TEST(put_replaces_the_bytes_until_the_file_is_confirmed)
{
    WORLD(w);
    struct guarded_fixture c = guarded_fixture_new(w);
    int64_t id = guarded_fixture_issue(&c, S("k"), LARGE);
    slice first = world_bytes(w, LARGE), second = world_bytes(w, LARGE);
    world_set_room(w, LARGE, 1); /* the account has room for one of them */
    EXPECT_OK(put(&c, S("k"), first));
    bucket_fixture_expect(&c.s, S("k"), first);
    EXPECT_OK(put(&c, S("k"), second));
    bucket_fixture_expect(&c.s, S("k"), second);
    EXPECT_EQ(world_account(w).used_bytes, LARGE);
    EXPECT_EQ(world_account(w).used_files, 1);
    EXPECT_EQ(count_objects(w), 1);
    world_set_room(w, LARGE, 1); /* the bytes that were replaced are still on the disk */
    struct entry_put slow;       /* still uploading when the file is confirmed */
    enum err_code code;
    EXPECT_OK(open_put(&c, S("k"), LARGE, &slow));
    EXPECT_OK(intake_write(slow.intake, first, w->a));
    world_write(w, apply_confirm, &id);
    entry_put_finish(&slow, note_code, &code);
    EXPECT_EQ(code, ERR_FORBIDDEN);
    EXPECT_ERR(put(&c, S("k"), first), ERR_FORBIDDEN);
    world_wait(w, hours(1));
    world_run_jobs(w);
    bucket_fixture_expect(&c.s, S("k"), second); /* after the confirmation the bytes never change */
    EXPECT_EQ(world_fsck(w, true), 0);
}

static err_t apply_confirm_and_release(struct meta_tx *tx, void *arg, struct arena *a)
{
    int64_t file_id = *(int64_t *)arg;
    struct holder task = { HOLDER_TASK, 1 };
    TRY(meta_ticket_confirm(tx, file_id, WORLD_START_MS, a));
    TRY(hold_add(tx, file_id, task, WORLD_START_MS, a));
    return hold_remove(tx, file_id, task, WORLD_START_MS + minutes(60), a); /* as when its task was removed */
}

TEST(put_is_forbidden_after_the_confirmation_when_nothing_holds_the_file)
{
    WORLD(w);
    struct guarded_fixture c = guarded_fixture_new(w);
    int64_t id = guarded_fixture_issue(&c, S("k"), 5);
    EXPECT_OK(put(&c, S("k"), S("hello")));
    world_write(w, apply_confirm_and_release, &id);
    EXPECT_EQ(file_of(w, id).state, FILE_STORED);
    EXPECT_ERR(put(&c, S("k"), S("again")), ERR_FORBIDDEN);
    bucket_fixture_expect(&c.s, S("k"), S("hello"));
}

TEST(put_is_forbidden_at_exactly_the_expiry_of_the_ticket)
{
    WORLD(w);
    struct guarded_fixture c = guarded_fixture_new(w);
    struct entry_put slow, slower;
    enum err_code code;
    guarded_fixture_issue(&c, S("k"), 5);
    world_wait(w, minutes(10) - 1);
    EXPECT_OK(put(&c, S("k"), S("hello")));
    EXPECT_OK(open_put(&c, S("k"), 5, &slow));
    EXPECT_OK(open_put(&c, S("k"), 5, &slower));
    world_wait(w, 1);
    EXPECT_ERR(put(&c, S("k"), S("again")), ERR_FORBIDDEN);
    world_wait(w, -minutes(5)); /* a clock that is set back does not revive the ticket */
    EXPECT_ERR(put(&c, S("k"), S("again")), ERR_FORBIDDEN);
    world_wait(w, minutes(5));
    EXPECT_OK(intake_write(slow.intake, S("slow!"), w->a));
    entry_put_finish(&slow, note_code, &code);
    EXPECT_EQ(code, ERR_CODE_COUNT); /* the upload began before the expiry */
    bucket_fixture_expect(&c.s, S("k"), S("slow!"));
    world_wait(w, minutes(10)); /* past the purge time, before the purge ran */
    EXPECT(!bucket_fixture_has(&c.s, S("k")));
    EXPECT_OK(intake_write(slower.intake, S("late!"), w->a));
    entry_put_finish(&slower, note_code, &code);
    EXPECT_EQ(code, ERR_FORBIDDEN);
    world_run_jobs(w);
    expect_empty_store(w);
}

TEST(put_is_forbidden_when_the_owner_of_the_ticket_is_disabled)
{
    WORLD(w);
    struct guarded_fixture c = guarded_fixture_new(w);
    struct entry_put put_;
    enum err_code code = ERR_CODE_COUNT;
    guarded_fixture_issue(&c, S("k"), 5);
    EXPECT_OK(open_put(&c, S("k"), 5, &put_)); /* permitted now, but not when the bytes are placed */
    EXPECT_OK(intake_write(put_.intake, S("hello"), w->a));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("bob"), USER_DISABLED, w->a));
    entry_put_finish(&put_, note_code, &code);
    EXPECT_EQ(code, ERR_FORBIDDEN);
    EXPECT_ERR(open_put(&c, S("k"), 5, &put_), ERR_FORBIDDEN);
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("bob"), USER_ACTIVE, w->a));
    EXPECT_OK(put(&c, S("k"), S("hello")));
}

TEST(put_reports_a_full_account_before_the_first_byte)
{
    WORLD(w);
    struct guarded_fixture c = guarded_fixture_new(w);
    struct entry_put put_;
    guarded_fixture_issue(&c, S("k"), LARGE);
    world_set_room(w, LARGE - 1, 0);
    EXPECT_ERR(open_put(&c, S("k"), -1, &put_), ERR_QUOTA);
    world_set_room(w, LARGE, 0);
    EXPECT_OK(open_put(&c, S("k"), -1, &put_));
    EXPECT_OK(intake_write(put_.intake, world_bytes(w, LARGE), w->a));
    world_set_room(w, LARGE - 1, 0);
    enum err_code code;
    entry_put_finish(&put_, note_code, &code);
    EXPECT_EQ(code, ERR_QUOTA); /* checked again when the bytes are placed */
    EXPECT_EQ(count_objects(w), 0);
    EXPECT_EQ(world_fsck(w, false), 0);
}

/* ---- threads ---- */

struct ticket_sender {
    const struct guarded_fixture *c;
    slice bytes;
    int rounds;
    int64_t stored, refused, wrong;
};

static void *send_on(void *arg)
{
    struct ticket_sender *t = arg;
    for (int i = 0; i < t->rounds; i++) {
        SCRATCH(a);
        struct entry_request request = bucket_fixture_request(S("k"));
        struct stored_entry unused;
        err_t e = bucket_fixture_put(&t->c->s, &request, t->bytes, &a, &unused);
        t->stored += !e;
        t->refused += err_is(e, ERR_FORBIDDEN);
        t->wrong += e && e->code != ERR_FORBIDDEN;
    }
    return NULL;
}

TEST(confirmation_during_uploads_keeps_exactly_one_whole_file)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct guarded_fixture c = guarded_fixture_new(w);
    struct ticket_sender senders[4];
    pthread_t threads[4];
    int64_t id = guarded_fixture_issue(&c, S("k"), 20000);
    for (int i = 0; i < 4; i++) {
        char *bytes = arena_alloc(w->a, 20000);
        memset(bytes, 'a' + i, 20000);
        senders[i] =
            (struct ticket_sender){ .c = &c, .bytes = { bytes, 20000 }, .rounds = rounds(ROUNDS_ticket_senders) };
        if (i == 0)
            EXPECT_OK(put(&c, S("k"), senders[0].bytes));
        pthread_create(&threads[i], NULL, send_on, &senders[i]);
    }
    world_write(w, apply_confirm, &id);
    slice fixed, back;
    EXPECT_OK(bucket_fixture_read(&c.s, S("k"), w->a, &fixed));
    bool whole = false;
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        EXPECT_EQ(senders[i].wrong, 0);
        EXPECT_EQ(senders[i].stored + senders[i].refused, senders[i].rounds);
        whole = whole || slice_eq(fixed, senders[i].bytes);
    }
    EXPECT(whole);
    EXPECT_OK(bucket_fixture_read(&c.s, S("k"), w->a, &back));
    EXPECT(slice_eq(back, fixed)); /* later uploads change nothing */
    EXPECT_EQ(count_objects(w), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

RUN_TESTS(cmocka_unit_test(put_under_a_ticket_key_gives_the_file_its_bytes),
          cmocka_unit_test(put_is_forbidden_without_a_pending_ticket),
          cmocka_unit_test(put_accepts_exactly_the_declared_number_of_bytes),
          cmocka_unit_test(put_under_a_ticket_for_0_bytes_refuses_the_first_byte),
          cmocka_unit_test(put_replaces_the_bytes_until_the_file_is_confirmed),
          cmocka_unit_test(put_is_forbidden_after_the_confirmation_when_nothing_holds_the_file),
          cmocka_unit_test(put_is_forbidden_at_exactly_the_expiry_of_the_ticket),
          cmocka_unit_test(put_is_forbidden_when_the_owner_of_the_ticket_is_disabled),
          cmocka_unit_test(put_reports_a_full_account_before_the_first_byte),
          cmocka_unit_test(confirmation_during_uploads_keeps_exactly_one_whole_file))
