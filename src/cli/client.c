/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl moves the bytes; this file counts and hashes them in both directions, so that the server is known to keep, or
 * to have sent, exactly the right bytes. A client has one easy handle, so it uses its connection again for the next
 * file. */
#include "cli/client.h"

#include "base/text.h"
#include "base/unix_socket.h"
#include "cli/command_text.h"
#include "cli/running_etag.h"
#include "cli/terminal.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLY_MAX_BYTES ((size_t)4 << 20)
#define EXPECT_CONTINUE_BYTES (1 << 20) /* larger bodies wait for 100 Continue */
#define CONNECT_TIMEOUT_S 10L
enum { MD5_HEX = 2 * MD5_SIZE };
#define OBJECT_ID "s3://"      /* then the bucket, a slash and the key */
#define SILENCE_TIMEOUT_S 300L /* the server may take long to sync a large upload before it replies */

struct client {
    CURL *curl;
    slice base; /* http://…:… without a trailing slash */
    struct curl_slist *headers;
    const char *socket; /* the path that libcurl is given; NULL with a URL */
    const char *ca_file;
    bool has_token;
    bool was_reached;  /* a request had a reply */
    const char *where; /* the URL or the path of the socket, for errors */
};

/* One request and its reply: the argument of libcurl's callbacks. */
struct transfer {
    struct client *client;
    struct arena *arena;
    int64_t moved, total;
    const struct client_watch *watch;
    bool stopped; /* by the watch */
    err_t error;  /* the first error of a callback */
    const struct client_source *source;
    const struct client_sink *sink;
    struct buf reply; /* the part of the body that did not go to the sink */
};

static void release_client(void *arg)
{
    struct client *c = arg;
    curl_slist_free_all(c->headers);
    curl_easy_cleanup(c->curl);
    curl_global_cleanup();
}

static void add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        abort();
    *list = longer;
}

static err_t use_socket(struct client *c, const char *path, struct arena *a)
{
    if (access(path, F_OK) != 0)
        return err_make(a, ERR_UNAVAILABLE,
                        "no server is running here (there is no %s); start one with 'cais serve', or give --url", path);
    TRY(unix_socket_path(path, a, &c->socket));
    c->base = S("http://localhost");
    return NULL;
}

static err_t use_url(struct client *c, const struct client_target *target, struct arena *a)
{
    slice url = slice_of(target->url);
    if (!slice_starts(url, S("http://")) && !slice_starts(url, S("https://")))
        return err_make(a, ERR_INVALID, "'" SLICE_FMT "' is no URL of a server; it starts with http:// or https://",
                        SLICE_ARG(terminal_safe(a, url)));
    while (slice_ends(url, S("/")))
        url.n--;
    c->base = url;
    if (target->token) {
        for (const char *t = target->token; *t; t++)
            if ((unsigned char)*t <= ' ' || (unsigned char)*t >= 0x7f)
                return err_make(a, ERR_INVALID, "the token holds a character that no token has");
        add_line(&c->headers, arena_printf(a, "Authorization: Bearer %s", target->token).p);
    }
    c->has_token = target->token != NULL;
    c->ca_file = target->ca_file;
    return NULL;
}

err_t client_open(struct arena *a, const struct client_target *target, struct client **ret_client)
{
    struct client *c = arena_new(a, struct client);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(c->curl = curl_easy_init()))
        return err_make(a, ERR_UNAVAILABLE, "libcurl does not start");
    arena_defer(a, release_client, c);
    c->where = target->url ? terminal_safe(a, url_without_secrets(slice_of(target->url), a)).p : target->socket;
    TRY(target->url ? use_url(c, target, a) : use_socket(c, target->socket, a));
    add_line(&c->headers, "Accept: application/json, */*;q=0.5");
    if (c->socket && target->account)
        add_line(
            &c->headers,
            arena_printf(a, "Cais-Account: " SLICE_FMT, SLICE_ARG(percent_encode(a, slice_of(target->account), ""))).p);
    *ret_client = c;
    return NULL;
}

/* ---- one request ---- */

