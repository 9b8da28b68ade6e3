/* SPDX-License-Identifier: Apache-2.0 */
/* Several documents as one zip, made while it is sent: of each at most a piece is in memory. It is fetched with a
 * temporary key, because who follows the redirect may be a browser without our headers. */
#include "base/zip.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/key_link_priv.h"
#include "api/runrun/rate_priv.h"
#include "api/runrun/reply_priv.h"
#include "api/runrun/runrun_priv.h"
#include "core/records/document.h"
#include "core/task/document.h"
#include "http/target.h"

#include <stdlib.h>

#define PIECE_BYTES ((size_t)128 << 10)

/* ---- asking ---- */

struct asked {
    int64_t ids[RUNRUN_DOCUMENTS_IN_ZIP];
    size_t count;
    bool too_many, not_a_number;
};

static void ask(struct asked *asked, slice text)
{
    int64_t id;
    text = slice_trim(text);
    if (!slice_to_i64(text, &id)) {
        asked->not_a_number = true;
        return;
    }
    for (size_t i = 0; i < asked->count; i++)
        if (asked->ids[i] == id)
            return;
    if (asked->count == RUNRUN_DOCUMENTS_IN_ZIP)
        asked->too_many = true;
    else
        asked->ids[asked->count++] = id;
}

/* ids=1,2 or ids[]=1&ids[]=2 */
static void read_asked(const struct query *q, struct asked *asked)
{
    for (size_t i = 0; i < q->count; i++) {
        slice one, rest = q->params[i].value;
        if (!slice_eq(q->params[i].name, S("ids")) && !slice_eq(q->params[i].name, S("ids[]")))
            continue;
        while (rest.n && !asked->too_many && !asked->not_a_number) {
            slice_cut(rest, ',', &one, &rest);
            ask(asked, one);
        }
    }
}

/* Leaves out what `who` may not see or nobody may fetch yet. False: nothing is left, or the store failed; replied. */
static bool keep_visible(struct http_exchange *x, const struct principal *who, int64_t *ids, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        SCRATCH(scratch);
        struct document d;
        err_t e = document_get(runrun_of(x)->core, who, ids[i], &scratch, &d);
        if (e && !err_is(e, ERR_NOT_FOUND)) {
            runrun_fail_err(x, e);
            return false;
        }
        if (!e && (!d.has_ticket || d.ticket.confirmed_at_ms))
            ids[kept++] = ids[i];
    }
    *count = kept;
    if (kept == 0)
        runrun_fail(x, RUNRUN_NO_RECORD);
    return kept > 0;
}

void runrun_zip_ask(struct http_exchange *x)
{
    struct asked asked = { .count = 0 };
    struct query query;
    if (query_parse(x->req.query, &x->arena, &query)) {
        runrun_fail(x, RUNRUN_BAD_REQUEST);
        return;
    }
    read_asked(&query, &asked);
    if (asked.not_a_number) {
        runrun_fail(x, RUNRUN_BAD_ID);
        return;
    }
    if (asked.too_many) {
        runrun_fail_field(x, "ids", S("are more than 100"));
        return;
    }
    if (keep_visible(x, runrun_who(x), asked.ids, &asked.count))
        runrun_redirect(x, runrun_claim_link(x, "zip", asked.ids, asked.count));
}

/* ---- names ---- */

static bool is_taken(const slice *names, size_t count, slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(names[i], name)) /* some systems unpack a.txt over A.txt */
            return true;
    return false;
}

/* "a (2).txt" when there is an a.txt already. */
static slice unique_name(const slice *names, size_t count, slice name, struct arena *a)
{
    size_t dot = slice_rfind_byte(name, '.');
    if (dot == SLICE_NONE || dot == 0)
        dot = name.n;
    slice made = name;
    for (int n = 2; is_taken(names, count, made); n++)
        made = arena_printf(a, SLICE_FMT " (%d)" SLICE_FMT, SLICE_ARG(slice_part(name, 0, dot)), n,
                            SLICE_ARG(slice_from(name, dot)));
    return made;
}

