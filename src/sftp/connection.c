/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, on a thread of its own.
 *
 *   LOGGING_IN ── a key was accepted ──► LOGGED_IN ── subsystem "sftp" ──► SERVING ── the client ends ──► LEAVING ──► (gone)
 *        │                                   │                                │                              ▲
 *        └── login_grace_ms, max_attempts    └── idle_ms                      └── idle_ms, a violation, the key is revoked,
 *            └──► (gone)                         └──► (gone)                      or the server stops ──► (gone)
 *
 * All callbacks of libssh run on this thread. What they must not do is write to the channel: that would
 * handle packets within packets. So replies are collected by the session, and sent between two turns.
 *
 * Memory   What the client sends is executed in the buffer of libssh, as long as the session takes it. When the session is full, it stays
 *          there: the window of SSH lets a client send little more, and one that ignores the window is cut (HELD_MAX). What libssh itself
 *          replies, to packets that it does not know for example, is bounded by CONTROL_MAX. */
#include "base/buf.h"
#include "base/public_key.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/grant.h"
#include "sftp/service_priv.h"

#include <libssh/callbacks.h>

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TURN_MS 1000                    /* after which deadlines are looked at */
#define HELD_MAX ((size_t)2 << 20)      /* bytes in the buffer of libssh; its window is 1.28 MB */
#define READ_BYTES ((size_t)64 << 10)   /* that are taken out of it at once */
#define SEND_BYTES ((size_t)256 << 10)  /* that are given to libssh at once */
#define CONTROL_MAX ((uint64_t)1 << 20) /* bytes of libssh's own that the client has not taken */
#define LEAVE_MS 2000                   /* for the client to close its side */
#define PACKETS_MAX 200                 /* before the login */
#define ROUNDS 64                       /* of moving bytes, after which deadlines are looked at */
enum { LOGIN_MAX = 128, ID_DIGITS = 16 };

#define IS_LOST "the connection was lost"
#define HAS_LEFT "the client has left"

enum connection_state { LOGGING_IN, LOGGED_IN, SERVING, LEAVING };

struct connection {
    struct sftp_service *service;
    struct connection *next, **link; /* in the service's list */
    int fd, wake_fd;
    char peer[ADDRESS_TEXT_BYTES];
    slice id; /* random, for the log and the events; in the arena */

    enum connection_state state;
    const char *over;                                   /* why it ends now; NULL: it goes on */
    int64_t began_ms, active_ms, left_ms, rechecked_ms; /* monotonic clock */
    ssh_session ssh;
    ssh_event event;
    ssh_channel channel; /* NULL: none yet */
    struct ssh_server_callbacks_struct server_callbacks;
    struct ssh_channel_callbacks_struct channel_callbacks;
    struct ssh_counter_struct packets, bytes; /* that libssh counts */
    uint64_t drained_bytes;                   /* of `packets` that were out when nothing waited to be sent */

    int attempts;                    /* to log in, that failed */
    bool asked_for_none, is_counted; /* is_counted: the attempt is in the limits on logins */
    slice counted_login;
    struct arena arena; /* of the principal */
    struct principal who;
    int64_t user_id; /* as which it counts; 0: it has not logged in. Under the service's mutex */
    struct grant grant;
    struct inbox *inbox;
    struct sftp_session *sftp;
    bool is_sending; /* within ssh_channel_write */
    bool has_held;   /* libssh, or `held`, has bytes that the session has not seen */
    bool has_ended;  /* the client sends nothing more */
    struct buf held; /* the beginning of a packet, after the session was full */
};

/* ---- logging in ---- */

static int64_t now_of(const struct connection *c)
{
    return clock_monotonic_ms(c->service->options.core->clock);
}

static void log_connection(const struct connection *c, const char *msg, slice login, const char *why)
{
    struct log *log = c->service->options.log;
    if (log)
        log_line(log, LOG_INFO, msg, LOG_S("request_id", c->id), LOG_S("peer", slice_of(c->peer)),
                 LOG_S("login", login), LOG_S("reason", slice_of(why)));
}

static int refuse_attempt(struct connection *c)
{
    SERVICE_COUNT(c->service, logins_refused);
    if (++c->attempts >= c->service->options.max_attempts)
        c->over = "too many attempts to log in";
    return SSH_AUTH_DENIED;
}