static size_t on_read(char *to, size_t size, size_t count, void *arg)
{
    struct transfer *x = arg;
    size_t room = size * count, got = 0;
    if (x->total >= 0 && (int64_t)room > x->total - x->moved)
        room = (size_t)(x->total - x->moved); /* bytes appended to the file meanwhile exceed the length we sent */
    if (room)
        x->error = x->source->read(x->source->arg, x->arena, to, room, &got);
    if (!x->error && !got && x->moved < x->total)
        x->error = err_make(x->arena, ERR_CONFLICT, "the file became shorter while it was sent");
    if (x->error)
        return CURL_READFUNC_ABORT;
    x->moved += (int64_t)got;
    return got;
}

/* libcurl sends the body again from its start when a connection that it reused turns out to be closed. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
    struct transfer *x = arg;
    if (origin != SEEK_SET || offset != 0 || (x->moved && !x->source->rewind(x->source->arg)))
        return CURL_SEEKFUNC_CANTSEEK;
    x->moved = 0;
    return CURL_SEEKFUNC_OK;
}

static long status_of(const struct transfer *x)
{
    long status = 0;
    curl_easy_getinfo(x->client->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *x = arg;
    slice got = { bytes, size * count };
    if (x->sink && status_of(x) == 200) {
        x->moved += (int64_t)got.n;
        x->error = x->sink->write(x->sink->arg, x->arena, got);
    } else {
        buf_add(&x->reply, got);
        if (x->reply.failed)
            x->error = err_make(x->arena, ERR_CORRUPT, "the answer is larger than %zu bytes", REPLY_MAX_BYTES);
    }
    return x->error ? 0 : got.n;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct transfer *x = arg;
    (void)down, (void)up, (void)up_total;
    if (x->sink && down_total > 0)
        x->total = down_total;
    if (x->watch && x->watch->on_progress && !x->watch->on_progress(x->watch->arg, x->moved, x->total))
        x->stopped = true;
    return x->stopped;
}

static void transfer_init(struct transfer *x, struct client *c, struct arena *a)
{
    *x = (struct transfer){ .client = c, .arena = a, .total = -1 };
    buf_init(&x->reply, REPLY_MAX_BYTES);
}

static void transfer_releasep(struct transfer *x)
{
    buf_release(&x->reply);
}

static void set_request(struct transfer *x, const char *url, struct curl_slist *headers)
{
    CURL *curl = x->client->curl;
    curl_easy_reset(curl); /* keeps its connections */
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "cais/" CAIS_VERSION);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a file may be called "..": the server decides */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, x->client->socket ? "*" : NULL);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, x->client->socket);
    if (x->client->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, x->client->ca_file);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENCE_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 131072L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 131072L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, x);
    curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_rewind);
    curl_easy_setopt(curl, CURLOPT_SEEKDATA, x);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, x);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static err_t error_of_certificate(struct transfer *x)
{
    /* OpenSSL's. When the chain is right, and libcurl itself finds the name wrong, it is none of them. */
    enum { NONE_OF_CHAIN = 1, IS_NOT_YET_VALID = 9, HAS_EXPIRED = 10 };
    const char *where = x->client->where;
    long result = 0;
    curl_easy_getinfo(x->client->curl, CURLINFO_SSL_VERIFYRESULT, &result);
    if (result == HAS_EXPIRED || result == IS_NOT_YET_VALID)
        return err_make(x->arena, ERR_UNAVAILABLE, "the certificate of %s %s: it needs a new one, or a clock is wrong",
                        where, result == HAS_EXPIRED ? "has expired" : "is not valid yet");
    if (result > NONE_OF_CHAIN)
        return err_make(
            x->arena, ERR_UNAVAILABLE,
            "the certificate of %s is signed by nobody whom this machine trusts: --ca FILE names the certificate of"
            " the authority that signed it",
            where);
    return err_make(x->arena, ERR_UNAVAILABLE,
                    "the certificate of %s is for another name: give --url the name that is in the certificate", where);
}

