/* SPDX-License-Identifier: Apache-2.0 */
/* The power fails while a blob grows, and before that flushes may fail. The model below keeps, beside the real files, what a
 * disk would hold: it follows the system calls of the store, as ext4 with its defaults behaves.
 *   - A block reaches the disk with a sync that succeeds; without one it may, or may not.
 *   - After a sync that fails, no block is dirty any more. One that was never on the disk reads as zeros from then on, even
 *     when it is written and synced again, until the file gives it back. Others keep their old contents.
 *   - A name reaches the disk with a sync of its directory that succeeds; without one it may, or may not. A name whose sync
 *     failed does not reach the disk by a later sync, unless it is made anew.
 * After the power failure, a second store gets what is on the disk, and the upload goes on there. */
#include "test.h"
#include "tmpdir.h"

#include "blob/disk/disk_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOCK = 64, BLOCKS = 16, FILE_MAX = BLOCK * BLOCKS, FILES = 8 };
static const slice key = { "ab-x", 4 };

struct file {
    ino_t ino;
    char live[FILE_MAX], disk[FILE_MAX];
    size_t live_size, disk_size;
    bool dirty[BLOCKS], on_disk[BLOCKS], is_lost[BLOCKS];
};

/* The two names of the key, each in a directory of its own. */
enum { GROWING, BLOB, NAMES };
static const char *const folders[NAMES] = { "growing", "ab" };

static struct {
    ino_t folder[NAMES];
    struct file files[FILES];
    size_t count;
    struct file *live[NAMES], *disk[NAMES];
    bool is_lost[NAMES];
    int calls, cut_at;  /* the power fails at this call; 0: never */
    int syncs, fail_at; /* this sync of a file or directory fails; 0: none */
    bool off;
} model;

/* ---- the model ---- */

/* False: there is no power for this call. */
static bool has_power(void)
{
    model.off |= ++model.calls == model.cut_at;
    if (model.off)
        errno = EIO;
    return !model.off;
}

static struct file *file_of(int fd)
{
    struct stat st;
    EXPECT_EQ(fstat(fd, &st), 0);
    for (size_t i = model.count; i-- > 0;) /* from the newest: numbers are used again */
        if (model.files[i].ino == st.st_ino)
            return &model.files[i];
    return NULL;
}

static int folder_of(int fd)
{
    struct stat st;
    EXPECT_EQ(fstat(fd, &st), 0);
    return st.st_ino == model.folder[GROWING] ? GROWING : BLOB;
}

static int model_openat(int dir, const char *name, int flags, mode_t mode)
{
    if (!(flags & O_CREAT))
        return model.off ? (errno = EIO, -1) : openat(dir, name, flags, mode);
    if (!has_power())
        return -1;
    int fd = openat(dir, name, flags, mode);
    if (fd >= 0 && !model.live[GROWING]) {
        struct stat st;
        EXPECT_EQ(fstat(fd, &st), 0);
        EXPECT(model.count < FILES);
        struct file *f = &model.files[model.count++];
        *f = (struct file){ .ino = st.st_ino };
        model.live[GROWING] = f;
    }
    return fd;
}

static int model_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    if (!has_power())
        return -1;
    int rc = linkat(from_dir, from, to_dir, to, flags);
    if (rc == 0)
        model.live[folder_of(to_dir)] = model.live[folder_of(from_dir)];
    return rc;
}

static int model_unlinkat(int dir, const char *name, int flags)
{
    if (!has_power())
        return -1;
    int rc = unlinkat(dir, name, flags), at = folder_of(dir);
    if (rc == 0) {
        model.live[at] = NULL;
        model.is_lost[at] = false;
    }
    return rc;
}

static ssize_t model_pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    if (!has_power())
        return -1;
    struct file *f = file_of(fd);
    size_t at = (size_t)offset;
    EXPECT(at + n <= FILE_MAX);
    memcpy(f->live + at, bytes, n);
    f->live_size = at + n > f->live_size ? at + n : f->live_size;
    for (size_t block = at / BLOCK; block * BLOCK < at + n; block++)
        f->dirty[block] = true;
    return pwrite(fd, bytes, n, offset);
}

