/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/http: what the files of the engine share. See server.h for the threads.
 *
 *               ┌─────────────── a head that is refused ──────────────┐
 *   accept ──► HEAD ──exchange_begin──► BODY ──exchange_body_done──► WAIT ──reply──► SEND ──┬─► HEAD (keep-alive)
 *   (TLS: HANDSHAKE first)               │                                            ▲     └─► LINGER ──► closed
 *                                        └─────────────── early reply ────────────────┘
 * In BODY with workers, buffers travel: loop fills → a body worker runs the sink → loop gets it back. At any moment a
 * buffer, and with it the sink, belongs to exactly one side; the hand-over is the queue's or mailbox's lock.
 * A connection is freed only when its exchange is over: whoever holds an exchange may rely on it. */
#ifndef CAIS_HTTP_ENGINE_H
#define CAIS_HTTP_ENGINE_H

#include "http/message.h"
#include "http/route.h"
#include "http/server.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/types.h>

#define BODY_BUFFER_BYTES ((size_t)128 * 1024)
#define BODY_BUFFERS_EACH 2                   /* of one upload at a time */
#define BODY_INLINE_BYTES ((size_t)20 * 1024) /* bodies up to here, of objects that become rows, run on the loop */
#define SCRATCH_BYTES ((size_t)256 * 1024)
#define SENDFILE_BYTES ((size_t)4 * 1024 * 1024) /* at most, a turn */
#define DRAIN_BYTES ((int64_t)1024 * 1024)       /* unread body that is worth keeping the connection for */
#define LINGER_BYTES ((int64_t)1024 * 1024 * 1024)

/* ---- pool.c: threads that run tasks ---- */

struct task {
    struct task *next;
    void (*run)(struct task *);
};
struct pool;
struct pool *pool_new(int threads, size_t queue_max, const char *name); /* queue_max 0: no limit */
bool pool_submit(struct pool *, struct task *);                         /* false: the queue is full */
void pool_free(struct pool *); /* runs what is queued, then ends the threads; NULL is fine */

/* ---- loop.c: epoll, mailbox, deadlines ---- */

struct mail {
    struct mail *next;
    void (*deliver)(struct mail *); /* on the loop's thread */
};

enum deadline_kind {
    DEADLINE_NONE,
    DEADLINE_HEAD,
    DEADLINE_IDLE,
    DEADLINE_BODY,
    DEADLINE_SEND,
    DEADLINE_LINGER,
    DEADLINE_KINDS
};

struct conn;
struct exchange;
struct listener;

/* Connections waiting for the same length of time: the oldest is the first to run out. */
struct deadline_queue {
    struct conn *first, *last;
    int64_t length_ms;
};

struct body_buffer {
    struct body_buffer *next; /* in the free list, or of those filled */
    struct mail mail;
    struct exchange *x;
    size_t n;
    char bytes[BODY_BUFFER_BYTES];
};

struct loop_stats {
    uint64_t accepted, refused, requests, active, status[6], bytes_in, bytes_out, timeouts, malformed, buffers, open;
};

struct loop {
    struct http_server *server;
    int index;
    pthread_t thread;
    bool started;
    int epoll_fd, wake_fd;
    int spare_fd; /* given up to refuse a connection when there are no others */

    pthread_mutex_t mail_lock;
    struct mail *mail_first, *mail_last; /* under mail_lock */

    struct deadline_queue deadlines[DEADLINE_KINDS];
    struct conn *conns; /* all of them */
    struct conn *ready; /* have more to do without waiting for the kernel */
    struct conn *ready_last;
    struct conn *starved; /* want a body buffer */
    struct conn *dead;    /* closed in this turn; freed at the end of it */
    int64_t now_ms;       /* monotonic, of this turn */

    pthread_mutex_t filled_lock;
    struct body_buffer *free_buffers;
    size_t free_buffer_count, buffers_out, buffers_max;

    struct exchange *free_exchanges;
    size_t free_exchange_count;
    struct message *spare_message;
    char *scratch; /* input of the connection that runs */
    char *piece;   /* part of a file on its way through TLS; NULL until needed */

    bool stopping, cutting;
    bool reported;
    int64_t date_s;
    char date[40];
    unsigned char id_seed[4];
    uint32_t id_next;
    struct loop_stats stats; /* written by the loop, read by anybody: relaxed atomics */
};