/* ---- sending ---- */

struct packing {
    struct http_producer producer;
    struct runrun *runrun;
    struct runrun_claim claim;
    struct zip zip;
    struct arena arena;                   /* names, for as long as it takes */
    slice names[RUNRUN_DOCUMENTS_IN_ZIP]; /* of the entries so far */
    size_t next, entries;
    bool open; /* an entry is: */
    struct arena entry_arena;
    struct content content;
    uint64_t sent_bytes;
};

/* Begin the next document that is still there. False: the store failed. */
static bool open_next(struct packing *p, struct buf *out)
{
    while (p->next < p->claim.count && !p->open) {
        struct document d;
        arena_release(&p->entry_arena);
        err_t e =
            document_open(p->runrun->core, &p->claim.who, p->claim.ids[p->next++], &p->entry_arena, &d, &p->content);
        if (err_is(e, ERR_NOT_FOUND))
            continue; /* it went since the zip was asked for */
        if (e)
            return false;
        int64_t at_ms = d.file.stored_at_ms + p->runrun->options.zone_minutes * INT64_C(60000);
        slice name = unique_name(p->names, p->entries, arena_copy(&p->arena, d.file.name), &p->arena);
        p->names[p->entries++] = name;
        p->sent_bytes = 0;
        p->open = true;
        zip_entry(&p->zip, name, at_ms, p->content.size_bytes, out);
    }
    return true;
}

/* The next piece of the open document. False: its bytes cannot be read, or end early. */
static bool send_piece(struct packing *p, struct buf *out)
{
    const struct content *c = &p->content;
    uint64_t left = c->size_bytes - p->sent_bytes;
    size_t want = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, got;
    char *to = buf_reserve(out, want);
    SCRATCH(scratch);
    if (content_read_at(c, p->sent_bytes, to, want, &scratch, &got) || (got == 0 && want))
        return false;
    zip_data(&p->zip, (slice){ to, got });
    out->n += got;
    p->sent_bytes += got;
    return true;
}

static bool more(struct http_producer *producer, struct buf *out, bool *ret_end)
{
    struct packing *p = CONTAINER_OF(producer, struct packing, producer);
    if (!p->open && !open_next(p, out))
        return false;
    if (!p->open) {
        zip_end(&p->zip, out);
        *ret_end = true;
        return true;
    }
    if (p->sent_bytes < p->content.size_bytes && !send_piece(p, out))
        return false;
    if (p->sent_bytes == p->content.size_bytes) {
        zip_entry_end(&p->zip, out);
        content_close(&p->content);
        p->open = false;
    }
    return true;
}

static void release(struct http_producer *producer)
{
    struct packing *p = CONTAINER_OF(producer, struct packing, producer);
    content_close(&p->content);
    zip_release(&p->zip);
    arena_release(&p->entry_arena);
    arena_release(&p->arena);
    free(p);
}

void runrun_zip_send(struct http_exchange *x)
{
    struct packing *p = must_malloc(sizeof *p);
    if (!runrun_read_claim(x, "zip", &p->claim) || !keep_visible(x, &p->claim.who, p->claim.ids, &p->claim.count)) {
        free(p);
        return;
    }
    p->claim.who.login = S("");      /* of an exchange that ends before the last piece is sent, */
    p->claim.who.request_id = S(""); /* and nothing that is read here writes an event */
    p->producer = (struct http_producer){ more, release };
    p->runrun = runrun_of(x);
    zip_init(&p->zip);
    arena_init(&p->arena);
    arena_init(&p->entry_arena);
    http_reply_header(x, "Content-Disposition", S("attachment; filename=documents.zip"));
    http_reply_header(x, "X-Content-Type-Options", S("nosniff"));
    runrun_rate_headers(x);
    http_reply_stream(x, 200, "application/zip", &p->producer);
}
