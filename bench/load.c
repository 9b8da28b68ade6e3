/* SPDX-License-Identifier: Apache-2.0 */
/* A load generator for HTTP/1.1: one thread, one epoll, keep-alive connections that each have one request in progress
 * (a closed loop). It uses little CPU, so that the measurement shows the server: sendfile sends large bodies from memory,
 * and the kernel drops large responses (MSG_TRUNC). The status of every response is checked.
 *
 *   load put   --to ADDR:PORT --path TEMPLATE   PUT; in TEMPLATE %d is a unique number, %x two hex digits
 *   load put   --to ADDR:PORT --paths FILE      PUT to the paths in the file, one per line, each once, in order
 *   load post  --to ADDR:PORT --path PATH --data TEXT   POST of that text
 *   load pyrus --to ADDR:PORT --path PATH       POST, multipart/form-data with one file
 *   load get   --to ADDR:PORT --path PATH | --paths FILE   GET; with a file of paths, a random path each time
 *   load idle  --to ADDR:PORT --path PATH       one GET on each of --connections, which then stay open
 *   load slow  --to ADDR:PORT --path TEMPLATE   --connections uploads at --rate bytes a second, which stay open
 *
 *   --connections N   32      --seconds S  5, or --requests N      --warmup S   0 (not counted)
 *   --size BYTES      4096    --header 'Name: value', repeatable   --ok STATUS  200 (put: 201)
 *   --length BYTES    the Content-Length that responses must have
 *   --save FILE       write the "id" of each response, one per line
 *   --sources N       1       number of addresses 127.0.0.1, 127.0.0.2, … to connect from
 *   --rate BYTES      1000    slow: bytes per second and upload
 *   --start BYTES     0       slow: bytes that each upload sends within the first 3 seconds
 *   --read BYTES      0       copy responses out in pieces of that size, as real clients do, instead of dropping them
 *   --seed N          1       the numbers of %d start at SEED × 10^9
 *
 * Prints one JSON object. `idle` and `slow` print {"ready":N} when all connections are open, and the object when
 * standard input ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_HEADERS = 8,
    HEAD_MAX = 4096,
    IN_MAX = 8192,
    SMALL_BODY = 65536, /* a body up to this size is sent in one call with its head */
    DROP_AT_ONCE = 1 << 22,
    SUB = 64, /* histogram: this many buckets per power of two, so each is 1.6 % wide */
    BUCKETS = 64 * SUB,
    CONNECT_AT_ONCE = 200,
    MAX_SHOWN = 5,
};

enum mode { PUT, POST, PYRUS, GET, IDLE, SLOW };

struct conn {
    int fd;
    uint32_t events;
    bool connected, busy, closing, in_body, had_response;
    size_t head_n, tail_n;
    uint64_t out; /* bytes of head, body and tail that have been sent */
    size_t in_n;
    uint64_t left; /* bytes of the response body that are missing */
    int status;
    int64_t start_ns;
    char head[HEAD_MAX], in[IN_MAX];
};

static struct {
    enum mode mode;
    struct sockaddr_in to;
    const char *path, *save, *data, *headers[MAX_HEADERS], **paths;
    size_t header_n, path_n, connections, sources;
    double seconds, warmup;
    uint64_t requests, size, rate, start, seed, read;
    int64_t length;
    int ok;
} opt = { .connections = 32, .sources = 1, .size = 4096, .rate = 1000, .seed = 1, .length = -1 };

static struct {
    uint64_t n, errors, bytes_in, bytes_out, histogram[BUCKETS], max_us, statuses[600];
    int64_t begin_ns, last_ns;
    struct rusage usage;
} stats;

static int epoll, body_fd;
static char *body, *copied, tail[128];
static size_t tail_n;
static uint64_t number, started, rng = 0x9e3779b97f4a7c15;
static int64_t end_ns;
static size_t in_flight, idle_count;
static struct conn *conns;
static FILE *save;
static bool stopping;

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "no");
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void count_from_here(void)
{
    memset(&stats, 0, sizeof stats);
    getrusage(RUSAGE_SELF, &stats.usage);
    stats.begin_ns = stats.last_ns = now_ns();
}

static size_t bucket_of_us(uint64_t us)
{
    if (us < SUB)
        return us;
    int power = 63 - __builtin_clzll(us);
    return (size_t)(power - 5) * SUB + ((us >> (power - 6)) & (SUB - 1));
}

