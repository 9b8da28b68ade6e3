/* SPDX-License-Identifier: Apache-2.0 */
/* PostObject: a file that a form sends as multipart/form-data. The fields come first and the file last; parts behind
 * the file are ignored.
 *
 *   fields ──► part "file" begins: signature ──► bucket ──► ${filename} ──► key ──► policy ──► entry opened ──► its bytes
 *
 * Everything about the form is checked (form_check.c) before the first byte of the file is stored; when there are more
 * bytes than the policy permits, the server stops at once. Until the signature was verified the client may be anybody,
 * so nothing is made of the fields before. The policy holds for the fields as they are after the replacement. Source:
 * Amazon S3 API reference, "POST Object" and "POST Policy". Forms of tickets: docs/apis/s3.md, "Forms". */
#include "api/s3/auth_priv.h"
#include "api/s3/body_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/digests_priv.h"
#include "api/s3/form_check_priv.h"
#include "api/s3/form_fields_priv.h"
#include "api/s3/form_reply_priv.h"
#include "api/s3/headers_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/tags_priv.h"
#include "api/s3/words_priv.h"
#include "base/buf.h"
#include "base/live.h"
#include "base/text.h"
#include "base/xml.h"
#include "core/bucket/bucket.h"
#include "core/bucket/entry.h"
#include "core/object/digest.h"
#include "core/records/bucket.h"
#include "http/multipart.h"

#include <string.h>

/* A larger form may have a policy with hundreds of conditions, which is not checked on a loop. */
enum { FORM_ON_LOOP_MAX = 8 * 1024 };

struct form_upload {
    struct s3_call *call;
    struct http_sink sink;
    struct multipart multipart;
    struct form_fields fields;
    struct buf value; /* of the field that is being received */
    enum { FORM_FIELDS, FORM_FIELD, FORM_FILE, FORM_REST } state;
    struct form_limits limits; /* of the file */
    struct bucket bucket;
    struct entry_request request;
    struct entry_put put;
    slice etag; /* set once the file is stored */
};

/* ---- from the fields to the entry ---- */

static err_t read_form_key(struct form_upload *f, struct arena *a)
{
    slice key = form_value(&f->fields, S("key"));
    if (!key.n)
        return s3_refuse(a, S3_FORM_NO_KEY);
    if (key.n > ENTRY_KEY_MAX)
        return s3_refuse(a, S3_KEY_TOO_LONG);
    if (!slice_is_utf8(key) || slice_find_byte(key, 0) != SLICE_NONE)
        return s3_refuse_argument(f->call, S3_INVALID_ARGUMENT, "key", S3_NO_VALUE);
    f->request.key = f->call->key = key;
    return NULL;
}

static err_t read_form_tags(struct form_upload *f, slice document, struct arena *a)
{
    struct s3_tag tags[S3_TAGS_MAX + 1];
    size_t count = 0;
    const struct xml *root;
    if (xml_parse(document, &f->call->x->arena, &root) || !slice_eq(root->name, S("Tagging")))
        return s3_refuse(a, S3_MALFORMED_XML);
    XML_EACH(tag, xml_child(root, "TagSet"), "Tag")
    {
        if (count <= S3_TAGS_MAX)
            tags[count++] = (struct s3_tag){ xml_child_text(tag, "Key"), xml_child_text(tag, "Value") };
    }
    return s3_tags_write(&f->call->x->arena, tags, count, &f->request.tags);
}

/* Check one field that may ask for what the server does not offer, and keep it if it is one of those that are kept. */
static err_t read_form_header(struct form_upload *f, const struct sign_pair *p, struct buf *text, size_t *meta_bytes,
                              struct arena *a)
{
    if (form_ignores(&f->fields, p->name)) {
        bool is_private = !slice_eq_nocase(p->name, S("acl")) || slice_eq(p->value, S("private"));
        return is_private ? NULL
                          : s3_refuse(a, S3_ACCESS_DENIED); /* no condition covers it, so it may have no effect */
    }
    TRY(s3_header_check(p->name, p->value, a));
    TRY(s3_check_field(p->name, a));
    return s3_header_keep(text, meta_bytes, p->name, p->value, a);
}

static err_t read_form_headers(struct form_upload *f, struct arena *a)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init_on(&text, 0, &f->call->x->arena);
    size_t meta_bytes = 0;
    for (size_t i = 0; i < f->fields.count; i++) {
        const struct sign_pair *p = &f->fields.items[i];
        TRY(s3_show(f->call, read_form_header(f, p, &text, &meta_bytes, a), "Field", p->name));
    }
    f->request.headers = text.n ? arena_copy(&f->call->x->arena, buf_slice(&text)) : S("");
    slice tagging = form_value(&f->fields, S("tagging"));
    f->request.tags = S("");
    return tagging.n ? read_form_tags(f, tagging, a) : NULL;
}

