/* SPDX-License-Identifier: Apache-2.0 */
/* cais-dying: the program that ends by SIGKILL at a point of an ingestion, or of the import of a sync file. CAIS_TEST_DIE_AT names it:
 * one of those that `cais-dying --points` and `cais-dying --import-points` list, or "change N". That is the N-th call, from 1 on, that
 * changes a file in DIR/datasets or DIR/records; it is carried out up to a page boundary somewhere in the middle, if it writes more than a
 * page, or else not at all. The calls of this program stand before those of the C library, for DuckDB and SQLite, too.
 *
 * "before" and "after" a record are inside the write: nothing of it was committed. */
#include "base/clock.h"
#include "base/random.h"
#include "cli/commands.h"
#include "core/dataset/ingest.h"
#include "core/store/dataset_record_store.h"
#include "core/store/record_set_store.h"
#include "core/store/sync_file_store.h"
#include "core/sync/sync_import.h"
#include "dataset/duckdb/duckdb_store.h"
#include "record/record.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The steps of an ingestion, in their order; the program can end before and after each. */
#define STEPS(STEP)                                                                                                    \
    STEP("the job")                                                                                                    \
    STEP("the record of a running file")                                                                               \
    STEP("define")                                                                                                     \
    STEP("has_file")                                                                                                   \
    STEP("open")                                                                                                       \
    STEP("the first add")                                                                                              \
    STEP("a later add")                                                                                                \
    STEP("commit")                                                                                                     \
    STEP("the record of a finished file")                                                                              \
    STEP("size")                                                                                                       \
    STEP("the record of the table")

/* The same of an import. */
#define IMPORT_STEPS(STEP)                                                                                             \
    STEP("the record of a queued import")                                                                              \
    STEP("the import")                                                                                                 \
    STEP("the record of a running import")                                                                             \
    STEP("the report")                                                                                                 \
    STEP("the row of a set")                                                                                           \
    STEP("the making of a set")                                                                                        \
    STEP("the look at the position")                                                                                   \
    STEP("the size of a set")                                                                                          \
    STEP("the room of a set")                                                                                          \
    STEP("the begin of a batch")                                                                                       \
    STEP("the first put")                                                                                              \
    STEP("a later put")                                                                                                \
    STEP("the first commit of a batch")                                                                                \
    STEP("a later commit of a batch")                                                                                  \
    STEP("the flush")                                                                                                  \
    STEP("the record of a finished import")

static void die_at(const char *when, const char *step)
{
    const char *at = getenv("CAIS_TEST_DIE_AT");
    size_t n = strlen(when);
    if (at && strncmp(at, when, n) == 0 && at[n] == ' ' && strcmp(at + n + 1, step) == 0)
        kill(getpid(), SIGKILL);
}

#define AROUND(step, call)                                                                                             \
    die_at("before", step);                                                                                            \
    err_t e_ = call;                                                                                                   \
    die_at("after", step);                                                                                             \
    return e_

/* ---- the job and its records ---- */

err_t __real_dataset_ingest(struct core *core, struct job_run *run, struct arena *a);
err_t __wrap_dataset_ingest(struct core *core, struct job_run *run, struct arena *a);
err_t __wrap_dataset_ingest(struct core *core, struct job_run *run, struct arena *a)
{
    AROUND("the job", __real_dataset_ingest(core, run, a));
}

err_t __real_meta_dataset_file_move(struct meta_tx *, const struct dataset_file_step *, struct arena *, bool *);
err_t __wrap_meta_dataset_file_move(struct meta_tx *, const struct dataset_file_step *, struct arena *, bool *);
err_t __wrap_meta_dataset_file_move(struct meta_tx *tx, const struct dataset_file_step *s, struct arena *a, bool *ret)
{
    if (s->to != DATASET_FILE_RUNNING)
        return __real_meta_dataset_file_move(tx, s, a, ret);
    AROUND("the record of a running file", __real_meta_dataset_file_move(tx, s, a, ret));
}

err_t __real_meta_dataset_file_finish(struct meta_tx *, const struct dataset_file *, struct arena *);
err_t __wrap_meta_dataset_file_finish(struct meta_tx *, const struct dataset_file *, struct arena *);
err_t __wrap_meta_dataset_file_finish(struct meta_tx *tx, const struct dataset_file *f, struct arena *a)
{
    AROUND("the record of a finished file", __real_meta_dataset_file_finish(tx, f, a));
}

