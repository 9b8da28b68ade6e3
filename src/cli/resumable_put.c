/* SPDX-License-Identifier: Apache-2.0 */
/* Rules
 * - Only an offset that the server told counts. What was sent and not acknowledged is read again from the file.
 * - 404 and 410 end an upload only if the reply says Tus-Resumable: those of a proxy in between do not.
 * - A connection that fails at the very first request of a new upload is an error, not an outage: the address may be wrong. */
#include "cli/resumable_put.h"

#include "base/text.h"
#include "cli/terminal.h"

#include <errno.h>

#define UPLOADS "/v1/native/uploads"
#define FILES "/v1/native/files/"

enum {
    REQUEST_BYTES = 64 << 20, /* of one PATCH: a proxy may pass it on only when it is whole */
    READ_BYTES = 256 << 10,
    FIRST_PAUSE_MS = 1000,
    LONGEST_PAUSE_MS = 30000,
    LONGEST_SILENCE_MS = 60000,
    BEGIN_TWICE = 2, /* a server that loses one upload after the other is not tried for ever */
};

struct sending {
    struct resumable_put *p;
    struct arena *arena;  /* of the caller: for what outlives a step */
    int64_t size, offset; /* offset -1: to be asked for */
    struct md5 md5;       /* of the first `hashed` bytes */
    int64_t hashed;
    slice file; /* the id of what it became; empty: not yet */
    int begun;

    /* of the last request */
    struct client_reply reply;
    bool is_of_tus;

    bool has_changed; /* the file */
    bool is_failing;  /* since since_ms, without having come further than failing_at */
    int64_t since_ms, failing_at, pause_ms;
};

/* ---- the file ---- */

