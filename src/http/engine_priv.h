/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the engine: loops, connections, exchanges. docs/internals/connection.md explains how they
 * work together.
 *
 * Two rules hold everywhere:
 * - A buffer with a piece of a body, and with it the sink, belongs to exactly one side at any moment: to the loop, or
 *   to the body worker. The lock of the queue or the mailbox that it passes through makes the bytes visible to the new
 *   owner.
 * - A connection is freed only after its exchange has ended, so code that holds an exchange may use its connection. */
#ifndef CAIS_HTTP_ENGINE_PRIV_H
#define CAIS_HTTP_ENGINE_PRIV_H

#include "base/address.h"
#include "base/admission.h"
#include "base/memory.h"
#include "http/listener.h"
#include "http/mark.h"
#include "http/message.h"
#include "http/pool.h"
#include "http/proxy.h"
#include "http/route.h"
#include "http/tls.h"

#include <pthread.h>
#include <sys/types.h>

#define BODY_BUFFER_BYTES ((size_t)128 * 1024)
#define BODY_BUFFERS_EACH 2 /* how many buffers one upload may use at a time */
/* A body of at most so many bytes runs through its sink on the loop. Objects that become rows (at most 16 KiB) do. */
#define BODY_INLINE_BYTES ((size_t)20 * 1024)
#define SCRATCH_BYTES ((size_t)256 * 1024)
#define SENDFILE_BYTES ((size_t)512 * 1024) /* of one file in one turn of the loop */
#define SEND_BYTES ((size_t)256 * 1024)     /* the same from memory */
#define SEND_TLS_BYTES ((size_t)128 * 1024) /* the same, encrypted */
#define DRAIN_BYTES ((int64_t)1024 * 1024)  /* an unread body up to this size is read, to keep the connection */
#define LINGER_BYTES ((int64_t)1024 * 1024 * 1024)
/* While the memory for requests is in use, an incomplete head above this size is refused, and no more is read at a time. */
#define HEAD_BYTES_WHEN_FULL ((size_t)4 * 1024)
#define HEAD_BYTES_UNCOUNTED                                                                                           \
    ((size_t)8 * 1024) /* the head of a reply up to this size is part of the cost of a connection */

/* ---- loop.c: epoll, mailbox, deadlines ---- */

/* A message to a loop. Embed it in the struct that the message is about; its owner must not post it a second time
 * before it was delivered. */
struct mail {
    struct mail *next;
    void (*deliver)(struct mail *); /* runs on the loop's thread */
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

/* Connections that wait for the same length of time, so the first in the queue is the first to expire. loop_set_timeouts keeps
 * that order. */
struct deadline_queue {
    struct conn *first, *last;
    int64_t length_ms;
};

struct body_buffer {
    enum mark mark;
    struct body_buffer *next; /* in the free list, or in the queue of filled buffers of one exchange */
    struct mail mail;
    struct exchange *x;
    size_t n;
    char bytes[BODY_BUFFER_BYTES];
};

struct loop_stats {
    uint64_t accepted, refused, requests, active, status[6], bytes_in, bytes_out, timeouts, slow_readers, malformed,
        buffers, open;
    uint64_t memory_refused, memory_peak, memory_over;
};

struct loop {
    enum mark mark;
    struct http_server *server;
    int index;
    pthread_t thread;
    bool started;
    int epoll_fd, wake_fd;
    int spare_fd; /* closed to accept, and refuse, a connection when the process has no other descriptor left */

    pthread_mutex_t mail_lock;
    struct mail *mail_first, *mail_last; /* under mail_lock */

    struct router *router; /* that of the server, or the one before, until the loop hears of it */
    struct mail ping;      /* of http_server_ping, on its way while ping_waits */
    bool ping_waits;       /* atomic */
    struct deadline_queue deadlines[DEADLINE_KINDS];
    struct conn *conns;                    /* all of them */
    struct conn *ready_first, *ready_last; /* have more to do without waiting for the kernel */
    struct conn *buffer_waiters;           /* wait for a body buffer, the first in front */
    struct conn *dead_conns;               /* closed in this turn; freed at the end of it */
    int64_t now_ms;                        /* monotonic, read once per turn */

    pthread_mutex_t filled_lock; /* of the queues of filled buffers of this loop's exchanges */
    struct body_buffer *free_buffers;
    size_t free_buffer_count, buffers_out, buffers_max;

    struct exchange *free_exchanges;
    size_t free_exchange_count;
    struct message *spare_message; /* reads the next head; handed to a connection that has to keep it */
    char *scratch;                 /* input of the connection that runs */
    char *piece;                   /* part of a file on its way through TLS; NULL until needed */

