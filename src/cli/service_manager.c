/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/service_manager.h"

#include "base/scoped.h"
#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A name that begins with @ is one of the abstract namespace, which begins with a zero byte. */
static void take_address(struct service_manager *m, slice name)
{
    bool is_abstract = slice_starts(name, S("@"));
    if (name.n < 2 || name.n >= sizeof m->to.sun_path || (name.p[0] != '/' && !is_abstract))
        return;
    m->to.sun_family = AF_UNIX;
    memcpy(m->to.sun_path, name.p, name.n);
    if (is_abstract)
        m->to.sun_path[0] = '\0';
    m->to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name.n + !is_abstract);
}

void service_manager_find(struct service_manager *m, char *const *environment)
{
    uint64_t watchdog_us = 0, pid = (uint64_t)getpid();
    *m = (struct service_manager){ 0 };
    for (; *environment; environment++) {
        slice name, value;
        if (!slice_cut(slice_of(*environment), '=', &name, &value))
            continue;
        if (slice_eq(name, S("NOTIFY_SOCKET")))
            take_address(m, value);
        else if (slice_eq(name, S("WATCHDOG_USEC")) && !slice_to_u64(value, &watchdog_us))
            watchdog_us = 0;
        else if (slice_eq(name, S("WATCHDOG_PID")) && !slice_to_u64(value, &pid))
            pid = 0;
    }
    if (m->to_bytes && pid == (uint64_t)getpid() && watchdog_us <= INT64_MAX)
        m->watchdog_ms = (int64_t)(watchdog_us / 1000);
}

void service_manager_send(const struct service_manager *m, const char *lines)
{
    if (!m->to_bytes)
        return;
    SCOPED(fd_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (const struct sockaddr *)&m->to, m->to_bytes);
}

void service_manager_send_reloading(const struct service_manager *m)
{
    char lines[80];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* that of the system: the manager compares it with its own */
    snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    service_manager_send(m, lines);
}