/* The error for a request that libcurl could not complete, in words that say what to do. */
static err_t error_of_curl(struct transfer *x, CURLcode code)
{
    const struct client *c = x->client;
    const char *where = c->where;
    enum { FEW_BYTES = 64 * 1024 }; /* may be on their way before the connection is closed */
    bool is_tls = slice_starts(c->base, S("https:"));
    if (c->socket && code == CURLE_COULDNT_CONNECT)
        return err_make(x->arena, ERR_UNAVAILABLE, "no server answers at %s: 'cais serve' starts one", where);
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        return err_make(x->arena, ERR_UNAVAILABLE, "no server answers at %s: is it running, and the address right?",
                        where);
    case CURLE_COULDNT_RESOLVE_HOST:
        return err_make(x->arena, ERR_UNAVAILABLE, "%s: there is no host of that name; correct --url", where);
    case CURLE_COULDNT_RESOLVE_PROXY:
        return err_make(x->arena, ERR_UNAVAILABLE,
                        "%s: the proxy that http_proxy or https_proxy names is not there; 'unset' does without", where);
    case CURLE_URL_MALFORMAT:
        return err_make(x->arena, ERR_INVALID, "'%s' is no URL of a server, such as https://cais.example.org", where);
    case CURLE_OPERATION_TIMEDOUT:
        return err_make(x->arena, ERR_UNAVAILABLE, "%s did not answer in time: is the address right, and the network?",
                        where);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        if (!is_tls && !c->socket && !c->was_reached && !status_of(x) && x->moved <= FEW_BYTES)
            return err_make(x->arena, ERR_UNAVAILABLE,
                            "%s closes connections without an answer: does it want https://?", where);
        return err_make(x->arena, ERR_TRUNCATED, "the server broke off after %lld bytes: is it still running at %s?",
                        (long long)x->moved, where);
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer that is no HTTP */
    case CURLE_WEIRD_SERVER_REPLY:
        return err_make(x->arena, ERR_UNAVAILABLE, "%s does not speak HTTP%s", where,
                        is_tls ? ": is it the port of another program?"
                               : ": does it want https://, or is it the port of another program?");
    case CURLE_SSL_CONNECT_ERROR:
        return err_make(x->arena, ERR_UNAVAILABLE,
                        "%s does not speak TLS: does it want http://, or is it another port?", where);
    case CURLE_PEER_FAILED_VERIFICATION:
        return error_of_certificate(x);
    case CURLE_SSL_CACERT_BADFILE:
        return err_make(x->arena, ERR_UNAVAILABLE, "--ca: %s has no certificates in PEM that can be read", c->ca_file);
    default:
        return err_make(x->arena, ERR_UNAVAILABLE, "the request to %s failed (libcurl %d)", where, (int)code);
    }
}

static enum err_code code_of_refusal(long status, slice code)
{
    static const struct {
        const char *code;
        enum err_code means;
    } codes[] = {
        { "invalid", ERR_INVALID },
        { "unauthenticated", ERR_UNAUTHENTICATED },
        { "forbidden", ERR_FORBIDDEN },
        { "not_found", ERR_NOT_FOUND },
        { "conflict", ERR_CONFLICT },
        { "too_large", ERR_TOO_LARGE },
        { "digest_mismatch", ERR_DIGEST },
        { "rate_limited", ERR_RATE },
        { "unavailable", ERR_UNAVAILABLE },
        { "no_space", ERR_NO_SPACE },
        { "quota", ERR_QUOTA },
    };
    for (size_t i = 0; i < LENGTH_OF(codes); i++)
        if (slice_eq(code, slice_of(codes[i].code)))
            return codes[i].means;
    return status == 401   ? ERR_UNAUTHENTICATED
           : status == 403 ? ERR_FORBIDDEN
           : status == 404 ? ERR_NOT_FOUND
           : status >= 500 ? ERR_UNAVAILABLE
                           : ERR_INVALID;
}

/* The error for a request that the server refused. */
static err_t error_of_refusal(struct transfer *x, long status)
{
    struct arena *a = x->arena;
    const struct json *reply = NULL, *error = NULL;
    if (!json_parse(a, buf_slice(&x->reply), &reply))
        error = json_get(reply, "error");
    if (!json_is(error, JS_OBJECT)) /* a 404 says nothing about what was asked for then */
        return err_make(
            a, status == 404 ? ERR_CORRUPT : code_of_refusal(status, S("")),
            "%s refused with status %ld and no word of explanation: --url is the address of a cais server, without a"
            " path",
            x->client->where, status);
    slice id = json_str(error, "request_id");
    slice tail = id.n ? arena_printf(a, ", request " SLICE_FMT, SLICE_ARG(terminal_safe(a, id))) : S("");
    const char *next =
        status != 401 ? ""
        : x->client->has_token
            ? "; 'cais key list' on the server shows which tokens there are"
            : "; give the token that 'cais key add LOGIN --for native' makes on the server, as CAIS_TOKEN";
    return err_make(a, code_of_refusal(status, json_str(error, "code")), SLICE_FMT " (%ld " SLICE_FMT SLICE_FMT ")%s",
                    SLICE_ARG(terminal_safe(a, json_str(error, "message"))), status,
                    SLICE_ARG(terminal_safe(a, json_str(error, "code"))), SLICE_ARG(tail), next);
}