static uint64_t bucket_us(size_t b)
{
    if (b < SUB)
        return b;
    int power = (int)(b / SUB) + 5;
    return (UINT64_C(1) << power) + ((b % SUB) << (power - 6));
}

static uint64_t percentile(double p)
{
    uint64_t want = (uint64_t)((double)stats.n * p), seen = 0;
    for (size_t b = 0; b < BUCKETS; b++) {
        seen += stats.histogram[b];
        if (seen > want)
            return bucket_us(b);
    }
    return stats.max_us;
}

static void report_error(const char *what, int status, const char *text, size_t n)
{
    if (stats.errors++ < MAX_SHOWN)
        fprintf(stderr, "load: %s (status %d) %.*s\n", what, status, (int)(n < 300 ? n : 300), text);
}

/* Writes the path of the next request to `out`, with %d and %x filled in; at most `max` bytes. Returns its length. */
static size_t add_path(char *out, size_t max)
{
    size_t n = 0;
    const char *p = opt.path;
    if (opt.path_n && opt.mode == PUT) {
        p = opt.paths[number % opt.path_n];
    } else if (opt.path_n) {
        rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
        p = opt.paths[rng % opt.path_n];
    }
    uint64_t id = number++;
    for (; *p && n + 24 < max; p++) {
        if (*p == '%' && p[1] == 'd')
            n += (size_t)snprintf(out + n, max - n, "%llu", (unsigned long long)(opt.seed * 1000000000 + id)), p++;
        else if (*p == '%' && p[1] == 'x')
            n += (size_t)snprintf(out + n, max - n, "%02x", (unsigned)((id * 2654435761u) >> 24) & 255), p++;
        else
            out[n++] = *p;
    }
    return n;
}

static uint64_t body_n(void)
{
    return opt.mode == GET || opt.mode == IDLE ? 0 : opt.size;
}

/* Writes everything that precedes the body to c->head. */
static void write_request_head(struct conn *c)
{
    static const char *const methods[] = { "PUT ", "POST ", "POST ", "GET ", "GET ", "PUT " };
    char *h = c->head;
    size_t n = (size_t)snprintf(h, HEAD_MAX, "%s", methods[opt.mode]), part_n = 0;
    char part[256];
    n += add_path(h + n, HEAD_MAX - n - 512);
    n += (size_t)snprintf(h + n, HEAD_MAX - n, " HTTP/1.1\r\nHost: %s:%d\r\n", inet_ntoa(opt.to.sin_addr),
                          ntohs(opt.to.sin_port));
    for (size_t i = 0; i < opt.header_n && n < HEAD_MAX; i++)
        n += (size_t)snprintf(h + n, HEAD_MAX - n, "%s\r\n", opt.headers[i]);
    if (opt.mode == PYRUS)
        part_n = (size_t)snprintf(part, sizeof part,
                                  "--cais-bench-boundary\r\nContent-Disposition: form-data; name=\"file\"; "
                                  "filename=\"bench-%llu.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n",
                                  (unsigned long long)number);
    if (body_n() && n < HEAD_MAX)
        n += (size_t)snprintf(h + n, HEAD_MAX - n, "%sContent-Length: %llu\r\n",
                              opt.mode == PYRUS ? "Content-Type: multipart/form-data; boundary=cais-bench-boundary\r\n"
                                                : "",
                              (unsigned long long)(part_n + body_n() + tail_n));
    if (n + 2 + part_n >= HEAD_MAX)
        die("headers too long");
    memcpy(h + n, "\r\n", 2);
    memcpy(h + n + 2, part, part_n);
    c->head_n = n + 2 + part_n;
}

static void watch(struct conn *c, uint32_t events)
{
    if (c->events == events)
        return;
    struct epoll_event e = { .events = events, .data.ptr = c };
    if (epoll_ctl(epoll, c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &e))
        die("epoll_ctl");
    c->events = events;
}

static void connect_one(struct conn *c)
{
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        die("socket");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (opt.sources > 1) {
        struct sockaddr_in from = { .sin_family = AF_INET };
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)((size_t)(c - conns) % opt.sources));
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(c->fd, (struct sockaddr *)&from, sizeof from))
            die("bind");
    }
    if (connect(c->fd, (struct sockaddr *)&opt.to, sizeof opt.to) && errno != EINPROGRESS)
        die("connect");
    c->events = 0;
    c->connected = c->busy = c->closing = c->in_body = false;
    c->in_n = 0;
    watch(c, EPOLLOUT | EPOLLIN);
}

