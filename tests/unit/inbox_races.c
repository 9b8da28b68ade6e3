/* SPDX-License-Identifier: Apache-2.0 */
/* Several connections that use the same names of an inbox at once. */
#include "inbox_fixture.h"
#include "rounds.h"
#include "test.h"

#include "core/records/account.h"

enum { THREADS = 4 };
#define PART S("a.part")
#define WHOLE S("a.txt")

struct visitor {
    struct inbox_fixture *x;
    struct inbox *inbox;
    pthread_barrier_t *start;
    int number, taken; /* taken: renames that succeeded */
};

/* What another thread can cause. */
static void expect_race(err_t e)
{
    int reason = err_reason(e);
    if (e && (reason < REASON_INBOX_NO_FILE || reason > REASON_INBOX_TOO_MANY) && !err_is(e, ERR_UNAVAILABLE))
        fail_msg("%s (%s)", e->msg, e->where);
}

static err_t put_part(struct visitor *v, slice bytes, struct arena *a)
{
    struct inbox_writer *writer;
    struct inbox_path part = { INBOX_IMPORT, PART };
    TRY(inbox_write(v->inbox, &part, INBOX_CREATES | INBOX_TRUNCATES, a, &writer));
    err_t e = inbox_writer_write(writer, 0, bytes, a);
    if (!e)
        return inbox_writer_close(writer, a);
    inbox_writer_cut(writer);
    return e;
}

static void send_and_rename(struct visitor *v, struct arena *a)
{
    struct inbox_path part = { INBOX_IMPORT, PART }, whole = { INBOX_IMPORT, WHOLE };
    expect_race(put_part(v, v->number ? S("first") : S("other"), a));
    err_t e = inbox_rename(v->inbox, &part, &whole, true, a);
    expect_race(e);
    v->taken += !e;
}

static void remove_both(struct visitor *v, struct arena *a)
{
    expect_race(inbox_remove(v->inbox, &(struct inbox_path){ INBOX_IMPORT, PART }, a));
    expect_race(inbox_remove(v->inbox, &(struct inbox_path){ INBOX_IMPORT, WHOLE }, a));
}

static void look(struct visitor *v, struct arena *a)
{
    struct inbox_cursor cursor = { 0 };
    struct inbox_entry_list list;
    struct inbox_reader *reader;
    while (!cursor.is_end)
        EXPECT_OK(inbox_list(v->inbox, INBOX_IMPORT, &cursor, 2, a, &list));
    err_t e = inbox_read(v->inbox, &(struct inbox_path){ INBOX_IMPORT, WHOLE }, a, &reader);
    expect_race(e);
    char bytes[10];
    size_t got = 0;
    if (!e)
        EXPECT_OK(inbox_reader_read(reader, 0, bytes, sizeof bytes, a, &got));
    if (!e)
        inbox_reader_close(reader);
    EXPECT(e || got == 5);
}

static void *visit(void *arg)
{
    struct visitor *v = arg;
    SCRATCH(a);
    pthread_barrier_wait(v->start);
    if (v->number < 2)
        send_and_rename(v, &a);
    else if (v->number == 2)
        remove_both(v, &a);
    else
        look(v, &a);
    return NULL;
}

static int run_round(struct inbox_fixture *x)
{
    struct visitor visitors[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    int taken = 0;
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        visitors[i] = (struct visitor){ x, x->inbox, &start, i, 0 };
        EXPECT(pthread_create(&threads[i], NULL, visit, &visitors[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        taken += visitors[i].taken;
    }
    pthread_barrier_destroy(&start);
    return taken;
}

TEST(names_that_several_connections_use_at_once_stay_in_order)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    INBOX(x, w);
    int64_t taken = 0;
    for (int i = 0; i < rounds(ROUNDS_inbox_races); i++) {
        taken += run_round(&x);
        struct account account = world_account(w);
        EXPECT(account.used_files <= 1 && account.open_uploads <= 2);
        EXPECT_EQ(world_fsck(w, false), 0);
    }
    int64_t takes =
        world_event_count(w, S("sync.take")); /* a file that was just begun again is renamed, and not taken */
    EXPECT(takes > 0 && takes <= taken);
}

RUN_TESTS(cmocka_unit_test(names_that_several_connections_use_at_once_stay_in_order))
