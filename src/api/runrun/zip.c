/* SPDX-License-Identifier: Apache-2.0 */
/* Several documents as one zip archive. It is produced while it is sent, so only one piece of one document is in
 * memory. The download needs a link with a temporary key, because a browser follows the redirect without the headers
 * that authenticate a client. */
#include "base/zip.h"
#include "api/kit/content_reply.h"
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
#define NAME_IN_ZIP_MAX 1000

/* ---- the link ---- */

struct zip_request {
    int64_t ids[RUNRUN_DOCUMENTS_IN_ZIP];
    size_t count;
    bool too_many, not_a_number;
};

static void add_zip_id(struct zip_request *request, slice text)
{
    int64_t id;
    text = slice_trim(text);
    if (!slice_to_i64(text, &id)) {
        request->not_a_number = true;
        return;
    }
    for (size_t i = 0; i < request->count; i++)
        if (request->ids[i] == id)
            return;
    if (request->count == RUNRUN_DOCUMENTS_IN_ZIP)
        request->too_many = true;
    else
        request->ids[request->count++] = id;
}

/* ids=1,2 or ids[]=1&ids[]=2 */
static void read_zip_ids(const struct query *q, struct zip_request *request)
{
    for (size_t i = 0; i < q->count; i++) {
        slice one, rest = q->params[i].value;
        if (!slice_eq(q->params[i].name, S("ids")) && !slice_eq(q->params[i].name, S("ids[]")))
            continue;
        while (rest.n && !request->too_many && !request->not_a_number) {
            slice_cut(rest, ',', &one, &rest);
            add_zip_id(request, one);
        }
    }
}

/* Leaves out the documents that `who` may not see and those that are not confirmed. At least one must be left. */
static err_t keep_visible(struct http_exchange *x, const struct principal *who, int64_t *ids, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        SCRATCH_OF(scratch, &x->arena);
        struct document d;
        err_t e = document_get(runrun_of(x)->core, who, ids[i], &scratch, &d);
        if (e && !err_is(e, ERR_NOT_FOUND))
            return err_copy(&x->arena, e);
        if (!e && (!d.has_ticket || d.ticket.confirmed_at_ms))
            ids[kept++] = ids[i];
    }
    *count = kept;
    return kept ? NULL : runrun_refuse(&x->arena, RUNRUN_NO_RECORD);
}

err_t runrun_zip_link(struct http_exchange *x)
{
    struct zip_request request = { .count = 0 };
    struct query query;
    err_t e = query_parse(x->req.query, &x->arena, &query);
    if (e)
        return runrun_refuse_because(&x->arena, e, RUNRUN_BAD_REQUEST);
    read_zip_ids(&query, &request);
    if (request.not_a_number)
        return runrun_refuse(&x->arena, RUNRUN_BAD_ID);
    if (request.too_many)
        return runrun_refuse_field(x, "ids", RUNRUN_TOO_MANY_IDS);
    TRY(keep_visible(x, runrun_caller(x), request.ids, &request.count));
    runrun_redirect(x, runrun_key_link_make(x, "zip", request.ids, request.count));
    return NULL;
}

/* ---- names ---- */

static bool zip_has_name(const slice *names, size_t count, slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq_nocase(names[i], name)) /* some systems would unpack a.txt over A.txt */
            return true;
    return false;
}

/* A name of no bytes, or of more than an archive can hold, is in no record that this program wrote. */
static slice archive_name(slice name)
{
    if (name.n > NAME_IN_ZIP_MAX)
        name.n = NAME_IN_ZIP_MAX;
    return name.n ? name : S("file");
}

/* The name itself, or "a (2).txt" when there is an a.txt already. Copied into the arena. */
static slice unique_name(const slice *names, size_t count, slice name, struct arena *a)
{
    size_t dot = slice_rfind_byte(name, '.');
    if (dot == SLICE_NONE || dot == 0)
        dot = name.n;
    slice made = name;
    SCRATCH_OF(scratch, a); /* of one attempt: a hundred equal names take 5,000 of them */
    for (int n = 2; zip_has_name(names, count, made); n++) {
        arena_release(&scratch);
        arena_init_child(&scratch, a);
        made = arena_printf(&scratch, SLICE_FMT " (%d)" SLICE_FMT, SLICE_ARG(slice_part(name, 0, dot)), n,
                            SLICE_ARG(slice_from(name, dot)));
    }
    return arena_copy(a, made);
}

