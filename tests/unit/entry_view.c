/* SPDX-License-Identifier: Apache-2.0 */
/* Entries beside files: which of them a user sees, and in which pages. */
#include "core/bucket/entry_view.h"

#include "bucket_fixture.h"
#include "core/records/entry.h"
#include "core/store/account_store.h"
#include "core/store/entry_store.h"
#include "test.h"

#include <string.h>

enum { SEEN_MAX = 64 };
#define AT(bucket, key) (&(struct entry_address){ S(bucket), S(key) })

/* Two users with entries in three buckets, which were not made in the order of their names; one bucket is empty. */
struct view_fixture {
    struct world *w;
    struct bucket_fixture sample; /* of ana */
    struct bucket_fixture photos; /* bob puts into it */
    struct principal boss;        /* an administrator */
};

static struct bucket_fixture bucket_of(struct world *w, const struct principal *who, slice name)
{
    struct bucket_fixture s = { .w = w, .who = *who };
    EXPECT_OK(bucket_create(&w->core, who, name, w->a));
    EXPECT_OK(bucket_find(&w->core, who, name, BUCKET_WRITE, w->a, &s.bucket));
    return s;
}

static struct view_fixture view_fixture_new(struct world *w)
{
    struct view_fixture f = { .w = w, .sample = bucket_fixture_new(w) };
    struct principal bob = world_user(w, S("bob"));
    f.boss = world_admin(w, S("boss"));
    f.photos = bucket_of(w, &bob, S("photos"));
    bucket_of(w, &bob, S("nothing"));
    bucket_fixture_store(&f.sample, S("b"), S("1"));
    bucket_fixture_store(&f.sample, S("a/x"), S("22"));
    bucket_fixture_store(&f.photos, S("z"), S("333"));
    bucket_fixture_store(&f.photos, S("B"), S("4444"));
    struct bucket_fixture ana_in_photos = f.photos;
    ana_in_photos.who = f.sample.who;
    bucket_fixture_store(&ana_in_photos, S("m"), S("55555"));
    return f;
}

/* What a walk through pages of that size has seen: "photos/B=bob photos/m=ana". */
struct walk {
    struct world *w;
    slice seen;
    size_t count, pages;
    size_t room; /* the visitor has room for so many in one page; 0: for any number */
    size_t in_page;
};

static err_t see_entry(void *arg, const struct entry_view *view, bool *ret_full)
{
    struct walk *k = arg;
    *ret_full = k->room && k->in_page == k->room;
    if (*ret_full)
        return NULL;
    k->in_page++;
    k->count++;
    k->seen = arena_printf(k->w->a, SLICE_FMT "%s" SLICE_FMT "/" SLICE_FMT "=" SLICE_FMT, SLICE_ARG(k->seen),
                           k->seen.n ? " " : "", SLICE_ARG(view->bucket), SLICE_ARG(view->entry.key),
                           SLICE_ARG(view->owner_login));
    return NULL;
}

static struct walk walk_with(struct world *w, const struct principal *who, struct entry_view_request request,
                             size_t room)
{
    struct walk k = { .w = w, .seen = S(""), .room = room };
    struct entry_view_end end;
    request.visit = see_entry;
    request.arg = &k;
    do {
        size_t before = k.count;
        k.in_page = 0;
        EXPECT_OK(entry_view_list(&w->core, who, &request, w->a, &end));
        EXPECT(k.count - before <= request.limit && end.work <= request.work);
        request.after = end.last;
        EXPECT(++k.pages < 1000);
    } while (end.more);
    return k;
}

static struct walk walk_all(struct world *w, const struct principal *who)
{
    return walk_with(w, who, (struct entry_view_request){ .limit = SEEN_MAX, .work = ENTRY_VIEW_WORK_MAX }, 0);
}

#define SEEN_BY_ADMINISTRATORS S("photos/B=bob photos/m=ana photos/z=bob sample/a/x=ana sample/b=ana")

