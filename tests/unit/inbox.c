/* SPDX-License-Identifier: Apache-2.0 */
/* What an inbox shows and takes: core/sync/inbox.h. */
#include "inbox_fixture.h"
#include "records_fixture.h"
#include "rounds.h"
#include "test.h"

#include "core/core_priv.h"
#include "core/object/garbage.h"
#include "core/records/account.h"
#include "core/sync/sync_import.h"
#include "core/transfer/transfer.h"

#include <string.h>

static err_t begin(struct inbox_fixture *x, const char *path, unsigned flags, struct inbox_writer **ret)
{
    struct inbox_path p = inbox_path_of(x, path);
    return inbox_write(x->inbox, &p, flags, x->w->a, ret);
}

static struct inbox_writer *begin_new(struct inbox_fixture *x, const char *path)
{
    struct inbox_writer *writer = NULL;
    EXPECT_OK(begin(x, path, INBOX_CREATES | INBOX_TRUNCATES, &writer));
    return writer;
}

static err_t write_more(struct inbox_fixture *x, struct inbox_writer *writer, slice bytes)
{
    return inbox_writer_write(writer, inbox_writer_size(writer), bytes, x->w->a);
}

static err_t remove_at(struct inbox_fixture *x, const char *path)
{
    struct inbox_path p = inbox_path_of(x, path);
    return inbox_remove(x->inbox, &p, x->w->a);
}

static err_t stat_at(struct inbox_fixture *x, const char *path, struct inbox_entry *ret)
{
    struct inbox_path p = inbox_path_of(x, path);
    return inbox_stat(x->inbox, &p, x->w->a, ret);
}

static void expect_import(struct inbox_fixture *x, const char *want)
{
    EXPECT_SLICE(inbox_shown(x, "/import", 100), slice_of(want));
}

static void expect_bytes(struct inbox_fixture *x, const char *path, slice want)
{
    slice bytes;
    EXPECT_OK(inbox_bytes(x, path, &bytes));
    EXPECT_SLICE(bytes, want);
}

static void expect_sound(struct inbox_fixture *x)
{
    EXPECT_EQ(world_fsck(x->w, false), 0);
}

static int64_t uploads_of(struct inbox_fixture *x)
{
    return world_account(x->w).open_uploads;
}

/* ---- paths and names ---- */

TEST(paths_lead_into_the_tree_and_nowhere_else)
{
    SCRATCH(a);
    static const struct {
        const char *raw, *text; /* NULL: nowhere */
    } paths[] = { { "", "/" },
                  { "/", "/" },
                  { ".", "/" },
                  { "..", "/" },
                  { "/../../..", "/" },
                  { "import", "/import" },
                  { "/import/", "/import" },
                  { "//import//./", "/import" },
                  { "/import/..", "/" },
                  { "/import/a/..", "/import" },
                  { "/import/a/../../import/b", "/import/b" },
                  { "import/a b", "/import/a b" },
                  { "/import/done", "/import/done" },
                  { "/import/done/..", "/import" },
                  { "/import/done/../failed/x", "/import/failed/x" },
                  { "/import/done/x.result.json", "/import/done/x.result.json" },
                  { "/import/DONE", "/import/DONE" },
                  { "/done", NULL },
                  { "/Import", NULL },
                  { "/etc/passwd", NULL },
                  { "../etc", NULL },
                  { "/import/a/b", NULL },
                  { "/import/done/a/b", NULL },
                  { "/import/../etc/../import", NULL } };
    for (size_t i = 0; i < LENGTH_OF(paths); i++) {
        struct inbox_path path;
        err_t e = inbox_path_read(slice_of(paths[i].raw), &a, &path);
        if (paths[i].text && !e)
            EXPECT_SLICE(inbox_path_text(&path, &a), slice_of(paths[i].text));
        else
            EXPECT(!paths[i].text && err_reason(e) == REASON_INBOX_NO_FILE);
    }
    struct inbox_path path;
    EXPECT_OK(inbox_path_read(S("/import/a\0b\xff"), &a, &path));
    EXPECT_EQ(path.name.n, 4);
}

TEST(names_that_are_made_or_that_no_file_has_are_given_to_none)
{
    WORLD(w);
    INBOX(x, w);
    char longest[257];
    memset(longest, 'n', sizeof longest);
    const slice bad[] = { S("a\nb"),       S("a\x7f"),         S("a\xc2\x85"),     S("\xff"),
                          S("a\0b"),       S("a.result.json"), S("a.RESULT.JSON"), S("x~0123456789abcdef01234567"),
                          { longest, 256 } };
    struct inbox_writer *writer;
    struct inbox_entry entry;
    EXPECT_OK(inbox_put(&x, "a.part", S("bytes")));
    struct inbox_path from = inbox_path_of(&x, "/import/a.part");
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        struct inbox_path path = { INBOX_IMPORT, bad[i] };
        EXPECT_REFUSED(inbox_write(x.inbox, &path, INBOX_CREATES, w->a, &writer), REASON_INBOX_BAD_NAME);
        EXPECT_REFUSED(inbox_rename(x.inbox, &from, &path, true, w->a), REASON_INBOX_BAD_NAME);
        EXPECT_REFUSED(inbox_stat(x.inbox, &path, w->a, &entry), REASON_INBOX_NO_FILE);
    }
    static const char *const good[] = { "A",   "Família 1 \\ ü.cc5txt",     "x~0123456789abcdef0123456", "...", " ",
                                        "a~b", "x~0123456789ABCDEF01234567" };
    for (size_t i = 0; i < LENGTH_OF(good); i++) {
        struct inbox_path path = { INBOX_IMPORT, slice_of(good[i]) };
        EXPECT_OK(inbox_write(x.inbox, &path, INBOX_CREATES, w->a, &writer));
        inbox_writer_cut(writer);
    }
    struct inbox_path path = { INBOX_IMPORT, { longest, 255 } };
    EXPECT_OK(inbox_write(x.inbox, &path, INBOX_CREATES, w->a, &writer));
    inbox_writer_cut(writer);
    EXPECT_EQ(uploads_of(&x), LENGTH_OF(good) + 2);
    expect_sound(&x);
}

/* ---- taking ---- */