static int model_ftruncate(int fd, off_t size)
{
    if (!has_power())
        return -1;
    struct file *f = file_of(fd);
    f->live_size = (size_t)size;
    memset(f->live + size, 0, FILE_MAX - (size_t)size);
    for (size_t block = 0; block < BLOCKS; block++)
        if (block * BLOCK >= (size_t)size)
            f->dirty[block] = f->on_disk[block] = f->is_lost[block] = false; /* given back */
        else if ((block + 1) * BLOCK > (size_t)size)
            f->dirty[block] = true; /* its rest is filled with zeros */
    return ftruncate(fd, size);
}

static int model_sync_file_range(int fd, off_t offset, off_t len, unsigned flags)
{
    (void)fd;
    (void)offset;
    (void)len;
    (void)flags;
    return 0;
}

/* Write one dirty block to the disk. */
static void write_back(struct file *f, size_t block)
{
    if (f->is_lost[block])
        memset(f->disk + block * BLOCK, 0, BLOCK);
    else
        memcpy(f->disk + block * BLOCK, f->live + block * BLOCK, BLOCK);
    f->on_disk[block] = true;
}

static int model_fdatasync(int fd)
{
    if (!has_power())
        return -1;
    struct file *f = file_of(fd);
    bool fails = ++model.syncs == model.fail_at;
    for (size_t block = 0; block < BLOCKS; block++) {
        if (f->dirty[block] && fails)
            f->is_lost[block] |= !f->on_disk[block];
        if (f->dirty[block] && (!fails || f->is_lost[block]))
            write_back(f, block);
        f->dirty[block] = false;
    }
    f->disk_size = f->live_size;
    if (fails)
        errno = EIO;
    return fails ? -1 : 0;
}

static int model_fsync(int fd)
{
    if (!has_power())
        return -1;
    int at = folder_of(fd);
    bool fails = ++model.syncs == model.fail_at;
    if (fails)
        model.is_lost[at] = model.live[at] && model.live[at] != model.disk[at];
    else if (!model.is_lost[at])
        model.disk[at] = model.live[at];
    if (fails)
        errno = EIO;
    return fails ? -1 : 0;
}

static const struct disk_syscalls modelled = {
    .openat = model_openat,
    .mkdirat = mkdirat,
    .linkat = model_linkat,
    .unlinkat = model_unlinkat,
    .pwrite = model_pwrite,
    .ftruncate = model_ftruncate,
    .sync_file_range = model_sync_file_range,
    .fdatasync = model_fdatasync,
    .fsync = model_fsync,
};

/* ---- the two stores ---- */

struct world {
    char *root;
    struct arena arena, *a;
    struct blob_store *before, *after;
    char bytes[320];
    size_t acknowledged;
    bool is_settling, is_settled;
};

static const char *path_of(struct world *w, const char *store, int at)
{
    return arena_printf(w->a, "%s/%s/%s/ab-x", w->root, store, folders[at]).p;
}

static void open_stores(struct world *w)
{
    slice before = arena_printf(w->a, "%s/before", w->root), after = arena_printf(w->a, "%s/after", w->root);
    EXPECT_OK(blob_disk_open_with(before.p, &(struct disk_options){ .relaxed = true }, w->a, &w->before));
    w->before->ops->close_store(w->before); /* its directories are there and synced */
    for (int at = 0; at < NAMES; at++) {
        struct stat st;
        EXPECT_EQ(stat(arena_printf(w->a, "%s/%s", before.p, folders[at]).p, &st), 0);
        model.folder[at] = st.st_ino;
    }
    EXPECT_OK(blob_disk_open_with(before.p, &(struct disk_options){ .sys = &modelled }, w->a, &w->before));
    EXPECT_OK(blob_disk_open_with(after.p, &(struct disk_options){ .relaxed = true }, w->a, &w->after));
}

