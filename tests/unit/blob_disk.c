/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the system calls that make a blob durable. No test can cut the power. A test can show that each sync comes
 * after the changes that it must cover and before the acknowledgement, and that a sync that fails is never reported as
 * success. */
#include "test.h"
#include "tmpdir.h"

#include "blob/disk/disk.h"
#include "blob/disk/disk_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The state of the recording system calls; one test runs at a time. */
static struct {
    pthread_mutex_t mutex;
    char log[64 * 1024];
    const char *root; /* recorded names are relative to it */
    const char *fail; /* this call … */
    int fail_errno;   /* … fails with this … */
    int fail_times;   /* … so many times from now */
    size_t max_bytes; /* a pwrite writes no more; 0: no limit */
    int fsyncs, fdatasyncs, hints;
    int fsync_takes_us;
} rec = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void note(const char *call, const char *what)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&rec.mutex);
    size_t n = strlen(rec.log);
    snprintf(rec.log + n, sizeof rec.log - n, "%s%s%s\n", call, *what ? " " : "", what);
}

static bool must_fail(const char *call)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&rec.mutex);
    if (!rec.fail || strcmp(rec.fail, call) != 0 || rec.fail_times-- <= 0)
        return false;
    errno = rec.fail_errno;
    return true;
}

/* The path of a descriptor, relative to the root; FILE for a file without a name, DIR for the root itself. */
static const char *shown(int fd, char to[512])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, to, 511);
    to[n < 0 ? 0 : n] = 0;
    size_t root = strlen(rec.root);
    if (strstr(to, "(deleted)"))
        return "FILE";
    if (strncmp(to, rec.root, root) != 0)
        return "PARENT";
    if (to[root] == 0)
        return "PARENT";
    return strcmp(to + root, "/blobs") == 0 ? "DIR" : to + root + strlen("/blobs/");
}

static int rec_openat(int dir, const char *name, int flags, mode_t mode)
{
    if (must_fail(flags & O_CREAT ? "create" : (flags & O_TMPFILE) == O_TMPFILE ? "tmpfile" : "open"))
        return -1;
    if (flags & O_CREAT)
        note("create", name);
    return openat(dir, name, flags, mode);
}

static int rec_mkdirat(int dir, const char *name, mode_t mode)
{
    if (must_fail("mkdir"))
        return -1;
    int rc = mkdirat(dir, name, mode);
    if (rc == 0)
        note("mkdir", dir == AT_FDCWD ? "DIR" : name);
    return rc;
}

static int rec_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    if (must_fail("link"))
        return -1;
    note("link", to);
    return linkat(from_dir, from, to_dir, to, flags);
}

static int rec_unlinkat(int dir, const char *name, int flags)
{
    if (must_fail("unlink"))
        return -1;
    note("unlink", name);
    return unlinkat(dir, name, flags);
}

static ssize_t rec_pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    if (must_fail("write"))
        return -1;
    char to[512];
    note("write", shown(fd, to));
    return pwrite(fd, bytes, rec.max_bytes && n > rec.max_bytes ? rec.max_bytes : n, offset);
}

static int rec_ftruncate(int fd, off_t size)
{
    if (must_fail("truncate"))
        return -1;
    char to[512];
    note("truncate", shown(fd, to));
    return ftruncate(fd, size);
}

static int rec_sync_file_range(int fd, off_t offset, off_t len, unsigned flags)
{
    if (must_fail("sync_file_range"))
        return -1;
    __atomic_add_fetch(&rec.hints, 1, __ATOMIC_RELAXED);
    return sync_file_range(fd, offset, len, flags);
}

static int rec_fdatasync(int fd)
{
    if (must_fail("fdatasync"))
        return -1;
    char to[512];
    int rc = fdatasync(fd);
    __atomic_add_fetch(&rec.fdatasyncs, 1, __ATOMIC_RELAXED);
    note("fdatasync", shown(fd, to));
    return rc;
}