TEST(a_file_that_is_closed_is_taken_and_imported_and_its_result_is_shown)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "families.cc5txt", INBOX_SAMPLE));
    struct sync_file f = inbox_newest(&x, "families.cc5txt");
    EXPECT(f.state == SYNC_QUEUED && f.way == SYNC_BY_FOLDER && f.owner_id == x.f.ana.user_id);
    EXPECT(f.section_id == x.f.ana.section_id && f.size_bytes == INBOX_SAMPLE.n && f.action.n == SYNC_HANDLE_LENGTH);
    EXPECT_SLICE(f.origin, S("drop"));
    EXPECT_SLICE(f.key,
                 arena_printf(w->a, "W/import/2026/11/files/" SLICE_FMT "_families.cc5txt", SLICE_ARG(f.handle)));
    expect_import(&x, arena_printf(w->a, "done/ failed/ families.cc5txt:%d", (int)INBOX_SAMPLE.n).p); /* read only */
    expect_bytes(&x, "/import/families.cc5txt", INBOX_SAMPLE);
    expect_sound(&x);
    inbox_run_jobs(&x);
    EXPECT_EQ(inbox_newest(&x, "families.cc5txt").state, SYNC_IMPORTED);
    expect_import(&x, "done/ failed/");
    slice shown = arena_printf(w->a, "families.cc5txt:%d families.cc5txt.result.json:20", (int)INBOX_SAMPLE.n);
    EXPECT_SLICE(inbox_shown(&x, "/import/done", 2), shown);
    EXPECT_SLICE(inbox_shown(&x, "/import/failed", 2), S(""));
    expect_bytes(&x, "/import/done/families.cc5txt", INBOX_SAMPLE);
    expect_bytes(&x, "/import/done/families.cc5txt.result.json", S("4 of families.cc5txt"));
    EXPECT_EQ(uploads_of(&x), 0);
    EXPECT_EQ(world_event_count(w, S("sync.take")), 1);
    expect_sound(&x);
}

TEST(a_file_that_is_no_sync_file_fails_and_its_result_says_so)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "a.JSON", S("no json")));
    EXPECT_OK(inbox_put(&x, "b.Cc5Txt", S("no lines")));
    inbox_run_jobs(&x);
    EXPECT_SLICE(inbox_shown(&x, "/import/failed", 3),
                 S("a.JSON:7 a.JSON.result.json:11 b.Cc5Txt:8 b.Cc5Txt.result.json:13"));
    expect_bytes(&x, "/import/failed/a.JSON.result.json", S("6 of a.JSON"));
    struct inbox_entry entry;
    EXPECT_OK(stat_at(&x, "/import/failed/b.Cc5Txt.result.json", &entry));
    EXPECT(entry.size_bytes == 13 && !entry.is_writable && !entry.is_folder);
    EXPECT_EQ(entry.modified_at_ms, core_now_ms(&w->core));
    EXPECT_REFUSED(stat_at(&x, "/import/done/a.JSON", &entry), REASON_INBOX_NO_FILE);
    EXPECT_REFUSED(stat_at(&x, "/import/a.JSON.result.json", &entry), REASON_INBOX_NO_FILE);
    EXPECT_REFUSED(stat_at(&x, "/import/failed/.result.json", &entry), REASON_INBOX_NO_FILE);
    expect_sound(&x);
}

static int results_alive;

static void end_result(void *unused)
{
    (void)unused;
    results_alive--;
}

static err_t say_counted_result(void *arg, const struct sync_file *f, struct arena *a, slice *ret)
{
    (void)arg;
    results_alive++;
    arena_defer(a, end_result, NULL);
    *ret = arena_copy(a, f->name);
    return NULL;
}

/* The report from which it is made may have a MiB, and clients may have thousands of files open. */
TEST(a_result_that_is_open_keeps_its_text_alone)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "a.json", S("no json")));
    inbox_run_jobs(&x);
    x.options.result = say_counted_result;
    struct inbox *inbox = inbox_fixture_open(&x, &x.f.ana);
    struct inbox_path path = inbox_path_of(&x, "/import/failed/a.json.result.json");
    struct inbox_reader *reader;
    char text[20];
    size_t n;
    EXPECT_OK(inbox_read(inbox, &path, w->a, &reader));
    EXPECT_EQ(results_alive, 0);
    EXPECT_OK(inbox_reader_read(reader, 0, text, sizeof text, w->a, &n));
    EXPECT_SLICE(((slice){ text, n }), S("a.json"));
    inbox_reader_close(reader);
    inbox_close(inbox);
}

TEST(files_of_other_names_are_kept_until_somebody_imports_them)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "families.txt", INBOX_SAMPLE));
    EXPECT_OK(inbox_put(&x, "scan.pdf", S("%PDF")));
    expect_import(&x, arena_printf(w->a, "done/ failed/ *families.txt:%d *scan.pdf:4", (int)INBOX_SAMPLE.n).p);
    struct sync_file f = inbox_newest(&x, "families.txt");
    EXPECT_EQ(f.state, SYNC_UPLOADED);
    struct sync_import_request request = { f.id, SYNC_LINES, S(""), S("") };
    EXPECT_OK(sync_import_start(&w->core, &x.f.ana, &request, w->a, &f));
    inbox_run_jobs(&x);
    EXPECT_EQ(inbox_newest(&x, "families.txt").state, SYNC_IMPORTED);
    expect_import(&x, "done/ failed/ *scan.pdf:4");
    world_wait(w, SYNC_IDLE_MS);
    world_run_jobs(w);
    expect_import(&x, "done/ failed/");
    EXPECT_EQ(inbox_newest(&x, "scan.pdf").state, SYNC_PURGED);
    expect_sound(&x);
}

TEST(files_in_progress_wait_for_another_name)
{
    WORLD(w);
    INBOX(x, w);
    static const char *const names[] = { "a.cc5txt.part", "a.cc5txt.TMP", "a.cc5txt.filepart", ".a.cc5txt" };
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        EXPECT_OK(inbox_put(&x, names[i], INBOX_SAMPLE));
        EXPECT_EQ(uploads_of(&x), 1);
        const char *to = arena_printf(w->a, "/import/to-%zu.cc5txt", i).p;
        EXPECT_OK(inbox_rename_to(&x, arena_printf(w->a, "/import/%s", names[i]).p, to, false));
        EXPECT_EQ(inbox_newest(&x, to + 8).state, SYNC_QUEUED);
        EXPECT_EQ(uploads_of(&x), 0);
        expect_bytes(&x, to, INBOX_SAMPLE);
    }
    EXPECT_OK(inbox_put(&x, "b.part", S("abc")));
    EXPECT_OK(inbox_rename_to(&x, "/import/b.part", "/import/.b", false));
    EXPECT_OK(inbox_rename_to(&x, "/import/.b", "/import/b.pdf", false));
    EXPECT_EQ(inbox_newest(&x, "b.pdf").state, SYNC_UPLOADED);
    slice bytes;
    EXPECT_OK(inbox_put(&x, "c.part", S("abc")));
    EXPECT_REFUSED(inbox_bytes(&x, "/import/c.part", &bytes), REASON_INBOX_NOT_WHOLE);
    expect_sound(&x);
}

