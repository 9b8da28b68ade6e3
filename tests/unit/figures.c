/* SPDX-License-Identifier: Apache-2.0 */
/* What accounts used, a row a day, by a clock that the test moves. */
#include "test.h"
#include "world.h"

#include "core/figures.h"

static struct figures_list all_figures(struct world *w)
{
    struct figures_list list;
    EXPECT_OK(figures_list(&w->core, w->operator_.account_id, 0, INT64_MAX, w->a, &list));
    return list;
}

static void store(struct world *w, const char *bytes)
{
    struct principal alice = world_principal(w, S("alice"));
    world_store(w, &alice, S("a"), slice_of(bytes), 0);
}

TEST(a_day_has_one_row_which_is_that_of_its_last_hour)
{
    WORLD(w);
    world_user(w, S("alice"));
    int64_t today = figures_day(WORLD_START_MS);
    EXPECT_OK(figures_write(&w->core, NULL, w->a));
    EXPECT_OK(figures_write(&w->core, NULL, w->a));
    EXPECT_EQ(all_figures(w).count, 1);
    EXPECT_EQ(all_figures(w).items[0].used_bytes, 0);
    store(w, "hello");
    world_wait(w, hours(1));
    EXPECT_OK(figures_write(&w->core, NULL, w->a));
    struct figures_list list = all_figures(w);
    EXPECT_EQ(list.count, 1);
    EXPECT_EQ(list.items[0].day, today);
    EXPECT_EQ(list.items[0].used_bytes, 5);
    EXPECT_EQ(list.items[0].used_files, 1);
    EXPECT(list.items[0].record_bytes > 0);
    world_wait(w, hours(9)); /* 00:04 of the next day */
    EXPECT_OK(figures_write(&w->core, NULL, w->a));
    EXPECT_EQ(all_figures(w).count, 2);
    EXPECT_EQ(all_figures(w).items[1].day, today + 1);
}

/* While a server runs, its time does not go back (core_now_ms); the next one begins with that of the clock. */
static void set_clock_back(struct world *w, int64_t ms)
{
    world_wait(w, -ms);
    w->core.latest_ms = 0;
}

TEST(a_clock_that_goes_back_replaces_no_later_row)
{
    WORLD(w);
    world_user(w, S("alice"));
    EXPECT_OK(figures_write(&w->core, NULL, w->a));
    store(w, "hello");
    set_clock_back(w, minutes(30));
    EXPECT_OK(figures_write(&w->core, NULL, w->a));
    struct figures_list list = all_figures(w);
    EXPECT_EQ(list.count, 1);
    EXPECT_EQ(list.items[0].used_bytes, 0);
    EXPECT_EQ(list.items[0].at_ms, WORLD_START_MS);
    set_clock_back(w, hours(24 * 3)); /* a row of that day, and the one of the later day stays */
    EXPECT_OK(figures_write(&w->core, NULL, w->a));
    list = all_figures(w);
    EXPECT_EQ(list.count, 2);
    EXPECT_EQ(list.items[1].used_bytes, 0);
}

TEST(days_without_a_server_have_no_row_and_two_years_are_kept)
{
    WORLD(w);
    int64_t first = figures_day(WORLD_START_MS);
    for (int i = 0; i < 3; i++) {
        EXPECT_OK(figures_write(&w->core, NULL, w->a));
        world_wait(w, hours(24));
    }
    world_wait(w, hours(24 * 10));
    EXPECT_OK(figures_write(&w->core, NULL, w->a));
    EXPECT_EQ(all_figures(w).count, 4);
    EXPECT_EQ(all_figures(w).items[3].day, first + 13);
    world_wait(w, hours(24) * (FIGURES_DAYS - 13)); /* two years after the first day: it goes, the second one stays */
    EXPECT_OK(figures_write(&w->core, NULL, w->a));
    struct figures_list list = all_figures(w);
    EXPECT_EQ(list.count, 4);
    EXPECT_EQ(list.items[0].day, first + 1);
    EXPECT_EQ(list.items[3].day, first + FIGURES_DAYS);
}

TEST(every_account_has_its_row_and_a_failed_write_is_made_up_for)
{
    WORLD(w);
    enum { ACCOUNTS = 1203 };
    struct account account;
    for (int i = 0; i < ACCOUNTS; i++)
        EXPECT_OK(account_create(&w->core, &w->operator_, arena_printf(w->a, "a%d", i), w->a, &account));
    bool reached = true;
    for (int64_t nth = 1; reached && nth < 100; nth++) {
        w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE };
        err_t e = figures_write(&w->core, NULL, w->a);
        reached = w->faults.calls >= nth;
        w->faults.fail_at = 0;
        EXPECT(!e || err_is(e, ERR_UNAVAILABLE));
    }
    EXPECT(!reached);
    struct figures_list list;
    for (int64_t id = account.id - ACCOUNTS + 1; id <= account.id; id++) {
        EXPECT_OK(figures_list(&w->core, id, 0, INT64_MAX, w->a, &list));
        EXPECT_EQ(list.count, 1);
    }
}

TEST(the_job_runs_every_hour)
{
    WORLD(w);
    world_run_jobs(w);
    EXPECT_EQ(all_figures(w).count, 1);
    world_wait(w, hours(24));
    world_run_jobs(w);
    EXPECT_EQ(all_figures(w).count, 2);
    EXPECT_EQ(world_fsck(w, false), 0);
}

RUN_TESTS(cmocka_unit_test(a_day_has_one_row_which_is_that_of_its_last_hour),
          cmocka_unit_test(a_clock_that_goes_back_replaces_no_later_row),
          cmocka_unit_test(days_without_a_server_have_no_row_and_two_years_are_kept),
          cmocka_unit_test(every_account_has_its_row_and_a_failed_write_is_made_up_for),
          cmocka_unit_test(the_job_runs_every_hour))
