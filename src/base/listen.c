/* SPDX-License-Identifier: Apache-2.0 */
#include "base/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

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

err_t listen_on_tcp(const char *address, struct arena *a, int *ret_fd, slice *ret_address)
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
        return err_make(a, ERR_CONFLICT, "%s is in use by another program: stop it, or choose another port", address);
    if (failed && why == EACCES)
        return err_make(a, ERR_FORBIDDEN,
                        "cannot listen on %s: a port below 1024 needs the capability CAP_NET_BIND_SERVICE, as "
                        "cais.service gives it",
                        address);
    if (failed && why == EADDRNOTAVAIL)
        return err_make(a, ERR_INVALID, "cannot listen on %s: this machine has no such address", address);
    if (failed)
        return err_errno(a, why, "cannot listen on %s", address);
    *ret_address = bound_address(fd, a);
    *ret_fd = TAKE_FD(fd);
    return NULL;
}