TEST(a_connection_that_is_lost_leaves_a_partial_file_that_is_taken_only_when_it_is_complete)
{
    WORLD(w);
    INBOX(x, w);
    slice head = slice_part(INBOX_SAMPLE, 0, 30), rest = slice_from(INBOX_SAMPLE, 30);
    struct inbox_entry entry;
    inbox_put_cut(&x, "a.cc5txt", head);
    expect_import(&x, "*a.cc5txt:30 done/ failed/");
    EXPECT_OK(stat_at(&x, "/import/a.cc5txt", &entry));
    EXPECT_EQ(entry.modified_at_ms, core_now_ms(&w->core));
    EXPECT_OK(
        inbox_rename_to(&x, "/import/a.cc5txt", "/import/b.cc5txt", false)); /* it does not become complete by that */
    expect_import(&x, "*b.cc5txt:30 done/ failed/");
    world_run_jobs(w);
    EXPECT_OK(transfer_release_all(&w->core, w->a)); /* a restart */
    EXPECT_OK(inbox_append(&x, "b.cc5txt", rest));
    EXPECT_EQ(inbox_newest(&x, "b.cc5txt").state, SYNC_QUEUED);
    expect_bytes(&x, "/import/b.cc5txt", INBOX_SAMPLE);
    EXPECT_EQ(uploads_of(&x), 0);
    expect_sound(&x);
}

TEST(one_that_waits_may_go_on_and_then_waits_again)
{
    WORLD(w);
    INBOX(x, w);
    struct inbox_writer *writer;
    EXPECT_OK(inbox_put(&x, "a.filepart", S("abc")));
    EXPECT_OK(begin(&x, "/import/a.filepart", INBOX_CREATES, &writer));
    EXPECT_EQ(inbox_writer_size(writer), 3);
    EXPECT_OK(write_more(&x, writer, S("def")));
    inbox_writer_cut(writer);
    EXPECT_OK(inbox_rename_to(&x, "/import/a.filepart", "/import/a.txt", false));
    expect_import(&x, "*a.txt:6 done/ failed/");
    EXPECT_EQ(uploads_of(&x), 1); /* it was not closed */
    EXPECT_OK(inbox_append(&x, "a.txt", S("")));
    EXPECT_EQ(uploads_of(&x), 0);
    expect_bytes(&x, "/import/a.txt", S("abcdef"));
    expect_sound(&x);
}

TEST(an_empty_file_waits_for_bytes)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "a.cc5txt", S("")));
    EXPECT_OK(inbox_put(&x, "b.part", S("")));
    EXPECT_OK(inbox_rename_to(&x, "/import/b.part", "/import/b.cc5txt", false));
    expect_import(&x, "*a.cc5txt:0 *b.cc5txt:0 done/ failed/");
    EXPECT_EQ(uploads_of(&x), 2);
    EXPECT_OK(inbox_append(&x, "a.cc5txt", INBOX_SAMPLE));
    EXPECT_EQ(inbox_newest(&x, "a.cc5txt").state, SYNC_QUEUED);
    expect_sound(&x);
}

TEST(a_partial_file_goes_a_day_after_its_last_bytes)
{
    WORLD(w);
    INBOX(x, w);
    inbox_put_cut(&x, "a.cc5txt", S("abc"));
    EXPECT_OK(inbox_put(&x, "b.part", S("abc")));
    world_wait(w, INBOX_KEPT_MS - 1);
    EXPECT_OK(inbox_append(&x, "b.part", S("def")));
    expect_import(&x, "*a.cc5txt:3 *b.part:6 done/ failed/");
    world_wait(w, 1);
    expect_import(&x, "*b.part:6 done/ failed/");
    struct inbox_writer *writer;
    EXPECT_REFUSED(begin(&x, "/import/a.cc5txt", 0, &writer), REASON_INBOX_NO_FILE);
    EXPECT_OK(inbox_put(&x, "a.cc5txt", INBOX_SAMPLE));
    EXPECT_EQ(uploads_of(&x), 2); /* until the purge */
    world_run_jobs(w);
    EXPECT_EQ(uploads_of(&x), 1);
    world_wait(w, INBOX_KEPT_MS);
    world_run_jobs(w);
    EXPECT_EQ(uploads_of(&x), 0);
    EXPECT(slice_find(inbox_shown(&x, "/import/done", 10), S("a.cc5txt.result.json")) != SLICE_NONE);
    expect_sound(&x);
}

/* ---- writing ---- */

TEST(what_was_flushed_survives_and_what_was_refused_is_not_taken)
{
    WORLD(w);
    INBOX(x, w);
    struct inbox_writer *writer = begin_new(&x, "/import/a.txt");
    EXPECT_OK(write_more(&x, writer, S("abc")));
    EXPECT_OK(inbox_writer_flush(writer, w->a));
    expect_import(&x, "*a.txt:3 done/ failed/");
    EXPECT_OK(write_more(&x, writer, S("def")));
    EXPECT_EQ(inbox_writer_size(writer), 6);
    EXPECT_REFUSED(inbox_writer_write(writer, 7, S("h"), w->a), REASON_INBOX_OFFSET);
    EXPECT_REFUSED(inbox_writer_write(writer, 6, S("g"), w->a), REASON_INBOX_INCOMPLETE);
    EXPECT_REFUSED(inbox_writer_flush(writer, w->a), REASON_INBOX_INCOMPLETE);
    EXPECT_REFUSED(inbox_writer_close(writer, w->a), REASON_INBOX_INCOMPLETE);
    expect_import(&x, "*a.txt:6 done/ failed/");
    EXPECT_EQ(uploads_of(&x), 1);
    writer = begin_new(&x, "/import/b.txt");
    EXPECT_REFUSED(inbox_writer_write(writer, 1, S("h"), w->a), REASON_INBOX_OFFSET);
    inbox_writer_cut(writer);
    expect_sound(&x);
}

TEST(how_a_file_is_opened_decides_what_happens_to_the_one_that_is_there)
{
    WORLD(w);
    INBOX(x, w);
    struct inbox_writer *writer;
    EXPECT_REFUSED(begin(&x, "/import/a", 0, &writer), REASON_INBOX_NO_FILE);
    EXPECT_REFUSED(begin(&x, "/import/a", INBOX_TRUNCATES, &writer), REASON_INBOX_NO_FILE);
    EXPECT_OK(begin(&x, "/import/a", INBOX_CREATES | INBOX_EXCLUSIVE, &writer));
    EXPECT_OK(write_more(&x, writer, S("abc")));
    inbox_writer_cut(writer);
    EXPECT_REFUSED(begin(&x, "/import/a", INBOX_CREATES | INBOX_EXCLUSIVE, &writer), REASON_INBOX_EXISTS);
    EXPECT_OK(inbox_put(&x, "a", S("12345")));
    expect_bytes(&x, "/import/a", S("12345"));
    EXPECT_EQ(uploads_of(&x), 0);
    EXPECT_REFUSED(begin(&x, "/import/a", INBOX_CREATES, &writer), REASON_INBOX_TAKEN);
    EXPECT_REFUSED(begin(&x, "/import/a", INBOX_CREATES | INBOX_EXCLUSIVE, &writer), REASON_INBOX_EXISTS);
    EXPECT_REFUSED(begin(&x, "/import", INBOX_CREATES, &writer), REASON_INBOX_IS_FOLDER);
    EXPECT_REFUSED(begin(&x, "/", INBOX_CREATES, &writer), REASON_INBOX_IS_FOLDER);
    EXPECT_REFUSED(begin(&x, "/import/done", INBOX_CREATES, &writer), REASON_INBOX_IS_FOLDER);
    EXPECT_REFUSED(begin(&x, "/import/done/a", INBOX_CREATES, &writer), REASON_INBOX_READ_ONLY);
    slice bytes;
    EXPECT_REFUSED(inbox_bytes(&x, "/import", &bytes), REASON_INBOX_IS_FOLDER);
    EXPECT_REFUSED(inbox_bytes(&x, "/import/none", &bytes), REASON_INBOX_NO_FILE);
    expect_sound(&x);
}

