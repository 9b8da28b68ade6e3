/* SPDX-License-Identifier: Apache-2.0 */
/* One call flushes all files (syncfs), because a flush of each would take a millisecond for each of a million small files. It reports
 * errors of every write-back since the file system was opened here (Linux 5.8). */
#include "core/care/salvage_out.h"

#include "base/dir.h"
#include "base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 200, ENDING_MAX_BYTES = 20, SAME_NAMES_MAX = 10000 };

struct salvage_out {
    int dir;
    FILE *list;
};

void salvage_out_close(struct salvage_out *out)
{
    if (!out)
        return;
    if (out->list)
        fclose(out->list);
    fd_closep(&out->dir);
    free(out);
}

static err_t check_empty(int fd, const char *path, struct arena *a)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    SCOPED(dir_closep) DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (!dir)
        return err_errno(a, errno, "cannot read %s", path);
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? err_errno(a, errno, "cannot read %s", path) : NULL;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            return err_make(a, ERR_CONFLICT, "%s is not empty", path);
    }
}

err_t salvage_out_open(const char *path, struct arena *a, struct salvage_out **ret)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return err_errno(a, errno, "cannot make %s", path);
    SCOPED(salvage_out_closep) struct salvage_out *out = must_malloc(sizeof *out);
    *out = (struct salvage_out){ .dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) };
    if (out->dir < 0)
        return errno == ENOTDIR || errno == ELOOP ? err_make(a, ERR_CONFLICT, "%s is no folder", path)
                                                  : err_errno(a, errno, "cannot open %s", path);
    TRY(check_empty(out->dir, path, a));
    int list = openat(out->dir, SALVAGE_LIST, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (list < 0 || !(out->list = fdopen(list, "w")))
        return err_errno(a, errno, "cannot make %s/" SALVAGE_LIST, path);
    *ret = out;
    out = NULL;
    return NULL;
}

/* ---- names ---- */

static size_t character_bytes(slice s, size_t at)
{
    unsigned char c = (unsigned char)s.p[at];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return at + n <= s.n && slice_is_utf8(slice_part(s, at, at + n)) ? n : 0;
}

static bool is_control(slice character)
{
    unsigned char c = (unsigned char)character.p[0];
    return c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)character.p[1] < 0xa0);
}