/* Send the request and return its outcome. A refusal by the server takes precedence over an error of the client: a
 * server that refuses while we are still sending makes the sending fail, too. */
static err_t perform(struct transfer *x, long wanted, CURLcode *ret_code)
{
    CURLcode code = *ret_code = curl_easy_perform(x->client->curl);
    long status = status_of(x);
    if (x->stopped)
        return err_make(x->arena, ERR_EXPIRED, "stopped");
    if (status >= 400 && (!code || x->reply.n))
        return error_of_refusal(x, status);
    if (x->error)
        return x->error;
    if (code)
        return error_of_curl(x, code);
    if (status != wanted)
        return err_make(x->arena, ERR_CORRUPT, "%s answers with status %ld: it is no cais server, so correct --url",
                        x->client->where, status);
    return NULL;
}

static slice md5_hex(struct md5 md5, struct arena *a)
{
    unsigned char digest[MD5_SIZE];
    md5_final(&md5, digest);
    return hex_encode(a, (slice){ (const char *)digest, sizeof digest });
}

/* The sizes of the parts, which together are the size of the object. */
static err_t parse_part_sizes(struct arena *a, const struct json *list, struct client_file *f)
{
    size_t count = 0;
    int64_t *sizes = arena_array(a, int64_t, json_count(list) + 1), left = f->size_bytes;
    JSON_EACH(item, list) {
        if (!json_to_i64(item, &sizes[count]) || sizes[count] < 0 || sizes[count] > left)
            return err_make(a, ERR_CORRUPT, "the parts are larger than the whole");
        left -= sizes[count++];
    }
    f->part_sizes = sizes;
    f->part_count = count;
    return NULL;
}

static err_t parse_file(struct arena *a, const struct json *from, struct client_file *ret_file)
{
    struct client_file f = { .json = from };
    f.id = json_str(from, "id");
    f.name = json_str(from, "name");
    f.state = json_str(from, "state");
    f.owner = json_str(from, "owner");
    f.way = json_str(from, "way");
    f.content_type = json_str(from, "content_type");
    f.created_at = json_str(from, "created_at");
    f.md5 = json_str(from, "md5");
    f.etag = json_str(from, "etag");
    unsigned char uuid[16];
    bool has_id = uuid_parse(f.id, uuid) || slice_starts(f.id, S(OBJECT_ID));
    if (!has_id || !json_to_i64(json_get(from, "size"), &f.size_bytes) || f.size_bytes < 0)
        return err_make(a, ERR_CORRUPT, "the answer does not describe a file");
    TRY(parse_part_sizes(a, json_get(from, "part_sizes"), &f));
    *ret_file = f;
    return NULL;
}

static err_t parse_reply(struct client *c, slice body, struct arena *a, const struct json **ret_json)
{
    err_t e = json_parse(a, body, ret_json);
    return e ? err_because(a, e, ERR_CORRUPT, "the answer of %s is no JSON: it is no cais server, so correct --url",
                           c->where)
             : NULL;
}

/* ---- any request ---- */

static void free_listp(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static struct curl_slist *headers_of(struct client *c, const struct client_request *r, struct arena *a)
{
    struct curl_slist *headers = NULL;
    for (struct curl_slist *h = c->headers; h; h = h->next)
        add_line(&headers, h->data);
    for (size_t i = 0; i < r->header_count; i++)
        add_line(&headers, arena_printf(a, "%s: " SLICE_FMT, r->headers[i].name, SLICE_ARG(r->headers[i].value)).p);
    if (r->body && r->body->size_bytes >= 0 && r->body->size_bytes <= EXPECT_CONTINUE_BYTES)
        add_line(&headers, "Expect:"); /* else libcurl would wait for 100 Continue before every body */
    return headers;
}

static bool is_loss(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return true;
    default:
        return false;
    }
}

