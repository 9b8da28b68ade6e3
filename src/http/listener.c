/* SPDX-License-Identifier: Apache-2.0 */
#include "http/listener.h"

#include "base/unix_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
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

/* Split "host:port", "[v6]:port" or ":port"; the host comes back without brackets. */
static err_t split_address(const char *text, struct arena *a, char **ret_host, char **ret_port)
{
    slice all = slice_of(text);
    size_t colon = slice_rfind_byte(all, ':');
    uint64_t port;
    if (colon == SLICE_NONE || !slice_to_u64(slice_from(all, colon + 1), &port) || port > 65535)
        return err_make(a, ERR_INVALID, "%s is not ADDRESS:PORT", text);
    slice host = slice_part(all, 0, colon);
    if (slice_starts(host, S("[")) && slice_ends(host, S("]")))
        host = slice_part(host, 1, host.n - 2);
    *ret_host = arena_cstr(a, host);
    *ret_port = arena_cstr(a, slice_from(all, colon + 1));
    return NULL;
}

static slice bound_address(int fd, struct arena *a)
{
    struct sockaddr_storage at = { 0 };
    socklen_t size = sizeof at;
    char host[INET6_ADDRSTRLEN] = "";
    getsockname(fd, (struct sockaddr *)&at, &size);
    if (at.ss_family == AF_INET6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)&at;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        return arena_printf(a, "[%s]:%u", host, ntohs(six->sin6_port));
    }
    struct sockaddr_in *four = (struct sockaddr_in *)&at;
    inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
    return arena_printf(a, "%s:%u", host, ntohs(four->sin_port));
}

static err_t listen_tcp(struct listener *l, const char *address, struct arena *a, slice *ret_address)
{
    char *host = NULL, *port = NULL;
    TRY(split_address(address, a, &host, &port));
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST };
    struct addrinfo *found = NULL;
    if (strcmp(host, "localhost") == 0)
        host = arena_cstr(a, S("127.0.0.1"));
    if (getaddrinfo(host[0] ? host : "::", port, &hints, &found) != 0)
        return err_make(a, ERR_INVALID, "%s is not an address to listen on", address);
    SCOPED(fd_closep) int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1, zero = 0, failed = fd < 0;
    if (!failed) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (found->ai_family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, host[0] ? &one : &zero, sizeof one);
        failed = bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 4096) != 0;
    }
    int why = errno;
    freeaddrinfo(found);
    if (failed && why == EADDRINUSE)
        return err_make(a, ERR_CONFLICT, "%s is in use by another program", address);
    if (failed)
        return err_errno(a, why, "cannot listen on %s", address);
    *ret_address = bound_address(fd, a);
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
        TRY(listen_tcp(&l, options->address, a, ret_address));
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
