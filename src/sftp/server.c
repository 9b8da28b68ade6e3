/* SPDX-License-Identifier: Apache-2.0 */
/* A thread for each connection, because what a request does may wait for a disk, and because libssh is driven by one thread for each
 * session. Connections of SFTP are few and busy, so a hard limit on them is enough; a thousand threads would be the wrong
 * tool for idle ones.
 *
 * A connection is counted from accept to the end of its thread. Threads are detached: sftp_service_stop waits until the list is
 * empty. */
#include "sftp/server.h"

#include "base/listen.h"
#include "sftp/service_priv.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOO_MANY                                                                                                       \
    "cais has too many SFTP connections, please retry later\r\n" /* RFC 4253 §4.2 lets lines precede the version */
enum { RETRY_MS = 100 }; /* after a failed accept, such as one without a free descriptor */

err_t sftp_service_new(const struct sftp_options *options, struct arena *a, struct sftp_service **ret)
{
    struct sftp_service *s = must_malloc(sizeof *s);
    arena_init(&s->arena);
    s->options = *options;
    s->options.host_keys = NULL;
    s->options.data_dir = NULL;
    s->options.purpose = arena_copy(&s->arena, options->purpose);
    s->options.inbox.origin = arena_copy(&s->arena, options->inbox.origin);
    s->options.inbox.folder = arena_copy(&s->arena, options->inbox.folder);
    err_t e = service_bind_open(options, a, &s->bind);
    s->wake_fd = e ? -1 : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!e && s->wake_fd < 0)
        e = err_errno(a, errno, "cannot make an event descriptor");
    session_shared_init(&s->shared, options->core, options->log, options->max_open_files, options->memory_bytes);
    admission_init(&s->admission, options->max_connections, options->max_connections_per_address);
    admission_init(&s->logging_in, options->max_logging_in, options->max_logging_in_per_address);
    pthread_mutex_init(&s->bind_mutex, NULL);
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (e)
        sftp_service_free(s);
    else
        *ret = s;
    return e;
}

err_t sftp_service_listen(struct sftp_service *s, const char *address, struct arena *a, slice *ret_address)
{
    if (s->listener_count == SERVICE_LISTENERS_MAX)
        return err_make(a, ERR_INVALID, "more than %d addresses for SFTP", SERVICE_LISTENERS_MAX);
    TRY(listen_on_tcp(address, a, &s->listeners[s->listener_count], ret_address));
    s->listener_count++;
    return NULL;
}

/* ---- accepting ---- */

static void refuse(struct sftp_service *s, int fd)
{
    SERVICE_COUNT(s, connections_refused);
    ssize_t unused = send(fd, TOO_MANY, sizeof TOO_MANY - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)unused;
    close(fd);
}

static bool enter(struct sftp_service *s, const char *peer)
{
    if (!admission_enter(&s->logging_in, peer, ADMISSION_BY_ADDRESS))
        return false;
    if (admission_enter(&s->admission, peer, ADMISSION_BY_ADDRESS))
        return true;
    admission_leave(&s->logging_in, peer, ADMISSION_BY_ADDRESS);
    return false;
}

static void accept_one(struct sftp_service *s, int listener)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    memset(&from, 0, sizeof from);
    int fd = accept4(listener, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
        poll(NULL, 0, RETRY_MS);
    if (fd < 0)
        return;
    char peer[ADDRESS_TEXT_BYTES] = "";
    address_format((const struct sockaddr *)&from, peer);
    SERVICE_COUNT(s, connections_accepted);
    if (!enter(s, peer)) {
        refuse(s, fd);
        return;
    }
    /* Without it, replies wait for the client's acknowledgement of the one before, and an upload takes several times as long. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connection_begin(s, fd, peer);
}

static void *accept_connections(void *arg)
{
    struct sftp_service *s = arg;
    struct pollfd fds[SERVICE_LISTENERS_MAX + 1] = { { .fd = s->wake_fd, .events = POLLIN } };
    for (size_t i = 0; i < s->listener_count; i++)
        fds[i + 1] = (struct pollfd){ .fd = s->listeners[i], .events = POLLIN };
    while (service_phase(s) == SERVICE_RUNS) {
        if (poll(fds, s->listener_count + 1, -1) <= 0)
            continue;
        for (size_t i = 0; i < s->listener_count; i++)
            if (fds[i + 1].revents)
                accept_one(s, s->listeners[i]);
    }
    return NULL;
}

err_t sftp_service_start(struct sftp_service *s, struct arena *a)
{
    int failed = pthread_create(&s->acceptor, NULL, accept_connections, s);
    if (failed)
        return err_errno(a, failed, "cannot start a thread");
    s->is_started = true;
    return NULL;
}

/* ---- the end ---- */

static void enter_phase(struct sftp_service *s, enum service_phase phase)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->mutex);
    if (s->phase >= phase)
        return;
    __atomic_store_n(&s->phase, phase, __ATOMIC_RELEASE);
    uint64_t one = 1;
    ssize_t unused = write(s->wake_fd, &one, sizeof one);
    (void)unused;
    for (struct connection *c = s->connections; c; c = connection_next(c))
        connection_wake(c);
    pthread_cond_broadcast(&s->changed);
}

/* Wait until there is no connection, for at most that long, or until the phase is SERVICE_CUTS. */
static void wait_for_connections(struct sftp_service *s, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until); /* real time, also when the clock is injected: an operator waits for it */
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->mutex);
    while (s->connection_count && s->phase < SERVICE_CUTS)
        if (pthread_cond_timedwait(&s->changed, &s->mutex, &until))
            return;
}

void sftp_service_drain(struct sftp_service *s)
{
    if (s && s->is_started)
        enter_phase(s, SERVICE_DRAINS);
}

void sftp_service_stop(struct sftp_service *s, int64_t grace_ms)
{
    if (!s || !s->is_started)
        return;
    sftp_service_drain(s);
    pthread_join(s->acceptor, NULL);
    wait_for_connections(s, grace_ms);
    enter_phase(s, SERVICE_CUTS);
    pthread_mutex_lock(&s->mutex);
    while (s->connection_count)
        pthread_cond_wait(&s->changed, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
    s->is_started = false;
}

void sftp_service_end_grace(struct sftp_service *s)
{
    if (s)
        enter_phase(s, SERVICE_CUTS);
}

void sftp_service_free(struct sftp_service *s)
{
    if (!s)
        return;
    assert(!s->is_started);
    for (size_t i = 0; i < s->listener_count; i++)
        close(s->listeners[i]);
    fd_closep(&s->wake_fd);
    ssh_bind_free(s->bind);
    session_shared_release(&s->shared);
    admission_release(&s->admission);
    admission_release(&s->logging_in);
    pthread_mutex_destroy(&s->bind_mutex);
    pthread_mutex_destroy(&s->mutex);
    pthread_cond_destroy(&s->changed);
    arena_release(&s->arena);
    free(s);
}

void sftp_service_stats(struct sftp_service *s, struct sftp_stats *ret)
{
    const struct sftp_stats *from = &s->stats;
    *ret = (struct sftp_stats){ .connections_accepted = __atomic_load_n(&from->connections_accepted, __ATOMIC_RELAXED),
                                .connections_refused = __atomic_load_n(&from->connections_refused, __ATOMIC_RELAXED),
                                .logins = __atomic_load_n(&from->logins, __ATOMIC_RELAXED),
                                .logins_refused = __atomic_load_n(&from->logins_refused, __ATOMIC_RELAXED),
                                .requests = __atomic_load_n(&s->shared.requests, __ATOMIC_RELAXED) };
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->mutex);
    ret->connections_open = s->connection_count;
}
