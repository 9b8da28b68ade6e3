/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/native/uploads. What the head shows is refused at once; then the record is made, in a lane, because that waits for the
 * disk; and then the body comes, if there is one, as the body of a PATCH would. */
#include "api/resumable/append.h"
#include "api/resumable/digest_fields.h"
#include "api/resumable/metadata.h"
#include "base/live.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/dataset/dataset.h"
#include "core/dataset/lines.h"
#include "core/file/file_name.h"
#include "core/space/folder.h"
#include "core/space/folder_file.h"
#include "core/transfer/transfer.h"
#include "http/content_disposition.h"
#include "http/structured_field.h"
#include "http/target.h"

enum { CONTENT_TYPE_MAX = 255 };

struct creation {
    struct transfer_request request;
    struct append append; /* of the body */
    bool has_body;
};

/* ---- the head, tus ---- */

static err_t read_tus_length(struct http_exchange *x, struct creation *c)
{
    slice defer = http_header(&x->req, "Upload-Defer-Length");
    TRY(call_read_bytes(x, "Upload-Length", RESUMABLE_BAD_LENGTH, &c->request.length));
    bool is_known = c->request.length >= 0, is_deferred = slice_eq(defer, S("1"));
    if (c->request.part_count) /* the parts have lengths */
        return is_known || defer.p ? resumable_refuse(&x->arena, RESUMABLE_BAD_CONCAT) : NULL;
    return is_known != is_deferred && (is_deferred || !defer.p) ? NULL
                                                                : resumable_refuse(&x->arena, RESUMABLE_NO_LENGTH);
}

/* The name of the upload that a URL of the list names: a path, or an address of this or another name of the host. */
static bool upload_of_url(slice url, slice *ret_name)
{
    size_t at = slice_find(url, S(UPLOADS_PATH "/"));
    if (at == SLICE_NONE || (at > 0 && !slice_starts(url, S("http://")) && !slice_starts(url, S("https://"))))
        return false;
    *ret_name = slice_from(url, at + sizeof UPLOADS_PATH);
    return ret_name->n > 0 && slice_find(*ret_name, S("/")) == SLICE_NONE;
}

/* final;URL URL */
static err_t read_parts(struct http_exchange *x, slice urls, struct transfer_request *r)
{
    slice *parts = arena_array(&x->arena, slice, TRANSFER_PARTS_MAX);
    size_t count = 0;
    for (slice url, rest = urls; rest.n;) {
        slice_cut(rest, ' ', &url, &rest);
        if (!url.n)
            continue;
        if (count == TRANSFER_PARTS_MAX || !upload_of_url(url, &parts[count]))
            return resumable_refuse(&x->arena, RESUMABLE_BAD_CONCAT);
        count++;
    }
    r->parts = parts;
    r->part_count = count;
    return count ? NULL : resumable_refuse(&x->arena, RESUMABLE_BAD_CONCAT);
}

static err_t read_concat(struct http_exchange *x, struct transfer_request *r)
{
    slice concat = http_header(&x->req, "Upload-Concat");
    if (!concat.p)
        return NULL;
    r->composition = concat;
    r->is_part = slice_eq(concat, S("partial"));
    if (r->is_part)
        return NULL;
    if (!slice_starts(concat, S("final;")))
        return resumable_refuse(&x->arena, RESUMABLE_BAD_CONCAT);
    return read_parts(x, slice_from(concat, sizeof "final;" - 1), r);
}

static err_t read_tus_metadata(struct http_exchange *x, struct transfer_request *r)
{
    struct upload_metadata metadata = { 0 };
    r->metadata = http_header(&x->req, "Upload-Metadata");
    if (r->metadata.n)
        TRY(upload_metadata_parse(r->metadata, &x->arena, &metadata));
    r->content_type = metadata.content_type;
    return file_name_clean(metadata.file_name, &x->arena, &r->file_name);
}

