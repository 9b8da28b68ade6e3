/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/server_probe.h"

#include "base/scoped.h"
#include "base/unix_socket.h"
#include "core/care/data_dir.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { GIVE_UP_AFTER_MS = 10000, PAUSE_MS = 20 };

bool server_probe(slice data_dir)
{
    SCRATCH(a);
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    const char *path;
    if (unix_socket_path(arena_printf(&a, SLICE_FMT "/" DATA_DIR_SOCKET, SLICE_ARG(data_dir)).p, &a, &path))
        return false;
    strncat(to.sun_path, path, sizeof to.sun_path - 1);
    SCOPED(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
}

bool server_probe_pause(struct clock *clock, int64_t *deadline_ms)
{
    int64_t now = clock_monotonic_ms(clock);
    if (*deadline_ms == 0)
        *deadline_ms = now + GIVE_UP_AFTER_MS;
    poll(NULL, 0, PAUSE_MS); /* no call waits for a lock and for a socket that does not exist yet */
    return now < *deadline_ms;
}