err_t __real_meta_dataset_set_table_bytes(struct meta_tx *, int64_t, int64_t, struct arena *);
err_t __wrap_meta_dataset_set_table_bytes(struct meta_tx *, int64_t, int64_t, struct arena *);
err_t __wrap_meta_dataset_set_table_bytes(struct meta_tx *tx, int64_t id, int64_t bytes, struct arena *a)
{
    AROUND("the record of the table", __real_meta_dataset_set_table_bytes(tx, id, bytes, a));
}

/* ---- the dataset store, whose calls are replaced in a copy of its table ---- */

static struct dataset_ops ops;
static const struct dataset_ops *real;
static __thread bool has_added; /* to the writer of this thread */

static err_t dying_define(struct dataset_store *s, int64_t id, const struct column_list *columns, struct arena *a)
{
    AROUND("define", real->define(s, id, columns, a));
}

static err_t dying_has_file(struct dataset_store *s, int64_t id, int64_t file_id, struct arena *a, bool *ret_has,
                            uint64_t *ret_rows)
{
    AROUND("has_file", real->has_file(s, id, file_id, a, ret_has, ret_rows));
}

static err_t open_writer(struct dataset_store *s, int64_t id, int64_t file_id, struct arena *a,
                         struct dataset_writer **ret_writer)
{
    has_added = false;
    TRY(real->open(s, id, file_id, a, ret_writer));
    (*ret_writer)->ops = &ops;
    return NULL;
}

static err_t dying_open(struct dataset_store *s, int64_t id, int64_t file_id, struct arena *a,
                        struct dataset_writer **ret_writer)
{
    AROUND("open", open_writer(s, id, file_id, a, ret_writer));
}

static err_t dying_add(struct dataset_writer *w, const struct cell *cells, size_t row_count, struct arena *a)
{
    const char *step = has_added ? "a later add" : "the first add";
    has_added = true;
    AROUND(step, real->add(w, cells, row_count, a));
}

static err_t dying_commit(struct dataset_writer *w, struct arena *a)
{
    AROUND("commit", real->commit(w, a));
}

static err_t dying_size(struct dataset_store *s, int64_t id, struct arena *a, uint64_t *ret_bytes)
{
    AROUND("size", real->size(s, id, a, ret_bytes));
}

err_t __real_dataset_duckdb_open(const char *dir, const struct dataset_duckdb_options *options, struct clock *clock,
                                 struct arena *a, struct dataset_store **ret_store);
err_t __wrap_dataset_duckdb_open(const char *dir, const struct dataset_duckdb_options *options, struct clock *clock,
                                 struct arena *a, struct dataset_store **ret_store);
err_t __wrap_dataset_duckdb_open(const char *dir, const struct dataset_duckdb_options *options, struct clock *clock,
                                 struct arena *a, struct dataset_store **ret_store)
{
    TRY(__real_dataset_duckdb_open(dir, options, clock, a, ret_store));
    real = (*ret_store)->ops;
    ops = *real;
    ops.define = dying_define;
    ops.has_file = dying_has_file;
    ops.open = dying_open;
    ops.add = dying_add;
    ops.commit = dying_commit;
    ops.size = dying_size;
    (*ret_store)->ops = &ops;
    return NULL;
}

/* ---- the import and its records ---- */

err_t __real_sync_import_run(struct core *core, struct job_run *run, struct arena *a);
err_t __wrap_sync_import_run(struct core *core, struct job_run *run, struct arena *a);
err_t __wrap_sync_import_run(struct core *core, struct job_run *run, struct arena *a)
{
    AROUND("the import", __real_sync_import_run(core, run, a));
}

err_t __real_meta_sync_file_queue(struct meta_tx *, const struct sync_file *, enum sync_state, struct arena *, bool *);
err_t __wrap_meta_sync_file_queue(struct meta_tx *, const struct sync_file *, enum sync_state, struct arena *, bool *);
err_t __wrap_meta_sync_file_queue(struct meta_tx *tx, const struct sync_file *now, enum sync_state from,
                                  struct arena *a, bool *ret)
{
    AROUND("the record of a queued import", __real_meta_sync_file_queue(tx, now, from, a, ret));
}

