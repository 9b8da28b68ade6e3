/* SPDX-License-Identifier: Apache-2.0 */
/* The power fails while batches of records are written, and before that flushes may fail. The model below keeps, beside the real files,
 * what a disk would hold. It stands before the system calls of SQLite, and behaves as ext4 with its defaults.
 *   - A sector reaches the disk with a sync that succeeds; without one it may, or may not, also when it was written before others.
 *   - After a sync that fails, no sector is dirty any more. One that was never on the disk reads as zeros from then on, even when it is
 *     written and synced again, until the file gives it back. Others keep their old contents. The memory of the kernel may still show
 *     what was written, or it may not.
 *   - Names are made, changed and removed in order. What was done to them reaches the disk with a sync of their directory; without one
 *     some of it may, from the first on.
 * What is on the disk at some calls becomes a second folder of sets, and there a second store must find a batch that was begun, none
 * that was undone though it was stable, and the records of exactly these batches. */
#include "rounds.h"
#include "test.h"
#include "tmpdir.h"

#include "base/dir.h"
#include "record/record_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { SECTOR = 512, SECTORS = 4096, FILES = 4096, NAMES = 16, CHANGES = 64 };

struct sector {
    bool is_dirty, is_on_disk, is_lost;
};

struct file {
    ino_t ino;
    int fd; /* its own, so that no other file gets this number */
    char *disk;
    size_t disk_size;
    struct sector sectors[SECTORS];
};

struct name {
    char text[64];
    struct file *file;
};

struct names {
    struct name items[NAMES];
    size_t count;
};

/* What may and must be found. */
struct facts {
    bool is_defined;
    int64_t begun, stable;         /* the last batch that may be there, and the last that must */
    char max_id[RECORD_ID_LENGTH]; /* of the records that somebody has read */
};

static struct {
    bool is_on;
    const char *dir;
    struct random *random;
    struct file *files[FILES];
    size_t count;
    struct names names[CHANGES]; /* on the disk, and after each change since then but the last */
    size_t changes;
    uint32_t cut_chance, fail_chance; /* one of so many calls; 0: none */
    struct facts facts, facts_at_cut;
    bool is_cut; /* and the disk of that moment is in `cut_dir` */
    const char *cut_dir;
    int cuts, failed_syncs;
} model;

static bool happens(uint32_t one_of)
{
    uint32_t drawn;
    if (!one_of)
        return false;
    random_fill(model.random, &drawn, sizeof drawn);
    return drawn % one_of == 0;
}

/* ---- the disk */

static size_t size_of(int fd)
{
    struct stat st;
    EXPECT_EQ(fstat(fd, &st), 0);
    EXPECT(st.st_size <= SECTOR * SECTORS);
    return (size_t)st.st_size;
}

/* `path` is a name of it, or a descriptor in /proc. */
static struct file *file_at(const char *path)
{
    struct stat st;
    EXPECT_EQ(stat(path, &st), 0);
    for (size_t i = 0; i < model.count; i++)
        if (model.files[i]->ino == st.st_ino)
            return model.files[i];
    EXPECT(model.count < FILES);
    struct file *f = calloc(1, sizeof *f);
    f->ino = st.st_ino;
    f->fd = open(path, O_RDWR | O_CLOEXEC);
    f->disk = calloc(SECTORS, SECTOR);
    EXPECT(f->fd >= 0);
    return model.files[model.count++] = f;
}

/* NULL: this is no file of a set. The index of a log is not kept, because it does not count after a restart. */
static struct file *file_of(int fd)
{
    char link_path[64], path[256] = "";
    snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", fd);
    bool is_one = model.is_on && readlink(link_path, path, sizeof path - 1) > 0 &&
                  slice_starts(slice_of(path), slice_of(model.dir)) && !slice_ends(slice_of(path), S("-shm"));
    return is_one ? file_at(link_path) : NULL;
}

static void read_sector(const struct file *f, size_t i, char *to)
{
    memset(to, 0, SECTOR);
    EXPECT(pread(f->fd, to, SECTOR, (off_t)(i * SECTOR)) >= 0);
}