/* ---- sending ---- */

struct zip_download {
    struct http_producer producer;
    struct runrun *runrun;
    struct runrun_key_link link;
    struct zip zip;
    struct arena *arena;                  /* of the exchange: for the names, until the download ends */
    slice names[RUNRUN_DOCUMENTS_IN_ZIP]; /* of the entries written so far */
    size_t next, entries;
    bool is_entry_open;       /* the following fields are about the open entry */
    struct arena entry_arena; /* on the account of the exchange */
    struct content content;
    uint64_t sent_bytes;
};

/* Begins the entry of the next document that still exists. False: a store failed. */
static bool open_next_entry(struct zip_download *p, struct buf *out)
{
    while (p->next < p->link.count && !p->is_entry_open) {
        struct document d;
        arena_release(&p->entry_arena);
        arena_init_child(&p->entry_arena, p->arena);
        err_t e =
            document_open(p->runrun->core, &p->link.who, p->link.ids[p->next++], &p->entry_arena, &d, &p->content);
        if (err_is(e, ERR_NOT_FOUND))
            continue; /* it was deleted after the link was made */
        if (e)
            return false;
        int64_t at_ms = d.file.stored_at_ms + p->runrun->options.zone_minutes * INT64_C(60000);
        slice name = unique_name(p->names, p->entries, archive_name(d.file.name), p->arena);
        p->names[p->entries++] = name;
        p->sent_bytes = 0;
        p->is_entry_open = true;
        zip_entry(&p->zip, name, at_ms, p->content.size_bytes, out);
    }
    return true;
}

/* Writes the next piece of the open document. False: its bytes cannot be read, or end early. */
static bool write_piece(struct zip_download *p, struct buf *out)
{
    const struct content *c = &p->content;
    uint64_t left = c->size_bytes - p->sent_bytes;
    size_t want = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, got;
    char *to = buf_reserve(out, want);
    SCRATCH_OF(scratch, p->arena);
    if (!to || content_read_at(c, p->sent_bytes, to, want, &scratch, &got) || (got == 0 && want))
        return false;
    zip_data(&p->zip, (slice){ to, got });
    out->n += got;
    p->sent_bytes += got;
    return true;
}

static bool write_zip_part(struct http_producer *producer, struct buf *out, bool *ret_end)
{
    struct zip_download *p = CONTAINER_OF(producer, struct zip_download, producer);
    if (!p->is_entry_open && !open_next_entry(p, out))
        return false;
    if (!p->is_entry_open) {
        zip_end(&p->zip, out);
        *ret_end = true;
        return true;
    }
    if (p->sent_bytes < p->content.size_bytes && !write_piece(p, out))
        return false;
    if (p->sent_bytes == p->content.size_bytes) {
        zip_entry_end(&p->zip, out);
        content_close(&p->content);
        p->is_entry_open = false;
    }
    return !zip_failed(&p->zip) && !arena_is_over(p->arena);
}

static void free_zip_download(struct http_producer *producer)
{
    struct zip_download *p = CONTAINER_OF(producer, struct zip_download, producer);
    content_close(&p->content);
    zip_release(&p->zip);
    arena_release(&p->entry_arena);
}

err_t runrun_zip_download(struct http_exchange *x)
{
    struct runrun_key_link link;
    TRY(runrun_key_link_check(x, "zip", &link));
    TRY(keep_visible(x, &link.who, link.ids, &link.count));
    struct zip_download *p = arena_new(&x->arena, struct zip_download);
    p->link = link;
    p->producer = (struct http_producer){ write_zip_part, free_zip_download };
    p->runrun = runrun_of(x);
    p->arena = &x->arena;
    zip_init(&p->zip, p->arena);
    arena_init(&p->entry_arena);
    http_reply_header(x, "Content-Disposition", S("attachment; filename=documents.zip"));
    content_reply_disarm(x);
    runrun_add_fresh_rate(x);
    http_reply_stream(x, 200, "application/zip", &p->producer);
    return NULL;
}
