/* SPDX-License-Identifier: Apache-2.0 */
/* A lost key cannot be made again, so it is written as safely as an object: to a file of another name, which is flushed;
 * link() then gives it its own name without replacing a file, and the directory is flushed. */
#include "core/care/master_key.h"

#include "base/text.h"
#include "core/care/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { DIGITS = 2 * SEAL_KEY_SIZE };
#define NEW_SUFFIX ".new"

static const char *path_of(struct arena *a, const char *dir)
{
    return arena_printf(a, "%s/%s", dir, DATA_DIR_MASTER_KEY).p;
}

static err_t not_a_key(struct arena *a, const char *path)
{
    return err_make(a, ERR_CORRUPT, "%s is no master key: 64 hex digits are wanted", path);
}

err_t master_key_read(const char *dir, struct arena *a, unsigned char ret_key[SEAL_KEY_SIZE])
{
    const char *path = path_of(a, dir);
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == EACCES)
        return err_make(a, ERR_FORBIDDEN, "%s cannot be read by this user", path);
    if (fd < 0)
        return err_errno(a, errno, "cannot open %s", path);
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(a, errno, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode))
        return not_a_key(a, path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return err_make(a, ERR_FORBIDDEN, "%s has mode %04o: others may use it; give it mode 0600", path,
                        (unsigned)(st.st_mode & 07777));
    char text[DIGITS + 2]; /* with the line end, and one more byte to notice a longer file */
    ssize_t n = read(fd, text, sizeof text);
    if (n < 0)
        return err_errno(a, errno, "cannot read %s", path);
    slice digits = { text, (size_t)n }, key;
    if (digits.n == DIGITS + 1 && text[DIGITS] == '\n')
        digits.n--;
    bool good = digits.n == DIGITS && hex_decode(a, digits, &key);
    if (good) {
        memcpy(ret_key, key.p, SEAL_KEY_SIZE);
        explicit_bzero((void *)(uintptr_t)key.p, key.n);
    }
    explicit_bzero(text, sizeof text);
    return good ? NULL : not_a_key(a, path);
}

static err_t write_new(const char *path, slice text, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(a, errno, "cannot make %s", path);
    ssize_t n = write(fd, text.p, text.n);
    if (n != (ssize_t)text.n)
        return err_errno(a, n < 0 ? errno : ENOSPC, "cannot write %s", path);
    if (fsync(fd) != 0)
        return err_errno(a, errno, "cannot sync %s", path);
    return NULL;
}

static err_t sync_dir(const char *dir, struct arena *a)
{
    SCOPED(fd_closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_errno(a, errno, "cannot sync %s", dir);
    return NULL;
}

static err_t link_into_place(const char *from, const char *to, const char *dir, struct arena *a)
{
    if (link(from, to) != 0)
        return errno == EEXIST ? err_make(a, ERR_CONFLICT, "%s is there already", to)
                               : err_errno(a, errno, "cannot name %s", to);
    return sync_dir(dir, a);
}

err_t master_key_write(const char *dir, const unsigned char key[SEAL_KEY_SIZE], struct arena *a)
{
    const char *path = path_of(a, dir), *made = arena_printf(a, "%s" NEW_SUFFIX, path).p;
    slice digits = hex_encode(a, (slice){ (const char *)key, SEAL_KEY_SIZE });
    slice parts[] = { digits, S("\n") }, text = arena_join(a, parts, LENGTH_OF(parts));
    (void)unlink(made); /* left by a start that was interrupted before it used the key */
    err_t e = write_new(made, text, a);
    if (!e)
        e = link_into_place(made, path, dir, a);
    (void)unlink(made);
    explicit_bzero((void *)(uintptr_t)digits.p, digits.n);
    explicit_bzero((void *)(uintptr_t)text.p, text.n);
    return e;
}

err_t master_key_ensure(const char *dir, struct random *random, struct arena *a, unsigned char ret_key[SEAL_KEY_SIZE])
{
    err_t e = master_key_read(dir, a, ret_key);
    if (!e) /* the process that made it may have been killed before its name was flushed */
        return sync_dir(dir, a);
    if (e->code != ERR_NOT_FOUND)
        return e;
    unsigned char key[SEAL_KEY_SIZE];
    random_fill(random, key, sizeof key);
    TRY(master_key_write(dir, key, a));
    memcpy(ret_key, key, sizeof key);
    explicit_bzero(key, sizeof key);
    return NULL;
}
