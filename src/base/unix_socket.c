/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unix_socket.h"

#include "base/scoped.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/un.h>

#define MAX_PATH_BYTES (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

static void close_kept(void *fd)
{
    fd_closep(fd);
}

err_t unix_socket_path(const char *path, struct arena *a, const char **ret_path)
{
    slice folder = S("."), name = slice_of(path);
    if (name.n > MAX_PATH_BYTES) {
        size_t slash = slice_rfind_byte(name, '/');
        if (slash != SLICE_NONE) {
            folder = slice_part(name, 0, slash);
            name = slice_from(name, slash + 1);
        }
        int *kept = arena_new(a, int);
        *kept = open(arena_cstr(a, folder), O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (*kept < 0)
            return err_errno(a, errno, "cannot open the folder of %s", path);
        arena_defer(a, close_kept, kept);
        path = arena_printf(a, "/proc/self/fd/%d/" SLICE_FMT, *kept, SLICE_ARG(name)).p;
        if (strlen(path) > MAX_PATH_BYTES)
            return err_make(a, ERR_INVALID, "the name of a Unix socket is too long: " SLICE_FMT, SLICE_ARG(name));
    }
    *ret_path = path;
    return NULL;
}
