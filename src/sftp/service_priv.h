/* SPDX-License-Identifier: Apache-2.0 */
/* The server and its connections. */
#ifndef CAIS_SFTP_SERVICE_PRIV_H
#define CAIS_SFTP_SERVICE_PRIV_H

#include "base/address.h"
#include "base/admission.h"
#include "sftp/options.h"
#include "sftp/session.h"

#include <libssh/server.h>

enum { SERVICE_LISTENERS_MAX = 16 };

enum service_phase {
    SERVICE_RUNS,
    SERVICE_DRAINS, /* connections that write no file end */
    SERVICE_CUTS,   /* all end */
};

struct connection;
struct sftp_service {
    struct sftp_options options;
    struct arena arena; /* of the strings */
    struct session_shared shared;
    struct admission admission;
    struct admission logging_in; /* of connections that have not logged in; they are in both */
    ssh_bind bind;
    pthread_mutex_t bind_mutex; /* libssh copies the host keys out of it for each connection */

    int listeners[SERVICE_LISTENERS_MAX];
    size_t listener_count;
    int wake_fd; /* of the thread that accepts */
    pthread_t acceptor;
    bool is_started;

    pthread_mutex_t mutex; /* of the list, and of phase while it changes */
    pthread_cond_t changed;
    struct connection *connections; /* a list; connection.c keeps it */
    size_t connection_count;
    enum service_phase phase; /* atomic */
    struct sftp_stats stats;  /* atomic, each */
};

#define SERVICE_COUNT(s, member) __atomic_add_fetch(&(s)->stats.member, 1, __ATOMIC_RELAXED)

static inline enum service_phase service_phase(struct sftp_service *s)
{
    return __atomic_load_n(&s->phase, __ATOMIC_ACQUIRE);
}

/* Algorithms and host keys. */
MUST_USE err_t service_bind_open(const struct sftp_options *, struct arena *a, ssh_bind *ret);

/* Serve a connection that was admitted, on a thread of its own. Owns fd. */
void connection_begin(struct sftp_service *, int fd, const char *peer);
/* Its thread looks at the phase. Under service->mutex. */
void connection_wake(struct connection *);
struct connection *connection_next(const struct connection *);
#endif
