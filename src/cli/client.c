/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl carries; we count and hash on both ways, so that what the server keeps, or what it gave, is known to be what
 * was meant. One easy handle a client: its connection is used again for the next file. */
#include "cli/client.h"

#include "base/text.h"
#include "base/unix_socket.h"
#include "cli/terminal.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MAX_BYTES ((size_t)4 << 20)
#define ASK_FIRST_BYTES (1 << 20) /* larger bodies wait for 100 Continue */
#define CONNECT_TIMEOUT_S 10L
#define SILENCE_TIMEOUT_S 300L /* a large upload may take a while to be synced before its answer */

struct client {
    CURL *curl;
    slice base; /* http://…:… without a trailing slash */
    struct curl_slist *headers;
    const char *socket; /* as libcurl gets it; NULL with a URL */
    const char *ca_file;
    const char *where; /* for errors: the URL or the path of the socket */
};

/* One request. The callbacks of libcurl get it. */
struct exchange {
    struct client *client;
    struct arena *arena;
    struct hash *md5; /* of what was sent or received */
    int64_t moved, total;
    const struct client_watch *watch;
    bool stopped; /* by the watch */
    err_t error;  /* the first of ours */
    int fd;       /* upload: what is sent */
    const struct client_sink *sink;
    struct buf answer; /* what did not go to the sink */
    slice etag;
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
    c->ca_file = target->ca_file;
    return NULL;
}

err_t client_open(struct arena *a, const struct client_target *target, struct client **ret_client)
{
    struct client *c = arena_new(a, struct client);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(c->curl = curl_easy_init()))
        return err_make(a, ERR_UNAVAILABLE, "libcurl does not start");
    arena_defer(a, release_client, c);
    c->where = target->url ? terminal_safe(a, slice_of(target->url)).p : target->socket;
    TRY(target->url ? use_url(c, target, a) : use_socket(c, target->socket, a));
    add_line(&c->headers, "Accept: application/json, */*;q=0.5");
    if (c->socket && target->account)
        add_line(
            &c->headers,
            arena_printf(a, "Cais-Account: " SLICE_FMT, SLICE_ARG(percent_encode(a, slice_of(target->account), ""))).p);
    *ret_client = c;
    return NULL;
}

/* ── One request ────────────────────────────────────────────────────────────────────────────────────────────────── */

static size_t on_read(char *to, size_t size, size_t count, void *arg)
{
    struct exchange *x = arg;
    size_t room = size * count;
    if (x->total >= 0 && (int64_t)room > x->total - x->moved)
        room = (size_t)(x->total - x->moved); /* what was appended meanwhile is not part of what we promised */
    ssize_t got;
    do
        got = room ? read(x->fd, to, room) : 0;
    while (got < 0 && errno == EINTR && !x->stopped);
    if (got < 0)
        x->error = err_errno(x->arena, errno, "cannot read");
    else if (!got && x->moved < x->total)
        x->error = err_make(x->arena, ERR_CONFLICT, "the file became shorter while it was sent");
    if (x->error)
        return CURL_READFUNC_ABORT;
    hash_update(x->md5, (slice){ to, (size_t)got });
    x->moved += got;
    return (size_t)got;
}