    struct stretch stretch;
    bool is_apart;           /* has the listeners apart, and no others */
    int64_t watch_at_ms;     /* when the next round of checks begins: watch.c */
    struct conn *watch_next; /* the next connection of this round; NULL: the round has ended */

    bool stopping, closing_all;
    bool has_reports; /* an exchange was reported in this turn */
    int64_t date_s;
    char date[40];
    unsigned char id_seed[4];
    uint32_t id_next;
    struct loop_stats stats; /* written by the loop, read by any thread: relaxed atomics */
};

#define STAT_ADD(loop, field, v) __atomic_fetch_add(&(loop)->stats.field, (uint64_t)(v), __ATOMIC_RELAXED)
#define STAT_SUB(loop, field, v) __atomic_fetch_sub(&(loop)->stats.field, (uint64_t)(v), __ATOMIC_RELAXED)

MUST_USE err_t loop_init(struct loop *, struct http_server *, int index, struct arena *a);
void loop_release(struct loop *);
void loop_set_timeouts(struct loop *); /* as the options of the server say now */
void *loop_run(void *loop);
/* Deliver a message on the loop's thread. Thread: any; all others below: the loop's. */
void loop_post(struct loop *, struct mail *);
/* Replaces the connection's former deadline. Only conn_state.c calls it. */
void loop_set_deadline(struct loop *, struct conn *, enum deadline_kind);
void loop_mark_ready(struct loop *, struct conn *); /* run the connection in the next turn */
/* What the loop did since the last call was for one connection; what follows is for another one, or another request. */
void loop_end_stretch(struct loop *);
struct body_buffer *loop_acquire_buffer(struct loop *); /* NULL: none left */
void loop_release_buffer(struct loop *, struct body_buffer *);
slice loop_request_id(struct loop *, struct arena *a); /* 16 hex digits */
static inline bool loop_is_current(const struct loop *l)
{
    return pthread_equal(pthread_self(), l->thread);
}

/* ---- conn_state.c: the states of a connection ---- */

/* conn_move makes every change of the state. It asserts that the arrow exists and sets the deadline of the new state.
 * The name on an arrow is the function that calls conn_move.
 *
 *   NEW ── add_conn (TLS) ───► HANDSHAKE
 *    │                             │ run_handshake
 *    │ add_conn                    ▼
 *    └─────────────────────────► FIRST                        IDLE ◄──────────────┐
 *                                  │ run_head                   │ run_head        │
 *                                  ▼                            │                 │
 *    ┌───── refuse_head ──────── HEAD ◄─────────────────────────┘                 │
 *    │                             │ ▲                                            │
 *    │              begin_exchange │ └────────────────────────── next_request ────┤
 *    ▼                             ▼                                              │ next_request
 *   WAIT ◄──── exchange_wait ──── BODY                                            │
 *    │                             │ send_start                                   │
 *    │ send_start                  ▼                                              │
 *    └─────────────────────────► SEND ────────────────────────────────────────────┤
 *                                  │ │ drop_rest                                  │
 *                     start_linger │ └───────────────────► DROP ──────────────────┘
 *                                  ▼
 *                               LINGER
 *
 *   SEND ── pause_reply ──► PAUSE ── resume_reply ──► SEND
 *   WAIT ── http_suspend ──► SUSPEND ── suspend_run ──► WAIT
 *   WAIT ── body_begin ──► BODY: the handler had passed the exchange on before it asked for the body
 *
 *   HANDSHAKE, FIRST, IDLE, HEAD, SEND, PAUSE, DROP, LINGER ── conn_destroy ──► CLOSED
 *
 * In BODY, WAIT and SUSPEND nothing can close a connection: its exchange must get a reply first. In BODY, WAIT, SUSPEND, SEND, PAUSE
 * and DROP a connection has an exchange, in the other states it has none. */
enum conn_state {
    CONN_NEW,       /* not in use yet */
    CONN_HANDSHAKE, /* TLS is being agreed on */
    CONN_FIRST,     /* no byte of the first request has come */
    CONN_IDLE,      /* no byte of the next request has come */
    CONN_HEAD,      /* the head of a request arrives */
    CONN_BODY,      /* the body of the request arrives */
    CONN_WAIT,      /* another thread works: a handler, the end of an upload, a commit */
    CONN_SUSPEND,   /* its handler waits for something that happens elsewhere */
    CONN_SEND,      /* the reply is sent */
    CONN_PAUSE,     /* all of the reply that there is was sent; its producer has nothing more yet */
    CONN_DROP,      /* the reply was sent before the body had come; the rest of the body is read and dropped */
    CONN_LINGER,    /* the reply was sent; further input is dropped until the client closes its side */
    CONN_CLOSED,    /* is freed at the end of this turn of the loop */
    CONN_STATES
};

void conn_move(struct conn *, enum conn_state to);
/* The connection has made progress: its state's deadline begins again. */
void conn_restart_deadline(struct conn *);

/* ---- conn.c: one connection ---- */

struct conn {
    enum mark mark;
    struct loop *loop;
    struct listener *listener;
    SSL *ssl;
    int fd;
    enum conn_state state;
    enum deadline_kind deadline;
    int64_t deadline_at_ms;
    struct conn *deadline_prev, *deadline_next;
    struct conn *prev, *next;
    struct conn *ready_next, *buffer_waiter_next;
    bool is_ready, waiting_for_buffer;
    bool readable, writable; /* as far as we know: epoll is edge-triggered */
    bool eof;                /* the end of the client's stream was read */
    bool peer_closed;        /* epoll announced that end, which it does only once; it may not have been read yet */
    bool broken;             /* nothing can be sent or received any more */
    enum admission_kind admitted_as;
    bool running; /* inside conn_run */
    char *unread; /* input that was read but not used between two runs, owned; NULL when there is none */
    size_t unread_bytes;
    slice input;             /* the same during a run: in the loop's scratch */
    struct message *message; /* while a head or a chunked body is incomplete */
    struct exchange *x;
    int64_t window_bytes;  /* of a body received, or of a reply sent, since the deadline was set */
    bool reply_waits;      /* for its reader, who has the time of a window to accept enough of it … */
    int64_t unread_before; /* … and this much was in the socket when the window began */
    int64_t paused_bytes;  /* received while the reply was paused */
    int64_t linger_bytes_left, linger_until_ms;
    char peer[ADDRESS_TEXT_BYTES];
};

void conn_run(struct conn *);            /* do everything that can be done without waiting */
void conn_expired(struct conn *);        /* its deadline has passed, and was removed */
void conn_close(struct conn *);          /* at once; its exchange, if any, ends by itself */
void conn_begin_shutdown(struct conn *); /* the server stops: close if idle, else after the reply */
/* Read or send, plain or through TLS. > 0: bytes; 0: end of stream; -1: would block; -2: the connection is broken. */
ssize_t conn_recv(struct conn *, char *to, size_t n);
ssize_t conn_send(struct conn *, slice head, slice body, bool more);
/* Read and append to conn->input. Returns what conn_recv returns. */
ssize_t conn_read_more(struct conn *);

/* ---- exchange.c: one request and its reply ---- */

/* Where the next piece of a reply's body is, if workers read or produce the body.
 *
 *             request_piece
 *   PIECE_WANTED ──────────► PIECE_AT_WORKER
 *     │      ▲  deliver_piece  │    │    │ deliver_piece
 *     │      └─────────────────┘    │    └─────────────► PIECE_FAILED
 *     │               deliver_piece ▼
 *     │                        PIECE_LAST
 *     │ send_start                  │ send_produced
 *     └─────────────────────────────┴──────────────────► PIECE_NONE_LEFT
 *
 *   PIECE_AT_WORKER ── deliver_piece ──► PIECE_NOT_YET ── resume_reply ──► PIECE_WANTED */
enum piece_state {
    PIECE_WANTED,    /* the loop has it: when it has sent the last piece, it asks for the next one */
    PIECE_AT_WORKER, /* a worker reads or produces it, and owns `produced` and the source */
    PIECE_NOT_YET,   /* the producer had nothing, and is asked again when it is ready */
    PIECE_LAST,      /* no piece follows the last one */
    PIECE_FAILED,    /* the connection closes once the pieces before it were sent */
    PIECE_NONE_LEFT  /* the end of the body was added, or there is no body */
};

/* The states of the body of a request. body_move makes every change of the state and asserts that the arrow exists.
 *
 *   UNREAD ── begin_collect ──► COLLECT
 *    │ │ └─── begin_collect, drop_rest ────────────────────────────► DROP
 *    │ │                                                               ▲
 *    │ └─ http_receive ─► INLINE ────────── begin_finish ─────┐        │ drop_rest
 *    │                     │  │                               ▼        │
 *    │            body_run │  └─ body_abort ─► CUT ───────► FINISHED ──┘
 *    │                     ▼                    ▲ begin_finish ▲
 *    └─ http_receive ─► WORKERS ── body_abort ──┘              │
 *                          └─────────────── begin_finish ──────┘ */
enum body_state {
    BODY_UNREAD,   /* the API has not asked for it yet */
    BODY_COLLECT,  /* it goes to `collected` */
    BODY_DROP,     /* it is read and dropped: all of it, or what is left after an early reply */
    BODY_INLINE,   /* it goes to the sink, which runs on the loop */
    BODY_WORKERS,  /* it goes through buffers to the sink, which runs on body workers */
    BODY_CUT,      /* no more bytes will come; the workers may still have buffers */
    BODY_FINISHED, /* the sink's finish was called, or is about to be */
    BODY_STATES
};
#define BODY_LEFT_UNKNOWN (-1) /* a chunked body that has not ended */

struct exchange {
    struct http_exchange pub; /* first: an API's pointer to it is a pointer to this struct */
    enum mark mark;
    struct conn *conn;
    struct loop *loop;
    struct exchange *next_free;
    struct mail mail;
    struct pool_task task;
    err_t (*on_loop)(struct http_exchange *);      /* of http_on_loop */
    err_t (*on_collected)(struct http_exchange *); /* of http_collect; NULL: the route's handle */
    err_t (*on_lane)(struct http_exchange *);      /* of http_on_lane */
    enum http_lane lane;
    bool in_lane; /* a thread of the lane has run it */
    int64_t began_ms;
    bool keep_alive, head_only, wants_continue;
    bool is_for_server; /* OPTIONS * */
    int minor;
    /* the body of the request */
    enum body_state body_state;
    bool chunked;
    int64_t body_left; /* bytes that were not read yet, or BODY_LEFT_UNKNOWN; 0: the body has ended */
    uint64_t body_received;
    unsigned pieces; /* of the body that this run of the connection has delivered */
    struct buf collected;
    struct buf trailer_text; /* see struct message_body; counted in the server's memory until the arena gets it */
    struct http_sink *sink;
    err_t body_error;              /* of the sink; written by the thread that runs the sink */
    unsigned buffers_at_workers;   /* submitted to the body workers, or on their way back */
    struct body_buffer *filled;    /* submitted buffers that were not written yet; under the loop's filled_lock */
    struct pool_task body_task;    /* is queued or runs while there are filled buffers */
    struct body_buffer *filling;   /* the buffer that the loop reads into */
    enum http_refusal cut_refusal; /* why the body was cut: finish gets this refusal … */
    const char *cut_text;
    err_t cut_error;                    /* … or this error, which is static */
    bool was_cut;                       /* for finish in a lane */
    struct http_watch *watch;           /* set by the exchange's thread, read by the loop: atomic */
    struct http_suspension *suspension; /* of CONN_SUSPEND */
    /* interim replies */
    struct buf interim; /* begun, but the socket did not take all of it: at most 4 KiB, which nothing counts */
    size_t interim_sent;
    struct interim *interim_posted; /* by the exchange's thread, and not delivered yet: atomic */
    struct mail interim_mail;       /* is on its way while there is one */
    /* the reply */
    size_t memory_over; /* how far the arena was above its limit when the request was refused for that */
    bool failing;       /* http_fail has begun: the reply is no longer refused */
    bool replied;       /* written by the thread that replies; read by the loop after the hand-over */
    bool close_after;
    int status;
    const char *content_type;
    struct buf headers;
    bool has_content_headers;      /* http_content_headers was called … */
    size_t content_headers_at;     /* … when the headers had this length */
    size_t before_content_headers; /* the length when http_reply_content was called */
    slice head, body;              /* what of the reply is in memory and was not sent yet */
    size_t head_sent;
    struct http_content *content;
    uint64_t content_at, content_left, cached_until; /* cached_until: the file's pages before it are in memory */
    bool first_piece_waits;                          /* send_first_piece_waits before the head */
    uint64_t checked_until;                          /* the file's bytes before it were checked, at … */
    int64_t checked_at_ms;                           /* … this time (monotonic) */
    struct http_producer *producer;
    char frame[20]; /* of the piece that is sent: its size, if the body is chunked */
    enum piece_state piece;
    enum piece_state piece_came; /* written by the worker: what the piece becomes on the loop */
    struct buf produced;
    uint64_t bytes_out;
    /* first memory of the arena */
    char memory[2048] __attribute__((aligned(16)));
};

/* The exchange whose member `pointer` points to; asserts that it is one. */
#define EXCHANGE_OF(pointer, member) exchange_checked(CONTAINER_OF((pointer), struct exchange, member))
static inline struct exchange *exchange_checked(struct exchange *x)
{
    ASSERT_MARK(x, EXCHANGE);
    return x;
}

struct exchange *exchange_new(struct conn *);
void exchange_free(struct exchange *); /* reports it, releases its resources, gives the struct back to the loop */
/* Take over a complete head, find the route, authorise, then call the handler or prepare to receive the body. */
void exchange_begin(struct exchange *, const char *head, const struct message *);
/* The body is complete or was dropped: run the handler. */
void exchange_body_done(struct exchange *);
/* Refuse the request because the memory for requests is in use, and count that. */
void exchange_refuse_for_memory(struct exchange *);
/* Let the API that owns the beginning of this path, or the host, word the refusal of a head from which no route was found. */
void exchange_choose_speaker(struct exchange *, slice path);
/* Refuse the request. text: as in http_refuse. */
void exchange_refuse(struct exchange *, enum http_refusal, const char *text);
/* From here on the connection waits for the reply. Another thread may be at work on it, and no deadline runs. */
void exchange_wait(struct exchange *);
/* What the exchange has waited for has happened, or will not. */
void exchange_go_on(struct exchange *, struct http_suspension *);
/* Whose turn a task of this exchange takes in a pool. */
uint64_t exchange_share(const struct exchange *);
/* The exchange was replied to: start to send. On the loop's thread. */
void exchange_replied(struct exchange *);

/* ---- body.c: bodies of requests ---- */

void body_move(struct exchange *, enum body_state to);
/* The API has decided where the body goes, in the handler or later. Call on the loop's thread. */
void body_begin(struct exchange *, enum body_state to);
void body_forget_trailers(struct exchange *);
enum body_step { BODY_WAITS, BODY_COMPLETE, BODY_ENDED /* the connection has moved */ };
/* Process what is available: conn->input first, then the socket. */
enum body_step body_run(struct conn *);
/* Accept no more of this body. Leads to a call of the sink's finish, or to a refusal. */
void body_abort(struct exchange *, enum http_refusal, const char *text);
/* The same, with an error of the API, which must be static. */
void body_abort_because(struct exchange *, err_t e);

/* ---- interim.c: interim replies ---- */

/* Send "100 Continue" if the client waits for it. */
void interim_continue(struct conn *);
/* Go on with x->interim as far as the socket takes it. */
void interim_flush(struct conn *);
/* What of it was not sent: the final reply begins with it. */
slice interim_rest(const struct exchange *);

/* ---- watch.c: requests that last ---- */

/* How long epoll_wait may block before watch_run has work; -1: without limit. */
int watch_timeout_ms(const struct loop *);
void watch_run(struct loop *);
void watch_forget(struct loop *, const struct conn *); /* the connection leaves the loop */

/* ---- suspend.c: requests that wait ---- */

/* The connection is in CONN_SUSPEND. True: its exchange goes on. */
bool suspend_run(struct conn *);

/* ---- send.c: replies ---- */

/* Append one line to a head. Name and value may come from a record that another program has written, so a CR, LF or NUL
 * in them, which could end the line, becomes a blank (RFC 9110 §5.5). */
void send_add_header(struct buf *to, slice name, slice value);
const char *send_reason_phrase(int status);
void send_start(struct exchange *); /* builds the head; the connection moves to CONN_SEND */
enum send_step { SEND_WAITS, SEND_PAUSES, SEND_DONE, SEND_BROKEN };
enum send_step send_run(struct conn *);
/* Read or check the first bytes of a content, before the head is sent. Errors: those of the content. */
err_t send_prepare_first_piece(struct exchange *, struct arena *a);
/* Might it wait for a disk? */
bool send_first_piece_waits(const struct exchange *);
/* Send a minimal 503 on a socket that will not become a connection: a limit is reached. Never waits. */
void send_busy(struct loop *, int fd);

/* ---- server.c ---- */

struct http_server {
    enum mark mark;
    pthread_mutex_t accept_lock; /* held around each accept: see accept_one in loop.c */
    struct http_options o;
    struct message_limits limits;
    struct memory_budget memory; /* counts the arenas of exchanges, and the unread input of connections */
    const struct http_api **apis;
    size_t api_count;
    struct router *router; /* for loops that begin; http_server_change replaces it */
    struct proxies *proxies;
    struct admission admission;
    struct pool *lanes[HTTP_LANES], *body_workers;
    struct stretch_budget lane_stretch[HTTP_LANES], body_stretch, loop_stretch;
    struct loop *loops;
    int loop_count; /* those that serve everybody */
    int loop_total; /* with the one behind them, for listeners apart, if there is such a listener */
    struct listener *listeners;
    size_t listener_count;
    pthread_rwlock_t tls_lock;
    struct tls *tls; /* under tls_lock */
    bool started;
};

/* The TLS state of an accepted socket; NULL: no certificate, or out of memory. */
SSL *server_tls_accept(struct http_server *, int fd);

#endif