/* At most `max` bytes, and no half of a character. */
static size_t cut_characters(slice s, size_t max)
{
    size_t n = s.n < max ? s.n : max;
    while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

/* Where the ending begins, with its dot; the length of the name when it has none. */
static size_t ending_of(slice name)
{
    size_t dot = slice_rfind_byte(name, '.');
    return dot == SLICE_NONE || dot == 0 || name.n - dot > ENDING_MAX_BYTES ? name.n : dot;
}

slice salvage_safe_name(slice name, struct arena *a)
{
    char *safe = arena_alloc(a, name.n + 1);
    size_t n = 0;
    for (size_t at = 0; at < name.n;) {
        size_t bytes = character_bytes(name, at);
        if (!bytes || name.p[at] == '/' || name.p[at] == '\\' || is_control(slice_from(name, at)) ||
            (n == 0 && name.p[at] == '.')) {
            safe[n++] = '_';
            at += bytes ? bytes : 1;
            continue;
        }
        memcpy(safe + n, name.p + at, bytes);
        n += bytes;
        at += bytes;
    }
    slice all = n ? (slice){ safe, n } : S("_");
    if (all.n <= NAME_MAX_BYTES)
        return all;
    slice ending = slice_from(all, ending_of(all));
    size_t kept = cut_characters(all, NAME_MAX_BYTES - ending.n);
    slice parts[] = { slice_part(all, 0, kept), ending };
    return arena_join(a, parts, LENGTH_OF(parts));
}

/* The name with a text before its ending. */
static slice name_with(slice name, slice text, struct arena *a)
{
    size_t end = ending_of(name);
    slice parts[] = { slice_part(name, 0, end), S("-"), text, slice_from(name, end) };
    return arena_join(a, parts, LENGTH_OF(parts));
}

/* ---- files ---- */

static err_t open_folder(int parent, const char *name, struct arena *a, int *ret_fd)
{
    if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
        return err_errno(a, errno, "cannot make the folder %s", name);
    *ret_fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *ret_fd < 0 ? err_errno(a, errno, "cannot open the folder %s", name) : NULL;
}

/* Opens the folder of the place. ret_prefix: its path with a slash. */
static err_t open_place(const struct salvage_out *out, const struct salvage_place *place, struct arena *a, int *ret_fd,
                        slice *ret_prefix)
{
    SCOPED(fd_closep) int folder = -1;
    TRY(open_folder(out->dir, place->folder, a, &folder));
    *ret_prefix = arena_printf(a, "%s/", place->folder);
    if (place->subfolder.n) {
        slice name = salvage_safe_name(place->subfolder, a);
        int inner = -1;
        TRY(open_folder(folder, arena_cstr(a, name), a, &inner));
        *ret_prefix = arena_printf(a, "%s/" SLICE_FMT "/", place->folder, SLICE_ARG(name));
        fd_closep(&folder);
        folder = inner;
    }
    *ret_fd = TAKE_FD(folder);
    return NULL;
}

/* The name that is tried after so many others were there. */
static const char *nth_name(const struct salvage_place *place, int n, struct arena *a)
{
    slice name = salvage_safe_name(place->name, a);
    if (n >= 1)
        name = name_with(name, salvage_safe_name(place->unique, a), a);
    if (n >= 2)
        name = name_with(name, arena_printf(a, "%d", n), a);
    return arena_cstr(a, name);
}

err_t salvage_out_create(struct salvage_out *out, const struct salvage_place *place, struct arena *a, int *ret_fd,
                         slice *ret_path)
{
    SCOPED(fd_closep) int folder = -1;
    slice prefix;
    TRY(open_place(out, place, a, &folder, &prefix));
    for (int n = 0; n < SAME_NAMES_MAX; n++) {
        const char *name = nth_name(place, n, a);
        *ret_fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (*ret_fd >= 0) {
            *ret_path = arena_printf(a, SLICE_FMT "%s", SLICE_ARG(prefix), name);
            return NULL;
        }
        if (errno != EEXIST)
            return err_errno(a, errno, "cannot make " SLICE_FMT "%s", SLICE_ARG(prefix), name);
    }
    return err_make(a, ERR_CONFLICT, "too many files are called " SLICE_FMT, SLICE_ARG(place->name));
}

err_t salvage_out_move(struct salvage_out *out, slice path, const struct salvage_place *place, struct arena *a,
                       slice *ret_path)
{
    SCOPED(fd_closep) int folder = -1;
    slice prefix;
    TRY(open_place(out, place, a, &folder, &prefix));
    for (int n = 0; n < SAME_NAMES_MAX; n++) {
        const char *name = nth_name(place, n, a);
        if (linkat(out->dir, arena_cstr(a, path), folder, name, 0) == 0) {
            *ret_path = arena_printf(a, SLICE_FMT "%s", SLICE_ARG(prefix), name);
            return salvage_out_remove(out, path, a);
        }
        if (errno != EEXIST)
            return err_errno(a, errno, "cannot move " SLICE_FMT, SLICE_ARG(path));
    }
    return err_make(a, ERR_CONFLICT, "too many files are called " SLICE_FMT, SLICE_ARG(place->name));
}

err_t salvage_out_remove(struct salvage_out *out, slice path, struct arena *a)
{
    return unlinkat(out->dir, arena_cstr(a, path), 0) == 0
               ? NULL
               : err_errno(a, errno, "cannot remove " SLICE_FMT, SLICE_ARG(path));
}

void salvage_out_list(struct salvage_out *out, slice line)
{
    fwrite(line.p, 1, line.n, out->list);
    fputc('\n', out->list);
}

err_t salvage_out_finish(struct salvage_out *out, struct arena *a)
{
    if (fflush(out->list) != 0 || ferror(out->list) || fsync(fileno(out->list)) != 0)
        return err_errno(a, errno, "cannot write the list");
    if (syncfs(out->dir) != 0 || fsync(out->dir) != 0)
        return err_errno(a, errno, "cannot flush what was salvaged");
    return NULL;
}