/* libcurl starts over when a connection that it used again turns out to be dead. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
    struct exchange *x = arg;
    if (origin != SEEK_SET || offset != 0 || (x->moved && lseek(x->fd, 0, SEEK_SET) != 0))
        return CURL_SEEKFUNC_CANTSEEK;
    hash_free(x->md5);
    x->md5 = hash_new(HASH_MD5);
    x->moved = 0;
    return CURL_SEEKFUNC_OK;
}

static long status_of(const struct exchange *x)
{
    long status = 0;
    curl_easy_getinfo(x->client->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *arg)
{
    struct exchange *x = arg;
    slice got = { bytes, size * count };
    if (x->sink && status_of(x) == 200) {
        hash_update(x->md5, got);
        x->moved += (int64_t)got.n;
        x->error = x->sink->write(x->sink->arg, x->arena, got);
    } else {
        buf_add(&x->answer, got);
        if (x->answer.failed)
            x->error = err_make(x->arena, ERR_CORRUPT, "the answer is larger than %zu bytes", ANSWER_MAX_BYTES);
    }
    return x->error ? 0 : got.n;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct exchange *x = arg;
    slice line = { bytes, size * count }, name, value;
    while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\n'))
        line.n--;
    if (slice_starts(line, S("HTTP/")))
        x->etag = S(""); /* an interim answer came before */
    else if (slice_cut(line, ':', &name, &value) && slice_eq_nocase(name, S("ETag")))
        x->etag = arena_copy(x->arena, slice_trim(value));
    return size * count;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct exchange *x = arg;
    (void)down, (void)up, (void)up_total;
    if (x->sink && down_total > 0)
        x->total = down_total;
    if (x->watch && x->watch->moved && !x->watch->moved(x->watch->arg, x->moved, x->total))
        x->stopped = true;
    return x->stopped;
}

static void exchange_init(struct exchange *x, struct client *c, struct arena *a)
{
    *x = (struct exchange){ .client = c, .arena = a, .total = -1, .fd = -1, .etag = S("") };
    x->md5 = hash_new(HASH_MD5);
    buf_init(&x->answer, ANSWER_MAX_BYTES);
}

static void exchange_releasep(struct exchange *x)
{
    hash_free(x->md5);
    buf_release(&x->answer);
}

static void set_up(struct exchange *x, const char *url, struct curl_slist *headers)
{
    CURL *curl = x->client->curl;
    curl_easy_reset(curl); /* keeps its connections */
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "cais/" CAIS_VERSION);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a file may be called "..": that is for the server to judge */
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
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, x);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

/* What libcurl itself gave up on. */
static err_t broken_off(struct exchange *x, CURLcode code)
{
    const char *where = x->client->where, *why = curl_easy_strerror(code);
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        return err_make(x->arena, ERR_UNAVAILABLE, "no server answers at %s", where);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
        return err_make(x->arena, ERR_TRUNCATED, "the server broke off after %lld bytes", (long long)x->moved);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return err_make(x->arena, ERR_UNAVAILABLE, "%s: the server's certificate cannot be trusted: %s", where, why);
    default:
        return err_make(x->arena, ERR_UNAVAILABLE, "%s: %s", where, why);
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

static err_t refused(struct exchange *x, long status)
{
    struct arena *a = x->arena;
    const struct json *answer = NULL, *error = NULL;
    if (!json_parse(a, buf_slice(&x->answer), &answer))
        error = json_get(answer, "error");
    if (!json_is(error, JS_OBJECT))
        return err_make(a, code_of_refusal(status, S("")),
                        "the server refused with status %ld and no word of explanation", status);
    slice id = json_str(error, "request_id");
    slice tail = id.n ? arena_printf(a, ", request " SLICE_FMT, SLICE_ARG(terminal_safe(a, id))) : S("");
    return err_make(a, code_of_refusal(status, json_str(error, "code")), SLICE_FMT " (%ld " SLICE_FMT SLICE_FMT ")",
                    SLICE_ARG(terminal_safe(a, json_str(error, "message"))), status,
                    SLICE_ARG(terminal_safe(a, json_str(error, "code"))), SLICE_ARG(tail));
}

/* Send it and look at how it ended. A refusal comes before our own trouble: a server that says no while we are still
 * sending makes the sending fail, too. */
static err_t perform(struct exchange *x, long wanted)
{
    CURLcode code = curl_easy_perform(x->client->curl);
    long status = status_of(x);
    if (x->stopped)
        return err_make(x->arena, ERR_EXPIRED, "stopped");
    if (status >= 400 && (!code || x->answer.n))
        return refused(x, status);
    if (x->error)
        return x->error;
    if (code)
        return broken_off(x, code);
    if (status != wanted)
        return err_make(x->arena, ERR_CORRUPT, "%s answers with status %ld; is it a cais server?", x->client->where,
                        status);
    return NULL;
}

static slice md5_hex(struct exchange *x)
{
    unsigned char digest[MD5_SIZE];
    hash_final(x->md5, digest);
    return hex_encode(x->arena, (slice){ (const char *)digest, sizeof digest });
}

static err_t read_file(struct arena *a, const struct json *from, struct client_file *ret_file)
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
    unsigned char uuid[16];
    if (!uuid_parse(f.id, uuid) || !json_to_i64(json_get(from, "size"), &f.size_bytes) || f.size_bytes < 0)
        return err_make(a, ERR_CORRUPT, "the answer does not describe a file");
    *ret_file = f;
    return NULL;
}