TEST(the_old_file_stays_until_the_new_one_is_complete)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "a.pdf", S("old")));
    struct sync_file old = inbox_newest(&x, "a.pdf");
    struct inbox_writer *writer = begin_new(&x, "/import/a.pdf");
    EXPECT_OK(write_more(&x, writer, S("newer")));
    EXPECT_OK(inbox_writer_flush(writer, w->a));
    const char *shown = arena_printf(w->a, "*a.pdf:5 *a.pdf~" SLICE_FMT ":3 done/ failed/", SLICE_ARG(old.handle)).p;
    expect_import(&x, shown);
    expect_bytes(&x, arena_printf(w->a, "/import/a.pdf~" SLICE_FMT, SLICE_ARG(old.handle)).p, S("old"));
    EXPECT_OK(inbox_writer_close(writer, w->a));
    expect_import(&x, "*a.pdf:5 done/ failed/");
    EXPECT_EQ(sync_fixture_get(&x.f, &old).state, SYNC_PURGED);
    EXPECT_EQ(world_event_count(w, S("sync.replace")), 1);
    EXPECT_EQ(world_file_count(w), 1);
    EXPECT_OK(inbox_put(&x, "a.part", S("newest")));
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/a.part", "/import/a.pdf", false), REASON_INBOX_EXISTS);
    EXPECT_OK(inbox_rename_to(&x, "/import/a.part", "/import/a.pdf", true));
    expect_bytes(&x, "/import/a.pdf", S("newest"));
    expect_sound(&x);
}

TEST(what_waits_to_be_imported_keeps_its_name_and_its_bytes)
{
    WORLD(w);
    INBOX(x, w);
    struct inbox_writer *writer, *late = begin_new(&x, "/import/a.json");
    EXPECT_OK(write_more(&x, late, S("late")));
    EXPECT_OK(inbox_put(&x, "b.part", S("abc")));
    EXPECT_OK(inbox_put(&x, "c.json", S("1")));
    EXPECT_OK(inbox_put(&x, "c2.part", S("2")));
    EXPECT_REFUSED(begin(&x, "/import/c.json", INBOX_CREATES | INBOX_TRUNCATES, &writer), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(remove_at(&x, "/import/c.json"), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/c.json", "/import/d.json", true), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/c2.part", "/import/c.json", true), REASON_INBOX_READ_ONLY);
    /* another one of that name is queued while this one is written */
    EXPECT_OK(inbox_rename_to(&x, "/import/b.part", "/import/b.pdf", false));
    struct sync_file b = inbox_newest(&x, "b.pdf");
    EXPECT_OK(inbox_put(&x, "b.part", S("other")));
    writer = begin_new(&x, "/import/b.pdf");
    EXPECT_OK(write_more(&x, writer, S("third")));
    struct sync_import_request request = { b.id, SYNC_LINES, S(""), S("") };
    EXPECT_OK(sync_import_start(&w->core, &x.f.ana, &request, w->a, &b));
    EXPECT_REFUSED(inbox_writer_close(writer, w->a), REASON_INBOX_READ_ONLY);
    EXPECT_EQ(sync_fixture_get(&x.f, &b).state, SYNC_QUEUED);
    expect_sound(&x);
    inbox_run_jobs(&x);
    /* it is complete and waits: another name takes it, or the same */
    EXPECT_REFUSED(begin(&x, "/import/b.pdf", 0, &writer), REASON_INBOX_TAKEN);
    EXPECT_OK(inbox_rename_to(&x, "/import/b.pdf", "/import/third.pdf", false));
    expect_bytes(&x, "/import/third.pdf", S("third"));
    EXPECT_OK(inbox_writer_close(late, w->a));
    expect_sound(&x);
}

TEST(of_two_writers_the_second_is_refused_unless_the_first_is_silent)
{
    WORLD(w);
    INBOX(x, w);
    struct inbox_writer *first = begin_new(&x, "/import/a.txt"), *second;
    EXPECT_OK(write_more(&x, first, S("abc")));
    EXPECT_OK(inbox_writer_flush(first, w->a));
    EXPECT_OK(write_more(&x, first, S("lost")));
    EXPECT_REFUSED(begin(&x, "/import/a.txt", INBOX_CREATES | INBOX_TRUNCATES, &second), REASON_INBOX_BUSY);
    EXPECT_REFUSED(begin(&x, "/import/a.txt", 0, &second), REASON_INBOX_BUSY);
    EXPECT_REFUSED(remove_at(&x, "/import/a.txt"), REASON_INBOX_BUSY);
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/a.txt", "/import/b.txt", false), REASON_INBOX_BUSY);
    world_wait(w, TRANSFER_SILENCE_MS);
    EXPECT_OK(begin(&x, "/import/a.txt", 0, &second));
    EXPECT_EQ(inbox_writer_size(second), 3);
    EXPECT_OK(write_more(&x, second, S("def")));
    EXPECT_REFUSED(write_more(&x, first, S("x")), REASON_INBOX_BUSY);
    EXPECT_REFUSED(inbox_writer_close(first, w->a), REASON_INBOX_INCOMPLETE);
    EXPECT_OK(inbox_writer_close(second, w->a));
    expect_bytes(&x, "/import/a.txt", S("abcdef"));
    first = begin_new(&x, "/import/b.txt");
    EXPECT_OK(write_more(&x, first, S("abc")));
    world_wait(w, TRANSFER_SILENCE_MS);
    second = begin_new(&x, "/import/b.txt");
    EXPECT_OK(write_more(&x, second, S("new")));
    EXPECT_REFUSED(inbox_writer_close(first, w->a), REASON_INBOX_BUSY);
    EXPECT_OK(inbox_writer_close(second, w->a));
    expect_bytes(&x, "/import/b.txt", S("new"));
    expect_sound(&x);
}

/* ---- names ---- */