static void list_names(struct names *ret)
{
    SCOPED(dir_closep) DIR *dir = opendir(model.dir);
    EXPECT(dir != NULL);
    ret->count = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[256];
        if (entry->d_name[0] == '.' || slice_ends(slice_of(entry->d_name), S("-shm")))
            continue;
        EXPECT(ret->count < NAMES);
        struct name *name = &ret->items[ret->count++];
        snprintf(path, sizeof path, "%s/%.60s", model.dir, entry->d_name);
        snprintf(name->text, sizeof name->text, "%.60s", entry->d_name);
        name->file = file_at(path);
    }
}

/* What a power failure leaves of a file. shares: of how many sectors that were not synced one is there; 0: all are. */
static void write_remains(const struct file *f, uint32_t shares, const char *path)
{
    SCOPED(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t live = size_of(f->fd), size = live == f->disk_size || happens(2) ? live : f->disk_size;
    EXPECT(fd >= 0);
    for (size_t i = 0; i * SECTOR < size; i++) {
        char bytes[SECTOR];
        memcpy(bytes, f->disk + i * SECTOR, SECTOR);
        if (f->sectors[i].is_dirty && !f->sectors[i].is_lost && (!shares || happens(shares)))
            read_sector(f, i, bytes);
        size_t n = size - i * SECTOR < SECTOR ? size - i * SECTOR : SECTOR;
        EXPECT_EQ(syscall(SYS_pwrite64, fd, bytes, n, i * SECTOR), n);
    }
}

static void cut_power(void)
{
    struct names *names = &model.names[model.changes];
    list_names(names); /* those of now */
    for (size_t i = model.changes; i && happens(2); i--)
        names--;
    static const uint32_t shares[] = { 0, 1000000, 2, 10 };
    uint32_t drawn;
    random_fill(model.random, &drawn, sizeof drawn);
    for (size_t i = 0; i < names->count; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", model.cut_dir, names->items[i].text);
        write_remains(names->items[i].file, shares[drawn % LENGTH_OF(shares)], path);
    }
    model.facts_at_cut = model.facts;
    model.is_cut = true;
    model.cuts++;
}

/* Before each call. */
static void pass_time(void)
{
    if (model.is_on && !model.is_cut && happens(model.cut_chance))
        cut_power();
}

static void note_write(int fd, size_t at, size_t n)
{
    struct file *f = file_of(fd);
    for (size_t i = at / SECTOR; f && i * SECTOR < at + n; i++) {
        EXPECT(i < SECTORS);
        f->sectors[i].is_dirty = true;
    }
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    pass_time();
    note_write(fd, (size_t)at, n);
    return (ssize_t)syscall(SYS_pwrite64, fd, bytes, n, at);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    pass_time();
    if (model.is_on && model.dir)
        note_write(fd, (size_t)lseek(fd, 0, SEEK_CUR), n);
    return (ssize_t)syscall(SYS_write, fd, bytes, n);
}

int ftruncate64(int fd, off64_t size)
{
    pass_time();
    struct file *f = file_of(fd);
    for (size_t i = ((size_t)size + SECTOR - 1) / SECTOR; f && i < SECTORS; i++) {
        f->sectors[i] = (struct sector){ 0 };
        memset(f->disk + i * SECTOR, 0, SECTOR);
    }
    return (int)syscall(SYS_ftruncate, fd, size);
}

/* After a change. */
static int note_names(int result)
{
    if (model.is_on && result == 0) {
        EXPECT(model.changes + 1 < CHANGES);
        list_names(&model.names[model.changes++]);
    }
    return result;
}

int rename(const char *from, const char *to)
{
    pass_time();
    return note_names((int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int link(const char *from, const char *to)
{
    pass_time();
    return note_names((int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int unlink(const char *path)
{
    pass_time();
    return note_names((int)syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

static void sync_file(struct file *f)
{
    f->disk_size = size_of(f->fd);
    for (size_t i = 0; i < SECTORS; i++) {
        struct sector *s = &f->sectors[i];
        if (s->is_dirty && !s->is_lost)
            read_sector(f, i, f->disk + i * SECTOR);
        s->is_on_disk |= s->is_dirty;
        s->is_dirty = false;
    }
}

static void fail_sync(struct file *f)
{
    bool is_forgotten = happens(2); /* by the kernel's memory */
    f->disk_size = size_of(f->fd);
    for (size_t i = 0; i * SECTOR < f->disk_size; i++) {
        struct sector *s = &f->sectors[i];
        if (!s->is_dirty)
            continue;
        s->is_lost |= !s->is_on_disk;
        s->is_dirty = false;
        if (is_forgotten)
            EXPECT(syscall(SYS_pwrite64, f->fd, f->disk + i * SECTOR,
                           f->disk_size - i * SECTOR < SECTOR ? f->disk_size - i * SECTOR : SECTOR, i * SECTOR) > 0);
    }
    model.failed_syncs++;
}

/* Nothing is really flushed. */
static int flush(int fd)
{
    struct stat st;
    pass_time();
    EXPECT_EQ(fstat(fd, &st), 0);
    if (!model.is_on)
        return 0;
    if (S_ISDIR(st.st_mode)) {
        list_names(model.names);
        model.changes = 1;
        return 0;
    }
    struct file *f = file_of(fd);
    if (f && happens(model.fail_chance)) {
        fail_sync(f);
        errno = EIO;
        return -1;
    }
    if (f)
        sync_file(f);
    return 0;
}

int fdatasync(int fd)
{
    return flush(fd);
}

int fsync(int fd)
{
    return flush(fd);
}

static void forget_files(void)
{
    for (size_t i = 0; i < model.count; i++) {
        close(model.files[i]->fd);
        free(model.files[i]->disk);
        free(model.files[i]);
    }
    model.count = 0;
}

/* ---- batches */

enum { KEYS = 60, ROWS = 12, LOG_BYTES = 100000, BATCHES_OF_A_SET = 60 };

struct power_world {
    char *dir;
    const char *sets, *cut;
    struct random_seeded of_model, of_store;
    struct record_store *store;
    const struct record_ops *ops;
    int undone, undone_while_running, failures;
};

static struct record_store *open_sets(struct power_world *w, const char *dir, struct arena *a)
{
    struct record_options o = { .dir = dir, .random = &w->of_store.random };
    struct record_hooks hooks = { .log_bytes = LOG_BYTES };
    struct record_store *store;
    EXPECT_OK(record_open_with(&o, &hooks, a, &store));
    return store;
}

static int64_t position_in(struct record_store *store, struct arena *a)
{
    slice text;
    int64_t position = 0;
    EXPECT_OK(store->ops->position(store, 1, a, &text));
    EXPECT(!text.n || slice_to_i64(text, &position));
    return position;
}

static slice position_text(int64_t position, struct arena *a)
{
    return position ? arena_printf(a, "%lld", (long long)position) : S("");
}

/* The rows of batch i: each puts the number of the batch, or deletes. */
static int key_of_row(int64_t i, int row)
{
    return (int)((i * 37 + row * 11) % KEYS);
}

static bool row_deletes(int64_t i, int row)
{
    return (i + row) % 7 == 0;
}

static slice object_of_batch(int64_t i, struct arena *a)
{
    return arena_printf(a, "{\"batch\":%lld,\"text\":\"%0*d\"}", (long long)i, (int)(i * 131 % 700), 7);
}

static err_t put_batch(struct power_world *w, int64_t i, enum record_commit how, struct arena *a)
{
    SCOPED(record_writer_discardp) struct record_writer *writer = NULL;
    slice after = position_text(i - 1, a);
    struct record_batch batch = { S("f"), i, &after };
    enum record_outcome outcome;
    TRY(w->ops->open(w->store, 1, &batch, a, &writer));
    for (int row = 0; row < ROWS; row++) {
        slice key = arena_printf(a, "%02d", key_of_row(i, row));
        TRY(row_deletes(i, row) ? writer->ops->erase(writer, key, a, &outcome)
                                : writer->ops->put(writer, key, object_of_batch(i, a), a, &outcome));
    }
    struct record_writer *ended = writer;
    writer = NULL;
    return ended->ops->commit(ended, position_text(i, a), how, a);
}

/* All records. The store may have to open the set first, and the flushes of that may fail, too. */
static struct record_page read_all(struct record_store *store, enum record_order order, struct arena *a)
{
    struct record_page page = { 0 };
    struct record_scan scan = { order, S(""), KEYS + 1 };
    err_t e;
    while ((e = store->ops->scan(store, 1, &scan, a, &page)) && model.is_on)
        EXPECT(err_is(e, ERR_UNAVAILABLE));
    EXPECT_OK(e);
    return page;
}

static void expect_batches(struct record_store *store, int64_t last, struct arena *a)
{
    int64_t batch_of[KEYS] = { 0 };
    struct record_page page = read_all(store, RECORD_BY_KEY, a);
    size_t at = 0;
    for (int64_t i = 1; i <= last; i++)
        for (int row = 0; row < ROWS; row++)
            batch_of[key_of_row(i, row)] = row_deletes(i, row) ? 0 : i;
    for (int key = 0; key < KEYS; key++) {
        if (!batch_of[key])
            continue;
        EXPECT(at < page.count);
        EXPECT_SLICE(page.items[at].key, arena_printf(a, "%02d", key));
        EXPECT_SLICE(page.items[at++].object, object_of_batch(batch_of[key], a));
    }
    EXPECT_EQ(at, page.count);
    EXPECT_OK(store->ops->verify(store, 1, a));
}

/* Somebody reads all records, and remembers their ids. */
static void note_ids(struct power_world *w, struct arena *a)
{
    struct record_page page = read_all(w->store, RECORD_BY_ID, a);
    slice last = page.count ? page.items[page.count - 1].id : S("");
    if (page.count && memcmp(last.p, model.facts.max_id, RECORD_ID_LENGTH) > 0)
        memcpy(model.facts.max_id, last.p, RECORD_ID_LENGTH);
}

/* ---- after the power failure */

/* A new record gets an id that nobody has seen. */
static void expect_new_id(struct record_store *store, struct arena *a)
{
    struct record_writer *writer;
    enum record_outcome outcome;
    struct record_page page;
    EXPECT_OK(store->ops->open(store, 1, &(struct record_batch){ S("f"), 1 }, a, &writer));
    EXPECT_OK(writer->ops->put(writer, S("new"), S("{}"), a, &outcome));
    EXPECT_OK(writer->ops->commit(writer, S("new"), RECORD_COMMIT_ORDERED, a));
    EXPECT_OK(store->ops->scan(store, 1, &(struct record_scan){ RECORD_BY_KEY, S("99"), 1 }, a, &page));
    EXPECT(memcmp(page.items[0].id.p, model.facts_at_cut.max_id, RECORD_ID_LENGTH) > 0);
}

static bool is_set(struct record_store *store, struct arena *a)
{
    slice text;
    err_t e = store->ops->position(store, 1, a, &text);
    EXPECT(!e || err_is(e, ERR_NOT_FOUND));
    return !e;
}

static void look_at_what_is_left(struct power_world *w)
{
    SCRATCH(a);
    const struct facts *facts = &model.facts_at_cut;
    model.is_on = false;
    struct record_store *store = open_sets(w, w->cut, &a);
    bool exists = is_set(store, &a);
    EXPECT(exists || !facts->is_defined);
    if (exists) {
        int64_t position = position_in(store, &a);
        EXPECT(position >= facts->stable && position <= facts->begun);
        expect_batches(store, position, &a);
        expect_new_id(store, &a);
        w->undone += position < facts->begun - 1;
    }
    EXPECT_OK(store->ops->remove(store, 1, &a));
    store->ops->close_store(store);
    model.is_cut = false;
    model.is_on = true;
}

/* ---- the run */

static void begin_set(struct power_world *w, struct arena *a)
{
    slice field = S("id");
    forget_files();
    w->store = open_sets(w, w->sets, a);
    w->ops = w->store->ops;
    EXPECT_OK(w->ops->remove(w->store, 1, a));
    model.facts = (struct facts){ 0 };
    list_names(model.names);
    model.changes = 1;
    model.is_on = true;
    while (w->ops->define(w->store, 1, &(struct record_fields){ &field, 1 }, a))
        w->failures++;
    model.facts.is_defined = true;
}

static void end_set(struct power_world *w)
{
    w->ops->close_store(w->store);
    model.is_on = false;
}

/* After an error: what is there now? No batch that was stable may be missing, also without a power failure. */
static int64_t ask_position(struct power_world *w, int64_t last, struct arena *a)
{
    slice text;
    int64_t position = 0;
    while (w->ops->position(w->store, 1, a, &text)) /* the recovery may fail, too */
        w->failures++;
    EXPECT(!text.n || slice_to_i64(text, &position));
    EXPECT(position >= model.facts.stable && position <= model.facts.begun);
    w->undone_while_running += position < last;
    return position;
}

static void try_flush(struct power_world *w, int64_t *last, struct arena *a)
{
    slice text;
    err_t e = w->ops->flush(w->store, 1, a, &text);
    if (!e && slice_eq(text, position_text(*last, a))) {
        model.facts.stable = *last;
        return;
    }
    EXPECT(!e || err_is(e, ERR_UNAVAILABLE));
    w->failures += e != NULL;
    *last = ask_position(w, *last, a);
}

/* One batch after `last`, and what an import does besides. Returns the last batch that is there. */
static int64_t go_on(struct power_world *w, int64_t last, struct arena *a)
{
    enum record_commit how = happens(8) ? RECORD_COMMIT_DURABLE : RECORD_COMMIT_ORDERED;
    model.facts.begun = last + 1 > model.facts.begun ? last + 1 : model.facts.begun;
    err_t e = put_batch(w, last + 1, how, a);
    if (e) {
        EXPECT(err_is(e, ERR_UNAVAILABLE) || err_is(e, ERR_CONFLICT));
        w->failures++;
        return ask_position(w, last, a);
    }
    last++;
    if (how == RECORD_COMMIT_DURABLE)
        model.facts.stable = last;
    note_ids(w, a);
    if (happens(6))
        try_flush(w, &last, a);
    if (happens(15)) {
        w->ops->close_store(w->store);
        w->store = open_sets(w, w->sets, a);
    }
    return last;
}

static void run_set(struct power_world *w)
{
    int64_t last = 0;
    {
        SCRATCH(a);
        begin_set(w, &a);
    }
    for (int i = 0; i < BATCHES_OF_A_SET; i++) {
        SCRATCH(a);
        last = go_on(w, last, &a);
        if (i % 10 == 9)
            expect_batches(w->store, last = ask_position(w, last, &a), &a);
        if (model.is_cut)
            look_at_what_is_left(w);
    }
    end_set(w);
}

static void cut_while_running(uint32_t fail_chance)
{
    struct power_world w = { .dir = tmpdir_make() };
    SCRATCH(a);
    w.sets = arena_printf(&a, "%s/sets", w.dir).p;
    w.cut = arena_printf(&a, "%s/cut", w.dir).p;
    EXPECT_EQ(mkdir(w.cut, 0700), 0);
    random_seeded_init(&w.of_model, rounds_seed());
    random_seeded_init(&w.of_store, rounds_seed());
    memset(&model, 0, sizeof model);
    model.dir = w.sets;
    model.cut_dir = w.cut;
    model.random = &w.of_model.random;
    model.cut_chance = 20;
    model.fail_chance = fail_chance;
    while (model.cuts < rounds(ROUNDS_record_power_cuts))
        run_set(&w);
    print_message("%d power failures, after %d of them batches that were visible were undone; %d of %d failed flushes "
                  "made a call "
                  "fail, after %d of them batches were undone without a power failure\n",
                  model.cuts, w.undone, w.failures, model.failed_syncs, w.undone_while_running);
    EXPECT(w.undone > model.cuts / 50); /* one in ten, mostly */
    EXPECT(!fail_chance || w.failures > 0);
    if (fail_chance && model.cuts >= 1000) /* some seeds have none in 200 */
        EXPECT(w.undone_while_running > 0);
    forget_files();
    tmpdir_remove(w.dir);
}

TEST(a_power_failure_leaves_the_records_and_the_position_of_one_batch)
{
    cut_while_running(0);
}

TEST(a_power_failure_after_failed_flushes_leaves_the_records_and_the_position_of_one_batch)
{
    cut_while_running(25);
}

RUN_TESTS(cmocka_unit_test(a_power_failure_leaves_the_records_and_the_position_of_one_batch),
          cmocka_unit_test(a_power_failure_after_failed_flushes_leaves_the_records_and_the_position_of_one_batch))