static err_t read_tus_head(struct http_exchange *x, struct creation *c)
{
    TRY(read_concat(x, &c->request));
    TRY(read_tus_length(x, c));
    TRY(read_tus_metadata(x, &c->request));
    if (c->has_body &&
        (c->request.part_count || !slice_eq_nocase(http_header(&x->req, "Content-Type"), S(TUS_CONTENT_TYPE))))
        return resumable_refuse(&x->arena, RESUMABLE_MEDIA_TYPE);
    if (!c->has_body)
        return NULL;
    return append_read_checks(&c->append);
}

/* ---- the head, IETF ---- */

static err_t read_disposition(struct http_exchange *x, struct transfer_request *r)
{
    slice value = http_header(&x->req, "Content-Disposition"), name = S("");
    struct content_disposition parsed;
    if (value.n) {
        if (content_disposition_parse(value, &x->arena, &parsed))
            return resumable_refuse(&x->arena, RESUMABLE_BAD_NAME);
        name = parsed.has_filename ? parsed.filename : S("");
    }
    return file_name_clean(name, &x->arena, &r->file_name);
}

static err_t read_repr_digest(struct http_exchange *x, struct transfer_request *r)
{
    struct digest_field digest;
    TRY(digest_field_read(x, "Repr-Digest", &digest));
    if (!digest.is_there)
        TRY(digest_field_read_wanted(x, &digest));
    r->has_digest = digest.is_there;
    r->digest_kind = digest.kind;
    r->expected_digest = digest.bytes;
    return NULL;
}

/* The length is that of the body, if the body is all, or Upload-Length; both are equal if both are there. */
static err_t read_ietf_length(struct http_exchange *x, struct creation *c, bool completes)
{
    int64_t body = x->req.content_length;
    struct transfer_request *r = &c->request;
    TRY(call_read_bytes(x, "Upload-Length", RESUMABLE_BAD_LENGTH, &r->length));
    if (r->length >= 0 && (body > r->length || (completes && body >= 0 && body != r->length)))
        return resumable_refuse(&x->arena, RESUMABLE_LENGTH);
    if (completes && body >= 0)
        r->length = body;
    return NULL;
}

static err_t read_ietf_head(struct http_exchange *x, struct creation *c)
{
    struct transfer_request *r = &c->request;
    bool completes;
    TRY(append_read_complete(x, &completes));
    TRY(read_ietf_length(x, c, completes));
    TRY(read_disposition(x, r));
    TRY(read_repr_digest(x, r));
    r->content_type = http_header(&x->req, "Content-Type");
    if (r->content_type.n > CONTENT_TYPE_MAX || !slice_is_utf8(r->content_type))
        return resumable_refuse(&x->arena, RESUMABLE_BAD_TYPE);
    c->append.opening.end = completes ? TRANSFER_ENDS_HERE : TRANSFER_STAYS_OPEN;
    return append_read_checks(&c->append);
}

/* ---- where the file goes ---- */

/* ?folder=ID. What is composed has no request of its user when it becomes a file, so nobody could be asked whether it may. */
static err_t read_folder(struct http_exchange *x, struct transfer_request *r)
{
    struct query q;
    slice text = S("");
    int64_t id;
    TRY(query_parse(x->req.query, &x->arena, &q));
    if (!query_get(&q, S("folder"), 0, &text))
        return NULL;
    if (!slice_to_i64(text, &id) || id < 1 || r->is_part || r->part_count)
        return resumable_refuse(&x->arena, RESUMABLE_BAD_FOLDER);
    r->holder = (struct holder){ HOLDER_FOLDER, id };
    return NULL;
}

/* Nobody sends a file for nothing; the write that ends the upload asks again. Who may not see the folder learns nothing of it. */
static err_t check_folder(struct http_exchange *x, const struct transfer_request *r)
{
    struct core *core = call_of(x)->api->core;
    const struct folder_upload into = { .core = core, .who = x->principal, .folder_id = r->holder.id };
    struct folder folder;
    err_t e = folder_find(core, x->principal, PLACE_SEE, r->holder.id, &x->arena, &folder);
    if (err_is(e, ERR_FORBIDDEN))
        return resumable_refuse(&x->arena, RESUMABLE_NO_FOLDER);
    TRY(e);
    return folder_upload_check(&into, r->file_name, r->length, &x->arena);
}

