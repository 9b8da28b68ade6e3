/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static slice folder_of(const char *path)
{
    size_t slash = slice_rfind_byte(slice_of(path), '/');
    return slash == SLICE_NONE ? S("") : slice_part(slice_of(path), 0, slash + 1);
}

err_t whole_file_open(struct whole_file *f, const char *path, bool replaces, struct random *random, struct arena *a)
{
    struct stat there;
    *f = (struct whole_file){ .path = path, .replaces = replaces, .fd = -1 };
    stop_signals_block(&f->signals);
    if (lstat(path, &there) == 0) {
        if (!replaces)
            return err_make(a, ERR_CONFLICT, "it exists already; --force replaces it");
        if (!S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
            return err_make(a, ERR_CONFLICT, "it is there and is no regular file");
    }
    /* The temporary name does not contain the target's name, with which it could become too long. */
    slice parts[] = { folder_of(path), S(".cais-"), random_text(random, a, 12) };
    const char *temporary = arena_join(a, parts, LENGTH_OF(parts)).p;
    f->fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (f->fd < 0)
        return err_errno(a, errno, "cannot write beside it");
    f->temporary = temporary;
    return NULL;
}

/* Rename the temporary file to its target. */
static err_t put_in_place(const struct whole_file *f, struct arena *a)
{
    const char *from = f->temporary, *to = f->path;
    int failed = f->replaces ? rename(from, to) : renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (failed && !f->replaces &&
        (errno == EINVAL || errno == ENOSYS)) { /* not supported here: link refuses an existing target, too */
        failed = link(from, to);
        if (!failed)
            unlink(from);
    }
    if (failed && errno == EEXIST)
        return err_make(a, ERR_CONFLICT, "it exists already; --force replaces it");
    return failed ? err_errno(a, errno, "cannot put it in place") : NULL;
}

err_t whole_file_commit(struct whole_file *f, struct arena *a)
{
    if (fsync(f->fd) != 0)
        return err_errno(a, errno, "cannot write");
    TRY(put_in_place(f, a));
    f->temporary = NULL;
    slice folder = folder_of(f->path);
    SCOPED(fd_closep) int fd = open(folder.n ? arena_cstr(a, folder) : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* A folder that may be written but not read cannot be flushed by this user; the file itself is flushed. */
    return fd >= 0 && fsync(fd) != 0 && errno != EINVAL ? err_errno(a, errno, "cannot flush the folder") : NULL;
}

void whole_file_close(struct whole_file *f)
{
    if (f->temporary)
        unlink(f->temporary);
    fd_closep(&f->fd);
    stop_signals_restore(&f->signals);
}