/* Programs ask for "none" once, to learn which methods there are. */
static int on_auth_none(ssh_session ssh, const char *user, void *arg)
{
    struct connection *c = arg;
    (void)ssh;
    (void)user;
    if (c->asked_for_none)
        return refuse_attempt(c);
    c->asked_for_none = true;
    return SSH_AUTH_DENIED;
}

static int on_auth_password(ssh_session ssh, const char *user, const char *password, void *arg)
{
    (void)ssh;
    (void)user;
    (void)password;
    return refuse_attempt(arg);
}

/* Without this, libssh would look for credentials of the machine. */
static ssh_string on_gssapi(ssh_session ssh, const char *user, int count, ssh_string *oids, void *arg)
{
    (void)ssh;
    (void)user;
    (void)count;
    (void)oids;
    refuse_attempt(arg);
    return NULL;
}

/* One connection counts as one attempt, whichever keys its client offers. */
static bool count_login(struct connection *c, slice login)
{
    if (login.n > LOGIN_MAX)
        return false;
    if (c->is_counted)
        return slice_eq(login, c->counted_login);
    c->is_counted = login_limit_begin(c->service->options.core->logins, login, slice_of(c->peer));
    c->counted_login = arena_copy(&c->arena, login);
    return c->is_counted;
}

static err_t find_principal(struct connection *c, slice login, ssh_key key, struct arena *a, struct principal *ret)
{
    char *base64 = NULL;
    slice blob;
    if (ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK)
        return err_make(a, ERR_UNAUTHENTICATED, "the key cannot be read");
    bool decoded = base64_decode(a, slice_of(base64), &blob);
    ssh_string_free_char(base64);
    if (!decoded)
        return err_make(a, ERR_UNAUTHENTICATED, "the key cannot be read");
    struct public_key read;
    TRY(public_key_read_blob(blob, a, &read));
    const struct public_key_login wanted = { c->service->options.purpose, login, read.fingerprint };
    return access_public_key(c->service->options.core, &wanted, a, ret);
}

/* The key was right, so it was no guess. */
static void uncount_login(struct connection *c, bool succeeded)
{
    if (c->is_counted)
        login_limit_end(c->service->options.core->logins, c->counted_login, slice_of(c->peer), succeeded);
    c->is_counted = false;
}

/* One user must not be able to keep all others out. */
static err_t enter_user(struct connection *c, int64_t user_id, struct arena *a)
{
    struct sftp_service *s = c->service;
    size_t max = s->options.max_connections_per_user, count = 0;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&s->mutex);
    for (const struct connection *other = s->connections; other; other = other->next)
        count += other != c && other->user_id == user_id;
    if (!max || count < max) {
        c->user_id = user_id;
        return NULL;
    }
    c->over = "too many connections of the user"; /* at once: it has a place that others could have */
    return err_make(a, ERR_RATE, "%s", c->over);
}

static int accept_login(struct connection *c, const struct principal *who)
{
    struct core *core = c->service->options.core;
    SCRATCH(scratch);
    c->who = *who;
    c->who.login = arena_copy(&c->arena, who->login);
    c->who.request_id = c->id;
    c->grant = grant_of(&c->who);
    err_t e = enter_user(c, who->user_id, &scratch);
    if (!e)
        e = inbox_open(core, &c->who, &c->service->options.inbox, &scratch, &c->inbox);
    if (!e)
        e = access_public_key_begin(core, &c->who, c->service->options.purpose, slice_of(c->peer), &scratch);
    uncount_login(c, !e);
    if (e) {
        inbox_close(c->inbox);
        c->inbox = NULL;
        log_connection(c, "SFTP login refused", c->who.login, e->msg);
        return refuse_attempt(c);
    }
    c->state = LOGGED_IN;
    c->active_ms = now_of(c);
    admission_leave(&c->service->logging_in, c->peer, ADMISSION_BY_ADDRESS);
    SERVICE_COUNT(c->service, logins);
    log_connection(c, "SFTP login", c->who.login, "public key");
    return SSH_AUTH_SUCCESS;
}

/* Called once for a key that is only offered, and once for one with a signature that libssh has verified. An unknown user
 * and a wrong key are refused alike, after the same work. */