static void disconnect(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    if (c->busy)
        in_flight--;
    c->fd = -1;
    c->busy = false;
}

/* Sends as much of the request as the socket accepts; false after an error. */
static bool send_request(struct conn *c)
{
    uint64_t body_end = c->head_n + body_n(), all = body_end + tail_n;
    if (opt.mode == SLOW)
        all = c->head_n; /* send_slow_pieces sends the rest */
    while (c->out < all) {
        ssize_t n;
        if (c->out < c->head_n && all - c->out <= SMALL_BODY + HEAD_MAX) {
            struct iovec v[] = { { c->head + c->out, c->head_n - c->out }, { body, body_n() }, { tail, tail_n } };
            struct msghdr m = { .msg_iov = v, .msg_iovlen = opt.mode == SLOW ? 1 : 3 };
            n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
        } else if (c->out < c->head_n) {
            n = send(c->fd, c->head + c->out, c->head_n - c->out, MSG_NOSIGNAL | MSG_MORE);
        } else if (c->out < body_end) {
            off_t at = (off_t)(c->out - c->head_n);
            n = sendfile(c->fd, body_fd, &at, body_end - c->out);
        } else {
            n = send(c->fd, tail + (c->out - body_end), all - c->out, MSG_NOSIGNAL);
        }
        if (n < 0 && errno == EAGAIN) {
            watch(c, EPOLLIN | EPOLLOUT);
            return true;
        }
        if (n < 0)
            return false;
        c->out += (uint64_t)n;
        stats.bytes_out += (uint64_t)n;
    }
    watch(c, EPOLLIN);
    return true;
}

static bool more_to_start(void)
{
    if (opt.mode == IDLE || opt.mode == SLOW)
        return true;
    if (opt.mode == PUT && opt.path_n && started >= opt.path_n)
        return false; /* every path has had its PUT */
    return opt.requests ? started < opt.requests : now_ns() < end_ns;
}

static void begin_request(struct conn *c)
{
    if (c->busy || c->had_response || stopping || !more_to_start())
        return;
    started++;
    in_flight++;
    write_request_head(c);
    c->busy = true;
    c->in_body = false;
    c->out = 0;
    c->start_ns = now_ns();
    if (!send_request(c)) {
        report_error("sending failed", 0, strerror(errno), 100);
        disconnect(c);
    }
}

static void finish_request(struct conn *c, const char *text, size_t n)
{
    int64_t now = now_ns();
    uint64_t us = (uint64_t)(now - c->start_ns) / 1000;
    in_flight--;
    c->busy = false;
    stats.last_ns = now;
    stats.n++;
    stats.histogram[bucket_of_us(us)]++;
    if (us > stats.max_us)
        stats.max_us = us;
    if (c->status >= 0 && c->status < 600)
        stats.statuses[c->status]++;
    if (c->status != opt.ok)
        report_error("unexpected response", c->status, text, n);
    if (save && n) {
        const char *id = memmem(text, n, "\"id\":\"", 6);
        const char *end = id ? memchr(id + 6, '"', n - (size_t)(id + 6 - text)) : NULL;
        if (end)
            fprintf(save, "%.*s\n", (int)(end - id - 6), id + 6);
    }
    if (opt.mode == IDLE)
        c->had_response = true, idle_count++;
}

/* Reads the status and Content-Length of the head that ends at `end`; false when the response cannot be read. */
static bool read_head(struct conn *c, const char *end)
{
    bool has_length = false;
    c->left = 0;
    if (memcmp(c->in, "HTTP/1.1 ", 9))
        return false;
    c->status = (int)strtol(c->in + 9, NULL, 10);
    for (const char *line = memchr(c->in, '\n', (size_t)(end - c->in)); line && ++line < end;
         line = memchr(line, '\n', (size_t)(end - line))) {
        if (!strncasecmp(line, "content-length:", 15))
            c->left = strtoull(line + 15, NULL, 10), has_length = true;
        else if (!strncasecmp(line, "connection: close", 17))
            c->closing = true;
        else if (!strncasecmp(line, "transfer-encoding:", 18))
            return false;
    }
    if (opt.length >= 0 && c->status == opt.ok && c->left != (uint64_t)opt.length)
        report_error("wrong Content-Length", c->status, c->in, (size_t)(end - c->in));
    return has_length || c->status == 204;
}