TEST(a_file_that_was_never_imported_gets_another_name_and_is_imported_under_it)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "families.upload", INBOX_SAMPLE));
    EXPECT_OK(inbox_put(&x, "other", S("other")));
    inbox_put_cut(&x, "partial", S("partial"));
    struct sync_file f = inbox_newest(&x, "families.upload");
    EXPECT_OK(inbox_rename_to(&x, "/import/families.upload", "/import/families.upload", true));
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/families.upload", "/import/other", false), REASON_INBOX_EXISTS);
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/families.upload", "/import/partial", false), REASON_INBOX_EXISTS);
    EXPECT_OK(inbox_rename_to(&x, "/import/families.upload", "/import/other", true));
    EXPECT_OK(inbox_rename_to(&x, "/import/other", "/import/partial", true));
    EXPECT_EQ(uploads_of(&x), 0);
    expect_import(&x, arena_printf(w->a, "done/ failed/ *partial:%d", (int)INBOX_SAMPLE.n).p);
    expect_sound(&x);
    EXPECT_OK(inbox_rename_to(&x, "/import/partial", "/import/a much longer name.cc5txt", false));
    struct sync_file now = sync_fixture_get(&x.f, &f);
    EXPECT(now.id == f.id && now.state == SYNC_QUEUED);
    EXPECT_SLICE(now.key, arena_printf(w->a, "W/import/2026/11/files/" SLICE_FMT "_a much longer name.cc5txt",
                                       SLICE_ARG(f.handle)));
    EXPECT_EQ(world_event_count(w, S("sync.rename")), 3);
    expect_sound(&x); /* the room of the names counts */
    inbox_run_jobs(&x);
    expect_bytes(&x, "/import/done/a much longer name.cc5txt", INBOX_SAMPLE);
    expect_sound(&x);
}

TEST(names_change_within_import_alone)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "a.json", S("1")));
    inbox_run_jobs(&x);
    EXPECT_OK(inbox_put(&x, "b", S("2")));
    const char *failed = "/import/failed/a.json", *result = "/import/failed/a.json.result.json";
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/b", failed, true), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/b", "/import/done/b", true), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/b", "/import/done", true), REASON_INBOX_IS_FOLDER);
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/b", "/", true), REASON_INBOX_IS_FOLDER);
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/failed", "/import/c", true), REASON_INBOX_IS_FOLDER);
    EXPECT_REFUSED(inbox_rename_to(&x, failed, "/import/a", true), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(inbox_rename_to(&x, result, "/import/a", true), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/none", "/import/c", true), REASON_INBOX_NO_FILE);
    EXPECT_REFUSED(remove_at(&x, failed), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(remove_at(&x, result), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(remove_at(&x, "/import/done"), REASON_INBOX_IS_FOLDER);
    EXPECT_REFUSED(remove_at(&x, "/import/none"), REASON_INBOX_NO_FILE);
    expect_import(&x, "*b:1 done/ failed/");
}

TEST(what_was_never_imported_can_be_removed)
{
    WORLD(w);
    INBOX(x, w);
    int64_t used = world_account(w).used_bytes;
    EXPECT_OK(inbox_put(&x, "a.pdf", world_bytes(w, 40000)));
    struct sync_file f = inbox_newest(&x, "a.pdf");
    inbox_put_cut(&x, "b.pdf", S("abc"));
    EXPECT_OK(remove_at(&x, "/import/a.pdf"));
    EXPECT_OK(remove_at(&x, "/import/b.pdf"));
    expect_import(&x, "done/ failed/");
    EXPECT_EQ(sync_fixture_get(&x.f, &f).state, SYNC_PURGED);
    EXPECT_EQ(world_file_count(w), 0);
    EXPECT(world_account(w).used_bytes == used && uploads_of(&x) == 0);
    EXPECT_EQ(world_event_count(w, S("sync.remove")), 1);
    world_wait(w, WORLD_GRACE_MS + minutes(10));
    world_run_jobs(w);
    EXPECT_EQ(world_blob_count(w), 0);
    int64_t records = world_account(w).record_bytes;
    world_wait(w, INBOX_KEPT_MS);
    world_run_jobs(w); /* whoever replaces a file every minute does not fill the account */
    EXPECT(world_account(w).record_bytes < records);
    expect_sound(&x);
}

/* ---- listing ---- */

/* Five files of one name in done: the newest has it. */
TEST(files_of_one_name_are_shown_under_several_and_listed_once_in_pages_of_any_size)
{
    WORLD(w);
    INBOX(x, w);
    slice want[] = { S(""), S(""), S(""), S("") };
    for (int i = 0; i < 4; i++) {
        EXPECT_OK(inbox_put(&x, "a.json", arena_printf(w->a, "%.*s", i + 1, "xxxxx")));
        EXPECT_OK(inbox_put(&x, arena_printf(w->a, "b%d.json", i).p, S("1")));
        inbox_run_jobs(&x);
        struct sync_file f = inbox_newest(&x, "a.json");
        want[i] = arena_printf(w->a, "a.json~" SLICE_FMT, SLICE_ARG(f.handle));
    }
    slice whole = inbox_shown(&x, "/import/failed", 1000);
    EXPECT(slice_starts(whole, S("a.json:4 a.json.result.json:11 a.json~")));
    for (int i = 0; i < 3; i++) {
        EXPECT(slice_find(whole, arena_printf(w->a, SLICE_FMT ":%d ", SLICE_ARG(want[i]), i + 1)) != SLICE_NONE);
        const char *result = arena_printf(w->a, "/import/failed/" SLICE_FMT ".result.json", SLICE_ARG(want[i])).p;
        expect_bytes(&x, result, S("6 of a.json"));
    }
    const char *newest = arena_printf(w->a, "/import/failed/" SLICE_FMT, SLICE_ARG(want[3])).p;
    expect_bytes(&x, newest, S("xxxx"));
    expect_bytes(&x, "/import/failed/a.json", S("xxxx"));
    for (size_t limit = 2; limit < 20; limit++)
        EXPECT_SLICE(inbox_shown(&x, "/import/failed", limit), whole);
    struct inbox_entry entry;
    const char *not_here = arena_printf(w->a, "/import/done/" SLICE_FMT, SLICE_ARG(want[0])).p;
    EXPECT_REFUSED(stat_at(&x, not_here, &entry), REASON_INBOX_NO_FILE);
    not_here = arena_printf(w->a, "/import/failed/b" SLICE_FMT, SLICE_ARG(want[0])).p;
    EXPECT_REFUSED(stat_at(&x, not_here, &entry), REASON_INBOX_NO_FILE);
}

TEST(files_that_wait_and_files_that_were_taken_are_listed_together_in_pages)
{
    WORLD(w);
    INBOX(x, w);
    for (int i = 0; i < 12; i++) {
        inbox_put_cut(&x, arena_printf(w->a, "p%02d", i).p, S("abc"));
        EXPECT_OK(inbox_put(&x, arena_printf(w->a, "t%02d", i).p, S("1")));
    }
    slice whole = inbox_shown(&x, "/import", 1000);
    EXPECT(slice_starts(whole, S("done/ failed/ *p00:3 *p01:3")));
    EXPECT(slice_ends(whole, S("*t11:1")));
    for (size_t limit = 2; limit < 30; limit++)
        EXPECT_SLICE(inbox_shown(&x, "/import", limit), whole);
    EXPECT_SLICE(inbox_shown(&x, "/", 2), S("*import/"));
    struct inbox_entry entry;
    EXPECT_OK(stat_at(&x, "/", &entry));
    EXPECT(entry.is_folder && !entry.is_writable && entry.name.n == 0);
    EXPECT_OK(stat_at(&x, "/import", &entry));
    EXPECT(entry.is_folder && entry.is_writable);
    EXPECT_OK(stat_at(&x, "/import/done", &entry));
    EXPECT(entry.is_folder && !entry.is_writable);
}

TEST(a_name_that_only_a_damaged_database_has_is_not_shown_and_fsck_names_it)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "a.json", S("1")));
    EXPECT_OK(inbox_put(&x, "b", S("2")));
    inbox_put_cut(&x, "c", S("3"));
    EXPECT_OK(inbox_put(&x, "d", S("4")));
    inbox_run_jobs(&x);
    corrupt_records(w, "UPDATE sync_files SET name = '../.bashrc' WHERE name IN ('a.json', 'b');"
                       "UPDATE transfers SET file_name = '..' WHERE file_name = 'c'");
    for (size_t limit = 2; limit < 5; limit++)
        EXPECT_SLICE(inbox_shown(&x, "/import", limit), S("*d:1 done/ failed/"));
    EXPECT_SLICE(inbox_shown(&x, "/import/failed", 2), S(""));
    EXPECT(world_fsck(w, false) >= 3);
}