static int on_auth_key(ssh_session ssh, const char *user, struct ssh_key_struct *key, char signature, void *arg)
{
    struct connection *c = arg;
    SCRATCH(scratch);
    struct principal who;
    slice login = slice_of(user);
    (void)ssh;
    if (c->state != LOGGING_IN)
        return SSH_AUTH_DENIED;
    if (signature != SSH_PUBLICKEY_STATE_NONE && signature != SSH_PUBLICKEY_STATE_VALID)
        return refuse_attempt(c);
    err_t e = count_login(c, login) ? find_principal(c, login, key, &scratch, &who)
                                    : err_make(&scratch, ERR_RATE, "too many logins");
    if (e) {
        log_connection(c, "SFTP login refused", slice_part(login, 0, LOGIN_MAX), e->msg);
        return refuse_attempt(c);
    }
    return signature == SSH_PUBLICKEY_STATE_VALID ? accept_login(c, &who) : SSH_AUTH_SUCCESS;
}

static int on_service(ssh_session ssh, const char *service, void *arg)
{
    (void)ssh;
    (void)arg;
    return strcmp(service, "ssh-userauth") == 0 ? 0 : -1;
}

/* ---- the channel ---- */

static int on_subsystem(ssh_session ssh, ssh_channel channel, const char *subsystem, void *arg)
{
    struct connection *c = arg;
    (void)ssh;
    (void)channel;
    if (c->state != LOGGED_IN || strcmp(subsystem, "sftp") != 0)
        return 1;
    c->sftp = sftp_session_open(&c->service->shared, c->inbox, c->who.section_id);
    c->state = SERVING;
    return 0;
}

static int on_data(ssh_session ssh, ssh_channel channel, void *data, uint32_t size, int is_stderr, void *arg)
{
    struct connection *c = arg;
    (void)ssh;
    (void)channel;
    if (is_stderr || c->over || c->state == LEAVING)
        return (int)size;
    if (size > HELD_MAX) {
        c->over = "the client ignores the window";
        return (int)size;
    }
    c->active_ms = now_of(c);
    if (c->state != SERVING || c->is_sending || c->has_held) {
        c->has_held = true;
        return 0;
    }
    size_t used = sftp_session_feed(c->sftp, (slice){ data, size });
    c->has_held = sftp_session_is_full(c->sftp);
    return (int)used;
}

static void on_end(ssh_session ssh, ssh_channel channel, void *arg)
{
    struct connection *c = arg;
    (void)ssh;
    (void)channel;
    c->has_ended = true;
}

/* A client has one channel. */
static ssh_channel on_channel(ssh_session ssh, void *arg)
{
    struct connection *c = arg;
    if (c->state != LOGGED_IN || c->channel)
        return NULL;
    c->channel = ssh_channel_new(ssh);
    c->channel_callbacks = (struct ssh_channel_callbacks_struct){ .userdata = c,
                                                                  .channel_data_function = on_data,
                                                                  .channel_eof_function = on_end,
                                                                  .channel_close_function = on_end,
                                                                  .channel_subsystem_request_function = on_subsystem };
    ssh_callbacks_init(&c->channel_callbacks);
    ssh_set_channel_callbacks(c->channel, &c->channel_callbacks);
    return c->channel;
}

/* ---- bytes ---- */

/* Execute what was held back. Returns whether something was done. */
static bool execute_held(struct connection *c)
{
    if (!c->has_held || c->state != SERVING || sftp_session_is_full(c->sftp))
        return false;
    size_t used = sftp_session_feed(c->sftp, buf_slice(&c->held));
    c->held.n -= used;
    if (used && c->held.n)
        memmove(c->held.p, c->held.p + used, c->held.n);
    if (sftp_session_is_full(c->sftp))
        return used > 0;
    /* An error means that the channel is closed, or the connection lost, which is noticed elsewhere. */
    int n = ssh_channel_read_timeout(c->channel, buf_reserve(&c->held, READ_BYTES), READ_BYTES, 0, 0);
    if (n > 0)
        c->held.n += (size_t)n;
    if (n <= 0 && !c->held.n) {
        buf_release(&c->held);
        c->has_held = false;
    }
    return n > 0 || used > 0;
}

static bool send_output(struct connection *c)
{
    slice output = c->state == SERVING ? sftp_session_output(c->sftp) : S("");
    size_t window = c->channel ? ssh_channel_window_size(c->channel) : 0,
           n = output.n < SEND_BYTES ? output.n : SEND_BYTES;
    n = n < window ? n : window;
    if (!n || (ssh_get_status(c->ssh) & SSH_WRITE_PENDING))
        return false;
    c->drained_bytes = c->packets.out_bytes;
    c->is_sending = true;
    int sent = ssh_channel_write(c->channel, output.p, (uint32_t)n);
    c->is_sending = false;
    if (sent < 0) {
        c->over = IS_LOST;
        return false;
    }
    if (sent > 0)
        c->active_ms = now_of(c);
    sftp_session_sent(c->sftp, (size_t)sent);
    return sent > 0;
}

