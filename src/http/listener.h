/* SPDX-License-Identifier: Apache-2.0 */
/* One listening socket, TCP or Unix. */
#ifndef CAIS_HTTP_LISTENER_H
#define CAIS_HTTP_LISTENER_H

#include "http/mark.h"
#include "http/options.h"

#include <sys/types.h>

struct listener {
    enum mark mark;
    struct http_listener options;
    int fd;
    bool is_unix;
    /* Of a Unix socket: its name, and which file it was when we made it. Another server may have taken the name
     * since. */
    char *path;
    dev_t device;
    ino_t inode;
};

/* Bind and listen. ret_address: the address with the actual port, in `a`. Errors: as http_server_listen. */
MUST_USE err_t listener_open(const struct http_listener *options, struct arena *a, struct listener *ret,
                             slice *ret_address);
/* Close the socket; the file of a Unix socket is removed if it is still ours. */
void listener_close(struct listener *);

#endif