TEST(users_see_their_own_entries_and_administrators_all)
{
    WORLD(w);
    struct view_fixture f = view_fixture_new(w);
    EXPECT_SLICE(walk_all(w, &f.boss).seen, SEEN_BY_ADMINISTRATORS);
    EXPECT_SLICE(walk_all(w, &w->operator_).seen, SEEN_BY_ADMINISTRATORS);
    EXPECT_SLICE(walk_all(w, &f.sample.who).seen, S("photos/m=ana sample/a/x=ana sample/b=ana"));
    EXPECT_SLICE(walk_all(w, &f.photos.who).seen, S("photos/B=bob photos/z=bob"));
    struct principal nobody = world_user(w, S("carl"));
    EXPECT_SLICE(walk_all(w, &nobody).seen, S(""));

    struct entry_view view;
    struct entry entry;
    struct content content;
    EXPECT_OK(entry_view_get(&w->core, &f.sample.who, AT("photos", "m"), w->a, &view));
    EXPECT_SLICE(view.owner_login, S("ana"));
    EXPECT(view.entry.size_bytes == 5 && view.part_count == 0);
    const struct principal *others[] = { &nobody, &f.photos.who };
    for (size_t i = 0; i < LENGTH_OF(others); i++) {
        EXPECT_REFUSED(entry_view_get(&w->core, others[i], AT("photos", "m"), w->a, &view), REASON_ENTRY_NOT_THERE);
        EXPECT_REFUSED(entry_view_open(&w->core, others[i], AT("photos", "m"), w->a, &entry, &content),
                       REASON_ENTRY_NOT_THERE);
    }
    EXPECT_OK(entry_view_open(&w->core, &f.boss, AT("photos", "m"), w->a, &entry, &content));
    EXPECT_SLICE(content.bytes, S("55555"));
    content_close(&content);
}

TEST(entries_of_other_accounts_are_not_there)
{
    WORLD(w);
    struct view_fixture f = view_fixture_new(w);
    struct account acme;
    struct user user;
    EXPECT_OK(account_create(&w->core, &w->operator_, S("acme"), w->a, &acme));
    EXPECT_OK(user_create(&w->core, &w->operator_,
                          &(struct user_request){ .account = S("acme"), .login = S("eve"), .is_admin = true }, w->a,
                          &user));
    struct principal eve = world_principal(w, S("eve"));
    struct entry_view view;
    EXPECT_SLICE(walk_all(w, &eve).seen, S(""));
    EXPECT_REFUSED(entry_view_get(&w->core, &eve, AT("photos", "m"), w->a, &view), REASON_ENTRY_NOT_THERE);
    struct bucket_fixture theirs = bucket_of(w, &eve, S("another"));
    bucket_fixture_store(&theirs, S("k"), S("x"));
    EXPECT_SLICE(walk_all(w, &eve).seen, S("another/k=eve"));
    EXPECT_SLICE(walk_all(w, &f.boss).seen, SEEN_BY_ADMINISTRATORS);
}

/* The operator's own key reads under the keys of a guarded bucket, and still sees no entry there. */
TEST(what_a_guard_hands_out_is_a_file_and_not_shown_twice)
{
    WORLD(w);
    struct guarded_fixture t = guarded_fixture_new(w);
    struct entry_request request = bucket_fixture_request(S("k"));
    struct stored_entry stored;
    struct entry_view view;
    struct entry entry;
    struct content content;
    guarded_fixture_issue(&t, S("k"), 5);
    EXPECT_OK(bucket_fixture_put(&t.s, &request, S("hello"), w->a, &stored));
    bucket_fixture_expect(&t.s, S("k"), S("hello"));
    EXPECT_REFUSED(entry_view_get(&w->core, &t.s.who, AT("tickets", "k"), w->a, &view), REASON_ENTRY_NOT_THERE);
    EXPECT_REFUSED(entry_view_open(&w->core, &t.s.who, AT("tickets", "k"), w->a, &entry, &content),
                   REASON_ENTRY_NOT_THERE);
    EXPECT_SLICE(walk_all(w, &t.s.who).seen, S(""));
}