/* The digests that fields declare: Content-MD5 and x-amz-checksum-*. */
static err_t read_form_digests(struct form_upload *f, struct s3_declared *d, struct arena *a)
{
    struct arena *own = &f->call->x->arena;
    enum digest_kind kind;
    slice bytes;
    for (size_t i = 0; i < f->fields.count; i++) {
        const struct sign_pair *p = &f->fields.items[i];
        if (slice_eq_nocase(p->name, S("content-md5"))) {
            if (!base64_decode(own, p->value, &bytes) || bytes.n != MD5_SIZE)
                return s3_refuse(a, S3_INVALID_DIGEST);
            f->request.md5 = bytes;
        }
        bool named = slice_eq_nocase(p->name, S("x-amz-checksum-algorithm")), has = s3_digest_of_name(p->name, &kind);
        if (named && !digest_by_name(p->value, &kind))
            return s3_refuse(a, S3_CHECKSUM_ALGORITHM);
        if (s3_digest_is_unsupported(p->name))
            return s3_refuse(a, S3_UNKNOWN_CHECKSUM);
        if (!named && !has)
            continue;
        if ((d->digest.kind != DIGEST_NONE && d->digest.kind != kind) || (has && d->has_value))
            return s3_refuse(a, S3_SEVERAL_CHECKSUMS);
        d->digest.kind = kind;
        if (has && !s3_digest_parse(own, kind, p->value, &d->digest))
            return s3_refuse(a, S3_INVALID_CHECKSUM);
        d->has_value = d->has_value || has;
    }
    return NULL;
}

static void find_exemption(struct form_upload *f)
{
    const struct s3_options *o = &f->call->s3->options;
    for (size_t i = 0; i < o->form_exemption_count; i++)
        if (slice_eq(o->form_exemptions[i].bucket, f->call->bucket))
            f->fields.exemption = &o->form_exemptions[i];
}

/* The part "file" begins: check the whole form, then open the entry for its bytes. */
static err_t open_form_file(struct form_upload *f, const struct multipart_part *part, struct arena *a)
{
    struct s3_call *call = f->call;
    struct core *core = call->s3->core;
    struct s3_declared declared = { 0 };
    slice policy;
    find_exemption(f);
    TRY(form_check_signature(call, &f->fields, &policy));
    TRY(s3_admit(call));
    TRY(bucket_find(core, &call->who, call->bucket, BUCKET_WRITE, &call->x->arena, &f->bucket));
    if (!form_replace_filename(&f->fields, part->has_filename ? part->filename : S(""), &call->x->arena))
        return s3_refuse(a, S3_FORM_FIELDS_TOO_LARGE);
    TRY(read_form_key(f, a));
    TRY(form_check_policy(call, &f->fields, policy, &f->limits));
    TRY(read_form_headers(f, a));
    TRY(read_form_digests(f, &declared, a));
    f->request.min_bytes = f->limits.min_bytes;
    f->request.max_bytes = f->limits.max_bytes;
    f->request.exact_bytes = -1;
    f->request.digest = declared.digest.kind;
    if (f->request.digest == DIGEST_NONE && f->bucket.kind == BUCKET_OPEN)
        f->request.digest = DIGEST_CRC64NVME; /* as in PutObject */
    TRY(entry_put_open(core, &call->who, &f->bucket, &f->request, &call->x->arena, &f->put));
    if (declared.has_value)
        intake_expect(f->put.intake, &declared.digest);
    return NULL;
}

/* ---- multipart ---- */

static err_t begin_post_part(void *ctx, const struct multipart_part *part, struct arena *a)
{
    struct form_upload *f = ctx;
    struct arena *own = &f->call->x->arena;
    if (f->state == FORM_REST)
        return NULL;
    if (!part->has_name)
        return s3_refuse(a, S3_MALFORMED_POST);
    if (slice_eq_nocase(part->name, S("file"))) {
        TRY(open_form_file(f, part, a));
        f->state = FORM_FILE;
        return NULL;
    }
    f->fields.bytes += part->name.n;
    if (f->fields.count == FORM_FIELDS_MAX || f->fields.bytes > FORM_FIELD_BYTES_MAX)
        return s3_refuse(a, S3_FORM_FIELDS_TOO_LARGE);
    f->fields.items[f->fields.count].name = arena_copy(own, part->name);
    buf_clear(&f->value);
    f->state = FORM_FIELD;
    return NULL;
}