static int rec_fsync(int fd)
{
    __atomic_add_fetch(&rec.fsyncs, 1, __ATOMIC_RELAXED);
    char to[512];
    if (rec.fsync_takes_us) {
        note("fsync-begins", "");
        usleep((useconds_t)rec.fsync_takes_us);
    }
    if (must_fail("fsync"))
        return -1;
    int rc = fsync(fd);
    note("fsync", shown(fd, to));
    return rc;
}

static const struct disk_syscalls recording = {
    rec_openat,    rec_mkdirat,         rec_linkat,    rec_unlinkat, rec_pwrite,
    rec_ftruncate, rec_sync_file_range, rec_fdatasync, rec_fsync,
};

struct world {
    char *root, *dir;
    struct disk_options options;
    struct blob_store *store;
    struct arena arena, *a;
};

static void forget(void)
{
    rec.log[0] = 0;
    rec.fail = NULL;
    rec.max_bytes = 0;
    rec.fsyncs = rec.fdatasyncs = rec.hints = rec.fsync_takes_us = 0;
}

static void break_call(const char *call, int errnum, int times)
{
    rec.fail = call;
    rec.fail_errno = errnum;
    rec.fail_times = times;
}

static int setup(void **state)
{
    struct world *w = must_malloc(sizeof *w);
    w->a = &w->arena;
    w->root = tmpdir_make();
    w->dir = arena_cstr(w->a, arena_printf(w->a, "%s/blobs", w->root));
    w->options.sys = &recording;
    rec.root = w->root;
    forget();
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    if (w->store)
        w->store->ops->close_store(w->store);
    tmpdir_remove(w->root);
    arena_release(w->a);
    free(w);
    return 0;
}

static void open_store(struct world *w)
{
    EXPECT_OK(blob_disk_open_with(w->dir, &w->options, w->a, &w->store));
    forget();
}

static err_t put(struct world *w, slice key, slice bytes, struct arena *a)
{
    SCOPED(blob_writer_discardp) struct blob_writer *writer = NULL;
    TRY(w->store->ops->create(w->store, key, bytes.n, a, &writer));
    TRY(writer->ops->write(writer, bytes, a));
    return blob_writer_commit(&writer, a);
}

static int files_seen;
static int see_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path;
    (void)st;
    (void)ftw;
    files_seen += type != FTW_D;
    return 0;
}

static int traces(struct world *w)
{
    files_seen = 0;
    nftw(w->root, see_file, 16, FTW_PHYS);
    return files_seen;
}

TEST(rustfs_4493_the_first_open_makes_directories_then_syncs_dir_and_its_parent)
{
    struct world *w = *state;
    EXPECT_OK(blob_disk_open_with(w->dir, &w->options, w->a, &w->store));
    slice log = slice_of(rec.log), tail = S("mkdir ff\nmkdir growing\nfsync DIR\nfsync PARENT\n");
    EXPECT(slice_starts(log, S("mkdir DIR\nmkdir 00\nmkdir 01\n")));
    EXPECT_SLICE(slice_from(log, log.n - tail.n), tail);
}

TEST(every_open_syncs_since_an_earlier_one_may_have_crashed)
{
    struct world *w = *state;
    open_store(w);
    w->store->ops->close_store(w->store);
    EXPECT_OK(blob_disk_open_with(w->dir, &w->options, w->a, &w->store));
    EXPECT_SLICE(slice_of(rec.log), S("fsync DIR\nfsync PARENT\n"));
}

TEST(rustfs_4221_commit_syncs_the_bytes_then_names_the_file_then_syncs_the_name)
{
    struct world *w = *state;
    open_store(w);
    EXPECT_OK(put(w, S("ab-x"), S("hello"), w->a));
    EXPECT_SLICE(slice_of(rec.log), S("write FILE\nfdatasync FILE\nlink ab-x\nfsync ab\n"));
}

TEST(commit_with_a_temporary_name_keeps_the_same_order)
{
    struct world *w = *state;
    w->options.temporary_names = true;
    open_store(w);
    EXPECT_OK(put(w, S("ab-x"), S("hello"), w->a));
    EXPECT_SLICE(slice_of(rec.log), S("create .tmp-1\nwrite ab/.tmp-1\nfdatasync ab/.tmp-1\nlink ab-x\n"
                                      "unlink .tmp-1\nfsync ab\n"));
}