/* Receives what has arrived; false when the connection is to be closed. */
static bool receive_response(struct conn *c)
{
    for (;;) {
        ssize_t n;
        if (c->in_body && opt.read)
            n = recv(c->fd, copied, c->left < opt.read ? c->left : opt.read, 0);
        else if (c->in_body)
            n = recv(c->fd, c->in, c->left < DROP_AT_ONCE ? c->left : DROP_AT_ONCE, MSG_TRUNC);
        else
            n = recv(c->fd, c->in + c->in_n, IN_MAX - 1 - c->in_n, 0);
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0) {
            if (c->busy)
                report_error("connection ended", c->status, n ? strerror(errno) : "", n ? 100 : 0);
            return false;
        }
        stats.bytes_in += (uint64_t)n;
        if (!c->in_body) {
            c->in_n += (size_t)n;
            c->in[c->in_n] = 0;
            const char *end = memmem(c->in, c->in_n, "\r\n\r\n", 4);
            if (!end && c->in_n < IN_MAX - 1)
                continue;
            if (!c->busy || !end || !read_head(c, end)) {
                report_error("a response that cannot be read", c->status, c->in, c->in_n);
                return false;
            }
            if (c->status == 100) {
                report_error("100 Continue without Expect", 100, "", 0);
                return false;
            }
            size_t here = c->in_n - (size_t)(end + 4 - c->in);
            if (here > c->left || (here < c->left && c->left <= IN_MAX - 1024 && save)) {
                if (here < c->left)
                    continue; /* --save needs the whole body in the buffer */
                report_error("bytes after the response", c->status, c->in, c->in_n);
                return false;
            }
            c->left -= here;
            c->in_body = true;
        } else {
            c->left -= (uint64_t)n;
        }
        if (c->left)
            continue;
        finish_request(c, c->in, c->in_n);
        c->in_n = 0;
        c->in_body = false;
        if (c->closing || (c->out < c->head_n + body_n() + tail_n))
            return false;
        begin_request(c);
        return c->fd >= 0;
    }
}

static void on_event(struct conn *c, uint32_t events)
{
    if (c->fd < 0)
        return;
    if (!c->connected) {
        int e = 0;
        socklen_t n = sizeof e;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &n);
        if (e) {
            errno = e;
            die("connect");
        }
        c->connected = true;
        begin_request(c);
        if (c->fd >= 0 && !c->busy)
            watch(c, EPOLLIN);
        return;
    }
    if ((events & EPOLLOUT) && c->busy && !send_request(c)) {
        /* The server may have answered and closed the connection early: the response can still be read. */
        watch(c, EPOLLIN);
    }
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) && !receive_response(c)) {
        disconnect(c);
        if (more_to_start() && opt.mode != IDLE && opt.mode != SLOW)
            connect_one(c);
    }
}

static void wait_once(int ms)
{
    struct epoll_event events[256];
    int n = epoll_wait(epoll, events, 256, ms);
    if (n < 0 && errno != EINTR)
        die("epoll_wait");
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr)
            on_event(events[i].data.ptr, events[i].events);
        else
            stopping = true;
    }
}

static double cpu_s(const struct rusage *r)
{
    return (double)(r->ru_utime.tv_sec + r->ru_stime.tv_sec) +
           (double)(r->ru_utime.tv_usec + r->ru_stime.tv_usec) / 1e6;
}

static void report(void)
{
    struct rusage now;
    getrusage(RUSAGE_SELF, &now);
    double s = (double)(stats.last_ns - stats.begin_ns) / 1e9, cpu = cpu_s(&now) - cpu_s(&stats.usage);
    double n = (double)stats.n;
    s = s > 0 ? s : 1e-9;
    printf(
        "{\"requests\":%llu,\"errors\":%llu,\"seconds\":%.4f,\"per_second\":%.1f,\"mib_per_second\":%.1f,"
        "\"p50_us\":%llu,\"p99_us\":%llu,\"max_us\":%llu,\"client_cpu_us\":%.2f,\"client_cpu_share\":%.3f,\"status\":{",
        (unsigned long long)stats.n, (unsigned long long)stats.errors, s, n / s,
        (double)(stats.bytes_in > stats.bytes_out ? stats.bytes_in : stats.bytes_out) / s / 1048576,
        (unsigned long long)percentile(0.5), (unsigned long long)percentile(0.99), (unsigned long long)stats.max_us,
        n > 0 ? cpu * 1e6 / n : 0, cpu / s);
    const char *comma = "";
    for (int i = 0; i < 600; i++)
        if (stats.statuses[i])
            printf("%s\"%d\":%llu", comma, i, (unsigned long long)stats.statuses[i]), comma = ",";
    printf("}}\n");
}

