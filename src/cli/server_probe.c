/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/holder.h"

#include "base/scoped.h"
#include "base/unix_socket.h"
#include "core/care/data_dir.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { PATIENCE_MS = 10000, MOMENT_MS = 20 };

bool holder_answers(slice data_dir)
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

bool holder_wait(struct clock *clock, int64_t *until_ms)
{
    int64_t now = clock_monotonic_ms(clock);
    if (*until_ms == 0)
        *until_ms = now + PATIENCE_MS;
    poll(NULL, 0, MOMENT_MS); /* neither a lock nor a socket that is not there yet can be waited for together */
    return now < *until_ms;
}