TEST(pages_of_any_size_show_each_entry_once)
{
    WORLD(w);
    struct view_fixture f = view_fixture_new(w);
    const struct principal *all[] = { &f.boss, &f.sample.who };
    for (size_t who = 0; who < LENGTH_OF(all); who++) {
        slice wanted = walk_all(w, all[who]).seen;
        for (size_t limit = 1; limit < 7; limit++)
            for (size_t work = 1; work < 10; work++)
                for (size_t room = 0; room < 3; room++) {
                    struct entry_view_request request = { .limit = limit, .work = work };
                    EXPECT_SLICE(walk_with(w, all[who], request, room).seen, wanted);
                }
    }
    /* The last page says so, also when it is full. */
    EXPECT_EQ(walk_with(w, &f.boss, (struct entry_view_request){ .limit = 5, .work = 100 }, 0).pages, 1);
    EXPECT_EQ(walk_with(w, &f.boss, (struct entry_view_request){ .limit = 4, .work = 100 }, 0).pages, 2);
}

TEST(a_page_goes_on_behind_buckets_and_entries_that_were_removed)
{
    WORLD(w);
    struct view_fixture f = view_fixture_new(w);
    struct entry_view_request request = { .after = { S("photos"), S("m1") }, .limit = 9, .work = 99 };
    EXPECT_SLICE(walk_with(w, &f.boss, request, 0).seen, S("photos/z=bob sample/a/x=ana sample/b=ana"));
    request.after.bucket = S("photo"); /* the key belongs to that bucket, not to the ones behind it */
    EXPECT_SLICE(walk_with(w, &f.boss, request, 0).seen, SEEN_BY_ADMINISTRATORS);
    request.after.bucket = S("zzz");
    EXPECT_SLICE(walk_with(w, &f.boss, request, 0).seen, S(""));
}

TEST(a_short_key_behind_a_long_one_is_seen)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    const slice keys[] = { S("aaaa"), S("b"), S("ba"), S("baaa") };
    for (size_t i = 0; i < LENGTH_OF(keys); i++)
        bucket_fixture_store(&s, keys[i], S("x"));
    struct entry_view_request request = { .after = { S("sample"), S("aaaa") }, .limit = 9, .work = 99 };
    EXPECT_SLICE(walk_with(w, &s.who, request, 0).seen, S("sample/b=ana sample/ba=ana sample/baaa=ana"));
}

TEST(more_buckets_than_are_read_at_once_are_all_seen)
{
    WORLD(w);
    struct principal ana = world_user(w, S("ana"));
    enum { BUCKETS = 205 };
    for (int i = 0; i < BUCKETS; i++)
        bucket_of(w, &ana, arena_printf(w->a, "b%04d", i));
    struct bucket_fixture last = { .w = w, .who = ana };
    EXPECT_OK(bucket_find(&w->core, &ana, S("b0200"), BUCKET_WRITE, w->a, &last.bucket));
    bucket_fixture_store(&last, S("k"), S("x"));
    struct entry_view_request request = { .limit = 9, .work = ENTRY_VIEW_WORK_MAX };
    EXPECT_SLICE(walk_with(w, &ana, request, 0).seen, S("b0200/k=ana"));
    request.work = 50; /* buckets count, too */
    struct walk k = walk_with(w, &ana, request, 0);
    EXPECT_SLICE(k.seen, S("b0200/k=ana"));
    EXPECT(k.pages >= 4);
}

