/* SPDX-License-Identifier: Apache-2.0 */
/* Logs that are damaged, and logs that a power failure tore: the first are refused, the second are not. What a test opens are copies of
 * files that another connection has open, which is what a kill leaves. Without the index (-shm) they are what a power failure leaves. */
#include "sql/sqlite/log_check.h"

#include "sql_kinds.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { PAGE = 4096, FRAME = 24 + PAGE, HEADER = 32, COMMITS = 6 };

/* The files of a database, as they were at one time. */
struct files {
    slice db, log, index;
};

static slice read_whole(const char *path, struct arena *a)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    char *bytes = arena_alloc(a, (size_t)st.st_size + 1);
    assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
    close(fd);
    return (slice){ bytes, (size_t)st.st_size };
}

static void write_whole(const char *path, slice bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
    close(fd);
}

static struct files take_files(const struct test_database *d, struct arena *a)
{
    return (struct files){ read_whole(d->path, a), read_whole(arena_printf(a, "%s-wal", d->path).p, a),
                           read_whole(arena_printf(a, "%s-shm", d->path).p, a) };
}

static const char *put_files(const struct test_database *d, const struct files *f, bool with_index, struct arena *a)
{
    const char *path = arena_printf(a, "%s/copy.db", d->dir).p;
    write_whole(path, f->db);
    unlink(arena_printf(a, "%s-wal", path).p);
    unlink(arena_printf(a, "%s-shm", path).p);
    if (f->log.p)
        write_whole(arena_printf(a, "%s-wal", path).p, f->log);
    if (with_index)
        write_whole(arena_printf(a, "%s-shm", path).p, f->index);
    return path;
}

static bool is_refused(const char *path, struct arena *a)
{
    struct sql_db *db = NULL;
    err_t e = sqlite_open(&(struct sqlite_options){ .path = path, .checks_log = true }, a, &db);
    sql_close_db(db);
    if (!e)
        return false;
    EXPECT_ERR(e, ERR_CORRUPT);
    assert_non_null(strstr(e->msg, "cais salvage"));
    return true;
}

static slice flip_bit(slice bytes, size_t at, int bit, struct arena *a)
{
    char *copy = arena_alloc(a, bytes.n);
    memcpy(copy, bytes.p, bytes.n);
    copy[at] = (char)(copy[at] ^ (1 << bit));
    return (slice){ copy, bytes.n };
}

/* ---- a database whose log has COMMITS transactions of several pages ---- */

struct writer {
    struct test_database d;
    struct sql_db *db;
    struct sql_conn *conn;
};

static void writer_begin(struct writer *w, struct arena *a)
{
    test_database_init(&w->d, DATABASE_FILE);
    w->db = test_database_open(&w->d, a);
    EXPECT_OK(sql_connect(w->db, SQL_WRITE, a, &w->conn));
    EXPECT_OK(sql_script(w->conn, "CREATE TABLE things (id INTEGER PRIMARY KEY, body BLOB)", a));
    EXPECT_OK(sql_checkpoint(w->conn, true, a));
}

static void writer_end(struct writer *w)
{
    sql_disconnect(w->conn);
    sql_close_db(w->db);
    test_database_release(&w->d);
}

/* One transaction, which changes `pages` pages and a few more. Returns how long the log is then. */
static size_t commit_thing(struct writer *w, size_t pages, struct arena *a)
{
    char *body = arena_alloc(a, pages * PAGE);
    memset(body, 'x', pages * PAGE);
    EXPECT_OK(sql_begin(w->conn, a));
    EXPECT_OK(sql_exec(w->conn, STATEMENT("INSERT INTO things (body) VALUES ($1)"),
                       SQL(SQL_B(((slice){ body, pages * PAGE }))), a, NULL));
    EXPECT_OK(sql_commit(w->conn, a));
    return read_whole(arena_printf(a, "%s-wal", w->d.path).p, a).n;
}

static int64_t count_things(const char *path, struct arena *a)
{
    struct sql_db *db;
    struct sql_conn *conn;
    int64_t count = -1;
    EXPECT_OK(sqlite_open(&(struct sqlite_options){ .path = path, .read_only = true, .immutable = true }, a, &db));
    EXPECT_OK(sql_connect(db, SQL_READ, a, &conn));
    EXPECT_OK(
        sql_get_int(conn, STATEMENT("SELECT COUNT(*) FROM things WHERE length(body) > 0"), SQL_NO_VALUES, a, &count));
    sql_disconnect(conn);
    sql_close_db(db);
    return count;
}

struct fixture {
    struct writer w;
    struct files files;
    size_t ends[COMMITS + 1]; /* of the log after each commit */
};