static void begin_round(struct world *w, int cut_at, int fail_at)
{
    for (int at = 0; at < NAMES; at++) {
        unlink(path_of(w, "before", at));
        model.live[at] = model.disk[at] = NULL;
        model.is_lost[at] = false;
    }
    model.count = 0;
    model.calls = model.syncs = 0;
    model.cut_at = cut_at;
    model.fail_at = fail_at;
    model.off = false;
    w->acknowledged = 0;
    w->is_settling = w->is_settled = false;
}

/* ---- an upload ---- */

static err_t send_piece(struct world *w, struct blob_store *store, size_t size)
{
    SCRATCH(a);
    SCOPED(blob_writer_discardp) struct blob_writer *writer = NULL;
    slice piece = { w->bytes + w->acknowledged, size };
    if (store->ops->grow(store, key, w->acknowledged, &a, &writer))
        return err_make(w->a, ERR_UNAVAILABLE, "cannot open it");
    if (writer->ops->write(writer, slice_part(piece, 0, size / 3), &a) ||
        writer->ops->write(writer, slice_from(piece, size / 3), &a))
        return err_make(w->a, ERR_UNAVAILABLE, "cannot write it");
    if (writer->ops->flush(writer, &a))
        return err_make(w->a, ERR_UNAVAILABLE, "cannot flush it");
    w->acknowledged += size;
    return NULL;
}

/* A sender that hangs up before the flush, and sent other bytes. */
static void send_in_vain(struct world *w, struct blob_store *store)
{
    SCRATCH(a);
    SCOPED(blob_writer_discardp) struct blob_writer *writer = NULL;
    static const char other[70] = "other bytes";
    if (!store->ops->grow(store, key, w->acknowledged, &a, &writer))
        (void)!writer->ops->write(writer, (slice){ other, sizeof other }, &a);
}

/* Send the rest, each piece up to three times, and settle it. */
static void upload(struct world *w, struct blob_store *store)
{
    static const size_t pieces[] = { 150, 42, 64, 1, 63 };
    size_t begin = 0;
    for (size_t i = 0; i < LENGTH_OF(pieces); begin += pieces[i++]) {
        if (begin < w->acknowledged)
            continue;
        for (int attempt = 0; attempt < 3; attempt++) {
            err_t e = send_piece(w, store, pieces[i]);
            if (!e)
                break;
        }
        if (w->acknowledged == begin)
            return;
        if (i == 1 && store == w->before)
            send_in_vain(w, store);
    }
    w->is_settling = true;
    for (int attempt = 0; attempt < 3 && !w->is_settled; attempt++)
        w->is_settled = store->ops->settle(store, key, sizeof w->bytes, w->a) == NULL;
}

/* ---- after the power failure ---- */

/* What may be on the disk: of each kind of thing that was not synced, all or nothing. */
struct outcome {
    bool bytes, name[NAMES];
};