#define STAT_ADD(loop, field, v) __atomic_fetch_add(&(loop)->stats.field, (uint64_t)(v), __ATOMIC_RELAXED)
#define STAT_SUB(loop, field, v) __atomic_fetch_sub(&(loop)->stats.field, (uint64_t)(v), __ATOMIC_RELAXED)

MUST_USE err_t loop_init(struct loop *, struct http_server *, int index, struct arena *a);
void loop_release(struct loop *);
void *loop_run(void *loop);
void loop_post(struct loop *, struct mail *);                         /* from any thread */
void loop_deadline(struct loop *, struct conn *, enum deadline_kind); /* replaces the connection's former one */
void loop_ready(struct loop *, struct conn *);                        /* run it again in this turn */
struct body_buffer *loop_take_buffer(struct loop *);                  /* NULL: none left */
void loop_give_buffer(struct loop *, struct body_buffer *);
void loop_adopt(struct loop *, int fd, struct listener *, const char *peer, bool counted);
slice loop_request_id(struct loop *, struct arena *a); /* 16 hex digits */
static inline bool loop_is_here(const struct loop *l)
{
    return pthread_equal(pthread_self(), l->thread);
}

/* ---- conn.c: one connection ---- */

enum conn_state { CONN_HANDSHAKE, CONN_HEAD, CONN_BODY, CONN_WAIT, CONN_SEND, CONN_LINGER };

struct conn {
    struct loop *loop;
    struct listener *listener;
    SSL *ssl;
    int fd;
    enum conn_state state;
    enum deadline_kind deadline;
    int64_t deadline_at_ms;
    struct conn *deadline_prev, *deadline_next;
    struct conn *prev, *next;
    struct conn *ready_next, *starved_next;
    bool is_ready, is_starved;
    bool readable, writable; /* as far as we know: edge-triggered */
    bool eof;                /* the client sends no more: seen in the stream */
    bool hung_up;            /* the same, foretold by epoll, which says it only once */
    bool broken;             /* nothing can be sent or received any more */
    bool counted;            /* in the per-address table */
    bool running;            /* inside conn_run */
    bool dead;
    bool between; /* no byte of the next request yet */
    char *in;     /* bytes read too early, owned; NULL when there are none */
    size_t in_n;
    slice cur;               /* input of this turn: in scratch */
    struct message *message; /* while a head or a chunked body is incomplete */
    struct exchange *x;
    int64_t window_bytes; /* body bytes in this rate window */
    int64_t linger_left, linger_until_ms;
    char peer[46];
};

void conn_run(struct conn *); /* do all that can be done without waiting */
void conn_expired(struct conn *, enum deadline_kind);
void conn_close(struct conn *); /* at once; the exchange, if any, ends by itself */
void conn_shut(struct conn *);  /* at shutdown: idle ones close, others do not stay */
/* Plain or TLS. > 0 bytes; 0 end of stream; -1 would block; -2 broken. */
ssize_t conn_recv(struct conn *, char *to, size_t n);
ssize_t conn_send(struct conn *, slice head, slice body, bool more);

/* ---- exchange.c: one request and its reply ---- */

enum body_mode { BODY_NONE, BODY_COLLECT, BODY_DROP, BODY_SINK };

struct exchange {
    struct http_exchange pub; /* first: the API's pointer is ours */
    struct conn *conn;
    struct loop *loop;
    struct exchange *next_free;
    struct mail mail;
    struct task task;
    void (*then)(struct http_exchange *);         /* of http_on_loop */
    void (*collect_then)(struct http_exchange *); /* of http_collect; NULL: the route's handle */
    int64_t began_ms;
    bool keep_alive, head_only, wants_continue, handled;
    int minor;
    /* body in */
    enum body_mode mode;
    bool chunked, body_done;
    int64_t body_left; /* of a Content-Length */
    uint64_t body_received;
    struct buf collected;
    struct http_sink *sink;
    err_t body_error;           /* the sink's; written by whoever runs the sink */
    unsigned outstanding;       /* buffers with the body workers, or on their way back */
    struct body_buffer *filled; /* not seen to yet; under filled_lock */
    struct task body_task;      /* queued or running while there are any */
    bool via_worker;            /* buffers travel */
    bool finishing;             /* finish was called or is on its way */
    bool cut;                   /* no more will come: finish with TRUNCATED, or with cut_code */
    enum err_code cut_code;
    const char *cut_text;
    struct body_buffer *filling;
    /* reply */
    bool replied; /* written by the thread that replies; read by the loop after the hand-over */
    bool close_after;
    int status;
    const char *content_type;
    struct buf headers;
    bool has_content_headers;  /* see http_content_headers: */
    size_t content_headers_at; /* where they begin */
    slice head, body;
    size_t head_sent, body_sent;
    struct http_content *content;
    uint64_t content_at, content_left, warm_until;
    struct http_producer *producer;
    bool producer_end, producing, produce_failed;
    struct buf produced;
    uint64_t bytes_out;
    /* first memory of the arena */
    char memory[2048] __attribute__((aligned(16)));
};