static void fixture_begin(struct fixture *f, struct arena *a)
{
    writer_begin(&f->w, a);
    f->ends[0] = HEADER;
    for (size_t i = 1; i <= COMMITS; i++)
        f->ends[i] = commit_thing(&f->w, 1 + i % 3, a);
    f->files = take_files(&f->w.d, a);
    f->files.log.n = f->ends[COMMITS];
}

TEST(a_log_that_a_kill_left_is_whole)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    assert_false(is_refused(put_files(&f.w.d, &f.files, true, &a), &a));
    assert_false(is_refused(put_files(&f.w.d, &f.files, false, &a), &a));
    writer_end(&f.w);
}

/* A bit of each kind of field of each frame. */
TEST(d6_a_flipped_bit_in_a_committed_frame_is_refused)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    static const size_t fields[] = { 3, 8, 16, 20, 24, 24 + 100, 24 + PAGE - 1 };
    for (size_t frame = HEADER; frame < f.ends[COMMITS]; frame += FRAME)
        for (size_t i = 0; i < LENGTH_OF(fields); i++) {
            SCRATCH(s);
            struct files damaged = f.files;
            damaged.log = flip_bit(f.files.log, frame + fields[i], 2, &s);
            /* After a kill the index knows of every commit. */
            assert_true(is_refused(put_files(&f.w.d, &damaged, true, &s), &s));
            /* After a power failure only what stands behind tells, so the last commit looks torn. */
            bool is_known = frame < f.ends[COMMITS - 2];
            const char *path = put_files(&f.w.d, &damaged, false, &s);
            assert_true(!is_known || is_refused(path, &s));
            assert_true(frame < f.ends[COMMITS - 1] || !is_refused(path, &s));
        }
    writer_end(&f.w);
}

TEST(d6_a_flipped_bit_in_the_header_of_the_log_is_refused)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    for (size_t at = 0; at < HEADER; at++) {
        SCRATCH(s);
        struct files damaged = f.files;
        damaged.log = flip_bit(f.files.log, at, 1, &s);
        assert_true(is_refused(put_files(&f.w.d, &damaged, false, &s), &s));
    }
    char *zeros = arena_alloc(&a, f.files.log.n);
    memcpy(zeros, f.files.log.p, f.files.log.n);
    memset(zeros, 0, 4096);
    struct files damaged = f.files;
    damaged.log = (slice){ zeros, f.files.log.n };
    assert_true(is_refused(put_files(&f.w.d, &damaged, false, &a), &a));
    writer_end(&f.w);
}

TEST(d2_a_log_that_is_gone_is_refused_while_its_index_knows_of_commits)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    struct files damaged = f.files;
    damaged.log = (slice){ 0 };
    assert_true(is_refused(put_files(&f.w.d, &damaged, true, &a), &a));
    damaged.log = slice_part(f.files.log, 0, f.ends[COMMITS - 1]);
    assert_true(is_refused(put_files(&f.w.d, &damaged, true, &a), &a));
    EXPECT_OK(sql_checkpoint(f.w.conn, false, &a)); /* everything is in the database now */
    damaged = take_files(&f.w.d, &a);
    damaged.log = (slice){ 0 };
    assert_false(is_refused(put_files(&f.w.d, &damaged, true, &a), &a));
    writer_end(&f.w);
}

/* As ext4 leaves blocks whose flush failed. Every guess at the salts is as good as another then. */
TEST(d2_a_log_of_zeros_passed_for_one_without_commits)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    struct files damaged = f.files;
    char *zeros = arena_alloc(&a, f.files.log.n);
    memset(zeros, 0, f.files.log.n);
    damaged.log = (slice){ zeros, f.files.log.n };
    assert_true(is_refused(put_files(&f.w.d, &damaged, true, &a), &a));
    EXPECT_OK(sql_checkpoint(f.w.conn, false, &a)); /* everything is in the database now */
    damaged = take_files(&f.w.d, &a);
    damaged.log = (slice){ zeros, f.files.log.n };
    assert_false(is_refused(put_files(&f.w.d, &damaged, true, &a), &a));
    writer_end(&f.w);
}