static err_t parse_answer(struct exchange *x, const struct json **ret_json)
{
    err_t e = json_parse(x->arena, buf_slice(&x->answer), ret_json);
    return e ? err_because(x->arena, e, ERR_CORRUPT, "the answer of %s is no JSON", x->client->where) : NULL;
}

/* ── The requests ───────────────────────────────────────────────────────────────────────────────────────────────── */

static err_t check_kept(struct exchange *x, const struct client_file *file)
{
    slice sent = md5_hex(x);
    if (file->size_bytes == x->moved && slice_eq_nocase(file->md5, sent))
        return NULL;
    return err_make(x->arena, ERR_DIGEST,
                    "the server kept other bytes than were sent: %lld bytes with MD5 " SLICE_FMT
                    " were sent, it tells of %lld with " SLICE_FMT " as " SLICE_FMT,
                    (long long)x->moved, SLICE_ARG(sent), (long long)file->size_bytes,
                    SLICE_ARG(terminal_safe(x->arena, file->md5)), SLICE_ARG(file->id));
}

static bool changed(const struct stat *before, const struct stat *after)
{
    return before->st_size != after->st_size || before->st_mtim.tv_sec != after->st_mtim.tv_sec ||
           before->st_mtim.tv_nsec != after->st_mtim.tv_nsec;
}

