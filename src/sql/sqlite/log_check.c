/* SPDX-License-Identifier: Apache-2.0 */
/* The formats: section 4 of fileformat2.html and walformat.html in the documents of SQLite.
 *   header   magic, version, page size, checkpoint number, 2 salts, 2 checksums of what is before
 *   frame    page number, size of the database after a commit or 0, 2 salts, 2 checksums; then the page
 * The checksums of a frame continue those of the frame before, or of the header. */
#include "sql/sqlite/log_check.h"

#include "base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER = 32,
    FRAME_HEADER = 24,
    PAGE_MIN = 512,
    PAGE_MAX = 65536,
    INDEX_HEADER = 48, /* twice; then how many frames were copied into the database */
    INDEX_BACKFILL = 96,
    INDEX_SUMMED = 40, /* bytes of the index's header that its checksum covers */
    READ_BUFFER = 1 << 20,
    COPIES_MAX = 100
};
#define MAGIC 0x377f0682u /* or, with checksums of big-endian words, one more */
#define NAME_OF_LOST "-wal-damaged"

struct sums {
    uint32_t s[2];
};

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t little_endian(const unsigned char *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static struct sums sum_big(struct sums seed, const unsigned char *p, size_t n)
{
    for (const unsigned char *end = p + n; p < end; p += 8) {
        seed.s[0] += big_endian(p) + seed.s[1];
        seed.s[1] += big_endian(p + 4) + seed.s[0];
    }
    return seed;
}

static struct sums sum_little(struct sums seed, const unsigned char *p, size_t n)
{
    for (const unsigned char *end = p + n; p < end; p += 8) {
        seed.s[0] += little_endian(p) + seed.s[1];
        seed.s[1] += little_endian(p + 4) + seed.s[0];
    }
    return seed;
}

static struct sums sums_at(const unsigned char *p)
{
    return (struct sums){ { big_endian(p), big_endian(p + 4) } };
}

static bool same(struct sums x, struct sums y)
{
    return x.s[0] == y.s[0] && x.s[1] == y.s[1];
}

/* ---- frames, one after the other ---- */

struct walk {
    FILE *file;
    bool is_big; /* the words of checksums */
    bool has_header;
    size_t page_bytes;
    unsigned char salts[8];
    struct sums stored, computed; /* of the frame before, or of the header */
    unsigned char *frame;         /* the current one, with its header */
    bool is_current;              /* it has the salts of the log */
    bool follows;                 /* its checksum continues the one that the frame before has */
    bool follows_computed;        /* it continues the one that the frame before should have */
    uint32_t page, commit;        /* commit: the size of the database in pages; 0: the frame ends no commit */
};

/* Whatever has its name, nothing waits here: a FIFO without a writer would hold up the open. Errors: NOT_FOUND; CORRUPT it is no
 * file; UNAVAILABLE. */
static err_t open_file_to_read(const char *path, int flags, struct arena *a, int *ret_fd)
{
    struct stat st;
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_errno(a, errno, "cannot open %s", path);
    if (!S_ISREG(st.st_mode))
        return err_make(a, ERR_CORRUPT, "%s is no file", path);
    *ret_fd = TAKE_FD(fd);
    return NULL;
}

static void walk_close(struct walk *w)
{
    if (w->file)
        fclose(w->file);
}

static bool is_page_size(uint32_t n)
{
    return n >= PAGE_MIN && n <= PAGE_MAX && (n & (n - 1)) == 0;
}

/* The header of the database knows the page size, too; 0: it cannot be read. */
static size_t page_bytes_of_database(const char *path)
{
    SCRATCH(scratch);
    unsigned char head[18];
    SCOPED(fd_closep) int fd = -1;
    if (open_file_to_read(path, 0, &scratch, &fd) || pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head)
        return 0;
    uint32_t n = (uint32_t)head[16] << 8 | head[17];
    n = n == 1 ? PAGE_MAX : n;
    return is_page_size(n) ? n : 0;
}

static struct sums sum_of(const struct walk *w, struct sums seed, const unsigned char *p, size_t n)
{
    return w->is_big ? sum_big(seed, p, n) : sum_little(seed, p, n);
}

static size_t frame_bytes(const struct walk *w)
{
    return FRAME_HEADER + w->page_bytes;
}

static struct sums sum_of_frame(const struct walk *w, struct sums seed)
{
    return sum_of(w, sum_of(w, seed, w->frame, 8), w->frame + FRAME_HEADER, w->page_bytes);
}

/* Reads the next frame. *ret_there: false at the end of the file, also in the middle of a frame. */
static err_t walk_next(struct walk *w, const char *log, struct arena *a, bool *ret_there)
{
    *ret_there = fread(w->frame, 1, frame_bytes(w), w->file) == frame_bytes(w);
    if (ferror(w->file))
        return err_errno(a, errno, "cannot read %s", log);
    if (!*ret_there)
        return NULL;
    w->page = big_endian(w->frame);
    w->commit = big_endian(w->frame + 4);
    w->is_current = w->page && memcmp(w->frame + 8, w->salts, sizeof w->salts) == 0;
    struct sums stored = sums_at(w->frame + 16), computed = sum_of_frame(w, w->stored);
    w->follows = w->is_current && same(stored, computed);
    w->follows_computed = w->is_current && !w->follows && same(stored, sum_of_frame(w, w->computed));
    w->stored = stored;
    w->computed = computed;
    return NULL;
}

/* Without a header that is right, the frames say themselves which salts are theirs: those of the second, because the first may
 * have been damaged with the header. The words of the checksums are in the byte order of this machine, as SQLite writes them. */
static void guess_header(struct walk *w, size_t page_bytes)
{
    const uint16_t one = 1;
    w->has_header = false;
    w->is_big = *(const unsigned char *)&one == 0;
    w->page_bytes = page_bytes;
    for (long i = 0; i < 2; i++)
        if (fseek(w->file, HEADER + i * (long)frame_bytes(w) + 8, SEEK_SET) == 0)
            (void)!fread(w->salts, 1, sizeof w->salts, w->file);
}

/* Opens the log and reads its header. ret->file NULL: there is no log, or nothing in it. */
static err_t walk_open(const char *path, const char *log, struct arena *a, struct walk *ret)
{
    *ret = (struct walk){ 0 };
    SCOPED(fd_closep) int fd = -1;
    err_t e = open_file_to_read(log, 0, a, &fd);
    if (e)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    ret->file = fdopen(fd, "rb");
    if (!ret->file)
        return err_errno(a, errno, "cannot open %s", log);
    (void)TAKE_FD(fd);
    setvbuf(ret->file, arena_alloc(a, READ_BUFFER), _IOFBF, READ_BUFFER);
    unsigned char head[HEADER];
    if (fread(head, 1, HEADER, ret->file) != HEADER) {
        e = ferror(ret->file) ? err_errno(a, errno, "cannot read %s", log) : NULL;
        fclose(ret->file);
        ret->file = NULL;
        return e;
    }
    uint32_t magic = big_endian(head);
    ret->is_big = magic & 1;
    ret->page_bytes = big_endian(head + 8);
    memcpy(ret->salts, head + 16, sizeof ret->salts);
    ret->stored = sums_at(head + 24);
    ret->computed = sum_of(ret, (struct sums){ { 0, 0 } }, head, 24);
    ret->has_header =
        (magic & ~1u) == MAGIC && is_page_size((uint32_t)ret->page_bytes) && same(ret->stored, ret->computed);
    size_t page_bytes = page_bytes_of_database(path);
    if (!ret->has_header && !page_bytes)
        page_bytes = is_page_size((uint32_t)ret->page_bytes) ? ret->page_bytes : 4096;
    if (!ret->has_header)
        guess_header(ret, page_bytes);
    ret->frame = arena_alloc(a, frame_bytes(ret));
    return fseek(ret->file, HEADER, SEEK_SET) == 0 ? NULL : err_errno(a, errno, "cannot read %s", log);
}

/* ---- the index ---- */

struct log_index {
    bool is_valid;
    unsigned char salts[8];
    uint32_t frames; /* of all commits */
    uint32_t copied; /* of them, into the database */
};

static uint32_t native(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static void read_index(const char *path, struct arena *a, struct log_index *ret)
{
    *ret = (struct log_index){ 0 };
    unsigned char b[INDEX_BACKFILL + 4];
    SCOPED(fd_closep) int fd = -1;
    if (open_file_to_read(arena_printf(a, "%s-shm", path).p, 0, a, &fd) ||
        pread(fd, b, sizeof b, 0) != (ssize_t)sizeof b)
        return;
    const uint16_t one = 1;
    struct sums none = { { 0, 0 } };
    struct sums sum = *(const unsigned char *)&one ? sum_little(none, b, INDEX_SUMMED) : sum_big(none, b, INDEX_SUMMED);
    bool is_initialized = b[12] == 1;
    ret->is_valid = is_initialized && memcmp(b, b + INDEX_HEADER, INDEX_HEADER) == 0 &&
                    sum.s[0] == native(b + INDEX_SUMMED) && sum.s[1] == native(b + INDEX_SUMMED + 4);
    ret->frames = native(b + 16);
    memcpy(ret->salts, b + 32, sizeof ret->salts);
    ret->copied = native(b + INDEX_BACKFILL);
}

/* ---- the check ---- */

/* What is known after all frames were read. */
struct survey {
    int64_t frames, good_frames; /* good: up to the last commit that SQLite reads */
    int64_t last_commit;         /* the number of the last frame, counted from 1, that ends a commit and follows */
    int64_t commits_behind;      /* of the longest run of commits behind the first bad frame */
};

static err_t survey_frames(struct walk *w, const char *log, struct arena *a, struct survey *ret)
{
    *ret = (struct survey){ 0 };
    bool is_there, is_good = w->has_header;
    int64_t run = 0;
    for (;;) {
        TRY(walk_next(w, log, a, &is_there));
        if (!is_there)
            return NULL;
        ret->frames++;
        is_good &= w->follows;
        bool follows = w->follows || w->follows_computed, commits = w->is_current && w->commit;
        if (follows && commits)
            ret->last_commit = ret->frames;
        if (is_good) {
            ret->good_frames = commits ? ret->frames : ret->good_frames;
            continue;
        }
        run = (follows ? run : 0) + commits;
        ret->commits_behind = run > ret->commits_behind ? run : ret->commits_behind;
    }
}

/* A header was flushed before the first frame was written, so without one a single commit is proof enough. */
static bool is_damaged(const struct walk *w, const struct survey *s, const struct log_index *index)
{
    if (!w->file)
        return index->is_valid && index->frames > index->copied;
    if (s->commits_behind > (w->has_header ? 1 : 0))
        return true;
    if (!w->has_header) /* and no commit, as in a log of zeros: as good as missing */
        return index->is_valid && index->frames > index->copied;
    return index->is_valid && memcmp(index->salts, w->salts, sizeof w->salts) == 0 && index->frames > s->good_frames;
}

static err_t check_log(const char *path, struct arena *a, struct survey *ret_survey, struct log_state *ret)
{
    const char *log = arena_printf(a, "%s-wal", path).p;
    SCOPED(walk_close) struct walk w = { 0 };
    struct log_index index;
    *ret_survey = (struct survey){ 0 };
    read_index(path, a, &index);
    TRY(walk_open(path, log, a, &w));
    if (w.file)
        TRY(survey_frames(&w, log, a, ret_survey));
    *ret = (struct log_state){ .is_damaged = is_damaged(&w, ret_survey, &index),
                               .commits_behind = ret_survey->commits_behind };
    if (ret_survey->good_frames)
        ret->good_bytes = HEADER + ret_survey->good_frames * (int64_t)frame_bytes(&w);
    return NULL;
}

err_t log_check(const char *path, struct arena *a, struct log_state *ret)
{
    struct survey survey;
    return check_log(path, a, &survey, ret);
}

err_t log_refusal(const char *path, const struct log_state *s, struct arena *a)
{
    const char *what = access(arena_printf(a, "%s-wal", path).p, F_OK) == 0 ? "is damaged" : "is missing";
    const char *lost =
        s->commits_behind ? arena_printf(a, "at least %lld commits", (long long)s->commits_behind).p : "commits";
    return err_make(
        a, ERR_CORRUPT,
        "the write-ahead log %s-wal %s: %s that were acknowledged stand behind byte %lld, and SQLite does"
        " not read them. Nothing was changed, because the next write would destroy them. 'cais salvage' gets"
        " out what can be read; or restore a backup. To go on without these commits, run"
        " 'cais fsck --accept-lost-records'",
        path, what, lost, (long long)s->good_bytes);
}

/* ---- a copy for salvage ---- */

static err_t write_all(int fd, const void *bytes, size_t n, int64_t at, struct arena *a)
{
    ssize_t written = pwrite(fd, bytes, n, at);
    if (written < 0)
        return err_errno(a, errno, "cannot write the copy of the database");
    return (size_t)written == n ? NULL : err_make(a, ERR_NO_SPACE, "no space for the copy of the database");
}

static err_t copy_pages(int from, int to, size_t page_bytes, struct arena *a, int64_t *ret_unread)
{
    unsigned char *page = arena_alloc(a, page_bytes);
    struct stat st;
    if (fstat(from, &st) != 0)
        return err_errno(a, errno, "cannot look at the database");
    for (int64_t at = 0; at < st.st_size; at += (int64_t)page_bytes) {
        ssize_t n = pread(from, page, page_bytes, at);
        *ret_unread += n < 0;
        if (n > 0)
            TRY(write_all(to, page, (size_t)n, at, a));
    }
    return ftruncate(to, st.st_size) == 0 ? NULL : err_errno(a, errno, "cannot write the copy of the database");
}

static err_t put_page(const struct walk *w, int to, uint32_t page, const unsigned char *bytes, struct arena *a)
{
    return write_all(to, bytes, w->page_bytes, (int64_t)(page - 1) * (int64_t)w->page_bytes, a);
}

/* Applies the frames up to number `last`. A frame that does not follow is kept until the next one shows whether only its
 * checksum is wrong. */
static err_t apply_frames(struct walk *w, const char *log, int64_t last, int to, struct arena *a)
{
    unsigned char *before = arena_alloc(a, w->page_bytes);
    uint32_t page_before = 0, pages = 0;
    for (int64_t i = 0; i < last; i++) {
        bool is_there;
        TRY(walk_next(w, log, a, &is_there));
        if (!is_there)
            break;
        if (w->follows_computed && page_before)
            TRY(put_page(w, to, page_before, before, a));
        bool follows = w->follows || w->follows_computed;
        if (follows)
            TRY(put_page(w, to, w->page, w->frame + FRAME_HEADER, a));
        if (follows && w->commit)
            pages = w->commit;
        page_before = follows || !w->is_current ? 0 : w->page;
        memcpy(before, w->frame + FRAME_HEADER, w->page_bytes);
    }
    if (pages && ftruncate(to, (int64_t)pages * (int64_t)w->page_bytes) != 0)
        return err_errno(a, errno, "cannot write the copy of the database");
    return NULL;
}

err_t log_apply_to_copy(const char *path, const char *to_path, struct arena *a, int64_t *ret_unread)
{
    const char *log = arena_printf(a, "%s-wal", path).p;
    struct survey survey;
    struct log_state state;
    SCOPED(walk_close) struct walk w = { 0 };
    SCOPED(fd_closep) int from = -1;
    err_t unread = open_file_to_read(path, O_NOFOLLOW, a, &from); /* then all that there is, is in the log */
    SCOPED(fd_closep) int to = open(to_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0)
        return errno == EEXIST ? err_make(a, ERR_CONFLICT, "%s exists", to_path)
                               : err_errno(a, errno, "cannot make %s", to_path);
    *ret_unread = 0;
    size_t page_bytes = page_bytes_of_database(path);
    if (from >= 0)
        TRY(copy_pages(from, to, page_bytes ? page_bytes : 4096, a, ret_unread));
    TRY(check_log(path, a, &survey, &state));
    TRY(walk_open(path, log, a, &w));
    int64_t last = state.is_damaged ? survey.last_commit : survey.good_frames;
    return w.file && last ? apply_frames(&w, log, last, to, a) : unread;
}

/* ---- giving up ---- */

bool log_was_given_up(const char *path)
{
    SCRATCH(a);
    return access(arena_printf(&a, "%s" NAME_OF_LOST, path).p, F_OK) == 0;
}

static err_t free_name(const char *path, struct arena *a, const char **ret)
{
    *ret = arena_printf(a, "%s" NAME_OF_LOST, path).p;
    for (int i = 2; i < COPIES_MAX && access(*ret, F_OK) == 0; i++)
        *ret = arena_printf(a, "%s" NAME_OF_LOST "-%d", path, i).p;
    return access(*ret, F_OK) == 0 ? err_make(a, ERR_CONFLICT, "%s exists", *ret) : NULL;
}

/* A log that is missing leaves an empty file, so that the loss is remembered. */
static err_t keep_log(const char *log, const char *kept, struct arena *a)
{
    SCOPED(fd_closep) int from = open(log, O_RDONLY | O_CLOEXEC);
    if (from < 0 && errno != ENOENT)
        return err_errno(a, errno, "cannot open %s", log);
    const char *unfinished = arena_printf(a, "%s.new", kept).p;
    SCOPED(fd_closep) int to = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0)
        return err_errno(a, errno, "cannot make %s", unfinished);
    char *bytes = arena_alloc(a, READ_BUFFER);
    int64_t at = 0;
    for (ssize_t n = 1; from >= 0 && n > 0; at += n) {
        n = read(from, bytes, READ_BUFFER);
        if (n < 0)
            return err_errno(a, errno, "cannot read %s", log);
        TRY(write_all(to, bytes, (size_t)n, at, a));
    }
    if (fsync(to) != 0 || rename(unfinished, kept) != 0)
        return err_errno(a, errno, "cannot keep %s", kept);
    return NULL;
}

static err_t sync_folder_of(const char *path, struct arena *a)
{
    size_t cut = slice_rfind_byte(slice_of(path), '/');
    const char *folder = cut == SLICE_NONE ? "." : arena_cstr(a, slice_part(slice_of(path), 0, cut ? cut : 1));
    SCOPED(fd_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? NULL : err_errno(a, errno, "cannot sync %s", folder);
}

/* The index goes first: without the frames that it names, it would make the next check refuse again. */
static err_t cut_log(const char *path, const char *log, int64_t good_bytes, struct arena *a)
{
    if (unlink(arena_printf(a, "%s-shm", path).p) != 0 && errno != ENOENT)
        return err_errno(a, errno, "cannot remove %s-shm", path);
    SCOPED(fd_closep) int fd = open(log, O_WRONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return NULL;
    if (fd < 0 || ftruncate(fd, good_bytes) != 0 || fsync(fd) != 0)
        return err_errno(a, errno, "cannot cut %s", log);
    return NULL;
}

err_t log_give_up(const char *path, struct arena *a, const char **ret_kept)
{
    const char *log = arena_printf(a, "%s-wal", path).p, *kept;
    struct log_state state;
    *ret_kept = NULL;
    TRY(log_check(path, a, &state));
    if (!state.is_damaged)
        return NULL;
    TRY(free_name(path, a, &kept));
    TRY(keep_log(log, kept, a));
    TRY(sync_folder_of(path, a)); /* the copy must last before anything is cut */
    TRY(cut_log(path, log, state.good_bytes, a));
    TRY(sync_folder_of(path, a));
    *ret_kept = kept;
    return NULL;
}