static void write_file(struct world *w, const struct file *f, bool with_unsynced, const char *path)
{
    struct file copy = *f;
    if (with_unsynced)
        for (size_t block = 0; block < BLOCKS; block++)
            if (copy.dirty[block])
                write_back(&copy, block);
    size_t size = with_unsynced ? copy.live_size : copy.disk_size;
    SCOPED(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    EXPECT(fd >= 0);
    EXPECT_EQ(write(fd, copy.disk, size), (ssize_t)size);
    (void)w;
}

/* Give the second store what is on the disk. */
static void restart(struct world *w, const struct outcome *o)
{
    const struct file *kept[NAMES];
    for (int at = 0; at < NAMES; at++) {
        unlink(path_of(w, "after", at));
        kept[at] = o->name[at] && !model.is_lost[at] ? model.live[at] : model.disk[at];
    }
    if (kept[GROWING])
        write_file(w, kept[GROWING], o->bytes, path_of(w, "after", GROWING));
    if (kept[BLOB] && kept[BLOB] == kept[GROWING])
        EXPECT_EQ(link(path_of(w, "after", GROWING), path_of(w, "after", BLOB)), 0);
    else if (kept[BLOB])
        write_file(w, kept[BLOB], o->bytes, path_of(w, "after", BLOB));
}

/* The first n bytes of the blob or growing blob are those that were sent. */
static bool begins_right(struct world *w, bool growing, size_t n, uint64_t *ret_size)
{
    SCRATCH(a);
    SCOPED(blob_reader_closep) struct blob_reader *r = NULL;
    const struct blob_ops *ops = w->after->ops;
    if ((growing ? ops->open_growing : ops->open)(w->after, key, &a, &r))
        return false;
    char to[FILE_MAX];
    size_t got;
    EXPECT_OK(r->ops->read_at(r, 0, to, n, &a, &got));
    *ret_size = r->size_bytes;
    return got == n && memcmp(to, w->bytes, n) == 0;
}

static void check_after(struct world *w)
{
    uint64_t size = 0;
    bool has_blob = access(path_of(w, "after", BLOB), F_OK) == 0;
    EXPECT(!has_blob || w->is_settling);
    EXPECT(has_blob || !w->is_settled);
    if (has_blob)
        EXPECT(begins_right(w, false, sizeof w->bytes, &size) && size == sizeof w->bytes);
    else
        EXPECT(w->acknowledged == 0 || begins_right(w, true, w->acknowledged, &size));
    if (w->is_settling)
        EXPECT_OK(w->after->ops->settle(w->after, key, sizeof w->bytes, w->a));
    else
        upload(w, w->after);
    EXPECT(begins_right(w, false, sizeof w->bytes, &size) && size == sizeof w->bytes);
    EXPECT(access(path_of(w, "after", GROWING), F_OK) != 0);
}

/* One upload with the power failure and the failing sync. False: it was complete before the power failed. */
static bool fail_and_restart(struct world *w, int cut_at, int fail_at)
{
    begin_round(w, cut_at, fail_at);
    upload(w, w->before);
    size_t acknowledged = w->acknowledged;
    bool is_settling = w->is_settling, is_settled = w->is_settled;
    EXPECT(model.off || is_settled);
    for (unsigned i = 0; i < 8; i++) {
        w->acknowledged = acknowledged;
        w->is_settling = is_settling;
        w->is_settled = is_settled;
        restart(w, &(struct outcome){ i & 1, { i & 2, i & 4 } });
        check_after(w);
    }
    return model.off;
}

TEST(every_acknowledged_byte_survives_a_power_failure_at_any_call_and_any_failed_sync)
{
    struct world w = { .a = &w.arena, .root = tmpdir_make() };
    for (size_t i = 0; i < sizeof w.bytes; i++)
        w.bytes[i] = (char)(i * 7 % 251 + 1);
    open_stores(&w);
    int rounds = 0, syncs = 0, calls = 0;
    for (int fail_at = 0; fail_at <= syncs; fail_at++)
        for (int cut_at = 1;; cut_at++, rounds++) {
            SCRATCH(a);
            w.a = &a;
            if (fail_and_restart(&w, cut_at, fail_at))
                continue;
            syncs = fail_at ? syncs : model.syncs;
            calls = fail_at ? calls : model.calls;
            break;
        }
    print_message("%d calls, %d of them syncs; %d power failures with 8 outcomes each\n", calls, syncs, rounds);
    EXPECT(syncs >= 9); /* 5 pieces, 1 name, 1 cut, 2 for the blob */
    w.before->ops->close_store(w.before);
    w.after->ops->close_store(w.after);
    arena_release(&w.arena);
    tmpdir_remove(w.root);
}

RUN_TESTS(cmocka_unit_test(every_acknowledged_byte_survives_a_power_failure_at_any_call_and_any_failed_sync))