static err_t receive_form_data(void *ctx, slice bytes, struct arena *a)
{
    struct form_upload *f = ctx;
    if (f->state == FORM_FIELD) {
        f->fields.bytes += bytes.n;
        if (f->fields.bytes > FORM_FIELD_BYTES_MAX)
            return s3_refuse(a, S3_FORM_FIELDS_TOO_LARGE);
        buf_add(&f->value, bytes);
    } else if (f->state == FORM_FILE) {
        if (bytes.n > f->limits.max_bytes - intake_received(f->put.intake)) {
            slice max = arena_printf(&f->call->x->arena, "%llu", (unsigned long long)f->limits.max_bytes);
            return s3_show(f->call, s3_refuse(a, S3_ENTITY_TOO_LARGE), "MaxSizeAllowed", max);
        }
        return intake_write(f->put.intake, bytes, a);
    }
    return NULL;
}

static err_t end_post_part(void *ctx, struct arena *a)
{
    struct form_upload *f = ctx;
    (void)a;
    if (f->state == FORM_FIELD) {
        f->fields.items[f->fields.count++].value = arena_copy(&f->call->x->arena, buf_slice(&f->value));
        f->state = FORM_FIELDS;
    } else if (f->state == FORM_FILE) {
        f->state = FORM_REST;
    }
    return NULL;
}

static const struct multipart_events form_events = { begin_post_part, receive_form_data, end_post_part };

/* ---- the sink ---- */

static err_t form_sink_write(struct http_sink *sink, slice bytes)
{
    struct form_upload *f = CONTAINER_OF(sink, struct form_upload, sink);
    SCRATCH_OF(scratch, &f->call->x->arena);
    return err_copy(&f->call->x->arena, multipart_feed(&f->multipart, bytes, &scratch));
}

static bool form_sink_blocks(struct http_sink *sink)
{
    struct form_upload *f = CONTAINER_OF(sink, struct form_upload, sink);
    return f->put.intake && intake_blocks(f->put.intake);
}

static err_t reply_stored(struct http_exchange *x)
{
    struct s3_call *call = x->work;
    const struct form_upload *f = call->state;
    form_reply(call, &f->fields, f->etag);
    return NULL;
}

static void form_stored(void *arg, err_t e, const struct entry_stored *entry)
{
    struct form_upload *f = arg;
    if (e) {
        http_fail(f->call->x, e);
        return;
    }
    f->etag = arena_copy(&f->call->x->arena, entry->etag);
    http_on_loop(f->call->x, reply_stored);
}

static err_t form_sink_finish(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct form_upload *f = CONTAINER_OF(sink, struct form_upload, sink);
    if (err_reason(e) == HTTP_REFUSE_MALFORMED)
        e = s3_refuse(&x->arena, S3_MALFORMED_POST);
    if (!e)
        e = multipart_finish(&f->multipart, &x->arena);
    if (!e && !f->put.intake)
        e = s3_refuse(&x->arena, S3_FORM_NO_FILE);
    if (e && f->put.intake)
        entry_put_discard(&f->put);
    if (!e)
        entry_put_finish(&f->put, form_stored, f);
    return e;
}

/* ---- the operation ---- */

static void release_form_value(void *form)
{
    buf_release(&((struct form_upload *)form)->value);
}

err_t s3_form_post(struct s3_call *call)
{
    struct http_exchange *x = call->x;
    uint64_t max_bytes =
        LIVE(call->s3->options.max_object_bytes) ? LIVE(call->s3->options.max_object_bytes) : INT64_MAX;
    slice boundary;
    if (!multipart_boundary(http_header(&x->req, "Content-Type"), &boundary))
        return s3_refuse(&x->arena, S3_FORM_NOT_MULTIPART);
    if (x->req.content_length > 0 && (uint64_t)x->req.content_length > max_bytes &&
        (uint64_t)x->req.content_length - max_bytes > MULTIPART_FIELD_MAX)
        return s3_refuse(&x->arena, S3_ENTITY_TOO_LARGE);
    struct form_upload *f = arena_new(&x->arena, struct form_upload);
    f->call = call;
    bool may_be_slow = x->req.content_length < 0 || x->req.content_length > FORM_ON_LOOP_MAX;
    f->sink = (struct http_sink){ form_sink_write, form_sink_finish, form_sink_blocks, may_be_slow };
    f->limits.max_bytes = max_bytes;
    call->state = f;
    buf_init_on(&f->value, 0, &x->arena);
    arena_defer(&x->arena, release_form_value, f);
    multipart_init(&f->multipart, boundary, NULL, &form_events, f);
    http_receive(x, &f->sink);
    return NULL;
}
