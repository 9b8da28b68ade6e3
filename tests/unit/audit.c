/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the audit log: the oldest events are removed, in order, and only they. */
#include "meta/store_priv.h"
#include "rounds.h"
#include "test.h"
#include "world.h"

#include "core/event.h"
#include "core/event_prune.h"
#include "core/store/event_store.h"

#include <string.h>

#define DAY_MS hours(24)

struct some_events {
    int64_t at_ms;
    int count;
};

static err_t apply_events(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct some_events *some = arg;
    for (int i = 0; i < some->count; i++)
        TRY(event_write(
            tx, &(struct event_params){ .at_ms = some->at_ms, .action = S("test"), .subject = S("x"), .detail = S("") },
            a));
    return NULL;
}

/* Events of that time. */
static void add_events(struct world *w, int64_t at_ms, int count)
{
    for (int done = 0; done < count; done += 100)
        world_write(w, apply_events, &(struct some_events){ at_ms, count - done < 100 ? count - done : 100 });
}

static struct event_list all_events(struct world *w, struct event_span *ret_span)
{
    struct event_list events;
    EXPECT_OK(event_page(&w->core, 0, 100000, w->a, &events, ret_span));
    return events;
}

/* The whole log: its ids begin at first_id, leave none out, and end with the newest. Returns how many events there are. */
static int64_t expect_no_gap(struct world *w, int64_t first_id)
{
    struct event_span span;
    struct event_list events = all_events(w, &span);
    EXPECT_EQ(span.first_id, first_id);
    for (size_t i = 0; i < events.count; i++)
        EXPECT_EQ(events.items[i].id, first_id + (int64_t)i);
    EXPECT_EQ(span.last_id, first_id + (int64_t)events.count - 1);
    return (int64_t)events.count;
}

static int64_t prune(struct world *w, int64_t before_ms)
{
    int64_t count = -1;
    EXPECT_OK(event_prune(&w->core, &(struct event_prune_request){ .who = &w->operator_, .before_ms = before_ms }, w->a,
                          &count));
    return count;
}

static struct event newest(struct world *w)
{
    struct event_list events;
    EXPECT_OK(event_list(&w->core, 0, 1, w->a, &events));
    EXPECT_EQ(events.count, 1);
    return events.items[0];
}

static err_t apply_script(struct meta_tx *tx, void *arg, struct arena *a)
{
    return sql_script(tx->conn, arg, a);
}

/* What another program would do to the database. */
static err_t run_script(struct world *w, const char *script)
{
    return meta_write(w->core.meta, apply_script, (void *)(uintptr_t)script, w->a);
}

