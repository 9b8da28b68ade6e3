/* SPDX-License-Identifier: Apache-2.0 */
/* KEY.json is a state, where KEY is a digest of what makes it another upload than others. It is replaced by a rename, so it is
 * whole or not there. KEY.lock is locked while a process works on the upload; whoever has the lock may remove that file, and so
 * whoever gets a lock looks whether it is still that of the name. */
#include "cli/put_state.h"

#include "base/dir.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { VERSION = 1, LIST_MAX = 10000, LOCK_TRIES = 100, KEY_BYTES = 16 };
#define SUFFIX ".json"

/* ---- text ---- */

bool put_state_id_is_valid(slice upload)
{
    for (size_t i = 0; i < upload.n; i++) {
        char c = upload.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return false;
    }
    return upload.n == PUT_STATE_ID_LENGTH;
}

/* Paths and names may be any bytes, which JSON cannot hold. */
static void put_bytes(struct json_out *o, const char *name, slice bytes, struct arena *a)
{
    json_put_string(o, name, percent_encode(a, bytes, "/: @,+=()[]"));
}

slice put_state_format(const struct put_state *s, struct arena *a)
{
    struct buf text;
    struct json_out o;
    buf_init(&text, 0);
    json_out_init(&o, &text);
    json_open_object(&o);
    json_put_int(&o, "version", VERSION);
    put_bytes(&o, "server", s->server, a);
    put_bytes(&o, "account", s->account, a);
    put_bytes(&o, "path", s->path, a);
    put_bytes(&o, "name", s->name, a);
    put_bytes(&o, "type", s->type, a);
    json_put_int(&o, "size", s->version.size_bytes);
    json_put_int(&o, "mtime_ns", s->version.mtime_ns);
    json_put_string(&o, "upload", s->upload);
    json_put_int(&o, "begun_at_ms", s->begun_at_ms);
    json_close_object(&o);
    buf_add_byte(&text, '\n');
    return buf_give(&text, a);
}

static bool read_bytes(const struct json *from, const char *name, struct arena *a, slice *ret)
{
    const struct json *value = json_get(from, name);
    return json_is(value, JS_STRING) && percent_decode(a, value->string, false, ret) &&
           slice_find_byte(*ret, '\0') == SLICE_NONE;
}

static bool read_number(const struct json *from, const char *name, int64_t *ret)
{
    const struct json *value = json_get(from, name);
    *ret = json_is(value, JS_INT) ? value->integer : 0;
    return json_is(value, JS_INT);
}

err_t put_state_parse(slice text, struct arena *a, struct put_state *ret)
{
    const struct json *j;
    struct put_state s = { 0 };
    int64_t version;
    err_t e = text.n <= PUT_STATE_MAX_BYTES ? json_parse(a, text, &j) : err_make(a, ERR_INVALID, "it is too large");
    if (e)
        return err_because(a, e, ERR_INVALID, "it is no state of an upload");
    if (!read_number(j, "version", &version) || version != VERSION)
        return err_make(a, ERR_INVALID, "it has no version that this program knows");
    bool is_whole = read_bytes(j, "server", a, &s.server) && read_bytes(j, "account", a, &s.account) &&
                    read_bytes(j, "path", a, &s.path) && read_bytes(j, "name", a, &s.name) &&
                    read_bytes(j, "type", a, &s.type) && read_number(j, "size", &s.version.size_bytes) &&
                    read_number(j, "mtime_ns", &s.version.mtime_ns) && read_number(j, "begun_at_ms", &s.begun_at_ms);
    s.upload = json_str(j, "upload");
    if (!is_whole || s.version.size_bytes < 0 || !slice_starts(s.path, S("/")) || !put_state_id_is_valid(s.upload))
        return err_make(a, ERR_INVALID, "it does not describe an upload");
    *ret = s;
    return NULL;
}

bool put_state_same_key(const struct put_state *s, const struct put_state *t)
{
    return slice_eq(s->server, t->server) && slice_eq(s->account, t->account) && slice_eq(s->path, t->path) &&
           slice_eq(s->name, t->name) && slice_eq(s->type, t->type);
}