TEST(temporary_names_are_used_where_unnamed_files_are_not_supported)
{
    struct world *w = *state;
    break_call("tmpfile", EOPNOTSUPP, 1);
    open_store(w);
    EXPECT_OK(put(w, S("ab-x"), S("hello"), w->a));
    EXPECT(slice_starts(slice_of(rec.log), S("create .tmp-1\n")));
    w->store->ops->close_store(w->store);
    break_call("tmpfile", ENOSPC, 1); /* a full disk does not mean that O_TMPFILE is unsupported */
    open_store(w);
    EXPECT_OK(put(w, S("ab-y"), S("hello"), w->a));
    EXPECT(slice_starts(slice_of(rec.log), S("write FILE\n")));
}

TEST(remove_syncs_also_when_the_blob_was_gone)
{
    struct world *w = *state;
    open_store(w);
    EXPECT_OK(w->store->ops->remove(w->store, S("ab-x"), w->a));
    EXPECT_SLICE(slice_of(rec.log), S("unlink ab-x\nfsync ab\n"));
}

/* ---- growing blobs ---- */

static err_t append(struct world *w, slice key, uint64_t offset, slice bytes)
{
    SCOPED(blob_writer_discardp) struct blob_writer *writer = NULL;
    TRY(w->store->ops->grow(w->store, key, offset, w->a, &writer));
    TRY(writer->ops->write(writer, bytes, w->a));
    return writer->ops->flush(writer, w->a);
}

TEST(flush_syncs_the_bytes_and_then_the_name_once)
{
    struct world *w = *state;
    open_store(w);
    EXPECT_OK(append(w, S("ab-x"), 0, S("hello")));
    EXPECT_SLICE(slice_of(rec.log), S("create ab-x\nwrite growing/ab-x\nfdatasync growing/ab-x\nfsync growing\n"));
    forget();
    EXPECT_OK(append(w, S("ab-x"), 5, S(" world")));
    EXPECT_SLICE(slice_of(rec.log), S("write growing/ab-x\nfdatasync growing/ab-x\n"));
}

TEST(grow_syncs_what_it_cuts_off_before_the_first_write)
{
    struct world *w = *state;
    open_store(w);
    EXPECT_OK(append(w, S("ab-x"), 0, S("hello")));
    forget();
    EXPECT_OK(append(w, S("ab-x"), 4, S("!")));
    EXPECT_SLICE(slice_of(rec.log), S("truncate growing/ab-x\nfdatasync growing/ab-x\n"
                                      "write growing/ab-x\nfdatasync growing/ab-x\n"));
}

TEST(settle_syncs_the_bytes_and_the_name_of_the_blob_before_the_growing_name_goes)
{
    struct world *w = *state;
    open_store(w);
    EXPECT_OK(append(w, S("ab-x"), 0, S("hello")));
    forget();
    EXPECT_OK(w->store->ops->settle(w->store, S("ab-x"), 4, w->a));
    EXPECT_SLICE(slice_of(rec.log), S("truncate growing/ab-x\nfdatasync growing/ab-x\n"
                                      "link ab-x\nfsync ab\nunlink ab-x\n"));
    forget();
    EXPECT_OK(w->store->ops->settle(w->store, S("ab-x"), 4, w->a));
    EXPECT_SLICE(slice_of(rec.log), S("fsync ab\n")); /* an earlier call may have ended before its sync */
}

/* The next sync may succeed without the bytes of the failed one. */
TEST(a_writer_whose_flush_failed_flushes_nothing_more)
{
    struct world *w = *state;
    open_store(w);
    static const char *const calls[] = { "fdatasync", "fsync" };
    for (size_t i = 0; i < LENGTH_OF(calls); i++) {
        struct blob_writer *writer;
        EXPECT_OK(w->store->ops->grow(w->store, S("ab-x"), 0, w->a, &writer));
        EXPECT_OK(writer->ops->write(writer, S("hello"), w->a));
        break_call(calls[i], EIO, 1);
        EXPECT_ERR(writer->ops->flush(writer, w->a), ERR_UNAVAILABLE);
        EXPECT_ERR(writer->ops->flush(writer, w->a), ERR_UNAVAILABLE);
        EXPECT_ERR(writer->ops->write(writer, S("x"), w->a), ERR_UNAVAILABLE);
        writer->ops->discard(writer);
    }
}