bool client_was_reached(const struct client *c)
{
    return c->was_reached;
}

slice client_reply_header(struct client *c, const char *name, struct arena *a)
{
    struct curl_header *found;
    if (curl_easy_header(c->curl, name, 0, CURLH_HEADER, -1, &found) != CURLHE_OK)
        return S("");
    return arena_copy(a, slice_trim(slice_of(found->value)));
}

err_t client_send(struct client *c, const struct client_request *r, struct arena *a, struct client_reply *ret_reply)
{
    SCOPED(transfer_releasep) struct transfer x;
    transfer_init(&x, c, a);
    x.watch = r->watch;
    x.sink = r->sink;
    SCOPED(free_listp) struct curl_slist *headers = headers_of(c, r, a);
    set_request(&x, arena_printf(a, SLICE_FMT SLICE_FMT, SLICE_ARG(c->base), SLICE_ARG(r->path)).p, headers);
    if (r->silence_ms)
        curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_TIME, (long)(r->silence_ms + 999) / 1000);
    if (r->body) {
        x.source = r->body;
        x.total = r->body->size_bytes;
        curl_easy_setopt(c->curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x.total); /* -1: unknown, sent in chunks */
    }
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, r->method);
    CURLcode code;
    err_t e = perform(&x, r->success, &code);
    c->was_reached |= status_of(&x) > 0;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(c->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
    *ret_reply = (struct client_reply){ .status = status_of(&x),
                                        .is_lost = e && !x.stopped && !x.error && is_loss(code),
                                        .retry_after_s = retry_after_s,
                                        .body = arena_copy(a, buf_slice(&x.reply)) };
    return e;
}

/* ---- the requests of the API ---- */

err_t client_check_kept(const struct client_file *file, int64_t sent_bytes, struct md5 sent, struct arena *a)
{
    slice hex = md5_hex(sent, a);
    if (file->size_bytes == sent_bytes && slice_eq_nocase(file->md5, hex))
        return NULL;
    return err_make(a, ERR_DIGEST,
                    "the server kept other bytes than were sent: %lld bytes with MD5 " SLICE_FMT
                    " were sent, it tells of %lld with " SLICE_FMT "; 'cais rm " SLICE_FMT "' removes them",
                    (long long)sent_bytes, SLICE_ARG(hex), (long long)file->size_bytes,
                    SLICE_ARG(terminal_safe(a, file->md5)), SLICE_ARG(file->id));
}

struct file_version file_version_of(const struct stat *st)
{
    return (struct file_version){ st->st_size, st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec };
}

err_t client_check_unchanged(int fd, struct file_version before, struct arena *a)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(a, errno, "cannot read");
    struct file_version now = file_version_of(&st);
    if (now.size_bytes == before.size_bytes && now.mtime_ns == before.mtime_ns)
        return NULL;
    return err_make(a, ERR_CONFLICT,
                    "it changed while it was sent, so nothing of it was kept; send it again when nobody writes to it");
}

/* A file, or another descriptor, as the body of one request: from where it stands to its end. */
struct descriptor_source {
    int fd;
    off_t start;        /* -1: it cannot be rewound */
    int64_t size_bytes; /* -1: not known */
    bool is_regular;
    struct file_version before; /* of a regular file */
    int64_t sent_bytes;
    struct md5 md5; /* of them */
    bool is_at_end; /* all was given to the connection */
    const struct client_watch *watch;
    bool is_stopped; /* by the watch, when all was sent */
};

/* The stop signals are blocked, so a read that waits would not end. */
static err_t wait_until_readable(struct descriptor_source *d, struct arena *a)
{
    enum { LOOK_MS = 100 };
    struct pollfd poll_fd = { .fd = d->fd, .events = POLLIN };
    while (poll(&poll_fd, 1, LOOK_MS) == 0)
        if (d->watch && !d->watch->on_progress(d->watch->arg, d->sent_bytes, d->size_bytes))
            return err_make(a, ERR_EXPIRED, "stopped");
    return NULL;
}

