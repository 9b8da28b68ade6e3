/* SPDX-License-Identifier: Apache-2.0 */
/* What a server tells the program that started it, by the protocol of systemd's notifications: lines of NAME=VALUE, as datagrams to the socket that
 * NOTIFY_SOCKET names. WATCHDOG_USEC says how long the server may be silent before it is taken for hung. systemd sets both for a
 * service of Type=notify; without them nothing is sent. */
#ifndef CAIS_CLI_SERVICE_MANAGER_H
#define CAIS_CLI_SERVICE_MANAGER_H

#include "base/arena.h"

#include <sys/un.h>

struct service_manager {
    struct sockaddr_un to;
    socklen_t to_bytes;  /* 0: nobody listens */
    int64_t watchdog_ms; /* send WATCHDOG=1 three times in this time; 0: nobody waits for it */
};

void service_manager_find(struct service_manager *, char *const *environment);
/* A manager that does not take it changes nothing: it is the one that starts and ends this process. */
void service_manager_send(const struct service_manager *, const char *lines);
/* RELOADING=1, with the time that notify-reload asks for. READY=1 must follow. */
void service_manager_send_reloading(const struct service_manager *);

#endif