static void free_listp(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

err_t client_put(struct client *c, int fd, slice name, const char *content_type, const struct client_watch *watch,
                 struct arena *a, struct client_file *ret_file)
{
    struct stat before, after;
    if (fstat(fd, &before) != 0)
        return err_errno(a, errno, "cannot read");
    if (S_ISDIR(before.st_mode))
        return err_make(a, ERR_INVALID, "is a folder");
    SCOPED(exchange_releasep) struct exchange x;
    exchange_init(&x, c, a);
    x.fd = fd;
    x.watch = watch;
    if (S_ISREG(before.st_mode)) {
        /* A file handed over as standard input may have been read to somewhere in the middle. */
        off_t at = lseek(fd, 0, SEEK_CUR);
        x.total = before.st_size > at && at >= 0 ? before.st_size - at : 0;
    }
    SCOPED(free_listp) struct curl_slist *headers = NULL;
    for (struct curl_slist *h = c->headers; h; h = h->next)
        add_line(&headers, h->data);
    if (content_type)
        add_line(&headers, arena_printf(a, "Content-Type: %s", content_type).p);
    if (x.total >= 0 && x.total <= ASK_FIRST_BYTES)
        add_line(&headers, "Expect:"); /* libcurl would ask before every PUT */
    set_up(&x,
           arena_printf(a, SLICE_FMT "/v1/native/files/" SLICE_FMT, SLICE_ARG(c->base),
                        SLICE_ARG(percent_encode(a, name, "")))
               .p,
           headers);
    curl_easy_setopt(c->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x.total); /* -1: in chunks */
    TRY(perform(&x, 201));
    const struct json *answer;
    struct client_file file;
    TRY(parse_answer(&x, &answer));
    TRY(read_file(a, answer, &file));
    TRY(check_kept(&x, &file));
    if (S_ISREG(before.st_mode) && (fstat(fd, &after) != 0 || changed(&before, &after)))
        return err_make(a, ERR_CONFLICT,
                        "it changed while it was sent; " SLICE_FMT " holds neither what it was nor what it is, perhaps",
                        SLICE_ARG(file.id));
    *ret_file = file;
    return NULL;
}

err_t client_get(struct client *c, slice id, const struct client_sink *sink, const struct client_watch *watch,
                 struct arena *a)
{
    SCOPED(exchange_releasep) struct exchange x;
    exchange_init(&x, c, a);
    x.sink = sink;
    x.watch = watch;
    set_up(&x,
           arena_printf(a, SLICE_FMT "/v1/native/files/" SLICE_FMT, SLICE_ARG(c->base),
                        SLICE_ARG(percent_encode(a, id, "")))
               .p,
           c->headers);
    TRY(perform(&x, 200));
    curl_off_t announced = -1;
    curl_easy_getinfo(c->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (announced >= 0 && announced != x.moved)
        return err_make(a, ERR_TRUNCATED, "%lld bytes came, %lld were announced", (long long)x.moved,
                        (long long)announced);
    slice promised = x.etag, raw;
    if (promised.n != 34 || promised.p[0] != '"' || !hex_decode(a, slice_part(promised, 1, 32), &raw))
        return err_make(a, ERR_CORRUPT, "the server did not say what the MD5 should be");
    slice got = md5_hex(&x);
    if (!slice_eq_nocase(slice_part(promised, 1, 32), got))
        return err_make(a, ERR_DIGEST, "the MD5 of what came is " SLICE_FMT ", it should be " SLICE_FMT, SLICE_ARG(got),
                        SLICE_ARG(slice_part(promised, 1, 32)));
    return NULL;
}

static err_t get_json(struct client *c, slice path, struct arena *a, const struct json **ret_json)
{
    SCOPED(exchange_releasep) struct exchange x;
    exchange_init(&x, c, a);
    set_up(&x, arena_printf(a, SLICE_FMT SLICE_FMT, SLICE_ARG(c->base), SLICE_ARG(path)).p, c->headers);
    TRY(perform(&x, 200));
    return parse_answer(&x, ret_json);
}

err_t client_info(struct client *c, slice id, struct arena *a, struct client_file *ret_file)
{
    const struct json *answer;
    TRY(get_json(c, arena_printf(a, "/v1/native/files/" SLICE_FMT "/info", SLICE_ARG(percent_encode(a, id, ""))), a,
                 &answer));
    return read_file(a, answer, ret_file);
}

err_t client_list(struct client *c, int64_t limit, slice after, struct arena *a, struct client_file **ret_files,
                  size_t *ret_count, slice *ret_next)
{
    slice path = arena_printf(a, "/v1/native/files?limit=%lld", (long long)limit);
    if (after.n)
        path = arena_printf(a, SLICE_FMT "&after=" SLICE_FMT, SLICE_ARG(path), SLICE_ARG(percent_encode(a, after, "")));
    const struct json *answer, *list;
    TRY(get_json(c, path, a, &answer));
    list = json_get(answer, "files");
    if (!json_is(list, JS_ARRAY))
        return err_make(a, ERR_CORRUPT, "the answer of %s is no list of files", c->where);
    size_t count = 0;
    struct client_file *files = arena_array(a, struct client_file, json_count(list) + 1);
    JSON_EACH(item, list)
        TRY(read_file(a, item, &files[count++]));
    *ret_files = files;
    *ret_count = count;
    *ret_next = json_str(answer, "next");
    return NULL;
}

err_t client_post(struct client *c, const char *path, slice body, struct arena *a, slice *ret_answer)
{
    SCOPED(exchange_releasep) struct exchange x;
    exchange_init(&x, c, a);
    const char *url = arena_printf(a, SLICE_FMT "%s", SLICE_ARG(c->base), path).p;
    struct curl_slist *headers = NULL;
    add_line(&headers, "Content-Type: application/json");
    add_line(&headers, "Expect:");
    set_up(&x, url, headers);
    curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, 0L); /* a check of a large store takes its time */
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.p);
    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    err_t e = perform(&x, 200);
    curl_slist_free_all(headers);
    if (!e)
        *ret_answer = arena_copy(a, buf_slice(&x.answer));
    return e;
}