static void run_closed_loop(void)
{
    int64_t start = now_ns();
    bool warm = opt.warmup <= 0;
    end_ns = start + (int64_t)((opt.seconds + opt.warmup) * 1e9);
    for (size_t i = 0; i < opt.connections; i++)
        connect_one(&conns[i]);
    count_from_here();
    while (more_to_start() || in_flight) {
        wait_once(100);
        if (!warm && now_ns() - start >= (int64_t)(opt.warmup * 1e9))
            warm = true, count_from_here();
        if (now_ns() > end_ns + INT64_C(60000000000) && !opt.requests) {
            report_error("requests without a response after 60 seconds", 0, "", 0);
            break;
        }
    }
    report();
}

/* Sends one piece of each slow upload. `turn` out of `turns` spreads the uploads over a second. */
static void send_slow_pieces(size_t turn, size_t turns, size_t piece)
{
    for (size_t i = turn; i < opt.connections; i += turns) {
        struct conn *c = &conns[i];
        if (c->fd < 0 || !c->busy || c->out < c->head_n || c->out + piece >= c->head_n + opt.size)
            continue;
        ssize_t n = send(c->fd, body + (c->out - c->head_n), piece, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            c->out += (uint64_t)n, stats.bytes_out += (uint64_t)n;
    }
}

static void run_held(void)
{
    enum { TURNS = 50, START_TICKS = 150, TICK_NS = 20000000 };
    struct epoll_event e = { .events = EPOLLIN | EPOLLHUP, .data.ptr = NULL };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &e))
        die("standard input must be a pipe");
    count_from_here();
    for (size_t i = 0; i < opt.connections; i++) {
        connect_one(&conns[i]);
        while (opt.mode == IDLE && i + 1 >= idle_count + CONNECT_AT_ONCE && !stopping)
            wait_once(1000);
        if (opt.mode == SLOW)
            wait_once(0);
    }
    while (opt.mode == IDLE && idle_count < opt.connections && !stopping)
        wait_once(1000);
    int64_t start = now_ns(), next = start;
    uint64_t ticks = 0, start_ticks = opt.start ? START_TICKS : 0;
    if (opt.mode == IDLE) {
        printf("{\"ready\":%zu}\n", idle_count);
        fflush(stdout);
    }
    while (!stopping) {
        int64_t left = next - now_ns();
        wait_once(opt.mode == IDLE ? 1000 : left > 0 ? (int)(left / 1000000) + 1 : 0);
        if (opt.mode == IDLE || now_ns() < next)
            continue;
        next += TICK_NS;
        /* At first each upload sends three pieces, one per second, which add up to `start`; then `rate` per second. */
        send_slow_pieces(ticks % TURNS, TURNS, ticks < start_ticks ? opt.start / 3 : opt.rate);
        if (++ticks == start_ticks + 1) {
            printf("{\"ready\":%zu}\n", opt.connections);
            fflush(stdout);
        }
    }
    size_t open = 0;
    for (size_t i = 0; i < opt.connections; i++)
        open += conns[i].fd >= 0;
    if (open < opt.connections)
        report_error("connections that the server closed", 0, "", 0), stats.errors += opt.connections - open - 1;
    stats.last_ns = now_ns();
    report();
}

static void read_paths(const char *file)
{
    FILE *f = fopen(file, "r");
    char line[2048];
    size_t room = 0;
    if (!f)
        die(file);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (!*line)
            continue;
        if (opt.path_n == room)
            opt.paths = realloc(opt.paths, (room = room ? room * 2 : 64) * sizeof *opt.paths);
        if (!opt.paths || !(opt.paths[opt.path_n++] = strdup(line)))
            die("out of memory");
    }
    fclose(f);
    if (!opt.path_n)
        die("no paths in the file");
}

static void read_address(const char *s)
{
    char host[64];
    int port;
    if (sscanf(s, "%63[0-9.]:%d", host, &port) != 2 || !inet_aton(host, &opt.to.sin_addr))
        die("--to needs ADDR:PORT");
    opt.to.sin_family = AF_INET;
    opt.to.sin_port = htons((uint16_t)port);
}

