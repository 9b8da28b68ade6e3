/* SPDX-License-Identifier: Apache-2.0 */
/* A flush that fails: of the log, of the database, while it is open and while it is closed. This program has its own
 * fdatasync, fsync, link, unlink, rename and ftruncate, which stand before those of the C library for SQLite, too. */
#include "sql_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* What fails, and where the process dies. */
static struct {
    const char *failing; /* the end of the path whose next flush fails; NULL: none */
    int failing_errno;
    bool no_links;
    int calls, die_at; /* of the calls below, and of writes to copies; 0: never */
    int reports;
    char report[512];
} plan;

static void count_call(void)
{
    if (++plan.calls == plan.die_at)
        syscall(SYS_kill, getpid(), SIGKILL);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_file(int fd, const char *end)
{
    char link_path[64], path[256] = "";
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    return readlink(link_path, path, sizeof path - 1) > 0 && ends_with(path, end);
}

static int flush(int fd, long call)
{
    count_call();
    if (plan.failing && is_file(fd, plan.failing)) {
        plan.failing = NULL;
        errno = plan.failing_errno;
        return -1;
    }
    return (int)syscall(call, fd);
}

int fdatasync(int fd)
{
    return flush(fd, SYS_fdatasync);
}

int fsync(int fd)
{
    return flush(fd, SYS_fsync);
}

int link(const char *from, const char *to)
{
    count_call();
    if (plan.no_links) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    count_call();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rename(const char *from, const char *to)
{
    count_call();
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int ftruncate(int fd, off_t size)
{
    count_call();
    return (int)syscall(SYS_ftruncate, fd, size);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    if (plan.die_at && is_file(fd, "-wal-copy"))
        count_call();
    return (ssize_t)syscall(SYS_write, fd, bytes, n);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    if (plan.die_at && is_file(fd, "-copy"))
        count_call();
    return (ssize_t)syscall(SYS_pwrite64, fd, bytes, n, at);
}

/* ---- a database ---- */

struct world {
    struct test_database database;
    struct arena arena, *a;
    struct sql_db *db;
    struct sql_conn *conn, *reader;
    bool recovered, relaxed;
};

static void note_report(void *arg, err_t e)
{
    (void)arg;
    SCRATCH(a);
    plan.reports++;
    snprintf(plan.report, sizeof plan.report, SLICE_FMT, SLICE_ARG(err_text(&a, e)));
}

static err_t open_flushed(struct world *w)
{
    struct sqlite_options options = { .path = w->database.path,
                                      .relaxed = w->relaxed,
                                      .reporter = { note_report, NULL },
                                      .ret_recovered = &w->recovered };
    return sqlite_open(&options, w->a, &w->db);
}

static void open_world(struct world *w)
{
    EXPECT_OK(open_flushed(w));
    EXPECT_OK(sql_connect(w->db, SQL_WRITE, w->a, &w->conn));
    EXPECT_OK(sql_connect(w->db, SQL_READ, w->a, &w->reader));
}

static void close_world(struct world *w)
{
    sql_disconnect(w->reader);
    sql_disconnect(w->conn);
    sql_close_db(w->db);
}

static void flush_world_init(struct world *w, bool relaxed)
{
    memset(&plan, 0, sizeof plan);
    *w = (struct world){ .relaxed = relaxed };
    test_database_init(&w->database, DATABASE_FILE);
    arena_init(&w->arena);
    w->a = &w->arena;
    open_world(w);
    EXPECT_OK(sql_script(w->conn, "CREATE TABLE things (id INTEGER PRIMARY KEY, bytes BLOB)", w->a));
}

static void flush_world_release(struct world *w)
{
    close_world(w);
    arena_release(w->a);
    test_database_release(&w->database);
}

static err_t add_thing_by(struct world *w, err_t (*commit)(struct sql_conn *, struct arena *))
{
    static char bytes[3000];
    memset(bytes, 'x', sizeof bytes);
    int64_t id;
    TRY(sql_begin(w->conn, w->a));
    TRY(sql_insert(w->conn, STATEMENT("INSERT INTO things (bytes) VALUES ($1)"),
                   SQL(SQL_B(((slice){ bytes, sizeof bytes }))), w->a, &id));
    err_t e = commit(w->conn, w->a);
    sql_rollback(w->conn);
    return e;
}

static err_t add_thing(struct world *w)
{
    return add_thing_by(w, sql_commit);
}

static void add_things(struct world *w, int n)
{
    for (int i = 0; i < n; i++)
        EXPECT_OK(add_thing(w));
}

static int64_t count_things(struct world *w)
{
    int64_t n = -1;
    EXPECT_OK(sql_get_int(w->reader, STATEMENT("SELECT COUNT(*) FROM things"), SQL_NO_VALUES, w->a, &n));
    return n;
}

static struct stat look_at(struct world *w, const char *suffix)
{
    struct stat st = { 0 };
    (void)stat(arena_printf(w->a, "%s%s", w->database.path, suffix).p, &st); /* st_ino 0: there is none */
    return st;
}

static bool is_there(struct world *w, const char *suffix)
{
    return look_at(w, suffix).st_ino != 0;
}

static void fail_flush(const char *file, int errnum)
{
    plan.failing = file;
    plan.failing_errno = errnum;
}

static void expect_no_more_writes(struct world *w, int64_t things)
{
    EXPECT(sql_flush_failed(w->db));
    for (int i = 0; i < 3; i++) {
        EXPECT_ERR(add_thing(w), ERR_UNAVAILABLE);
        EXPECT_ERR(sql_checkpoint(w->conn, i == 0, w->a), ERR_UNAVAILABLE);
        EXPECT_ERR(sql_script(w->conn, "CREATE TABLE more (id BIGINT)", w->a), ERR_UNAVAILABLE);
    }
    EXPECT_EQ(count_things(w), things);
    EXPECT_EQ(plan.reports, 1);
}

/* After the next open everything that was committed is there, nothing is marked, and writes work. */
static void expect_recovery(struct world *w, int64_t min_things)
{
    open_world(w);
    EXPECT(w->recovered);
    EXPECT(!sql_flush_failed(w->db));
    int64_t things = count_things(w);
    EXPECT(things >= min_things);
    EXPECT_OK(sql_verify(w->reader, w->a));
    static const char *const gone[] = {
        "-distrusted", "-wal-distrusted", "-copy", "-copied", "-copy-wal", "-wal-copy"
    };
    for (size_t i = 0; i < LENGTH_OF(gone); i++)
        EXPECT(!is_there(w, gone[i]));
    add_things(w, 3);
    EXPECT_EQ(count_things(w), things + 3);
    close_world(w);
    open_world(w);
    EXPECT(!w->recovered);
    EXPECT_EQ(count_things(w), things + 3);
}

/* ---- the log ---- */

static void log_flush_fails(bool relaxed, int errnum)
{
    struct world w;
    flush_world_init(&w, relaxed);
    add_things(&w, 20);
    fail_flush("-wal", errnum);
    if (relaxed) /* the log is flushed by checkpoints alone */
        EXPECT_ERR(sql_checkpoint(w.conn, false, w.a), ERR_UNAVAILABLE);
    else
        EXPECT_ERR(add_thing(&w), ERR_UNAVAILABLE);
    expect_no_more_writes(&w, 20);
    EXPECT(strstr(plan.report, "records.db-wal") && strstr(plan.report, strerror(errnum)));
    EXPECT_EQ(look_at(&w, "-wal").st_ino, look_at(&w, "-wal-distrusted").st_ino);
    int64_t database_bytes = look_at(&w, "").st_size;
    close_world(&w);
    struct stat log = look_at(&w, "-wal");
    EXPECT(log.st_size > 0); /* it was not copied into the database by the last close */
    EXPECT_EQ(look_at(&w, "").st_size, database_bytes);
    EXPECT_OK(open_flushed(&w));
    EXPECT(w.recovered);
    EXPECT(look_at(&w, "-wal").st_ino != log.st_ino);
    EXPECT_EQ(look_at(&w, "-wal").st_size, log.st_size);
    EXPECT(!is_there(&w, "-wal-distrusted") && !is_there(&w, "-wal-copy"));
    sql_close_db(w.db);
    open_world(&w);
    EXPECT(count_things(&w) >= 20);
    add_things(&w, 3);
    flush_world_release(&w);
}

TEST(d1_after_a_failed_flush_of_the_log_nothing_is_written_and_the_next_open_moves_the_log)
{
    log_flush_fails(false, EIO);
}

TEST(a_failed_flush_without_space_is_no_full_disk)
{
    log_flush_fails(false, ENOSPC);
    log_flush_fails(true, ENOSPC); /* SQLite returns the errno of a checkpoint, but not that of a commit */
}

TEST(relaxed_databases_stop_after_a_failed_flush_too)
{
    log_flush_fails(true, EIO);
}

/* What was committed before, and never flushed, shares the fate of the flush. */
TEST(after_a_failed_flush_ordered_commits_are_refused_like_others)
{
    static const char *const files[] = { "-wal", "-wal", "records.db" };
    for (int i = 0; i < 3; i++) {
        struct world w;
        flush_world_init(&w, false);
        for (int n = 0; n < 20; n++)
            EXPECT_OK(add_thing_by(&w, sql_commit_ordered));
        fail_flush(files[i], EIO);
        EXPECT_ERR(i == 0 ? sql_flush(w.conn, w.a) : sql_checkpoint(w.conn, false, w.a), ERR_UNAVAILABLE);
        expect_no_more_writes(&w, 20);
        EXPECT_ERR(sql_flush(w.conn, w.a), ERR_UNAVAILABLE);
        EXPECT_ERR(add_thing_by(&w, sql_commit_ordered), ERR_UNAVAILABLE);
        close_world(&w);
        expect_recovery(&w, 20); /* nothing was really lost */
        flush_world_release(&w);
    }
}

TEST(a_failed_write_of_the_log_stops_nothing)
{
    struct world w;
    flush_world_init(&w, false);
    add_things(&w, 2);
    struct rlimit old, small = { .rlim_cur = (rlim_t)look_at(&w, "-wal").st_size, .rlim_max = RLIM_INFINITY };
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    err_t e = add_thing(&w);
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
    EXPECT(e != NULL);
    EXPECT(!sql_flush_failed(w.db));
    add_things(&w, 2);
    EXPECT_EQ(count_things(&w), 4);
    flush_world_release(&w);
}

/* ---- the database ---- */

/* A database of which some pages were copied from the log before, and a checkpoint that fails. */
static void fail_checkpoint(struct world *w)
{
    add_things(w, 20);
    EXPECT_OK(sql_checkpoint(w->conn, true, w->a));
    add_things(w, 20);
    fail_flush("records.db", EIO);
    EXPECT_ERR(sql_checkpoint(w->conn, false, w->a), ERR_UNAVAILABLE);
}

TEST(d1_after_a_failed_flush_of_the_database_the_next_open_copies_it)
{
    struct world w;
    flush_world_init(&w, false);
    fail_checkpoint(&w);
    expect_no_more_writes(&w, 40);
    ino_t before = look_at(&w, "").st_ino;
    EXPECT_EQ(look_at(&w, "-distrusted").st_ino, before);
    close_world(&w);
    EXPECT(look_at(&w, "-wal").st_size > 0);
    expect_recovery(&w, 40);
    EXPECT(look_at(&w, "").st_ino != before);
    flush_world_release(&w);
}

TEST(d1_a_flush_that_fails_while_the_database_is_closed_is_noticed)
{
    struct world w;
    flush_world_init(&w, false);
    add_things(&w, 30);
    fail_flush("records.db", EIO);
    close_world(&w);
    EXPECT_EQ(plan.reports, 1);
    EXPECT(is_there(&w, "-distrusted"));
    expect_recovery(&w, 30);
    flush_world_release(&w);
}

TEST(without_hard_links_an_empty_file_is_the_mark)
{
    struct world w;
    flush_world_init(&w, false);
    plan.no_links = true;
    fail_checkpoint(&w);
    struct stat mark = look_at(&w, "-distrusted");
    EXPECT(mark.st_ino && mark.st_size == 0);
    close_world(&w);
    expect_recovery(&w, 40);
    flush_world_release(&w);
}

TEST(readers_open_a_marked_database_and_change_nothing)
{
    struct world w;
    flush_world_init(&w, false);
    fail_checkpoint(&w);
    close_world(&w);
    struct sqlite_options options = { .path = w.database.path, .read_only = true };
    EXPECT_OK(sqlite_open(&options, w.a, &w.db));
    EXPECT_OK(sql_connect(w.db, SQL_READ, w.a, &w.reader));
    EXPECT_EQ(count_things(&w), 40);
    sql_disconnect(w.reader);
    sql_close_db(w.db);
    EXPECT(is_there(&w, "-distrusted"));
    expect_recovery(&w, 40);
    flush_world_release(&w);
}

TEST(a_copy_that_is_damaged_is_not_used)
{
    struct world w;
    flush_world_init(&w, false);
    fail_checkpoint(&w);
    close_world(&w);
    /* A page that the log does not hold. */
    int fd = open(w.database.path, O_RDWR | O_CLOEXEC);
    char kept[4096], rubbish[4096];
    memset(rubbish, 0x5a, sizeof rubbish);
    EXPECT(pread(fd, kept, sizeof kept, 4 * 4096) == sizeof kept);
    EXPECT(pwrite(fd, rubbish, sizeof rubbish, 4 * 4096) == sizeof rubbish);
    for (int i = 0; i < 2; i++) {
        err_t e = open_flushed(&w);
        EXPECT_ERR(e, ERR_CORRUPT);
        EXPECT(strstr(e->msg, "nothing was changed") && strstr(e->msg, "restore a backup"));
        EXPECT(is_there(&w, "-distrusted") && is_there(&w, "-wal") && !is_there(&w, "-copied"));
    }
    EXPECT(pwrite(fd, kept, sizeof kept, 4 * 4096) == sizeof kept);
    close(fd);
    expect_recovery(&w, 40);
    flush_world_release(&w);
}

TEST(a_copy_of_the_log_that_cannot_be_flushed_is_not_used)
{
    struct world w;
    flush_world_init(&w, false);
    add_things(&w, 20);
    fail_flush("-wal", EIO);
    EXPECT_ERR(add_thing(&w), ERR_UNAVAILABLE);
    close_world(&w);
    ino_t log = look_at(&w, "-wal").st_ino;
    fail_flush("-wal-copy", EIO);
    err_t e = open_flushed(&w);
    EXPECT_ERR(e, ERR_UNAVAILABLE);
    EXPECT(strstr(e->msg, "nothing was changed"));
    EXPECT_EQ(look_at(&w, "-wal").st_ino, log);
    EXPECT(is_there(&w, "-wal-distrusted"));
    expect_recovery(&w, 20); /* by another copy, on other blocks */
    flush_world_release(&w);
}

TEST(a_copy_that_cannot_be_flushed_is_not_used)
{
    struct world w;
    flush_world_init(&w, false);
    fail_checkpoint(&w);
    close_world(&w);
    fail_flush("-copy", EIO);
    EXPECT_ERR(open_flushed(&w), ERR_UNAVAILABLE);
    EXPECT(is_there(&w, "-distrusted") && is_there(&w, "-wal") && !is_there(&w, "-copied"));
    expect_recovery(&w, 40); /* which makes another copy, on other blocks */
    flush_world_release(&w);
}

/* The answer of the PRAGMA comes before its commit. Without a log, a commit would end with the removal of a journal, which is not
 * flushed. */
TEST(a_database_is_not_opened_when_it_could_not_get_its_log)
{
    struct world w = { 0 };
    memset(&plan, 0, sizeof plan);
    test_database_init(&w.database, DATABASE_FILE);
    arena_init(&w.arena);
    w.a = &w.arena;
    fail_flush("records.db-journal", EIO);
    EXPECT_ERR(open_flushed(&w), ERR_UNAVAILABLE);
    open_world(&w);
    EXPECT_OK(sql_script(w.conn, "CREATE TABLE things (id INTEGER PRIMARY KEY, bytes BLOB)", w.a));
    int64_t bytes = look_at(&w, "-wal").st_size;
    add_things(&w, 1);
    EXPECT(look_at(&w, "-wal").st_size > bytes);
    flush_world_release(&w);
}

/* ---- crashes during the recovery ---- */

/* Opens the database in a child process that dies at its call number die_at. Returns whether it died. */
static bool die_while_opening(struct world *w, int die_at)
{
    pid_t child = fork();
    if (child == 0) {
        plan.calls = 0;
        plan.die_at = die_at;
        err_t e = open_flushed(w);
        _exit(e ? 1 : 0);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
        EXPECT_EQ(WTERMSIG(status), SIGKILL);
        return true;
    }
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return false;
}

static void kill_at_every_step(bool of_log)
{
    int steps = 0;
    for (bool died = true; died; steps++) {
        struct world w;
        flush_world_init(&w, false);
        add_things(&w, 20);
        EXPECT_OK(sql_checkpoint(w.conn, true, w.a));
        add_things(&w, 20);
        fail_flush(of_log ? "-wal" : "records.db", EIO);
        EXPECT_ERR(of_log ? add_thing(&w) : sql_checkpoint(w.conn, false, w.a), ERR_UNAVAILABLE);
        close_world(&w);
        died = die_while_opening(&w, steps + 1);
        if (died && steps % 2)
            died = die_while_opening(&w, steps / 2 + 1) || died; /* and once more */
        open_world(&w);
        EXPECT(count_things(&w) >= 40);
        EXPECT_OK(sql_verify(w.reader, w.a));
        EXPECT(!is_there(&w, "-distrusted") && !is_there(&w, "-wal-distrusted"));
        EXPECT(!is_there(&w, "-copy") && !is_there(&w, "-copied"));
        add_things(&w, 1);
        flush_world_release(&w);
    }
    EXPECT(steps > (of_log ? 4 : 15));
}

TEST(d1_a_kill_at_any_step_of_copying_the_database_loses_nothing)
{
    kill_at_every_step(false);
}

TEST(d1_a_kill_at_any_step_of_moving_the_log_loses_nothing)
{
    kill_at_every_step(true);
}

/* A marked database, and a replacement that was interrupted when its copy had its final name: before its log was removed,
 * or after that. */
static void interrupt_replacement(struct world *w, bool log_is_there)
{
    for (int die_at = 1;; die_at++) {
        flush_world_init(w, false);
        fail_checkpoint(w);
        close_world(w);
        EXPECT(die_while_opening(w, die_at));
        if (is_there(w, "-copied") && is_there(w, "-wal") == log_is_there)
            return;
        arena_release(w->a);
        test_database_release(&w->database);
    }
}

static const char *copied_path(struct world *w)
{
    return arena_printf(w->a, "%s-copied", w->database.path).p;
}

static void damage_copied(struct world *w, off_t size, off_t rubbish_at)
{
    char rubbish[4096];
    memset(rubbish, 0x5a, sizeof rubbish);
    if (rubbish_at) {
        int fd = open(copied_path(w), O_WRONLY | O_CLOEXEC);
        EXPECT(pwrite(fd, rubbish, sizeof rubbish, rubbish_at) == sizeof rubbish);
        close(fd);
    }
    EXPECT_EQ(truncate(copied_path(w), size), 0);
}

TEST(a_copy_of_which_a_part_is_missing_was_used_as_the_database)
{
    for (int i = 0; i < 6; i++) {
        struct world w;
        interrupt_replacement(&w, true);
        off_t whole = look_at(&w, "-copied").st_size;
        const off_t sizes[] = { 0, 99, 4096, whole - 4096, whole - 1, whole };
        damage_copied(&w, sizes[i], sizes[i] == whole ? 4 * 4096 : 0);
        expect_recovery(&w, 40); /* by another copy */
        flush_world_release(&w);
    }
}

TEST(a_damaged_copy_whose_log_is_gone_is_left_to_a_person)
{
    struct world w;
    interrupt_replacement(&w, false);
    struct stat database = look_at(&w, ""), copied = look_at(&w, "-copied");
    damage_copied(&w, copied.st_size - 4096, 0);
    for (int i = 0; i < 2; i++) {
        err_t e = open_flushed(&w);
        EXPECT_ERR(e, ERR_CORRUPT);
        EXPECT(strstr(e->msg, "nothing was changed") && strstr(e->msg, "-copied is damaged"));
        EXPECT_EQ(look_at(&w, "").st_ino, database.st_ino);
        EXPECT_EQ(look_at(&w, "-copied").st_ino, copied.st_ino);
        EXPECT(!is_there(&w, "-wal") && !is_there(&w, "-copied-wal"));
    }
    arena_release(w.a);
    test_database_release(&w.database);
}

TEST(an_interrupted_replacement_goes_on_with_its_whole_copy)
{
    for (int i = 0; i < 2; i++) {
        struct world w;
        interrupt_replacement(&w, i == 0);
        ino_t copied = look_at(&w, "-copied").st_ino;
        open_world(&w);
        EXPECT_EQ(look_at(&w, "").st_ino, copied);
        EXPECT(count_things(&w) >= 40);
        flush_world_release(&w);
    }
}

RUN_TESTS(cmocka_unit_test(d1_after_a_failed_flush_of_the_log_nothing_is_written_and_the_next_open_moves_the_log),
          cmocka_unit_test(a_failed_flush_without_space_is_no_full_disk),
          cmocka_unit_test(relaxed_databases_stop_after_a_failed_flush_too),
          cmocka_unit_test(after_a_failed_flush_ordered_commits_are_refused_like_others),
          cmocka_unit_test(a_failed_write_of_the_log_stops_nothing),
          cmocka_unit_test(d1_after_a_failed_flush_of_the_database_the_next_open_copies_it),
          cmocka_unit_test(d1_a_flush_that_fails_while_the_database_is_closed_is_noticed),
          cmocka_unit_test(without_hard_links_an_empty_file_is_the_mark),
          cmocka_unit_test(readers_open_a_marked_database_and_change_nothing),
          cmocka_unit_test(a_copy_that_is_damaged_is_not_used),
          cmocka_unit_test(a_copy_of_the_log_that_cannot_be_flushed_is_not_used),
          cmocka_unit_test(a_copy_that_cannot_be_flushed_is_not_used),
          cmocka_unit_test(a_database_is_not_opened_when_it_could_not_get_its_log),
          cmocka_unit_test(d1_a_kill_at_any_step_of_copying_the_database_loses_nothing),
          cmocka_unit_test(d1_a_kill_at_any_step_of_moving_the_log_loses_nothing),
          cmocka_unit_test(a_copy_of_which_a_part_is_missing_was_used_as_the_database),
          cmocka_unit_test(a_damaged_copy_whose_log_is_gone_is_left_to_a_person),
          cmocka_unit_test(an_interrupted_replacement_goes_on_with_its_whole_copy))