/* Opening a FIFO waits for its other end; SQLite would keep the log of a symbolic link in another folder. */
TEST(a_database_of_other_things_than_files_held_up_whoever_opened_it)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    static const char *const endings[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < LENGTH_OF(endings); i++)
        for (int kind = 0; kind < 3; kind++) {
            SCRATCH(s);
            const char *path = put_files(&f.w.d, &f.files, true, &s), *copy = arena_printf(&s, "%s.copy", path).p;
            const char *name = arena_printf(&s, "%s%s", path, endings[i]).p;
            struct sql_db *db;
            int64_t unread;
            unlink(name);
            assert_int_equal(kind == 0   ? mkfifo(name, 0600)
                             : kind == 1 ? mkdir(name, 0700)
                                         : symlink(arena_printf(&s, "%s%s", f.w.d.path, endings[i]).p, name),
                             0);
            for (int reads = 0; reads < 2; reads++)
                EXPECT_ERR(sqlite_open(&(struct sqlite_options){ .path = path, .read_only = reads, .checks_log = true },
                                       &s, &db),
                           ERR_CORRUPT);
            err_t e = log_apply_to_copy(path, copy, &s, &unread);
            assert_true(i == 1 ? kind == 2 || err_is(e, ERR_CORRUPT) : !e);
            unlink(copy);
            assert_int_equal(kind == 1 ? rmdir(name) : unlink(name), 0);
        }
    writer_end(&f.w);
}

/* Every choice of which pages of the last transaction reached the disk; the others hold what was there before: nothing, or frames of
 * an earlier round of the log. */
static void tear_last_commit(const struct fixture *f, slice before)
{
    size_t from = f->ends[COMMITS - 1], frames = (f->ends[COMMITS] - from) / FRAME;
    assert_true(frames >= 2 && frames < 10);
    for (unsigned kept = 0; kept + 1 < 1u << frames; kept++)
        for (int half = 0; half < 2; half++) {
            SCRATCH(s);
            struct files torn = f->files;
            char *log = arena_alloc(&s, f->files.log.n);
            memcpy(log, f->files.log.p, f->files.log.n);
            for (size_t i = 0; i < frames; i++) {
                size_t at = from + i * FRAME + (half ? 512 : 0), n = half ? FRAME - 512 : FRAME;
                if (kept & 1u << i)
                    continue;
                if (at + n <= before.n)
                    memcpy(log + at, before.p + at, n);
                else
                    memset(log + at, 0, n);
            }
            torn.log = (slice){ log, f->files.log.n };
            assert_false(is_refused(put_files(&f->w.d, &torn, false, &s), &s));
        }
}

TEST(d6_the_torn_end_of_the_last_commit_is_normal)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    tear_last_commit(&f, (slice){ 0 });
    writer_end(&f.w);
}

/* The log starts again from its front: behind its end are frames of the round before. */
TEST(d6_frames_of_an_earlier_round_of_the_log_do_not_count)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    slice before = f.files.log;
    EXPECT_OK(sql_checkpoint(f.w.conn, true, &a));
    commit_thing(&f.w, 1, &a);
    f.files = take_files(&f.w.d, &a);
    assert_int_equal(f.files.log.n, before.n);
    assert_false(is_refused(put_files(&f.w.d, &f.files, true, &a), &a));
    /* Where the new round ends: its frames have the salts of the header. */
    size_t end = HEADER;
    while (memcmp(f.files.log.p + end + 8, f.files.log.p + 16, 8) == 0)
        end += FRAME;
    f.ends[COMMITS - 1] = HEADER;
    f.ends[COMMITS] = end;
    tear_last_commit(&f, before);
    writer_end(&f.w);
}

/* The first power failure leaves a torn transaction. The next one is shorter, so an end of the torn one stands behind it, with the
 * same salts, and is torn as well. */
TEST(d6_a_transaction_that_was_torn_before_does_not_count)
{
    SCRATCH(a);
    struct fixture f;
    writer_begin(&f.w, &a);
    f.ends[0] = commit_thing(&f.w, 1, &a);
    size_t end = commit_thing(&f.w, 6, &a);
    struct files torn = take_files(&f.w.d, &a);
    torn.log = flip_bit(slice_part(torn.log, 0, end), f.ends[0] + 100, 0, &a);
    const char *path = put_files(&f.w.d, &torn, false, &a);
    struct writer again = { .d = f.w.d };
    snprintf(again.d.path, sizeof again.d.path, "%s", path);
    EXPECT_OK(sqlite_open(&(struct sqlite_options){ .path = path, .checks_log = true }, &a, &again.db));
    EXPECT_OK(sql_connect(again.db, SQL_WRITE, &a, &again.conn));
    commit_thing(&again, 1, &a);
    struct files second = take_files(&again.d, &a);
    assert_int_equal(second.log.n, end);
    sql_disconnect(again.conn);
    sql_close_db(again.db);
    assert_false(is_refused(put_files(&f.w.d, &second, false, &a), &a));
    second.log = flip_bit(second.log, f.ends[0] + 200, 0, &a);
    assert_false(is_refused(put_files(&f.w.d, &second, false, &a), &a));
    writer_end(&f.w);
}