TEST(drop_syncs_also_when_there_is_no_growing_blob)
{
    struct world *w = *state;
    open_store(w);
    EXPECT_OK(w->store->ops->drop(w->store, S("ab-x"), w->a));
    EXPECT_SLICE(slice_of(rec.log), S("unlink ab-x\nfsync growing\n"));
}

TEST(a_failing_call_of_a_growing_blob_is_never_reported_as_success)
{
    struct world *w = *state;
    static const struct {
        const char *call;
        int errnum;
        enum err_code want;
    } cases[] = {
        { "create", ENOSPC, ERR_NO_SPACE },    { "create", EMFILE, ERR_UNAVAILABLE }, { "write", EDQUOT, ERR_NO_SPACE },
        { "fdatasync", ENOSPC, ERR_NO_SPACE }, { "fdatasync", EIO, ERR_UNAVAILABLE }, { "fsync", EIO, ERR_UNAVAILABLE },
        { "fsync", EDQUOT, ERR_NO_SPACE },
    };
    open_store(w);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        break_call(cases[i].call, cases[i].errnum, 1);
        EXPECT_ERR(append(w, S("ab-x"), 0, S("hello")), cases[i].want);
        EXPECT(strcmp(cases[i].call, "fsync") != 0 || traces(w) == 0); /* the next sync may succeed without the name */
        EXPECT_OK(append(w, S("ab-x"), 0, S("hello")));
        break_call("truncate", EIO, 1);
        EXPECT_ERR(append(w, S("ab-x"), 4, S("!")), ERR_UNAVAILABLE);
        break_call("fdatasync", EIO, 1); /* of the cut */
        EXPECT_ERR(append(w, S("ab-x"), 4, S("!")), ERR_UNAVAILABLE);
        EXPECT_OK(append(w, S("ab-x"), 4, S("!")));
        static const char *const calls[] = { "fdatasync", "link", "fsync" };
        for (size_t call = 0; call < LENGTH_OF(calls); call++) {
            break_call(calls[call], EIO, 1);
            EXPECT_ERR(w->store->ops->settle(w->store, S("ab-x"), 5, w->a), ERR_UNAVAILABLE);
            EXPECT_EQ(traces(w), 1);
        }
        EXPECT_OK(w->store->ops->settle(w->store, S("ab-x"), 5, w->a));
        EXPECT_OK(w->store->ops->remove(w->store, S("ab-x"), w->a));
        EXPECT_OK(append(w, S("ab-x"), 0, S("hello")));
        break_call("fsync", EIO, 1);
        EXPECT_ERR(w->store->ops->drop(w->store, S("ab-x"), w->a), ERR_UNAVAILABLE);
        EXPECT_OK(w->store->ops->drop(w->store, S("ab-x"), w->a));
        EXPECT_EQ(traces(w), 0);
    }
}

TEST(relaxed_never_syncs)
{
    struct world *w = *state;
    w->options.relaxed = true;
    break_call("fsync", EIO, 1000);
    EXPECT_OK(blob_disk_open_with(w->dir, &w->options, w->a, &w->store));
    slice big = { must_malloc(20 << 20), 20 << 20 };
    EXPECT_OK(put(w, S("ab-x"), big, w->a));
    EXPECT_OK(w->store->ops->remove(w->store, S("ab-x"), w->a));
    EXPECT_OK(append(w, S("ab-y"), 0, big));
    EXPECT_OK(append(w, S("ab-y"), 1, big));
    EXPECT_OK(w->store->ops->settle(w->store, S("ab-y"), big.n, w->a));
    EXPECT_OK(w->store->ops->drop(w->store, S("ab-y"), w->a));
    EXPECT_EQ(rec.fsyncs + rec.fdatasyncs + rec.hints, 0);
    free((char *)big.p);
}