TEST(a_composite_is_shown_with_the_sizes_of_its_parts)
{
    WORLD(w);
    struct bucket_fixture s = bucket_fixture_new(w);
    slice name = bucket_fixture_upload(&s, S("k"));
    struct completed_part parts[2];
    const struct part_bytes bytes[] = { { 1, world_bytes(w, 20000) }, { 2, S("tail") } };
    for (size_t i = 0; i < 2; i++)
        EXPECT_OK(bucket_fixture_put_part(&s, S("k"), name, &bytes[i], w->a, &parts[i]));
    struct complete_request request = bucket_fixture_complete_request(&s, S("k"), name, parts, 2);
    struct entry entry;
    EXPECT_OK(bucket_fixture_complete(&s, &request, w->a, &entry));
    struct entry_view view;
    EXPECT_OK(entry_view_get(&w->core, &s.who, AT("sample", "k"), w->a, &view));
    EXPECT_EQ(view.part_count, 2);
    EXPECT(view.part_sizes[0] == 20000 && view.part_sizes[1] == 4);
}

TEST(a_header_of_an_entry_is_found_in_any_case)
{
    struct entry entry = { .headers = S("Content-Type: text/plain\nx-amz-meta-a:b: c \nbroken\nlast:") };
    EXPECT_SLICE(entry_header(&entry, S("content-type")), S("text/plain"));
    EXPECT_SLICE(entry_header(&entry, S("X-Amz-Meta-A")), S("b: c"));
    EXPECT_SLICE(entry_header(&entry, S("broken")), S(""));
    EXPECT_SLICE(entry_header(&entry, S("last")), S(""));
    EXPECT_SLICE(entry_header(&entry, S("Content")), S(""));
    EXPECT_SLICE(entry_header(&(struct entry){ .headers = S("") }, S("a")), S(""));
}

/* Entries of the sample bucket whose keys nobody could have sent: they are no UTF-8, and sort behind all others. */
struct planting {
    struct entry like;
    int count;
};

static err_t apply_plant(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct planting *p = arg;
    for (int i = 0; i < p->count; i++) {
        struct entry entry = p->like;
        entry.key = arena_printf(a, "\xff%d", i);
        struct replaced_entry replaced;
        TRY(meta_entry_put(tx, &entry, a, &replaced));
    }
    int64_t wrong;
    return meta_usage_check(tx, true, a, &wrong);
}

TEST(keys_that_are_none_are_passed_over_and_never_lead_in_circles)
{
    WORLD(w);
    struct view_fixture f = view_fixture_new(w);
    struct planting p = { .count = 5 };
    EXPECT_OK(entry_get(&w->core, &f.photos.bucket, S("z"), w->a, &p.like));
    world_write(w, apply_plant, &p);
    EXPECT_SLICE(walk_all(w, &f.boss).seen, SEEN_BY_ADMINISTRATORS);

    struct walk k = { .w = w, .seen = S("") };
    struct entry_view_end end;
    struct entry_view_request request = {
        .after = { S("photos"), S("z") }, .limit = 9, .work = 4, .visit = see_entry, .arg = &k
    };
    EXPECT_ERR(entry_view_list(&w->core, &f.boss, &request, w->a, &end), ERR_CORRUPT);
    request.work = 20;
    EXPECT_OK(entry_view_list(&w->core, &f.boss, &request, w->a, &end));
    EXPECT_SLICE(k.seen, S("sample/a/x=ana sample/b=ana"));
}

RUN_TESTS(cmocka_unit_test(users_see_their_own_entries_and_administrators_all),
          cmocka_unit_test(entries_of_other_accounts_are_not_there),
          cmocka_unit_test(what_a_guard_hands_out_is_a_file_and_not_shown_twice),
          cmocka_unit_test(pages_of_any_size_show_each_entry_once),
          cmocka_unit_test(a_page_goes_on_behind_buckets_and_entries_that_were_removed),
          cmocka_unit_test(a_short_key_behind_a_long_one_is_seen),
          cmocka_unit_test(more_buckets_than_are_read_at_once_are_all_seen),
          cmocka_unit_test(a_composite_is_shown_with_the_sizes_of_its_parts),
          cmocka_unit_test(a_header_of_an_entry_is_found_in_any_case),
          cmocka_unit_test(keys_that_are_none_are_passed_over_and_never_lead_in_circles))