static err_t read_at(int fd, int64_t offset, char *to, size_t room, struct arena *a, size_t *ret_n)
{
    ssize_t n;
    do
        n = pread(fd, to, room, offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_errno(a, errno, "cannot read");
    *ret_n = (size_t)n;
    return NULL;
}

static err_t check_unchanged(struct sending *s, struct arena *a)
{
    err_t e = client_check_unchanged(s->p->fd, s->p->state.version, a);
    s->has_changed |= err_is(e, ERR_CONFLICT);
    return e;
}

/* It ends before the length that it had. */
static err_t is_shorter(struct sending *s, struct arena *a)
{
    TRY(check_unchanged(s, a));
    s->has_changed = true;
    return err_make(a, ERR_CONFLICT, "it became shorter while it was sent, so nothing of it was kept");
}

/* Make `hashed` the offset `to`. */
static err_t hash_up_to(struct sending *s, int64_t to, struct arena *a)
{
    const struct resumable_watch *watch = s->p->watch;
    char *bytes = arena_alloc(a, READ_BYTES);
    if (to < s->hashed) {
        md5_init(&s->md5);
        s->hashed = 0;
    }
    while (s->hashed < to) {
        size_t n = 0, room = to - s->hashed < READ_BYTES ? (size_t)(to - s->hashed) : READ_BYTES;
        TRY(read_at(s->p->fd, s->hashed, bytes, room, a, &n));
        if (!n)
            return is_shorter(s, a);
        md5_update(&s->md5, (slice){ bytes, n });
        s->hashed += (int64_t)n;
        if (!watch->on_read_again(watch->arg, s->hashed, to))
            return err_make(a, ERR_EXPIRED, "stopped");
    }
    return NULL;
}

/* The bytes of one PATCH, and their running MD5. The last ones are sent only if the file is what it was. */
struct piece {
    struct sending *s;
    int64_t at; /* in the file */
    struct md5 md5;
};

static err_t read_piece(void *arg, struct arena *a, char *to, size_t room, size_t *ret_n)
{
    struct piece *piece = arg;
    TRY(read_at(piece->s->p->fd, piece->at, to, room, a, ret_n));
    md5_update(&piece->md5, (slice){ to, *ret_n });
    piece->at += (int64_t)*ret_n;
    if (!*ret_n)
        return is_shorter(piece->s, a);
    return piece->at == piece->s->size ? check_unchanged(piece->s, a) : NULL;
}

static bool rewind_piece(void *arg)
{
    struct piece *piece = arg;
    piece->at = piece->s->offset;
    piece->md5 = piece->s->md5;
    return true;
}

static bool show_piece(void *arg, int64_t done, int64_t total)
{
    const struct piece *piece = arg;
    const struct sending *s = piece->s;
    (void)total;
    return s->p->watch->on_sent(s->p->watch->arg, s->offset + done, s->size);
}

/* ---- requests ---- */

static slice path_of(slice upload, struct arena *a)
{
    slice parts[] = { S(UPLOADS "/"), upload };
    return arena_join(a, parts, LENGTH_OF(parts));
}

static slice number_text(int64_t n, struct arena *a)
{
    return arena_printf(a, "%lld", (long long)n);
}

/* Each request says which protocol it speaks, and so does each reply of the server. */
static void set_headers(struct client_request *r, const struct client_header *more, size_t count, struct arena *a)
{
    struct client_header *headers = arena_array(a, struct client_header, count + 1);
    headers[0] = (struct client_header){ "Tus-Resumable", S("1.0.0") };
    for (size_t i = 0; i < count; i++)
        headers[i + 1] = more[i];
    r->headers = headers;
    r->header_count = count + 1;
}

static bool reply_is_of_tus(struct client *client, struct arena *a)
{
    return client_reply_header(client, "Tus-Resumable", a).n > 0;
}

static err_t send_step(struct sending *s, struct client_request *r, struct arena *a)
{
    int64_t limit_ms = s->p->retry_for_ms;
    r->silence_ms = limit_ms > 0 && limit_ms < LONGEST_SILENCE_MS ? limit_ms : LONGEST_SILENCE_MS;
    err_t e = client_send(s->p->client, r, a, &s->reply);
    s->is_of_tus = reply_is_of_tus(s->p->client, a);
    return e;
}

/* The id at the end of an address. */
static slice last_segment(slice address)
{
    size_t slash = slice_rfind_byte(address, '/');
    return slash == SLICE_NONE ? S("") : slice_from(address, slash + 1);
}

/* Where the upload stands, as the reply says it. */
static err_t read_offset(struct sending *s, struct arena *a)
{
    slice file = client_reply_header(s->p->client, "Content-Location", a);
    int64_t offset;
    if (!slice_to_i64(client_reply_header(s->p->client, "Upload-Offset", a), &offset) || offset < 0 ||
        offset > s->size || (file.n && (!slice_starts(file, S(FILES)) || offset != s->size)))
        return err_make(a, ERR_CORRUPT, "the answer does not say how far the upload came; is it a cais server?");
    s->offset = s->p->acknowledged_bytes = offset;
    s->file = arena_copy(s->arena, last_segment(file));
    return NULL;
}

static slice metadata_of(const struct put_state *state, struct arena *a)
{
    slice parts[] = { S("filename "), base64_encode(a, state->name), S(",filetype "), base64_encode(a, state->type) };
    return arena_join(a, parts, state->type.n ? 4 : 2);
}

static void keep_state(struct sending *s, struct arena *a)
{
    struct resumable_put *p = s->p;
    err_t e = p->record ? put_record_write(p->record, &p->state, a) : NULL;
    if (!e)
        return;
    put_record_remove(p->record); /* of an earlier upload, perhaps */
    p->record = NULL;
    p->watch->on_notice(p->watch->arg, arena_printf(a, "it cannot be resumed if it is interrupted: " SLICE_FMT,
                                                    SLICE_ARG(err_text_for_people(a, e))));
}

static err_t begin_upload(struct sending *s, struct arena *a)
{
    struct put_state *state = &s->p->state;
    static const struct client_source nothing = { .size_bytes = 0 };
    struct client_header headers[] = { { "Upload-Length", number_text(s->size, a) },
                                       { "Upload-Metadata", metadata_of(state, a) } };
    struct client_request r = { .method = "POST", .path = S(UPLOADS), .body = &nothing, .success = 201 };
    set_headers(&r, headers, LENGTH_OF(headers), a);
    TRY(send_step(s, &r, a));
    slice upload = last_segment(client_reply_header(s->p->client, "Location", a));
    if (!put_state_id_is_valid(upload))
        return err_make(a, ERR_CORRUPT, "the answer does not say where the upload is; is it a cais server?");
    state->upload = arena_copy(s->arena, upload);
    state->begun_at_ms = clock_now_ms(s->p->clock);
    keep_state(s, a);
    s->begun++;
    s->offset = s->p->acknowledged_bytes = 0;
    return NULL;
}

/* GET is HEAD with a body, so a refusal says why. */
static struct client_request show_request(slice upload, struct arena *a)
{
    struct client_request r = { .method = "GET", .path = path_of(upload, a), .success = 200 };
    set_headers(&r, NULL, 0, a);
    return r;
}

static err_t ask_offset(struct sending *s, struct arena *a)
{
    struct client_request r = show_request(s->p->state.upload, a);
    int64_t length;
    TRY(send_step(s, &r, a));
    if (!slice_to_i64(client_reply_header(s->p->client, "Upload-Length", a), &length) || length != s->size)
        return err_make(a, ERR_CORRUPT, "the upload on the server has another length than the file");
    return read_offset(s, a);
}

static err_t send_piece(struct sending *s, struct arena *a)
{
    int64_t missing = s->size - s->offset;
    TRY(check_unchanged(s, a));
    TRY(hash_up_to(s, s->offset, a));
    struct piece piece = { .s = s, .at = s->offset, .md5 = s->md5 };
    struct client_source body = { .size_bytes = missing < REQUEST_BYTES ? missing : REQUEST_BYTES,
                                  .read = read_piece,
                                  .rewind = rewind_piece,
                                  .arg = &piece };
    struct client_watch watch = { show_piece, &piece };
    struct client_header headers[] = { { "Upload-Offset", number_text(s->offset, a) },
                                       { "Content-Type", S("application/offset+octet-stream") } };
    struct client_request r = {
        .method = "PATCH", .path = path_of(s->p->state.upload, a), .body = &body, .watch = &watch, .success = 204
    };
    set_headers(&r, headers, LENGTH_OF(headers), a);
    TRY(send_step(s, &r, a));
    TRY(read_offset(s, a));
    if (s->offset != piece.at || (s->offset == s->size && !s->file.n)) /* else it might go on like this for ever */
        return err_make(a, ERR_CORRUPT, "the answer does not fit what was sent; is it a cais server?");
    s->md5 = piece.md5;
    s->hashed = piece.at;
    return NULL;
}

/* ---- failures ---- */

static bool may_succeed_later(const struct sending *s)
{
    switch (s->reply.status) {
    case 409: /* another offset: it is asked for */
    case 423: /* a request of ours whose end the server has not noticed still writes */
    case 429:
        return s->p->state.upload.n > 0; /* of a new one: there are too many unfinished ones */
    case 408:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return s->reply.is_lost;
    }
}

static err_t pause_or_give_up(struct sending *s, err_t why, struct arena *a)
{
    const struct resumable_put *p = s->p;
    int64_t now = clock_monotonic_ms(p->clock), limit_ms = p->retry_for_ms;
    bool is_first = !s->is_failing || p->acknowledged_bytes > s->failing_at;
    if (is_first) {
        s->is_failing = true;
        s->since_ms = now;
        s->failing_at = p->acknowledged_bytes;
        s->pause_ms = FIRST_PAUSE_MS;
    }
    int64_t left_ms = s->since_ms + limit_ms - now, pause_ms = s->pause_ms, asked_s = s->reply.retry_after_s;
    if (limit_ms <= 0)
        return why;
    if (left_ms <= 0)
        return err_because(a, why, why->code, "gave up after " SLICE_FMT " without progress",
                           SLICE_ARG(duration_for_people(a, (now - s->since_ms) / 1000)));
    if (asked_s > pause_ms / 1000)
        pause_ms = asked_s < LONGEST_PAUSE_MS / 1000 ? asked_s * 1000 : LONGEST_PAUSE_MS;
    pause_ms = pause_ms > left_ms ? left_ms : pause_ms;
    s->pause_ms = s->pause_ms * 2 < LONGEST_PAUSE_MS ? s->pause_ms * 2 : LONGEST_PAUSE_MS;
    return p->watch->on_pause(p->watch->arg, pause_ms, is_first, why) ? NULL : err_make(a, ERR_EXPIRED, "stopped");
}

static void forget_state(struct resumable_put *p)
{
    if (p->record)
        put_record_remove(p->record);
    p->state.upload = S("");
    p->acknowledged_bytes = -1;
}

/* NULL: go on. */
static err_t recover_from(struct sending *s, err_t e, bool was_reached, struct arena *a)
{
    struct resumable_put *p = s->p;
    bool is_gone = (s->reply.status == 404 || s->reply.status == 410) && s->is_of_tus && p->state.upload.n;
    if (err_is(e, ERR_EXPIRED)) /* stopped */
        return e;
    if (is_gone && s->begun < BEGIN_TWICE) {
        forget_state(p);
        s->failing_at = -1;
        p->watch->on_notice(p->watch->arg, S("the server no longer has the upload; it begins anew"));
        return NULL;
    }
    if (!may_succeed_later(s) || !was_reached)
        return e;
    s->offset = -1;
    return pause_or_give_up(s, e, a);
}

/* ---- the whole ---- */

static err_t take_step(struct sending *s, struct arena *a)
{
    s->reply = (struct client_reply){ 0 };
    if (!s->p->state.upload.n)
        return begin_upload(s, a);
    return s->offset < 0 ? ask_offset(s, a) : send_piece(s, a);
}

/* A step has its own memory: a large file takes many thousands. */
static err_t send_until_file(struct sending *s)
{
    bool was_reached = s->p->state.upload.n > 0;
    while (!s->file.n) {
        SCRATCH(scratch);
        was_reached |= client_was_reached(s->p->client);
        err_t e = take_step(s, &scratch);
        if (e)
            e = recover_from(s, e, was_reached, &scratch);
        if (e)
            return err_copy(s->arena, e);
    }
    return NULL;
}

static err_t get_info(struct sending *s, struct client_file *ret_file)
{
    err_t e;
    while ((e = client_info(s->p->client, s->file, s->arena, ret_file))) {
        if (err_is(e, ERR_NOT_FOUND))
            forget_state(s->p); /* it was complete, and was removed since */
        s->reply = (struct client_reply){ .is_lost = err_is(e, ERR_UNAVAILABLE) || err_is(e, ERR_TRUNCATED) };
        TRY(recover_from(s, e, true, s->arena));
    }
    return NULL;
}

err_t resumable_put(struct resumable_put *p, struct arena *a, struct client_file *ret_file)
{
    struct sending s = { .p = p, .arena = a, .size = p->state.version.size_bytes, .offset = -1 };
    md5_init(&s.md5);
    p->acknowledged_bytes = -1;
    err_t e = send_until_file(&s);
    if (s.has_changed && p->state.upload.n) {
        resumable_abandon(p->client, p->state.upload);
        forget_state(p);
    }
    TRY(e);
    struct client_file file;
    TRY(hash_up_to(&s, s.size, a));
    TRY(get_info(&s, &file));
    forget_state(p); /* it is a file, whatever is found out about it now */
    TRY(client_check_kept(&file, s.size, s.md5, a));
    *ret_file = file;
    return NULL;
}

bool resumable_is_gone(struct client *client, slice upload)
{
    SCRATCH(scratch);
    struct client_request r = show_request(upload, &scratch);
    struct client_reply reply;
    err_t e = client_send(client, &r, &scratch, &reply);
    return e && (reply.status == 404 || reply.status == 410) && reply_is_of_tus(client, &scratch);
}

void resumable_abandon(struct client *client, slice upload)
{
    SCRATCH(scratch);
    struct client_request r = { .method = "DELETE", .path = path_of(upload, &scratch), .success = 204 };
    set_headers(&r, NULL, 0, &scratch);
    struct client_reply reply;
    err_t stays_until_it_expires = client_send(client, &r, &scratch, &reply);
    (void)stays_until_it_expires;
}