static slice key_of(const struct put_state *s, struct arena *a)
{
    unsigned char digest[SHA256_SIZE];
    slice end = { "", 1 }; /* a NUL, which none of them holds */
    slice parts[] = { s->server, end, s->account, end, s->path, end, s->name, end, s->type };
    hash_sha256(arena_join(a, parts, LENGTH_OF(parts)), digest);
    return hex_encode(a, (slice){ (const char *)digest, KEY_BYTES });
}

/* ---- the folder ---- */

/* A folder above may be one that this user cannot read, such as /home. */
#define OPEN_FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define READ_FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static err_t make_folder(int parent, const char *name, struct arena *a)
{
    SCOPED(fd_closep) int to_flush = openat(parent, ".", READ_FOLDER);
    if (to_flush < 0 || (mkdirat(parent, name, 0700) != 0 && errno != EEXIST) || fsync(to_flush) != 0)
        return err_errno(a, errno, "cannot make the folder %s", name);
    return NULL;
}

static err_t open_or_make(int parent, const char *name, struct arena *a, int *ret_fd)
{
    int fd = openat(parent, name, OPEN_FOLDER);
    if (fd < 0 && errno == ENOENT) {
        TRY(make_folder(parent, name, a));
        fd = openat(parent, name, OPEN_FOLDER);
    }
    if (fd < 0)
        return err_errno(a, errno, "cannot open the folder %s", name);
    *ret_fd = fd;
    return NULL;
}

err_t put_folder_open(slice path, struct arena *a, struct put_folder *ret)
{
    struct stat st;
    slice name;
    SCOPED(fd_closep) int above = open("/", OPEN_FOLDER);
    while (path.n && above >= 0) {
        int next = -1;
        slice_cut(path, '/', &name, &path);
        if (!name.n)
            continue;
        TRY(open_or_make(above, arena_cstr(a, name), a, &next));
        close(above);
        above = next;
    }
    SCOPED(fd_closep) int fd = openat(above, ".", READ_FOLDER);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_errno(a, errno, "cannot open the folder");
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return err_make(a, ERR_FORBIDDEN, "the folder belongs to another user, or others may write to it");
    ret->fd = TAKE_FD(fd);
    return NULL;
}

void put_folder_close(struct put_folder *f)
{
    fd_closep(&f->fd);
    f->fd = -1;
}

/* ---- files ---- */

/* The bytes of a small file that belongs to this user. It may be anything, such as a pipe or a link: it is not waited for. */
static err_t read_own_file(int folder, const char *name, struct arena *a, slice *ret)
{
    struct stat st;
    SCOPED(fd_closep) int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ELOOP)
        return err_make(a, ERR_INVALID, "it is a link");
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_errno(a, errno, "cannot read it");
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
        return err_make(a, ERR_INVALID, "it is no file of this user");
    if (st.st_size > PUT_STATE_MAX_BYTES)
        return err_make(a, ERR_INVALID, "it is too large");
    size_t size = (size_t)st.st_size, done = 0;
    char *bytes = arena_alloc(a, size + 1);
    while (done < size) {
        ssize_t n = read(fd, bytes + done, size - done);
        if (n < 0 && errno != EINTR)
            return err_errno(a, errno, "cannot read it");
        if (n == 0)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    *ret = (slice){ bytes, done };
    return NULL;
}

static err_t read_state(int folder, slice key, struct arena *a, struct put_state *ret)
{
    slice text, parts[] = { key, S(SUFFIX) };
    struct put_state s;
    TRY(read_own_file(folder, arena_join(a, parts, LENGTH_OF(parts)).p, a, &text));
    TRY(put_state_parse(text, a, &s));
    if (!slice_eq(key_of(&s, a), key))
        return err_make(a, ERR_INVALID, "it has the name of another upload");
    *ret = s;
    return NULL;
}

static int by_begin(const void *left, const void *right)
{
    const struct put_state *s = left, *t = right;
    if (s->begun_at_ms != t->begun_at_ms)
        return s->begun_at_ms < t->begun_at_ms ? -1 : 1;
    return slice_cmp(s->path, t->path);
}

