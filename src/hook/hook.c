/* SPDX-License-Identifier: Apache-2.0 */
/* One multi handle of libcurl for all requests, driven by hook_next. No connection is used twice, so each request has an address that was checked. */
#include "hook/hook.h"

#include "base/address.h"
#include "base/buf.h"
#include "base/network.h"
#include "base/scoped.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 10000L
#define HEAD_BYTES ((size_t)64 * 1024)

struct sending {
    struct curl_hook *of;
    struct sending *next;
    int64_t tag;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    bool is_plain; /* http */
    bool is_too_large;
    char refused[ADDRESS_TEXT_BYTES]; /* the last address that was refused; empty: none was */
    size_t head_bytes;                /* of headers of the answer */
    struct buf reply;
};

struct curl_hook {
    struct hook_sender sender;
    CURLM *multi;
    struct network *networks;
    size_t network_count;
    char *ca_file;
    struct sending *all;
};

static struct curl_hook *hook_of(struct hook_sender *s)
{
    return CONTAINER_OF(s, struct curl_hook, sender);
}

static void free_sending(struct sending *x)
{
    if (x->easy) {
        curl_multi_remove_handle(x->of->multi, x->easy);
        curl_easy_cleanup(x->easy);
    }
    curl_slist_free_all(x->headers);
    free(x->body);
    buf_release(&x->reply);
    free(x);
}

static void forget_sending(struct curl_hook *h, struct sending *x)
{
    struct sending **link = &h->all;
    while (*link != x)
        link = &(*link)->next;
    *link = x->next;
    free_sending(x);
}

/* ---- callbacks of libcurl ---- */

static bool is_listed(const struct curl_hook *h, const unsigned char address[16])
{
    for (size_t i = 0; i < h->network_count; i++)
        if (network_has(&h->networks[i], address))
            return true;
    return false;
}

/* libcurl is about to connect to this address. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct sending *x = arg;
    unsigned char address[16];
    bool allowed = purpose == CURLSOCKTYPE_IPCXN && network_address(&to->addr, address) &&
                   (is_listed(x->of, address) || (!x->is_plain && network_is_public(address)));
    if (!allowed) {
        address_format(&to->addr, x->refused);
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t take_reply(char *bytes, size_t size, size_t count, void *arg)
{
    struct sending *x = arg;
    slice got = { bytes, size * count };
    if (got.n > HOOK_REPLY_BYTES - x->reply.n) {
        x->is_too_large = true;
        return 0;
    }
    buf_add(&x->reply, got);
    return got.n;
}

static size_t count_head(char *bytes, size_t size, size_t count, void *arg)
{
    struct sending *x = arg;
    (void)bytes;
    x->head_bytes += size * count;
    x->is_too_large |= x->head_bytes > HEAD_BYTES;
    return x->is_too_large ? 0 : size * count;
}

/* ---- begin ---- */

static bool add_header(struct sending *x, const char *line)
{
    struct curl_slist *longer = curl_slist_append(x->headers, line);
    if (longer)
        x->headers = longer;
    return longer != NULL;
}

/* Whatever libcurl would take from the environment, from files of the user or from an answer is turned off. */
static bool set_options(struct sending *x, const char *url, size_t body_bytes, int64_t timeout_ms)
{
    struct curl_hook *h = x->of;
    CURL *e = x->easy;
    bool ok = true;
#define SET(option, value) ok = ok && curl_easy_setopt(e, option, value) == CURLE_OK
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (h->ca_file) {
        SET(CURLOPT_CAINFO, h->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    SET(CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < CONNECT_TIMEOUT_MS ? (long)timeout_ms : CONNECT_TIMEOUT_MS);
    SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, x);
    SET(CURLOPT_WRITEFUNCTION, take_reply);
    SET(CURLOPT_WRITEDATA, x);
    SET(CURLOPT_HEADERFUNCTION, count_head);
    SET(CURLOPT_HEADERDATA, x);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, x->body);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_bytes);
    SET(CURLOPT_HTTPHEADER, x->headers);
    SET(CURLOPT_PRIVATE, x);
#undef SET
    return ok;
}

static err_t hook_begin(struct hook_sender *s, const struct hook_request *r, struct arena *a)
{
    struct curl_hook *h = hook_of(s);
    struct sending *x = must_malloc(sizeof *x);
    *x = (struct sending){ .of = h, .tag = r->tag, .is_plain = !slice_starts(r->url, S("https://")) };
    buf_init(&x->reply, 0);
    x->body = must_malloc(r->body.n + 1);
    memcpy(x->body, r->body.p, r->body.n);
    bool ok = add_header(x, "Content-Type: application/json; charset=utf-8") && add_header(x, "Accept: */*") &&
              add_header(x, "Expect:");
    for (const char *const *header = r->headers; header && *header; header++)
        ok = ok && add_header(x, *header);
    x->easy = ok ? curl_easy_init() : NULL;
    ok = x->easy && set_options(x, arena_cstr(a, r->url), r->body.n, r->timeout_ms) &&
         curl_multi_add_handle(h->multi, x->easy) == CURLM_OK;
    if (!ok) {
        free_sending(x);
        return err_make(a, ERR_INVALID, "the request cannot be made: is the URL one?");
    }
    x->next = h->all;
    h->all = x;
    return NULL;
}