/* The log is applied behind the damage, too: one page is lost at most. */
TEST(the_copy_for_salvage_has_the_commits_behind_the_damage)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    int64_t unread, fewest = COMMITS;
    const char *copy = arena_printf(&a, "%s/salvaged.db", f.w.d.dir).p;
    EXPECT_OK(log_apply_to_copy(f.w.d.path, copy, &a, &unread));
    assert_int_equal(count_things(copy, &a), COMMITS);
    for (size_t frame = HEADER; frame < f.ends[COMMITS - 2]; frame += FRAME) {
        SCRATCH(s);
        struct files damaged = f.files;
        damaged.log = flip_bit(f.files.log, frame + 17, 3, &s); /* of its checksum: no page is lost */
        const char *path = put_files(&f.w.d, &damaged, true, &s);
        unlink(copy);
        EXPECT_OK(log_apply_to_copy(path, copy, &s, &unread));
        assert_int_equal(count_things(copy, &s), COMMITS);
        damaged.log = flip_bit(f.files.log, frame + 24 + 2000, 3, &s);
        unlink(copy);
        EXPECT_OK(log_apply_to_copy(put_files(&f.w.d, &damaged, true, &s), copy, &s, &unread));
        struct sql_db *db = NULL;
        err_t e = sqlite_open(&(struct sqlite_options){ .path = copy, .read_only = true, .immutable = true }, &s, &db);
        sql_close_db(db);
        fewest = e ? 0 : fewest;
    }
    assert_int_equal(fewest, COMMITS); /* it opens, whichever page is lost */
    writer_end(&f.w);
}

TEST(the_copy_for_salvage_of_a_database_that_is_gone_had_nothing_of_its_log)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    const char *path = put_files(&f.w.d, &f.files, true, &a), *copy = arena_printf(&a, "%s.copy", path).p;
    int64_t unread;
    assert_int_equal(unlink(path), 0);
    EXPECT_OK(log_apply_to_copy(path, copy, &a, &unread));
    slice salvaged = read_whole(copy, &a);
    assert_true(salvaged.n > f.files.db.n);
    EXPECT_SLICE(slice_from(salvaged, salvaged.n - PAGE), slice_from(f.files.log, f.ends[COMMITS] - PAGE));
    unlink(copy);
    unlink(arena_printf(&a, "%s-wal", path).p);
    EXPECT_ERR(log_apply_to_copy(path, copy, &a, &unread), ERR_NOT_FOUND);
    writer_end(&f.w);
}

/* Each call of giving up is one that a person may have to repeat. */
TEST(giving_up_keeps_the_damaged_log_and_what_is_before_the_damage)
{
    SCRATCH(a);
    struct fixture f;
    fixture_begin(&f, &a);
    struct files damaged = f.files;
    damaged.log = flip_bit(f.files.log, f.ends[2] + 1000, 3, &a);
    const char *path = put_files(&f.w.d, &damaged, true, &a), *kept = NULL;
    assert_false(log_was_given_up(path));
    EXPECT_OK(log_give_up(path, &a, &kept));
    assert_non_null(kept);
    assert_true(log_was_given_up(path));
    EXPECT_SLICE(read_whole(kept, &a), damaged.log);
    assert_false(is_refused(path, &a));
    assert_int_equal(count_things(path, &a), 2);
    EXPECT_OK(log_give_up(path, &a, &kept));
    assert_null(kept);
    path = put_files(&f.w.d, &damaged, true, &a);
    EXPECT_OK(log_give_up(path, &a, &kept));
    assert_non_null(strstr(kept, "-wal-damaged-2"));
    writer_end(&f.w);
}

RUN_TESTS(cmocka_unit_test(a_log_that_a_kill_left_is_whole),
          cmocka_unit_test(d6_a_flipped_bit_in_a_committed_frame_is_refused),
          cmocka_unit_test(d6_a_flipped_bit_in_the_header_of_the_log_is_refused),
          cmocka_unit_test(d2_a_log_that_is_gone_is_refused_while_its_index_knows_of_commits),
          cmocka_unit_test(d2_a_log_of_zeros_passed_for_one_without_commits),
          cmocka_unit_test(a_database_of_other_things_than_files_held_up_whoever_opened_it),
          cmocka_unit_test(the_copy_for_salvage_of_a_database_that_is_gone_had_nothing_of_its_log),
          cmocka_unit_test(d6_the_torn_end_of_the_last_commit_is_normal),
          cmocka_unit_test(d6_frames_of_an_earlier_round_of_the_log_do_not_count),
          cmocka_unit_test(d6_a_transaction_that_was_torn_before_does_not_count),
          cmocka_unit_test(the_copy_for_salvage_has_the_commits_behind_the_damage),
          cmocka_unit_test(giving_up_keeps_the_damaged_log_and_what_is_before_the_damage))