/* ---- rights ---- */

TEST(a_key_that_ends_can_do_nothing_from_the_next_call_on)
{
    WORLD(w);
    INBOX(x, w);
    struct inbox_writer *writer = begin_new(&x, "/import/a.txt");
    struct inbox_reader *reader;
    struct inbox_entry_list list;
    struct inbox_cursor cursor = { 0 };
    struct inbox_entry entry;
    struct inbox_space space;
    char byte;
    size_t got;
    EXPECT_OK(inbox_put(&x, "b.txt", S("abc")));
    EXPECT_OK(write_more(&x, writer, S("abc")));
    struct inbox_path b = inbox_path_of(&x, "/import/b.txt");
    EXPECT_OK(inbox_read(x.inbox, &b, w->a, &reader));
    EXPECT_OK(key_revoke(&w->core, &w->operator_, x.f.ana.credential_id, w->a));
    EXPECT_ERR(write_more(&x, writer, S("def")), ERR_REVOKED);
    EXPECT_REFUSED(inbox_writer_close(writer, w->a), REASON_INBOX_INCOMPLETE);
    EXPECT_ERR(inbox_reader_read(reader, 0, &byte, 1, w->a, &got), ERR_REVOKED);
    EXPECT_ERR(inbox_list(x.inbox, INBOX_IMPORT, &cursor, 2, w->a, &list), ERR_REVOKED);
    EXPECT_ERR(stat_at(&x, "/import/b.txt", &entry), ERR_REVOKED);
    EXPECT_ERR(stat_at(&x, "/", &entry), ERR_REVOKED);
    EXPECT_ERR(remove_at(&x, "/import/b.txt"), ERR_REVOKED);
    EXPECT_ERR(inbox_rename_to(&x, "/import/b.txt", "/import/c.txt", true), ERR_REVOKED);
    EXPECT_ERR(inbox_put(&x, "c.txt", S("x")), ERR_REVOKED);
    EXPECT_ERR(inbox_space(x.inbox, w->a, &space), ERR_REVOKED);
    slice bytes;
    EXPECT_ERR(inbox_bytes(&x, "/import/b.txt", &bytes), ERR_REVOKED);
    struct inbox *again;
    EXPECT_ERR(inbox_open(&w->core, &x.f.ana, &x.options, w->a, &again), ERR_REVOKED);
    inbox_reader_close(reader);
    expect_sound(&x);
}

TEST(bytes_that_came_before_the_key_was_revoked_are_not_taken_after_it)
{
    WORLD(w);
    INBOX(x, w);
    struct inbox_writer *writer = begin_new(&x, "/import/a.txt");
    EXPECT_OK(write_more(&x, writer, S("abc")));
    EXPECT_OK(inbox_writer_flush(writer, w->a));
    EXPECT_OK(user_set_state(&w->core, &w->operator_, S("ana"), USER_DISABLED, w->a));
    EXPECT_ERR(inbox_writer_close(writer, w->a), ERR_BLOCKED);
    EXPECT_EQ(world_file_count(w), 0);
    EXPECT_EQ(uploads_of(&x), 1);
}

TEST(a_key_that_expires_can_do_nothing_from_that_instant_on)
{
    WORLD(w);
    INBOX(x, w);
    struct key_request request = { .login = S("ana"),
                                   .purpose = S("test"),
                                   .role = KEY_WRITER,
                                   .workspace = S("W"),
                                   .section = S("B"),
                                   .expires_at_ms = core_now_ms(&w->core) + minutes(1) };
    slice secret;
    struct principal who = sync_fixture_key(&x.f, &request, &secret);
    struct inbox *inbox = inbox_fixture_open(&x, &who), *kept = x.inbox;
    struct inbox_entry entry;
    x.inbox = inbox;
    world_wait(w, minutes(1) - 1);
    EXPECT_OK(stat_at(&x, "/import", &entry));
    world_wait(w, 1);
    EXPECT_ERR(stat_at(&x, "/import", &entry), ERR_EXPIRED);
    EXPECT_ERR(inbox_put(&x, "a", S("b")), ERR_EXPIRED);
    x.inbox = kept;
    inbox_close(inbox);
}