TEST(writing_a_large_blob_to_the_disk_begins_before_its_commit)
{
    struct world *w = *state;
    open_store(w);
    slice part = { must_malloc(1 << 20), 1 << 20 };
    struct blob_writer *writer;
    EXPECT_OK(w->store->ops->create(w->store, S("ab-x"), 0, w->a, &writer));
    for (int i = 0; i < 20; i++)
        EXPECT_OK(writer->ops->write(writer, part, w->a));
    EXPECT_EQ(rec.hints, 2);
    EXPECT_OK(blob_writer_commit(&writer, w->a));
    EXPECT_EQ(rec.fdatasyncs, 1); /* the acknowledgement depends on this sync alone */
    free((char *)part.p);
}

TEST(short_and_interrupted_calls_are_continued)
{
    struct world *w = *state;
    open_store(w);
    rec.max_bytes = 2;
    static const char *const calls[] = { "tmpfile", "write", "fdatasync", "link", "fsync" };
    for (size_t i = 0; i < LENGTH_OF(calls); i++) {
        break_call(calls[i], EINTR, 3);
        EXPECT_OK(put(w, arena_printf(w->a, "ab-%zu", i), S("hello"), w->a));
        EXPECT(rec.fail_times <= 0);
    }
    struct blob_reader *r;
    EXPECT_OK(w->store->ops->open(w->store, S("ab-4"), w->a, &r));
    char to[6];
    size_t n;
    EXPECT_OK(r->ops->read_at(r, 0, to, sizeof to, w->a, &n));
    EXPECT_SLICE(((slice){ to, n }), S("hello"));
    r->ops->close(r);
}

TEST(a_failing_call_is_never_reported_as_success_and_leaves_no_trace)
{
    struct world *w = *state;
    static const struct {
        const char *call;
        int errnum;
        enum err_code want;
    } cases[] = {
        { "tmpfile", ENOSPC, ERR_NO_SPACE },   { "tmpfile", EMFILE, ERR_UNAVAILABLE },
        { "write", ENOSPC, ERR_NO_SPACE },     { "write", EDQUOT, ERR_NO_SPACE },
        { "write", EIO, ERR_UNAVAILABLE },     { "fdatasync", EIO, ERR_UNAVAILABLE },
        { "fdatasync", ENOSPC, ERR_NO_SPACE }, { "link", ENOSPC, ERR_NO_SPACE },
        { "link", EIO, ERR_UNAVAILABLE },      { "link", ENOENT, ERR_UNAVAILABLE },
        { "fsync", EIO, ERR_UNAVAILABLE },     { "fsync", EDQUOT, ERR_NO_SPACE },
    };
    for (int names = 0; names < 2; names++) {
        w->options.temporary_names = names;
        open_store(w);
        for (size_t i = 0; i < LENGTH_OF(cases); i++) {
            const char *call = cases[i].call;
            break_call(names && !strcmp(call, "tmpfile") ? "create" : call, cases[i].errnum, 1);
            EXPECT_ERR(put(w, S("ab-x"), S("hello"), w->a), cases[i].want);
            EXPECT_EQ(traces(w), 0);
            EXPECT_OK(put(w, S("ab-x"), S("hello"), w->a));
            break_call("fsync", EIO, 1);
            EXPECT_ERR(w->store->ops->remove(w->store, S("ab-x"), w->a), ERR_UNAVAILABLE);
            EXPECT_OK(w->store->ops->remove(w->store, S("ab-x"), w->a));
        }
        w->store->ops->close_store(w->store);
        w->store = NULL;
    }
}

TEST(opening_a_directory_without_rights_is_forbidden)
{
    struct world *w = *state;
    static const int denied[] = { EACCES, EPERM, EROFS };
    for (size_t i = 0; i < LENGTH_OF(denied); i++) {
        break_call("mkdir", denied[i], 1);
        EXPECT_ERR(blob_disk_open_with(w->dir, &w->options, w->a, &w->store), ERR_FORBIDDEN);
    }
    break_call("fsync", EIO, 1);
    EXPECT_ERR(blob_disk_open_with(w->dir, &w->options, w->a, &w->store), ERR_UNAVAILABLE);
    slice deep = arena_printf(w->a, "%s/no/such/parent", w->root);
    EXPECT_ERR(blob_disk_open(deep.p, false, w->a, &w->store), ERR_NOT_FOUND);
    w->store = NULL;
}