err_t __real_meta_sync_import_move(struct meta_tx *, const struct sync_file *, const struct sync_file_move *,
                                   struct arena *, bool *);
err_t __wrap_meta_sync_import_move(struct meta_tx *, const struct sync_file *, const struct sync_file_move *,
                                   struct arena *, bool *);
err_t __wrap_meta_sync_import_move(struct meta_tx *tx, const struct sync_file *now, const struct sync_file_move *m,
                                   struct arena *a, bool *ret)
{
    const char *step = m->to == SYNC_PROCESSING ? "the record of a running import" : "the record of a finished import";
    AROUND(step, __real_meta_sync_import_move(tx, now, m, a, ret));
}

err_t __real_meta_sync_report_put(struct meta_tx *, int64_t, const struct sync_report *, struct arena *);
err_t __wrap_meta_sync_report_put(struct meta_tx *, int64_t, const struct sync_report *, struct arena *);
err_t __wrap_meta_sync_report_put(struct meta_tx *tx, int64_t id, const struct sync_report *r, struct arena *a)
{
    AROUND("the report", __real_meta_sync_report_put(tx, id, r, a));
}

err_t __real_meta_record_set_add(struct meta_tx *, const struct record_set *, struct arena *, int64_t *);
err_t __wrap_meta_record_set_add(struct meta_tx *, const struct record_set *, struct arena *, int64_t *);
err_t __wrap_meta_record_set_add(struct meta_tx *tx, const struct record_set *set, struct arena *a, int64_t *ret_id)
{
    AROUND("the row of a set", __real_meta_record_set_add(tx, set, a, ret_id));
}

err_t __real_meta_record_set_measure(struct meta_tx *, int64_t, int64_t, struct arena *, int64_t *);
err_t __wrap_meta_record_set_measure(struct meta_tx *, int64_t, int64_t, struct arena *, int64_t *);
err_t __wrap_meta_record_set_measure(struct meta_tx *tx, int64_t id, int64_t bytes, struct arena *a, int64_t *ret_more)
{
    AROUND("the room of a set", __real_meta_record_set_measure(tx, id, bytes, a, ret_more));
}

/* ---- the record store, likewise ---- */

static struct record_ops record_ops;
static const struct record_ops *real_records;
static int puts_so_far, commits_so_far;

static err_t dying_define_set(struct record_store *s, int64_t id, const struct record_fields *fields, struct arena *a)
{
    AROUND("the making of a set", real_records->define(s, id, fields, a));
}

static err_t dying_position(struct record_store *s, int64_t id, struct arena *a, slice *ret)
{
    AROUND("the look at the position", real_records->position(s, id, a, ret));
}

static err_t dying_size_of_set(struct record_store *s, int64_t id, struct arena *a, uint64_t *ret_bytes,
                               uint64_t *ret_records)
{
    AROUND("the size of a set", real_records->size(s, id, a, ret_bytes, ret_records));
}

static err_t begin_batch(struct record_store *s, int64_t id, const struct record_batch *batch, struct arena *a,
                         struct record_writer **ret_writer)
{
    TRY(real_records->open(s, id, batch, a, ret_writer));
    (*ret_writer)->ops = &record_ops;
    return NULL;
}

static err_t dying_begin(struct record_store *s, int64_t id, const struct record_batch *batch, struct arena *a,
                         struct record_writer **ret_writer)
{
    AROUND("the begin of a batch", begin_batch(s, id, batch, a, ret_writer));
}

static err_t dying_put(struct record_writer *w, slice key, slice object, struct arena *a, enum record_outcome *ret)
{
    const char *step = puts_so_far++ ? puts_so_far == SYNC_BATCH_ROWS * 3 / 2 ? "a later put" : "" : "the first put";
    AROUND(step, real_records->put(w, key, object, a, ret));
}

static err_t dying_commit_batch(struct record_writer *w, slice position, enum record_commit how, struct arena *a)
{
    const char *step = commits_so_far++ ? "a later commit of a batch" : "the first commit of a batch";
    AROUND(step, real_records->commit(w, position, how, a));
}