/* ---- outcomes ---- */

static const char *why_failed(const struct sending *x, CURLcode code, struct arena *a)
{
    if (x->is_too_large)
        return "the answer has more than 1 MiB, or 64 KiB of headers";
    if (*x->refused && code == CURLE_COULDNT_CONNECT)
        return arena_printf(a, "%s is %s", x->refused,
                            x->is_plain ? "not in webhooks.networks, and plain HTTP goes nowhere else"
                                        : "neither a public address nor in webhooks.networks")
            .p;
    static const struct {
        CURLcode code;
        const char *words;
    } all[] = { { CURLE_COULDNT_RESOLVE_HOST, "there is no such host" },
                { CURLE_COULDNT_CONNECT, "nobody answers at the address" },
                { CURLE_OPERATION_TIMEDOUT, "no answer came in time" },
                { CURLE_GOT_NOTHING, "the connection was closed without an answer" },
                { CURLE_RECV_ERROR, "the connection broke off" },
                { CURLE_SEND_ERROR, "the connection broke off" },
                { CURLE_PARTIAL_FILE, "the answer broke off" },
                { CURLE_SSL_CONNECT_ERROR, "the address does not speak TLS as it should" },
                { CURLE_PEER_FAILED_VERIFICATION, "the certificate of the address is not to be trusted" },
                { CURLE_UNSUPPORTED_PROTOCOL, "the address does not speak HTTP" },
                { CURLE_WEIRD_SERVER_REPLY, "the address does not speak HTTP" },
                { CURLE_TOO_MANY_REDIRECTS, "the address leads elsewhere" } };
    for (size_t i = 0; i < LENGTH_OF(all); i++)
        if (all[i].code == code)
            return all[i].words;
    return arena_printf(a, "the request failed (libcurl %d)", (int)code).p;
}

static void take_outcome(struct curl_hook *h, const CURLMsg *message, struct arena *a, struct hook_result *ret)
{
    struct sending *x = NULL;
    long status = 0;
    CURLcode code = message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&x);
    curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    *ret = (struct hook_result){ .tag = x->tag, .status = (int)status, .body = S("") };
    if (code == CURLE_OK)
        ret->body = arena_copy(a, buf_slice(&x->reply));
    else
        ret->error = why_failed(x, code, a);
    forget_sending(h, x);
}

static bool find_outcome(struct curl_hook *h, struct arena *a, struct hook_result *ret)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));)
        if (m->msg == CURLMSG_DONE) {
            take_outcome(h, m, a, ret);
            return true;
        }
    return false;
}

static bool hook_next(struct hook_sender *s, int64_t wait_ms, struct arena *a, struct hook_result *ret)
{
    struct curl_hook *h = hook_of(s);
    int running;
    if (!h->all)
        return false;
    curl_multi_perform(h->multi, &running);
    if (find_outcome(h, a, ret))
        return true;
    curl_multi_poll(h->multi, NULL, 0, (int)wait_ms, NULL);
    curl_multi_perform(h->multi, &running);
    return find_outcome(h, a, ret);
}

static void hook_cancel(struct hook_sender *s)
{
    struct curl_hook *h = hook_of(s);
    while (h->all)
        forget_sending(h, h->all);
}

/* ---- open, close ---- */

err_t hook_sender_open(const struct hook_options *o, struct arena *a, struct hook_sender **ret)
{
    static const struct hook_sender_ops ops = { hook_begin, hook_next, hook_cancel };
    size_t count = 0;
    while (o->networks && o->networks[count])
        count++;
    struct curl_hook *h = must_malloc(sizeof *h);
    *h = (struct curl_hook){ .sender = { &ops }, .network_count = count };
    h->networks = must_malloc((count + 1) * sizeof *h->networks);
    h->ca_file = o->ca_file ? must_strdup(o->ca_file) : NULL;
    err_t e = NULL;
    for (size_t i = 0; i < count && !e; i++)
        if (!network_parse(slice_of(o->networks[i]), &h->networks[i]))
            e = err_make(a, ERR_INVALID, "%s is neither an address nor a range like 10.0.0.0/8", o->networks[i]);
    bool global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    if (!e && (!global || !(h->multi = curl_multi_init())))
        e = err_make(a, ERR_UNAVAILABLE, "libcurl does not start");
    *ret = &h->sender;
    if (e)
        hook_sender_close(&h->sender);
    return e;
}

void hook_sender_close(struct hook_sender *s)
{
    if (!s)
        return;
    struct curl_hook *h = hook_of(s);
    hook_cancel(s);
    if (h->multi)
        curl_multi_cleanup(h->multi);
    curl_global_cleanup();
    free(h->networks);
    free(h->ca_file);
    free(h);
}