/* ---- one sync for many ---- */

struct committer {
    struct world *world;
    int number, failures;
};

static void *commit_some(void *arg)
{
    struct committer *me = arg;
    for (int i = 0; i < 10; i++) {
        SCRATCH(a);
        slice key = arena_printf(&a, "ab-%d-%d", me->number, i);
        me->failures += put(me->world, key, S("hello"), &a) != NULL;
        note("answer", arena_cstr(&a, key));
    }
    return NULL;
}

static int commit_by_eight(struct world *w)
{
    struct committer all[8];
    pthread_t threads[8];
    int failures = 0;
    for (int i = 0; i < 8; i++) {
        all[i] = (struct committer){ w, i, 0 };
        EXPECT_EQ(pthread_create(&threads[i], NULL, commit_some, &all[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        failures += all[i].failures;
    }
    return failures;
}

/* Between "link key" and "answer key" there must be a complete sync: its beginning, then its end. */
static bool sync_lies_between(const char *log, const char *key)
{
    char link[64], answer[64];
    snprintf(link, sizeof link, "link %s\n", key);
    snprintf(answer, sizeof answer, "answer %s\n", key);
    const char *from = strstr(log, link), *to = strstr(log, answer);
    const char *begins = from ? strstr(from, "fsync-begins\n") : NULL,
               *ends = begins ? strstr(begins, "fsync ab\n") : NULL;
    return to && ends && ends < to;
}

TEST(one_sync_serves_all_threads_that_named_their_blob_before_it_began)
{
    struct world *w = *state;
    open_store(w);
    rec.fsync_takes_us = 2000;
    EXPECT_EQ(commit_by_eight(w), 0);
    EXPECT(rec.fsyncs < 60); /* for 80 commits; about 20 on an idle machine */
    for (int thread = 0; thread < 8; thread++)
        for (int i = 0; i < 10; i++) {
            char key[32];
            snprintf(key, sizeof key, "ab-%d-%d", thread, i);
            EXPECT(sync_lies_between(rec.log, key));
        }
}

TEST(a_failed_sync_fails_all_threads_that_it_served)
{
    struct world *w = *state;
    open_store(w);
    rec.fsync_takes_us = 2000;
    break_call("fsync", EIO, 3);
    int failures = commit_by_eight(w);
    EXPECT(failures >= 3);
    EXPECT_EQ(traces(w), 80 - failures); /* a blob that was not acknowledged is not visible */
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
RUN_TESTS(CASE(rustfs_4493_the_first_open_makes_directories_then_syncs_dir_and_its_parent),
          CASE(every_open_syncs_since_an_earlier_one_may_have_crashed),
          CASE(rustfs_4221_commit_syncs_the_bytes_then_names_the_file_then_syncs_the_name),
          CASE(commit_with_a_temporary_name_keeps_the_same_order),
          CASE(temporary_names_are_used_where_unnamed_files_are_not_supported),
          CASE(remove_syncs_also_when_the_blob_was_gone), CASE(flush_syncs_the_bytes_and_then_the_name_once),
          CASE(grow_syncs_what_it_cuts_off_before_the_first_write),
          CASE(settle_syncs_the_bytes_and_the_name_of_the_blob_before_the_growing_name_goes),
          CASE(a_writer_whose_flush_failed_flushes_nothing_more), CASE(drop_syncs_also_when_there_is_no_growing_blob),
          CASE(a_failing_call_of_a_growing_blob_is_never_reported_as_success), CASE(relaxed_never_syncs),
          CASE(writing_a_large_blob_to_the_disk_begins_before_its_commit),
          CASE(short_and_interrupted_calls_are_continued),
          CASE(a_failing_call_is_never_reported_as_success_and_leaves_no_trace),
          CASE(opening_a_directory_without_rights_is_forbidden),
          CASE(one_sync_serves_all_threads_that_named_their_blob_before_it_began),
          CASE(a_failed_sync_fails_all_threads_that_it_served))