static err_t dying_flush(struct record_store *s, int64_t id, struct arena *a, slice *ret_position)
{
    AROUND("the flush", real_records->flush(s, id, a, ret_position));
}

err_t __real_record_open(const struct record_options *options, struct arena *a, struct record_store **ret_store);
err_t __wrap_record_open(const struct record_options *options, struct arena *a, struct record_store **ret_store);
err_t __wrap_record_open(const struct record_options *options, struct arena *a, struct record_store **ret_store)
{
    TRY(__real_record_open(options, a, ret_store));
    real_records = (*ret_store)->ops;
    record_ops = *real_records;
    record_ops.define = dying_define_set;
    record_ops.position = dying_position;
    record_ops.size = dying_size_of_set;
    record_ops.open = dying_begin;
    record_ops.put = dying_put;
    record_ops.commit = dying_commit_batch;
    record_ops.flush = dying_flush;
    (*ret_store)->ops = &record_ops;
    return NULL;
}

/* ---- changes of files ---- */

enum { PAGE = 4096 };

/* Is this the call before which, or in which, the program ends? */
static bool is_last_change(const char *path)
{
    static int changes;
    const char *at = getenv("CAIS_TEST_DIE_AT");
    int nth;
    if (!at || sscanf(at, "change %d", &nth) != 1 || (!strstr(path, "/datasets/") && !strstr(path, "/records/")))
        return false;
    return __atomic_add_fetch(&changes, 1, __ATOMIC_SEQ_CST) == nth;
}

static bool is_last_change_of(int fd)
{
    char link_path[64], path[4096] = "";
    if (!getenv("CAIS_TEST_DIE_AT"))
        return false;
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    return readlink(link_path, path, sizeof path - 1) > 0 && is_last_change(path);
}

/* A process that is killed ends between two pages. */
static size_t part_of(int64_t offset, size_t n)
{
    int64_t half = (offset + (int64_t)n / 2) / PAGE * PAGE;
    return half > offset ? (size_t)(half - offset) : 0;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    if (is_last_change_of(fd)) {
        syscall(SYS_write, fd, bytes, part_of(lseek(fd, 0, SEEK_CUR), n));
        kill(getpid(), SIGKILL);
    }
    return syscall(SYS_write, fd, bytes, n);
}

/* Two names in the C library, by the width of an offset. */
ssize_t pwrite_32(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite");
ssize_t pwrite_64(int fd, const void *bytes, size_t n, off_t offset) __asm__("pwrite64");
int ftruncate_32(int fd, off_t length) __asm__("ftruncate");
int ftruncate_64(int fd, off_t length) __asm__("ftruncate64");

ssize_t pwrite_64(int fd, const void *bytes, size_t n, off_t offset)
{
    if (is_last_change_of(fd)) {
        syscall(SYS_pwrite64, fd, bytes, part_of(offset, n), offset);
        kill(getpid(), SIGKILL);
    }
    return syscall(SYS_pwrite64, fd, bytes, n, offset);
}

ssize_t pwrite_32(int fd, const void *bytes, size_t n, off_t offset)
{
    return pwrite_64(fd, bytes, n, offset);
}

static void end_if(bool is_last)
{
    if (is_last)
        kill(getpid(), SIGKILL);
}

int ftruncate_64(int fd, off_t length)
{
    end_if(is_last_change_of(fd));
    return (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate_32(int fd, off_t length)
{
    return ftruncate_64(fd, length);
}

int fsync(int fd)
{
    end_if(is_last_change_of(fd));
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    end_if(is_last_change_of(fd));
    return (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    end_if(is_last_change(to));
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char *path)
{
    end_if(is_last_change(path));
    return unlinkat(AT_FDCWD, path, 0);
}

int remove(const char *path)
{
    return unlink(path) == 0 ? 0 : rmdir(path);
}

int main(int argc, char **argv)
{
#define PRINT(step) printf("before " step "\nafter " step "\n");
    if (argc == 2 && strcmp(argv[1], "--points") == 0) {
        STEPS(PRINT)
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--import-points") == 0) {
        IMPORT_STEPS(PRINT)
        return 0;
    }
    return cais_main(argc, argv, clock_system(), random_system());
}