static void read_options(int argc, char **argv)
{
    static const char *const names[] = { "put", "post", "pyrus", "get", "idle", "slow" };
    const size_t modes = sizeof names / sizeof *names;
    size_t m = 0;
    while (argc > 1 && m < modes && strcmp(argv[1], names[m]))
        m++;
    if (argc < 2 || m == modes)
        die("the mode must be put, post, pyrus, get, idle or slow");
    opt.mode = (enum mode)m;
    opt.ok = opt.mode == PUT || opt.mode == POST || opt.mode == SLOW ? 201 : 200;
    for (int i = 2; i + 1 < argc; i += 2) {
        const char *o = argv[i], *v = argv[i + 1];
        if (!strcmp(o, "--to"))
            read_address(v);
        else if (!strcmp(o, "--path"))
            opt.path = v;
        else if (!strcmp(o, "--paths"))
            read_paths(v);
        else if (!strcmp(o, "--data"))
            opt.data = v;
        else if (!strcmp(o, "--save"))
            opt.save = v;
        else if (!strcmp(o, "--header") && opt.header_n < MAX_HEADERS)
            opt.headers[opt.header_n++] = v;
        else if (!strcmp(o, "--connections"))
            opt.connections = strtoul(v, NULL, 10);
        else if (!strcmp(o, "--sources"))
            opt.sources = strtoul(v, NULL, 10);
        else if (!strcmp(o, "--seconds"))
            opt.seconds = strtod(v, NULL);
        else if (!strcmp(o, "--warmup"))
            opt.warmup = strtod(v, NULL);
        else if (!strcmp(o, "--requests"))
            opt.requests = strtoull(v, NULL, 10);
        else if (!strcmp(o, "--size"))
            opt.size = strtoull(v, NULL, 10);
        else if (!strcmp(o, "--rate"))
            opt.rate = strtoull(v, NULL, 10);
        else if (!strcmp(o, "--read"))
            opt.read = strtoull(v, NULL, 10);
        else if (!strcmp(o, "--start"))
            opt.start = strtoull(v, NULL, 10);
        else if (!strcmp(o, "--seed"))
            opt.seed = strtoull(v, NULL, 10);
        else if (!strcmp(o, "--length"))
            opt.length = (int64_t)strtoull(v, NULL, 10);
        else if (!strcmp(o, "--ok"))
            opt.ok = (int)strtol(v, NULL, 10);
        else
            die(o);
    }
    if (!opt.to.sin_port || (!opt.path && !opt.path_n) || !opt.connections)
        die("--to and --path are needed");
    if ((opt.mode == POST) != (opt.data != NULL))
        die("post, and no other mode, needs --data");
    if (opt.data)
        opt.size = strlen(opt.data);
    if (!opt.seconds && !opt.requests)
        opt.seconds = 5;
}

/* Makes a body whose bytes do not repeat within a page, in a file in memory, so that sendfile can send it. */
static void make_body(void)
{
    size_t room = opt.size > SMALL_BODY ? opt.size : SMALL_BODY;
    body_fd = memfd_create("body", 0);
    if (body_fd < 0 || ftruncate(body_fd, (off_t)room))
        die("memfd");
    body = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, body_fd, 0);
    if (body == MAP_FAILED)
        die("mmap");
    uint64_t x = 88172645463325252;
    for (size_t i = 0; i + 8 <= room; i += 8) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        memcpy(body + i, &x, 8);
    }
    if (opt.data)
        memcpy(body, opt.data, opt.size);
    if (opt.mode == PYRUS)
        tail_n = (size_t)snprintf(tail, sizeof tail, "\r\n--cais-bench-boundary--\r\n");
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    read_options(argc, argv);
    struct rlimit r;
    if (!getrlimit(RLIMIT_NOFILE, &r)) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
    make_body();
    if (opt.save && !(save = fopen(opt.save, "w")))
        die(opt.save);
    conns = calloc(opt.connections, sizeof *conns);
    epoll = epoll_create1(0);
    copied = malloc(opt.read + 1);
    if (!conns || !copied || epoll < 0)
        die("start");
    if (opt.mode == IDLE || opt.mode == SLOW)
        run_held();
    else
        run_closed_loop();
    if (save && fclose(save))
        die(opt.save);
    return stats.errors ? 1 : 0;
}