/* The client has sent its last byte, and everything was executed and sent. */
static void leave(struct connection *c)
{
    c->state = LEAVING;
    c->left_ms = now_of(c);
    sftp_session_close(c->sftp); /* what it left open is cut */
    c->sftp = NULL;
    if (ssh_channel_is_open(c->channel)) {
        ssh_channel_request_send_exit_status(c->channel, 0);
        ssh_channel_send_eof(c->channel);
        ssh_channel_close(c->channel);
    }
}

/* Returns whether more can be done at once. */
static bool move_bytes(struct connection *c)
{
    int rounds = 0;
    for (bool moved = true; moved && !c->over && rounds < ROUNDS; rounds += moved) {
        moved = execute_held(c);
        moved = send_output(c) || moved;
    }
    if (c->over || c->state == LOGGING_IN || c->state == LEAVING)
        return false;
    if (c->state == SERVING)
        c->over = sftp_session_violation(c->sftp);
    if (!c->over && c->has_ended && rounds < ROUNDS && (c->state == LOGGED_IN || !sftp_session_output(c->sftp).n))
        leave(c);
    return rounds == ROUNDS;
}

/* ---- deadlines ---- */

/* Bytes that libssh wants to send and cannot: replies to packets which a client may send without reading. */
static bool is_flooded(struct connection *c)
{
    if (!(ssh_get_status(c->ssh) & SSH_WRITE_PENDING))
        c->drained_bytes = c->packets.out_bytes;
    return c->packets.out_bytes - c->drained_bytes > SEND_BYTES + CONTROL_MAX;
}

static void check_stop(struct connection *c)
{
    enum service_phase phase = service_phase(c->service);
    if (phase == SERVICE_RUNS)
        return;
    if (c->sftp)
        sftp_session_refuse_opens(c->sftp);
    if (phase == SERVICE_CUTS || c->state != SERVING ||
        (!sftp_session_is_writing(c->sftp) && !sftp_session_output(c->sftp).n))
        c->over = "the server stops";
}

/* Also ends a connection that does nothing when its key is revoked. */
static void check_grant(struct connection *c, int64_t now_ms)
{
    if (c->state == LOGGING_IN || now_ms - c->rechecked_ms < TURN_MS)
        return;
    c->rechecked_ms = now_ms;
    if (grant_recheck(c->service->options.core, &c->grant))
        c->over = "the key may not be used any more";
}

static void check_deadlines(struct connection *c)
{
    const struct sftp_options *o = &c->service->options;
    int64_t now_ms = now_of(c);
    if (c->over)
        return;
    if (ssh_get_status(c->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR))
        c->over = c->state == LEAVING ? HAS_LEFT : IS_LOST;
    else if (c->state == LOGGING_IN && now_ms - c->began_ms >= o->login_grace_ms)
        c->over = "the client did not log in in time";
    else if (c->state == LOGGING_IN && c->packets.in_packets > PACKETS_MAX)
        c->over = "too many packets before the login";
    else if (c->state == LEAVING && now_ms - c->left_ms >= LEAVE_MS)
        c->over = HAS_LEFT;
    else if (c->state != LOGGING_IN && now_ms - c->active_ms >= o->idle_ms)
        c->over = "the client was idle for too long";
    else if (is_flooded(c))
        c->over = "the client does not read";
    else
        check_grant(c, now_ms);
    if (!c->over)
        check_stop(c);
}

/* ---- the thread ---- */

static int on_wake(socket_t fd, int events, void *arg)
{
    uint64_t unused;
    (void)events;
    (void)arg;
    ssize_t n = read(fd, &unused, sizeof unused);
    (void)n;
    return 0;
}