err_t put_folder_list(const struct put_folder *f, void (*ignored)(void *arg, slice name, err_t why), void *arg,
                      struct arena *a, struct put_state_list *ret)
{
    size_t count = 0, room = 16;
    struct put_state *items = arena_array(a, struct put_state, room);
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with a read position of its own */
    SCOPED(dir_closep) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return err_errno(a, errno, "cannot list the unfinished uploads");
    for (const struct dirent *entry; count < LIST_MAX && (entry = readdir(dir));) {
        slice name = slice_of(entry->d_name);
        if (!slice_ends(name, S(SUFFIX)))
            continue;
        if (count == room) {
            struct put_state *more = arena_array(a, struct put_state, room * 2);
            memcpy(more, items, count * sizeof *items);
            items = more;
            room *= 2;
        }
        err_t e = read_state(f->fd, slice_part(name, 0, name.n - (sizeof SUFFIX - 1)), a, &items[count]);
        if (!e)
            count++;
        else if (!err_is(e, ERR_NOT_FOUND)) /* finished meanwhile */
            ignored(arg, name, e);
    }
    qsort(items, count, sizeof *items, by_begin);
    *ret = (struct put_state_list){ items, count };
    return NULL;
}

/* ---- one state ---- */

static const char *name_with(const struct put_record *r, const char *suffix, struct arena *a)
{
    slice parts[] = { r->key, slice_of(suffix) };
    return arena_join(a, parts, LENGTH_OF(parts)).p;
}

/* Is the file that was locked still the one of this name? Else its last owner has removed it. */
static bool lock_is_current(int fd, int folder, const char *name)
{
    struct stat locked, named;
    return fstat(fd, &locked) == 0 && fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
}

err_t put_record_lock(const struct put_folder *folder, const struct put_state *key, struct arena *a,
                      struct put_record *ret)
{
    struct put_record r = { folder, key_of(key, a), -1 };
    const char *name = name_with(&r, ".lock", a);
    for (int i = 0; i < LOCK_TRIES; i++) {
        SCOPED(fd_closep)
        int fd = openat(folder->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd < 0)
            return err_errno(a, errno, "cannot write there");
        if (flock(fd, LOCK_EX | LOCK_NB) != 0)
            return errno == EWOULDBLOCK ? err_make(a, ERR_CONFLICT, "another 'cais put' is sending it now")
                                        : err_errno(a, errno, "cannot lock there");
        if (!lock_is_current(fd, folder->fd, name))
            continue;
        r.lock_fd = TAKE_FD(fd);
        *ret = r;
        return NULL;
    }
    return err_make(a, ERR_UNAVAILABLE, "cannot lock there");
}

void put_record_unlock(struct put_record *r)
{
    SCRATCH(scratch);
    if (r->lock_fd < 0)
        return;
    unlinkat(r->folder->fd, name_with(r, ".lock", &scratch), 0);
    fd_closep(&r->lock_fd);
    r->lock_fd = -1;
}

err_t put_record_read(const struct put_record *r, struct arena *a, struct put_state *ret)
{
    return read_state(r->folder->fd, r->key, a, ret);
}

static err_t write_whole(int fd, slice text, struct arena *a)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR)
            return err_errno(a, errno, "cannot write there");
        text = slice_from(text, n > 0 ? (size_t)n : 0);
    }
    return fsync(fd) == 0 ? NULL : err_errno(a, errno, "cannot write there");
}

err_t put_record_write(const struct put_record *r, const struct put_state *s, struct arena *a)
{
    int folder = r->folder->fd;
    const char *temporary = name_with(r, ".tmp", a); /* the lock is held, so nobody else writes it */
    unlinkat(folder, temporary, 0);
    SCOPED(fd_closep) int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(a, errno, "cannot write there");
    err_t e = write_whole(fd, put_state_format(s, a), a);
    if (!e && renameat(folder, temporary, folder, name_with(r, SUFFIX, a)) != 0)
        e = err_errno(a, errno, "cannot write there");
    if (e)
        unlinkat(folder, temporary, 0);
    else if (fsync(folder) != 0)
        e = err_errno(a, errno, "cannot flush the folder");
    return e;
}

void put_record_remove(const struct put_record *r)
{
    SCRATCH(scratch);
    unlinkat(r->folder->fd, name_with(r, SUFFIX, &scratch), 0);
}