TEST(the_audit_log_grew_without_limit)
{
    WORLD(w);
    w->core.options.events_kept_ms = 30 * DAY_MS;
    int64_t most = 0;
    for (int day = 0; day < 100; day++) {
        add_events(w, core_now_ms(&w->core), 20);
        world_wait(w, DAY_MS);
        world_run_jobs(w);
        struct event_span span;
        struct event_list events = all_events(w, &span);
        expect_no_gap(w, span.first_id);
        /* what is younger stays, and what is older goes a day later at the latest */
        if (day >= 31) {
            EXPECT(events.items[0].at_ms <= core_now_ms(&w->core) - 30 * DAY_MS + DAY_MS);
            EXPECT(events.items[0].at_ms >= core_now_ms(&w->core) - 31 * DAY_MS);
        }
        most = (int64_t)events.count > most ? (int64_t)events.count : most;
    }
    EXPECT(most <= 32 * (20 + 1));
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(without_a_limit_every_event_stays)
{
    WORLD(w);
    int64_t before = expect_no_gap(w, 1);
    add_events(w, core_now_ms(&w->core), 20);
    world_wait(w, 10000 * DAY_MS);
    world_run_jobs(w);
    EXPECT_EQ(expect_no_gap(w, 1), before + 20);
}

TEST(pruning_is_an_event_that_names_what_was_removed)
{
    WORLD(w);
    int64_t before = expect_no_gap(w, 1);
    add_events(w, core_now_ms(&w->core), 1000);
    world_wait(w, DAY_MS);
    add_events(w, core_now_ms(&w->core), 3);
    EXPECT_EQ(prune(w, core_now_ms(&w->core)), before + 1000);
    EXPECT_EQ(expect_no_gap(w, before + 1000 + 1), 4);
    struct event last = newest(w);
    EXPECT_SLICE(last.action, S("event.prune"));
    EXPECT_SLICE(last.subject, arena_printf(w->a, "events:1-%lld", (long long)before + 1000));
    EXPECT_SLICE(last.detail, S("before 2026-11-22T14:04:09Z"));
    EXPECT_SLICE(last.actor, S("operator"));
    EXPECT_EQ(world_event_count(w, S("event.prune")), 1);
    EXPECT_EQ(prune(w, core_now_ms(&w->core)), 0); /* nothing was removed, so nothing is recorded */
    EXPECT_EQ(world_event_count(w, S("event.prune")), 1);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(pruned_ids_are_never_used_again)
{
    WORLD(w);
    add_events(w, core_now_ms(&w->core), 700);
    int64_t last_id = newest(w).id;
    world_wait(w, 1);
    EXPECT_EQ(prune(w, core_now_ms(&w->core)), last_id); /* all there are */
    EXPECT_EQ(newest(w).id, last_id + 1);
    add_events(w, core_now_ms(&w->core), 1);
    EXPECT_EQ(newest(w).id, last_id + 2);
    EXPECT_EQ(expect_no_gap(w, last_id + 1), 2);
    /* The newest event is never removed, whoever asks. */
    EXPECT_ERR(run_script(w, "UPDATE events_kept SET from_id = from_id + 2; DELETE FROM events"), ERR_CONFLICT);
    EXPECT_EQ(expect_no_gap(w, last_id + 1), 2);
}

TEST(an_event_of_this_very_instant_is_not_older_than_it)
{
    WORLD(w);
    int64_t count = expect_no_gap(w, 1), ignored;
    EXPECT_EQ(prune(w, core_now_ms(&w->core)), 0);
    EXPECT_ERR(
        event_prune(&w->core, &(struct event_prune_request){ .before_ms = core_now_ms(&w->core) + 1 }, w->a, &ignored),
        ERR_INVALID);
    EXPECT_EQ(expect_no_gap(w, 1), count);
}

/* The clock was set back between two starts: older times stand behind a younger one. */
TEST(an_old_event_behind_a_younger_one_stays)
{
    WORLD(w);
    int64_t before = expect_no_gap(w, 1), then = core_now_ms(&w->core);
    add_events(w, then, 10);
    world_wait(w, 2 * DAY_MS);
    add_events(w, core_now_ms(&w->core), 1);
    add_events(w, then, 10);
    EXPECT_EQ(prune(w, then + DAY_MS), before + 10);
    EXPECT_EQ(expect_no_gap(w, before + 11), 12);
}

TEST(no_event_but_the_oldest_can_be_removed)
{
    WORLD(w);
    add_events(w, core_now_ms(&w->core), 10);
    int64_t count = expect_no_gap(w, 1);
    static const char *const scripts[] = {
        "DELETE FROM events",
        "DELETE FROM events WHERE id = 1",
        "DELETE FROM events WHERE id = (SELECT MAX(id) FROM events)",
        "UPDATE events SET detail = 'x' WHERE id = 5",
        "INSERT OR REPLACE INTO events VALUES (5, 1, 1, 1, 'a', '', '', '')",
        "UPDATE events_kept SET from_id = 4; DELETE FROM events WHERE id = 4",
        "UPDATE events_kept SET from_id = 4; UPDATE events_kept SET from_id = 3",
        "UPDATE events_kept SET from_id = 4; UPDATE events SET detail = 'x' WHERE id = 1",
        "UPDATE events_kept SET from_id = 1000000",
        "DELETE FROM events_kept",
        "INSERT OR REPLACE INTO events_kept VALUES (1, 9)",
        "INSERT INTO events_kept VALUES (2, 9)",
    };
    for (size_t i = 0; i < LENGTH_OF(scripts); i++) {
        EXPECT_ERR(run_script(w, scripts[i]), ERR_CONFLICT);
        EXPECT_EQ(expect_no_gap(w, 1), count);
    }
    EXPECT_OK(run_script(w, "UPDATE events_kept SET from_id = 4; DELETE FROM events WHERE id < 4"));
    EXPECT_EQ(expect_no_gap(w, 4), count - 3);
    EXPECT_EQ(world_fsck(w, true), 0);
}

TEST(fsck_names_the_place_where_events_are_missing)
{
    WORLD(w);
    add_events(w, core_now_ms(&w->core), 10);
    world_wait(w, DAY_MS);
    add_events(w, core_now_ms(&w->core), 1500);
    EXPECT(prune(w, core_now_ms(&w->core)) >= 10);
    EXPECT_EQ(world_fsck(w, true), 0);
    int64_t first = newest(w).id - 1500;
    EXPECT_OK(run_script(w, "DROP TRIGGER events_stay"));
    const char *script = arena_printf(w->a, "DELETE FROM events WHERE id IN (%lld, %lld, %lld)", (long long)first,
                                      (long long)first + 700, (long long)first + 701)
                             .p;
    EXPECT_OK(run_script(w, script));
    struct fsck_report report;
    EXPECT_OK(fsck_run(&w->core, &(struct fsck_options){ 0 }, w->a, &report));
    EXPECT_EQ(report.count[FSCK_WARNING], 2);
    EXPECT_EQ(report.listed, 2);
    for (int i = 0; i < 2; i++)
        assert_string_equal(report.list[i].what, "events are missing before it");
    EXPECT_SLICE(report.list[0].subject, arena_printf(w->a, "event:%lld", (long long)first + 1));
    EXPECT_SLICE(report.list[0].detail, S("1"));
    EXPECT_SLICE(report.list[1].subject, arena_printf(w->a, "event:%lld", (long long)first + 702));
    EXPECT_SLICE(report.list[1].detail, S("2"));
}

/* Each call of the store fails once: what was removed is a beginning of the log, it was recorded before, and the next attempt
 * removes the rest. */
TEST(a_prune_that_failed_left_a_gap)
{
    for (int64_t nth = fault_first();; nth += fault_step()) {
        WORLD(w);
        add_events(w, core_now_ms(&w->core), 310); /* two writes */
        int64_t last_id = newest(w).id, count;
        world_wait(w, 1);
        struct event_prune_request request = { .who = &w->operator_, .before_ms = core_now_ms(&w->core) };
        w->faults.fail_at = w->faults.calls + nth;
        err_t e = event_prune(&w->core, &request, w->a, &count);
        w->faults.fail_at = 0;
        struct event_span span;
        all_events(w, &span);
        expect_no_gap(w, span.first_id);
        EXPECT_EQ(world_event_count(w, S("event.prune")), span.first_id > 1);
        EXPECT_EQ(world_fsck(w, true), 0);
        world_wait(w, 1);
        prune(w, request.before_ms);
        all_events(w, &span);
        EXPECT_EQ(span.first_id, last_id + 1);
        if (!e) {
            EXPECT(nth > 10);
            EXPECT_EQ(count, last_id);
            break;
        }
    }
}

TEST(a_page_of_events_goes_on_where_the_last_one_ended)
{
    WORLD(w);
    struct principal alice = world_user(w, S("alice"));
    world_store(w, &alice, S("x"), S("hello"), 0);
    add_events(w, core_now_ms(&w->core), 10);
    int64_t count = expect_no_gap(w, 1), seen = 0;
    struct event_list page;
    struct event_span span;
    do {
        EXPECT_OK(event_page(&w->core, seen, 4, w->a, &page, &span));
        for (size_t i = 0; i < page.count; i++)
            EXPECT_EQ(page.items[i].id, ++seen);
        EXPECT_EQ(span.last_id, count);
    } while (page.count == 4);
    EXPECT_EQ(seen, count);
    EXPECT_OK(event_page(&w->core, count - 11, 1, w->a, &page, &span));
    EXPECT_SLICE(page.items[0].account, S("default"));
    EXPECT_SLICE(page.items[0].actor, S("alice"));
}

RUN_TESTS(cmocka_unit_test(the_audit_log_grew_without_limit), cmocka_unit_test(without_a_limit_every_event_stays),
          cmocka_unit_test(pruning_is_an_event_that_names_what_was_removed),
          cmocka_unit_test(pruned_ids_are_never_used_again),
          cmocka_unit_test(an_event_of_this_very_instant_is_not_older_than_it),
          cmocka_unit_test(an_old_event_behind_a_younger_one_stays),
          cmocka_unit_test(no_event_but_the_oldest_can_be_removed),
          cmocka_unit_test(fsck_names_the_place_where_events_are_missing),
          cmocka_unit_test(a_prune_that_failed_left_a_gap),
          cmocka_unit_test(a_page_of_events_goes_on_where_the_last_one_ended))
