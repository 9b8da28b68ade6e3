/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listener.h"

#include "base/listen.h"
#include "base/unix_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Remove a Unix socket that a crashed process left behind: one that refuses connections. Anything else at that path is
 * in use and stays. */
static err_t remove_stale_socket(const char *path, const struct sockaddr_un *at, struct arena *a)
{
    struct stat there;
    if (lstat(path, &there) != 0)
        return errno == ENOENT ? NULL : err_errno(a, errno, "cannot look at %s", path);
    if (!S_ISSOCK(there.st_mode))
        return err_make(a, ERR_CONFLICT, "%s is there and is no socket", path);
    SCOPED(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(a, errno, "cannot make a socket");
    if (connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 || errno != ECONNREFUSED)
        return err_make(a, ERR_CONFLICT, "%s is in use by another program", path);
    return unlink(path) == 0 ? NULL : err_errno(a, errno, "cannot remove the old %s", path);
}

static err_t listen_unix(struct listener *l, const char *path, struct arena *a)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    const char *short_path;
    TRY(unix_socket_path(path, a, &short_path));
    strncat(to.sun_path, short_path, sizeof to.sun_path - 1);
    SCOPED(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(a, errno, "cannot make a socket");
    TRY(remove_stale_socket(path, &to, a));
    mode_t before = umask(0177);
    int failed = bind(fd, (struct sockaddr *)&to, sizeof to);
    umask(before);
    if (failed || listen(fd, 1024) != 0)
        return err_errno(a, errno, "cannot listen on %s", path);
    struct stat created;
    if (lstat(path, &created) == 0) {
        l->device = created.st_dev;
        l->inode = created.st_ino;
    }
    l->is_unix = true;
    l->path = must_strdup(path);
    l->fd = TAKE_FD(fd);
    return NULL;
}

err_t listener_open(const struct http_listener *options, struct arena *a, struct listener *ret, slice *ret_address)
{
    struct listener l = { .options = *options, .fd = -1 };
    slice address = slice_of(options->address);
    if (slice_starts(address, S("unix:"))) {
        TRY(listen_unix(&l, options->address + 5, a));
        *ret_address = address;
    } else {
        TRY(listen_on_tcp(options->address, a, &l.fd, ret_address));
    }
    l.mark = MARK_LISTENER;
    *ret = l;
    return NULL;
}

void listener_close(struct listener *l)
{
    ASSERT_MARK(l, LISTENER);
    CLEAR_MARK(l);
    close(l->fd);
    struct stat there;
    if (l->path && lstat(l->path, &there) == 0 && there.st_dev == l->device && there.st_ino == l->inode)
        unlink(l->path);
    free(l->path);
}