/* The last bytes are sent only if those before are of the same version. */
static err_t read_descriptor(void *arg, struct arena *a, char *to, size_t room, size_t *ret_n)
{
    struct descriptor_source *d = arg;
    ssize_t got;
    do {
        TRY(wait_until_readable(d, a));
        got = read(d->fd, to, room);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    if (got < 0)
        return err_errno(a, errno, "cannot read");
    md5_update(&d->md5, (slice){ to, (size_t)got });
    d->sent_bytes += got;
    d->is_at_end = !got || d->sent_bytes == d->size_bytes;
    if (d->is_at_end && d->is_regular)
        TRY(client_check_unchanged(d->fd, d->before, a));
    *ret_n = (size_t)got;
    return NULL;
}

static bool rewind_descriptor(void *arg)
{
    struct descriptor_source *d = arg;
    md5_init(&d->md5);
    d->sent_bytes = 0;
    d->is_at_end = false;
    return d->start >= 0 && lseek(d->fd, d->start, SEEK_SET) == d->start;
}

/* Files of procfs and sysfs have other bytes than their length says. */
static bool length_is_true(int fd, off_t from, off_t size)
{
    char byte;
    return from >= 0 && from <= size && pread(fd, &byte, 1, size) == 0 &&
           (from == size || pread(fd, &byte, 1, size - 1) == 1);
}

static err_t open_source(struct descriptor_source *d, const struct client_upload *upload, struct arena *a)
{
    struct stat st;
    if (fstat(upload->fd, &st) != 0)
        return err_errno(a, errno, "cannot read");
    if (S_ISDIR(st.st_mode))
        return err_make(a, ERR_INVALID,
                        "is a folder: name its files, or send 'tar -c' of it to 'cais put - --name NAME'");
    /* Another program may have read a part of the file that is our standard input. */
    *d = (struct descriptor_source){ .fd = upload->fd,
                                     .start = lseek(upload->fd, 0, SEEK_CUR),
                                     .size_bytes = -1,
                                     .is_regular = S_ISREG(st.st_mode),
                                     .before = file_version_of(&st),
                                     .watch = upload->watch };
    if (d->is_regular && length_is_true(d->fd, d->start, st.st_size))
        d->size_bytes = st.st_size - d->start;
    md5_init(&d->md5);
    return NULL;
}

/* When all was sent, the server is about to keep it. So the reply is waited for, and the file removed then. */
static bool continue_put(void *arg, int64_t done, int64_t total)
{
    struct descriptor_source *d = arg;
    if (!d->watch || d->watch->on_progress(d->watch->arg, done, total))
        return true;
    bool goes_on = d->is_at_end && !d->is_stopped;
    d->is_stopped = true;
    return goes_on;
}

static err_t send_source(struct client *c, const struct client_upload *upload, struct descriptor_source *from,
                         struct arena *a, struct client_file *ret_file)
{
    struct client_source source = {
        .size_bytes = from->size_bytes, .read = read_descriptor, .rewind = rewind_descriptor, .arg = from
    };
    struct client_watch watch = { continue_put, from };
    struct client_header type = { "Content-Type", slice_of(upload->content_type) };
    struct client_request request = { .method = "PUT",
                                      .path = arena_printf(a, "/v1/native/files/" SLICE_FMT,
                                                           SLICE_ARG(percent_encode(a, upload->name, ""))),
                                      .headers = &type,
                                      .header_count = upload->content_type ? 1 : 0,
                                      .body = &source,
                                      .watch = &watch,
                                      .success = 201 };
    struct client_reply reply;
    const struct json *described;
    TRY(client_send(c, &request, a, &reply));
    TRY(parse_reply(c, reply.body, a, &described));
    return parse_file(a, described, ret_file);
}

/* Where the server has the file or object of that id: …/files/ID, or …/objects/BUCKET/KEY. */
static err_t find_path(slice id, const char *suffix, struct arena *a, slice *ret)
{
    if (!slice_starts(id, S(OBJECT_ID))) {
        *ret = arena_printf(a, "/v1/native/files/" SLICE_FMT "%s", SLICE_ARG(percent_encode(a, id, "")), suffix);
        return NULL;
    }
    slice bucket, key;
    if (!slice_cut(slice_from(id, S(OBJECT_ID).n), '/', &bucket, &key) || !bucket.n || !key.n)
        return err_make(a, ERR_INVALID, "an object is named " OBJECT_ID "BUCKET/KEY");
    *ret = arena_printf(a, "/v1/native/objects/" SLICE_FMT "/" SLICE_FMT "%s", SLICE_ARG(percent_encode(a, bucket, "")),
                        SLICE_ARG(percent_encode(a, key, "")), suffix);
    return NULL;
}

err_t client_remove(struct client *c, slice id, struct arena *a)
{
    struct client_request request = { .method = "DELETE", .success = 204 };
    struct client_reply reply;
    TRY(find_path(id, "", a, &request.path));
    return client_send(c, &request, a, &reply);
}

static err_t remove_stopped(struct client *c, const struct client_file *file, struct arena *a)
{
    err_t e = client_remove(c, file->id, a);
    return e ? err_because(a, e, ERR_EXPIRED, "stopped when the server had kept it: 'cais rm " SLICE_FMT "' removes it",
                           SLICE_ARG(file->id))
             : err_make(a, ERR_EXPIRED, "stopped");
}

err_t client_put(struct client *c, const struct client_upload *upload, struct arena *a, struct client_file *ret_file)
{
    struct descriptor_source from;
    struct client_file file;
    TRY(open_source(&from, upload, a));
    err_t e = send_source(c, upload, &from, a, &file);
    if (err_is(e, ERR_EXPIRED) && from.is_at_end)
        return err_make(a, ERR_EXPIRED, "stopped before the server answered: 'cais ls' shows whether it was kept");
    if (err_is(e, ERR_TRUNCATED) && from.is_at_end)
        return err_because(a, e, e->code, "no answer came: 'cais ls' shows whether it was kept");
    TRY(e);
    if (from.is_stopped)
        return remove_stopped(c, &file, a);
    TRY(client_check_kept(&file, from.sent_bytes, from.md5, a));
    *ret_file = file;
    return NULL;
}

static err_t get_json(struct client *c, slice path, struct arena *a, const struct json **ret_json)
{
    struct client_request request = { .method = "GET", .path = path, .success = 200 };
    struct client_reply reply;
    TRY(client_send(c, &request, a, &reply));
    return parse_reply(c, reply.body, a, ret_json);
}

err_t client_info(struct client *c, slice id, struct arena *a, struct client_file *ret_file)
{
    const struct json *reply;
    slice path;
    TRY(find_path(id, "/info", a, &path));
    TRY(get_json(c, path, a, &reply));
    return parse_file(a, reply, ret_file);
}

/* Computes the digest of what comes, and passes it on. */
struct checked_sink {
    const struct client_sink *to;
    struct running_etag etag;
};

static err_t write_checked(void *arg, struct arena *a, slice bytes)
{
    struct checked_sink *s = arg;
    running_etag_update(&s->etag, bytes);
    return s->to->write(s->to->arg, a, bytes);
}

/* Is it an MD5 in hex, and behind it the number of parts, if there are any? */
static bool etag_is_whole(slice etag, size_t part_count, struct arena *a)
{
    slice raw, parts = part_count ? arena_printf(a, "-%zu", part_count) : S("");
    return slice_part(etag, 0, MD5_HEX).n == MD5_HEX && hex_decode(a, slice_part(etag, 0, MD5_HEX), &raw) &&
           slice_eq(slice_from(etag, MD5_HEX), parts);
}

static err_t no_etag(struct arena *a)
{
    return err_make(a, ERR_CORRUPT, "the server did not say what the MD5 should be");
}

static err_t check_received(struct client *c, struct running_etag *got, struct arena *a)
{
    curl_off_t announced = -1;
    curl_easy_getinfo(c->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (announced >= 0 && announced != got->bytes)
        return err_make(a, ERR_TRUNCATED, "%lld bytes came, %lld were announced", (long long)got->bytes,
                        (long long)announced);
    slice header = client_reply_header(c, "ETag", a);
    bool is_quoted = header.n > 2 && header.p[0] == '"' && header.p[header.n - 1] == '"';
    slice promised = is_quoted ? slice_part(header, 1, header.n - 2) : S("");
    if (!etag_is_whole(promised, got->part_count, a))
        return no_etag(a);
    slice etag = running_etag_final(got, a);
    if (!etag.n)
        return err_make(a, ERR_TRUNCATED, "%lld bytes came, which are not as many as the parts have",
                        (long long)got->bytes);
    if (!slice_eq_nocase(promised, etag))
        return err_make(a, ERR_DIGEST, "the MD5 of what came is " SLICE_FMT ", it should be " SLICE_FMT,
                        SLICE_ARG(etag), SLICE_ARG(promised));
    return NULL;
}

/* The digest of an object may be made of those of its parts, so it must be known before where they end; and it must still be that
 * object when its bytes are sent. */
static err_t prepare_object(struct client *c, slice id, struct arena *a, struct client_request *request,
                            struct running_etag *etag)
{
    struct client_file object = { 0 };
    TRY(client_info(c, id, a, &object));
    if (!etag_is_whole(object.etag, object.part_count, a))
        return no_etag(a);
    struct client_header *if_match = arena_new(a, struct client_header);
    *if_match = (struct client_header){ "If-Match", arena_printf(a, "\"" SLICE_FMT "\"", SLICE_ARG(object.etag)) };
    request->headers = if_match;
    request->header_count = 1;
    running_etag_init(etag, object.part_sizes, object.part_count);
    return NULL;
}

err_t client_get(struct client *c, slice id, const struct client_sink *sink, const struct client_watch *watch,
                 struct arena *a)
{
    struct checked_sink got = { .to = sink };
    struct client_request request = {
        .method = "GET", .sink = &(struct client_sink){ write_checked, &got }, .watch = watch, .success = 200
    };
    running_etag_init(&got.etag, NULL, 0);
    TRY(find_path(id, "", a, &request.path));
    if (slice_starts(id, S(OBJECT_ID)))
        TRY(prepare_object(c, id, a, &request, &got.etag));
    struct client_reply reply;
    TRY(client_send(c, &request, a, &reply));
    return check_received(c, &got.etag, a);
}

static slice add_parameter(struct arena *a, slice path, const char *name, slice value)
{
    if (!value.n)
        return path;
    return arena_printf(a, SLICE_FMT "&%s=" SLICE_FMT, SLICE_ARG(path), name, SLICE_ARG(percent_encode(a, value, "")));
}

err_t client_list(struct client *c, const struct client_wanted *wanted, int64_t limit, slice after, struct arena *a,
                  struct client_page *ret)
{
    const char *name = wanted->list == CLIENT_FILES ? "files" : "objects";
    slice path = arena_printf(a, "/v1/native/%s?limit=%lld", name, (long long)limit), bucket, prefix;
    slice_cut(slice_from(wanted->place, S(OBJECT_ID).n), '/', &bucket, &prefix);
    path = add_parameter(a, path, "after", after);
    path = add_parameter(a, path, "owner", wanted->owner);
    if (wanted->list == CLIENT_FILES) {
        path = add_parameter(a, path, "task", wanted->task);
        path = add_parameter(a, path, "folder", wanted->folder);
    } else {
        path = add_parameter(a, path, "bucket", bucket);
        path = add_parameter(a, path, "prefix", prefix);
    }
    const struct json *reply, *list;
    TRY(get_json(c, path, a, &reply));
    list = json_get(reply, name);
    if (!json_is(list, JS_ARRAY))
        return err_make(a, ERR_CORRUPT, "the answer of %s is no list of %s", c->where, name);
    size_t count = 0;
    struct client_file *files = arena_array(a, struct client_file, json_count(list) + 1);
    JSON_EACH(item, list)
        TRY(parse_file(a, item, &files[count++]));
    *ret = (struct client_page){ .files = files, .count = count, .next = json_str(reply, "next") };
    return NULL;
}

err_t client_post(struct client *c, const char *path, slice body, const struct client_watch *watch, struct arena *a,
                  slice *ret_reply)
{
    SCOPED(transfer_releasep) struct transfer x;
    transfer_init(&x, c, a);
    x.watch = watch;
    const char *url = arena_printf(a, SLICE_FMT "%s", SLICE_ARG(c->base), path).p;
    struct curl_slist *headers = NULL;
    add_line(&headers, "Content-Type: application/json");
    add_line(&headers, "Expect:");
    set_request(&x, url, headers);
    curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, 0L); /* a check of a large store may take long */
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.p);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    CURLcode code;
    err_t e = perform(&x, 200, &code);
    curl_slist_free_all(headers);
    if (!e)
        *ret_reply = arena_copy(a, buf_slice(&x.reply));
    return e;
}