/* libssh takes the descriptor, also when it fails. */
static bool open_ssh(struct connection *c)
{
    static const struct ssh_server_callbacks_struct callbacks = {
        .auth_password_function = on_auth_password,
        .auth_none_function = on_auth_none,
        .auth_pubkey_function = on_auth_key,
        .service_request_function = on_service,
        .channel_open_request_session_function = on_channel,
        .gssapi_select_oid_function = on_gssapi,
    };
    c->ssh = ssh_new();
    c->event = ssh_event_new();
    if (!c->ssh || !c->event)
        return false;
    pthread_mutex_lock(&c->service->bind_mutex);
    bool done = ssh_options_set(c->ssh, SSH_OPTIONS_COMPRESSION, "none") == SSH_OK &&
                ssh_bind_accept_fd(c->service->bind, c->ssh, c->fd) == SSH_OK;
    pthread_mutex_unlock(&c->service->bind_mutex);
    if (ssh_get_fd(c->ssh) == c->fd)
        c->fd = -1; /* it is libssh's, and closed by ssh_free */
    if (!done)
        return false;
    c->server_callbacks = callbacks;
    c->server_callbacks.userdata = c;
    ssh_callbacks_init(&c->server_callbacks);
    ssh_set_server_callbacks(c->ssh, &c->server_callbacks);
    ssh_set_auth_methods(c->ssh, SSH_AUTH_METHOD_PUBLICKEY);
    ssh_set_counters(c->ssh, &c->bytes, &c->packets);
    ssh_set_blocking(c->ssh, 0);
    return ssh_handle_key_exchange(c->ssh) != SSH_ERROR && ssh_event_add_session(c->event, c->ssh) == SSH_OK &&
           ssh_event_add_fd(c->event, c->wake_fd, POLLIN, on_wake, NULL) == SSH_OK;
}

static void serve(struct connection *c)
{
    if (!open_ssh(c)) {
        c->over = "the connection could not be set up";
        return;
    }
    bool has_more = false;
    while (!c->over) {
        check_deadlines(c);
        if (!c->over && ssh_event_dopoll(c->event, has_more ? 0 : TURN_MS) == SSH_ERROR && !c->over)
            c->over = c->state == LEAVING ? HAS_LEFT : IS_LOST;
        if (!c->over)
            has_more = move_bytes(c);
    }
}

static void release(struct connection *c)
{
    struct sftp_service *s = c->service;
    if (c->state == LOGGING_IN)
        admission_leave(&s->logging_in, c->peer, ADMISSION_BY_ADDRESS);
    else
        log_connection(c, "SFTP connection ended", c->who.login, c->over);
    sftp_session_close(c->sftp);
    inbox_close(c->inbox);
    if (c->event && c->ssh) {
        ssh_event_remove_fd(c->event, c->wake_fd);
        ssh_event_remove_session(c->event, c->ssh);
    }
    if (c->ssh)
        ssh_disconnect(c->ssh);
    ssh_free(c->ssh);
    ssh_event_free(c->event);
    fd_closep(&c->fd);
    buf_release(&c->held);
    arena_release(&c->arena);
    admission_leave(&s->admission, c->peer, ADMISSION_BY_ADDRESS);
}

/* The last thing that a connection does: afterwards the service may be gone. */
static void remove_connection(struct connection *c)
{
    struct sftp_service *s = c->service;
    pthread_mutex_lock(&s->mutex);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    close(c->wake_fd);
    free(c);
    s->connection_count--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
}

static void *run_connection(void *arg)
{
    struct connection *c = arg;
    serve(c);
    release(c);
    remove_connection(c);
    return NULL;
}

void connection_begin(struct sftp_service *s, int fd, const char *peer)
{
    struct connection *c = must_malloc(sizeof *c);
    c->service = s;
    c->fd = fd;
    c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    memcpy(c->peer, peer, strlen(peer) + 1);
    arena_init(&c->arena);
    buf_init(&c->held, 0);
    c->id = random_hex(s->options.core->random, &c->arena, ID_DIGITS);
    c->began_ms = now_of(c);
    pthread_mutex_lock(&s->mutex);
    c->next = s->connections;
    c->link = &s->connections;
    if (c->next)
        c->next->link = &c->next;
    s->connections = c;
    s->connection_count++;
    pthread_mutex_unlock(&s->mutex);
    pthread_t thread;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    if (c->wake_fd < 0 || pthread_create(&thread, &detached, run_connection, c) != 0) {
        release(c);
        remove_connection(c);
    }
    pthread_attr_destroy(&detached);
}

void connection_wake(struct connection *c)
{
    uint64_t one = 1;
    ssize_t unused = write(c->wake_fd, &one, sizeof one);
    (void)unused;
}

struct connection *connection_next(const struct connection *c)
{
    return c->next;
}