struct exchange *exchange_new(struct conn *);
void exchange_free(struct exchange *); /* reports, releases, gives the struct back to the loop */
/* Read head and route, authorise, then handle or take the body. */
void exchange_begin(struct exchange *, const char *head, const struct message *);
/* The body is complete (or dropped): run the handler. */
void exchange_body_done(struct exchange *);
void exchange_refuse(struct exchange *, enum http_refusal, const char *text);
int http_refusal_status(enum http_refusal);

/* ---- body.c: bodies on their way in ---- */

enum body_step { BODY_WAITS, BODY_COMPLETE, BODY_ENDED /* the state has changed: look again */ };
/* Take what there is: from conn->cur, then from the socket. */
enum body_step body_run(struct conn *);
/* No more of this body will be taken: sees to it that the sink's finish is called, or that a refusal is sent. */
void body_cut(struct exchange *, enum err_code code, const char *text);
/* Read behind conn->cur; as conn_recv. */
ssize_t conn_read_more(struct conn *);
/* The exchange was replied to, on the loop's thread: send. */
void exchange_replied(struct exchange *);

/* ---- send.c: replies on their way out ---- */

void send_start(struct exchange *); /* builds the head; the state becomes SEND */
enum send_step { SEND_WAITS, SEND_DONE, SEND_BROKEN };
enum send_step send_run(struct conn *);
/* A minimal answer before there is any exchange (too many connections). */
void send_busy(struct loop *, int fd);

/* ---- tls.c ---- */

struct tls;
MUST_USE err_t tls_load(const struct http_certificate *, size_t count, struct arena *a, struct tls **ret);
void tls_release(struct tls *);
SSL *tls_accept(struct tls *, int fd); /* NULL: out of memory */

/* ---- proxy.c: who may say who the client is ---- */

struct proxies;
MUST_USE err_t proxies_parse(const char *const *list, struct arena *a, struct proxies **ret);
void proxies_free(struct proxies *);
bool proxies_trust(const struct proxies *, const char *address);
/* The last address of an X-Forwarded-For that is not a trusted proxy itself; peer when there is none. */
slice proxies_client(const struct proxies *, const char *peer, slice forwarded_for, struct arena *a);

/* ---- server.c ---- */

struct listener {
    struct http_listener options;
    int fd;
    bool is_unix;
    char *path; /* of a Unix socket, to unlink … */
    dev_t device;
    ino_t inode; /* … while it is this one */
};

struct http_server {
    pthread_mutex_t accept_mutex; /* around each accept: loop.c */
    struct http_options o;
    struct message_limits limits;
    struct router *router;
    struct proxies *proxies;
    struct pool *workers, *body_workers;
    struct loop *loops;
    int loop_count;
    struct listener *listeners;
    size_t listener_count;
    pthread_rwlock_t tls_lock;
    struct tls *tls;
    bool started;
    uint64_t connection_count; /* atomic */
    pthread_mutex_t address_lock;
    struct address_count {
        char address[46];
        uint32_t count;
    } * addresses; /* open addressing, under address_lock */
    size_t address_slots, address_used;
};

/* Count a new connection; false: over a cap. */
bool server_admit(struct http_server *, const char *address, bool counted);
void server_leave(struct http_server *, const char *address, bool counted);
SSL *server_tls_accept(struct http_server *, int fd);

#endif