/* ?dataset=SLUG. Only what the file becomes is asked here; the write that ends the upload asks again who may. */
static err_t read_dataset(struct http_exchange *x, struct transfer_request *r)
{
    struct query q;
    slice slug = S("");
    struct dataset d;
    const struct principal *who = x->principal;
    TRY(query_parse(x->req.query, &x->arena, &q));
    if (!query_get(&q, S("dataset"), 0, &slug))
        return NULL;
    if (r->holder.kind || r->is_part || r->part_count)
        return resumable_refuse(&x->arena, RESUMABLE_BAD_DATASET);
    if (who->link_id || !(x->req.local || (who->is_admin && key_may(who, KEY_WRITER))))
        return resumable_refuse(&x->arena, RESUMABLE_FORBIDDEN);
    if (!lines_name_is_known(r->file_name))
        return resumable_refuse(&x->arena, RESUMABLE_NOT_A_DATA_FILE);
    TRY(dataset_find(call_of(x)->api->core, who->account_id, slug, &x->arena, &d));
    r->holder = (struct holder){ HOLDER_DATASET, d.id };
    return NULL;
}

/* ---- the record, and the body ---- */

static err_t receive_body(struct http_exchange *x)
{
    struct append *append = &((struct creation *)call_of(x)->work)->append;
    append_tell_location(append);
    append_receive(append);
    return NULL;
}

/* What has no bytes ends here, if it is complete. */
static err_t end_creation(struct http_exchange *x, struct creation *c)
{
    struct append *append = &c->append;
    bool ends = append->opening.end != TRANSFER_STAYS_OPEN && append->transfer.length == 0;
    if (ends && !c->request.part_count)
        TRY(transfer_complete(call_of(x)->api->core, x->principal, append->transfer.name, &x->arena,
                              &append->transfer));
    return append_reply(append);
}

static err_t create_record(struct http_exchange *x)
{
    struct creation *c = call_of(x)->work;
    if (c->request.holder.kind == HOLDER_FOLDER)
        TRY(check_folder(x, &c->request));
    TRY(transfer_create(call_of(x)->api->core, x->principal, &c->request, &x->arena, &c->append.transfer));
    c->append.opening.name = c->append.transfer.name;
    if (!c->has_body) {
        err_t e = end_creation(x, c);
        if (e)
            append_forget(&c->append);
        return e;
    }
    http_on_loop(x, receive_body);
    return NULL;
}

err_t create_upload(struct http_exchange *x)
{
    struct call *call = call_of(x);
    const struct resumable_options *options = &call->api->options;
    struct creation *c = arena_new(&x->arena, struct creation);
    call->work = c;
    c->has_body = x->req.content_length != 0;
    append_init(&c->append, x);
    c->append.creates = true;
    c->request = (struct transfer_request){ .origin = S(ORIGIN),
                                            .length = -1,
                                            .max_bytes = (uint64_t)LIVE(options->max_file_bytes),
                                            .lifetime_ms = LIVE(options->expiry_ms) };
    TRY(call->protocol == PROTOCOL_TUS ? read_tus_head(x, c) : read_ietf_head(x, c));
    TRY(read_folder(x, &c->request));
    TRY(read_dataset(x, &c->request));
    if (((const struct principal *)x->principal)->link_id && c->request.holder.kind) /* which knows of no folder */
        return resumable_refuse(&x->arena, RESUMABLE_LINK_WHOLE);
    if (c->request.length >= 0 && x->req.content_length > c->request.length)
        return resumable_refuse(&x->arena, RESUMABLE_TOO_LONG);
    http_on_lane(x, HTTP_LANE_ORDINARY, create_record);
    return NULL;
}