TEST(a_key_that_only_reads_changes_nothing)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "a.txt", S("abc")));
    inbox_put_cut(&x, "b.txt", S("abc"));
    struct key_request request = {
        .login = S("ana"), .purpose = S("test"), .role = KEY_READER, .workspace = S("W"), .section = S("B")
    };
    slice secret;
    struct principal who = sync_fixture_key(&x.f, &request, &secret);
    struct inbox *inbox = inbox_fixture_open(&x, &who), *kept = x.inbox;
    x.inbox = inbox;
    expect_import(&x, "a.txt:3 b.txt:3 done/ failed/");
    expect_bytes(&x, "/import/a.txt", S("abc"));
    EXPECT_SLICE(inbox_shown(&x, "/", 2), S("import/"));
    EXPECT_REFUSED(inbox_put(&x, "a.txt", S("x")), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(inbox_append(&x, "b.txt", S("x")), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(remove_at(&x, "/import/b.txt"), REASON_INBOX_READ_ONLY);
    EXPECT_REFUSED(inbox_rename_to(&x, "/import/a.txt", "/import/c.txt", true), REASON_INBOX_READ_ONLY);
    x.inbox = kept;
    inbox_close(inbox);
}

TEST(sections_do_not_see_each_others_files_and_users_of_one_share_it)
{
    WORLD(w);
    INBOX(x, w);
    EXPECT_OK(inbox_put(&x, "a.txt", S("abc")));
    inbox_put_cut(&x, "b.txt", S("abc"));
    slice handle = inbox_newest(&x, "a.txt").handle, secret;
    world_user(w, S("carla"));
    struct key_request request = {
        .login = S("carla"), .purpose = S("test"), .role = KEY_WRITER, .workspace = S("W"), .section = S("other")
    };
    struct principal other = sync_fixture_key(&x.f, &request, &secret);
    request.section = S("B");
    struct principal same = sync_fixture_key(&x.f, &request, &secret);
    struct inbox *of_other = inbox_fixture_open(&x, &other), *of_same = inbox_fixture_open(&x, &same), *kept = x.inbox;
    struct inbox_entry entry;
    x.inbox = of_other;
    expect_import(&x, "done/ failed/");
    EXPECT_REFUSED(stat_at(&x, arena_printf(w->a, "/import/a.txt~" SLICE_FMT, SLICE_ARG(handle)).p, &entry),
                   REASON_INBOX_NO_FILE);
    EXPECT_REFUSED(inbox_append(&x, "b.txt", S("x")), REASON_INBOX_NO_FILE);
    EXPECT_OK(inbox_put(&x, "a.txt", S("other")));
    x.inbox = of_same;
    expect_bytes(&x, "/import/a.txt", S("abc"));
    EXPECT_OK(inbox_append(&x, "b.txt", S("def")));
    EXPECT_EQ(inbox_newest(&x, "b.txt").owner_id, x.f.ana.user_id); /* who began it */
    expect_bytes(&x, "/import/b.txt", S("abcdef"));
    x.inbox = kept;
    inbox_close(of_other);
    inbox_close(of_same);
    struct principal nowhere = world_user(w, S("dora"));
    EXPECT_REFUSED(inbox_open(&w->core, &nowhere, &x.options, w->a, &kept), REASON_SYNC_NO_ACCESS);
    expect_sound(&x);
}

/* ---- room ---- */

TEST(what_has_no_room_in_the_account_stays_partial)
{
    WORLD(w);
    INBOX(x, w);
    struct inbox_space space;
    struct inbox_writer *writer;
    world_set_room(w, 3000, 0);
    EXPECT_OK(inbox_space(x.inbox, w->a, &space));
    EXPECT_EQ(space.free_bytes, 3000);
    EXPECT_EQ(space.total_bytes - space.free_bytes,
              (uint64_t)(world_account(w).used_bytes + world_account(w).record_bytes));
    writer = begin_new(&x, "/import/a.txt");
    EXPECT_OK(write_more(&x, writer, world_bytes(w, 2000)));
    EXPECT_ERR(write_more(&x, writer, world_bytes(w, 1000)), ERR_QUOTA);
    EXPECT_REFUSED(inbox_writer_close(writer, w->a), REASON_INBOX_INCOMPLETE);
    expect_import(&x, "*a.txt:2000 done/ failed/");
    world_set_room(w, 100, 0);
    EXPECT_ERR(inbox_append(&x, "a.txt", S("")), ERR_QUOTA); /* the record of the file has no room */
    EXPECT_EQ(uploads_of(&x), 1);
    expect_sound(&x);
    world_set_room(w, 100000, 0);
    EXPECT_REFUSED(inbox_append(&x, "a.txt", S("")), REASON_INBOX_TAKEN); /* it is complete */
    EXPECT_OK(inbox_rename_to(&x, "/import/a.txt", "/import/b.txt", false));
    EXPECT_EQ(uploads_of(&x), 0);
    world_set_room(w, 100000, 2);
    EXPECT_OK(inbox_put(&x, "c.txt", S("abc")));
    EXPECT_ERR(inbox_put(&x, "d.txt", S("abc")), ERR_QUOTA);
    world_set_room(w, 100000, 0);
    EXPECT_OK(begin(&x, "/import/d.txt", INBOX_CREATES, &writer));
    inbox_writer_cut(writer);
    w->core.options.account_max_uploads = 1;
    EXPECT_REFUSED(begin(&x, "/import/e.txt", INBOX_CREATES, &writer), REASON_UPLOAD_TOO_MANY);
    expect_sound(&x);
}

TEST(a_file_has_at_most_so_many_bytes)
{
    WORLD(w);
    INBOX(x, w);
    struct inbox *kept = x.inbox;
    x.options.max_bytes = 10;
    struct inbox *inbox = inbox_fixture_open(&x, &x.f.ana);
    x.inbox = inbox;
    EXPECT_OK(inbox_put(&x, "a.txt", S("0123456789")));
    EXPECT_ERR(inbox_put(&x, "b.txt", S("0123456789a")), ERR_TOO_LARGE);
    x.inbox = kept;
    inbox_close(inbox);
}

TEST(space_is_that_of_the_disk_when_the_account_has_no_limit)
{
    SCOPED(world_freep)
    struct world *w = world_new_with(&(struct world_options){ .blob_capacity = 1000000, .reserve_bytes = 300000 });
    INBOX(x, w);
    struct inbox_space space;
    EXPECT_OK(inbox_space(x.inbox, w->a, &space));
    EXPECT_EQ(space.free_bytes, 700000);
    EXPECT(space.total_bytes >= space.free_bytes);
    world_set_room(w, 5000, 0);
    EXPECT_OK(inbox_space(x.inbox, w->a, &space));
    EXPECT_EQ(space.free_bytes, 5000);
}

/* ---- stores that fail ---- */

/* Puts a file, cuts another and goes on with it, renames and removes. Whatever call of a store fails, no file is taken twice, what
 * was acknowledged is there, and the same step succeeds afterwards. */
struct story {
    struct inbox_fixture *x;
    slice bytes; /* large, so that they are a blob */
};

static err_t put_in_pieces(struct inbox_fixture *x, const char *path, unsigned flags, slice bytes)
{
    struct inbox_writer *writer;
    TRY(begin(x, path, flags, &writer));
    err_t e = write_more(x, writer, slice_from(bytes, inbox_writer_size(writer)));
    if (!e)
        e = inbox_writer_flush(writer, x->w->a);
    if (!e)
        return inbox_writer_close(writer, x->w->a);
    inbox_writer_cut(writer);
    return e;
}

static err_t tell_step(struct story *s, int step)
{
    struct inbox_fixture *x = s->x;
    struct inbox_writer *writer;
    switch (step) {
    case 0:
        return put_in_pieces(x, "/import/a.txt", INBOX_CREATES | INBOX_TRUNCATES, s->bytes);
    case 1: /* replaces it */
        return put_in_pieces(x, "/import/a.txt", INBOX_CREATES | INBOX_TRUNCATES, s->bytes);
    case 2:
        TRY(begin(x, "/import/b.part", INBOX_CREATES, &writer));
        inbox_writer_cut(writer);
        return NULL;
    case 3:
        return put_in_pieces(x, "/import/b.part", 0, s->bytes);
    case 4:
        return inbox_rename_to(x, "/import/b.part", "/import/b.json", true);
    case 5:
        return inbox_rename_to(x, "/import/a.txt", "/import/c.txt", true);
    default:
        return remove_at(x, "/import/c.txt");
    }
}

/* Of a step whose answer was lost, the outcome decides. */
static bool is_done(struct story *s, int step)
{
    static const struct {
        const char *there, *gone;
    } after[] = { { "/import/a.txt", NULL },
                  { "/import/a.txt", NULL },
                  { "/import/b.part", NULL },
                  { NULL, NULL },
                  { "/import/b.json", "/import/b.part" },
                  { "/import/c.txt", "/import/a.txt" },
                  { NULL, "/import/c.txt" } };
    struct inbox_entry entry;
    bool there = after[step].there && !stat_at(s->x, after[step].there, &entry);
    bool gone = !after[step].gone || stat_at(s->x, after[step].gone, &entry);
    return step >= 4 && gone && (there || !after[step].there);
}

static bool fail_nth(int64_t nth, bool answer_lost)
{
    WORLD(w);
    INBOX(x, w);
    struct story s = { &x, world_bytes(w, 40000) };
    w->faults =
        (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
    for (int step = 0; step < 7; step++) {
        err_t e = tell_step(&s, step);
        if (!e)
            continue;
        EXPECT(err_is(e, ERR_UNAVAILABLE));
        w->faults.fail_at = 0;
        expect_sound(&x);
        world_wait(w, minutes(2)); /* a claim whose release failed has ended by then */
        e = tell_step(&s, step);
        if (e && !is_done(&s, step))
            fail_msg("step %d, call %d: %s", step, (int)nth, e->msg);
    }
    bool reached = w->faults.calls >= nth;
    w->faults.fail_at = 0;
    EXPECT_EQ(uploads_of(&x), 0);
    EXPECT_EQ(world_file_count(w), 1);
    expect_bytes(&x, "/import/b.json", s.bytes);
    EXPECT_EQ(inbox_newest(&x, "b.json").state, SYNC_QUEUED);
    expect_sound(&x);
    return reached;
}

TEST(whatever_call_of_a_store_fails_no_file_is_lost_or_taken_twice)
{
    for (int lost = 0; lost < 2; lost++)
        for (int64_t nth = fault_first(); fail_nth(nth, lost); nth += fault_step())
            assert_true(nth < 2000);
}

/* After the close was refused by a store that failed, or the process ended, the file is partial or taken. */
TEST(a_crash_while_a_file_is_closed_leaves_it_partial_or_taken)
{
    bool reached = true;
    for (int64_t nth = fault_first(); reached; nth += fault_step()) {
        WORLD(w);
        INBOX(x, w);
        struct inbox_writer *writer = begin_new(&x, "/import/a.json");
        EXPECT_OK(write_more(&x, writer, S("1")));
        w->faults = (struct fault_plan){ .fail_at = nth, .fail_count = 1000, .code = ERR_UNAVAILABLE };
        err_t e = inbox_writer_close(writer, w->a);
        reached = e != NULL;
        w->faults.fail_at = 0;
        EXPECT_OK(transfer_release_all(&w->core, w->a));
        EXPECT_EQ(uploads_of(&x), e ? 1 : 0);
        EXPECT_EQ(world_file_count(w), e ? 0 : 1);
        expect_sound(&x);
        if (e)
            EXPECT_OK(inbox_put(&x, "a.json", S("2")));
        expect_bytes(&x, "/import/a.json", e ? S("2") : S("1"));
        expect_sound(&x);
    }
}

RUN_TESTS(cmocka_unit_test(paths_lead_into_the_tree_and_nowhere_else),
          cmocka_unit_test(names_that_are_made_or_that_no_file_has_are_given_to_none),
          cmocka_unit_test(a_file_that_is_closed_is_taken_and_imported_and_its_result_is_shown),
          cmocka_unit_test(a_file_that_is_no_sync_file_fails_and_its_result_says_so),
          cmocka_unit_test(a_result_that_is_open_keeps_its_text_alone),
          cmocka_unit_test(files_of_other_names_are_kept_until_somebody_imports_them),
          cmocka_unit_test(files_in_progress_wait_for_another_name),
          cmocka_unit_test(a_connection_that_is_lost_leaves_a_partial_file_that_is_taken_only_when_it_is_complete),
          cmocka_unit_test(one_that_waits_may_go_on_and_then_waits_again),
          cmocka_unit_test(an_empty_file_waits_for_bytes),
          cmocka_unit_test(a_partial_file_goes_a_day_after_its_last_bytes),
          cmocka_unit_test(what_was_flushed_survives_and_what_was_refused_is_not_taken),
          cmocka_unit_test(how_a_file_is_opened_decides_what_happens_to_the_one_that_is_there),
          cmocka_unit_test(the_old_file_stays_until_the_new_one_is_complete),
          cmocka_unit_test(what_waits_to_be_imported_keeps_its_name_and_its_bytes),
          cmocka_unit_test(of_two_writers_the_second_is_refused_unless_the_first_is_silent),
          cmocka_unit_test(a_file_that_was_never_imported_gets_another_name_and_is_imported_under_it),
          cmocka_unit_test(names_change_within_import_alone), cmocka_unit_test(what_was_never_imported_can_be_removed),
          cmocka_unit_test(files_of_one_name_are_shown_under_several_and_listed_once_in_pages_of_any_size),
          cmocka_unit_test(files_that_wait_and_files_that_were_taken_are_listed_together_in_pages),
          cmocka_unit_test(a_name_that_only_a_damaged_database_has_is_not_shown_and_fsck_names_it),
          cmocka_unit_test(a_key_that_ends_can_do_nothing_from_the_next_call_on),
          cmocka_unit_test(bytes_that_came_before_the_key_was_revoked_are_not_taken_after_it),
          cmocka_unit_test(a_key_that_expires_can_do_nothing_from_that_instant_on),
          cmocka_unit_test(a_key_that_only_reads_changes_nothing),
          cmocka_unit_test(sections_do_not_see_each_others_files_and_users_of_one_share_it),
          cmocka_unit_test(what_has_no_room_in_the_account_stays_partial),
          cmocka_unit_test(a_file_has_at_most_so_many_bytes),
          cmocka_unit_test(space_is_that_of_the_disk_when_the_account_has_no_limit),
          cmocka_unit_test(whatever_call_of_a_store_fails_no_file_is_lost_or_taken_twice),
          cmocka_unit_test(a_crash_while_a_file_is_closed_leaves_it_partial_or_taken))
