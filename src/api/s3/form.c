/* SPDX-License-Identifier: Apache-2.0 */
/* A file sent by a form: multipart/form-data, fields first, the file last, what comes after it does not count.
 *
 *   fields ──► part "file" begins: signature ──► bucket ──► policy ──► entry opened ──► its bytes ──► closing boundary
 *                                                                                       └── too many: stop at once
 *
 * Who signed the policy could have put the file himself; the policy says what he lets others put. So every field must
 * be covered by a condition and every condition must hold, before the first byte of the file is looked at. Spec: Amazon
 * S3 API reference, "POST Object", "POST Policy". Forms for tickets: docs/apis/s3.md. */
#include "api/s3/form_priv.h"

#include "base/text.h"

#include <string.h>

/* ---- fields ---- */

slice form_value(const struct form *f, slice name)
{
    slice value = S("");
    policy_field(f->fields, f->field_count, name, &value);
    return value;
}

static bool has_field(const struct form *f, slice name)
{
    slice unused;
    return policy_field(f->fields, f->field_count, name, &unused);
}

bool form_ignores(const struct form *f, slice name)
{
    if (!f->lenient || f->signature != POLICY_V4)
        return false;
    for (size_t i = 0; i < f->lenient->field_count; i++)
        if (slice_eq_nocase(name, f->lenient->fields[i]))
            return true;
    return false;
}

/* Some browsers send the whole local path. */
static slice last_of_path(slice name)
{
    size_t slash = slice_rfind_byte(name, '/'), back = slice_rfind_byte(name, '\\');
    name = slash != SLICE_NONE && (back == SLICE_NONE || slash > back) ? slice_from(name, slash + 1)
           : back != SLICE_NONE                                        ? slice_from(name, back + 1)
                                                                       : name;
    return name;
}

static slice replace_filename(struct arena *a, slice text, slice filename)
{
    const slice variable = S("${filename}");
    size_t at = slice_find(text, variable);
    if (at == SLICE_NONE)
        return text;
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    for (; at != SLICE_NONE; at = slice_find(text, variable)) {
        buf_add(&b, slice_part(text, 0, at));
        buf_add(&b, filename);
        text = slice_from(text, at + variable.n);
    }
    buf_add(&b, text);
    return arena_copy(a, buf_slice(&b));
}

/* Not in what is signed or signs. */
static void replace_filenames(struct form *f, slice filename)
{
    filename = last_of_path(filename);
    for (size_t i = 0; i < f->field_count; i++) {
        struct sign_pair *p = &f->fields[i];
        if (!slice_eq_nocase(p->name, S("policy")) && slice_find(p->value, S("${filename}")) != SLICE_NONE)
            p->value = replace_filename(&f->call->x->arena, p->value, arena_copy(&f->call->x->arena, filename));
    }
}

/* ---- signature ---- */

static err_t wrong(struct form *f, enum s3_error error, const char *name, slice value, struct arena *a)
{
    s3_detail(f->call, name, arena_copy(&f->call->x->arena, value));
    return s3_err(f->call, error, a);
}

static err_t find_secret(struct form *f, slice access_key, struct arena *a, slice *ret_secret)
{
    struct s3_call *call = f->call;
    err_t e = access_signing(call->s3->core, S3_PURPOSE, access_key, &call->x->arena, &call->who, ret_secret);
    if (e)
        s3_detail(call, "AWSAccessKeyId", access_key);
    call->who.request_id = call->x->req.id;
    return err_copy(a, e);
}

static err_t mismatch(struct form *f, slice access_key, slice text, slice signature, struct arena *a)
{
    s3_detail(f->call, "AWSAccessKeyId", access_key);
    s3_detail(f->call, "StringToSign", text);
    return wrong(f, S3_SIGNATURE_MISMATCH, "SignatureProvided", signature, a);
}

static err_t verify_v4(struct form *f, slice text, struct arena *a)
{
    struct s3_call *call = f->call;
    struct arena *own = &call->x->arena;
    struct sign_detail detail = { 0 };
    slice region = call->s3->options.only_region ? call->s3->options.region : S(""), secret;
    if (policy_v4_parse(f->fields, f->field_count, region, own, &call->claim, &detail))
        return wrong(f, S3_INVALID_ARGUMENT, "ArgumentName", detail.about, a);
    TRY(find_secret(f, call->claim.access_key, a, &secret));
    s3_signing_key(call->s3, call->claim.access_key, secret, &call->claim, &call->key4);
    if (slice_eq_secret(sigv4_mac_hex(own, &call->key4, text), call->claim.signature))
        return NULL;
    return mismatch(f, call->claim.access_key, text, call->claim.signature, a);
}

static err_t verify_v2(struct form *f, slice text, struct arena *a)
{
    slice access_key = form_value(f, S("AWSAccessKeyId")), signature = form_value(f, S("signature")), secret;
    TRY(find_secret(f, access_key, a, &secret));
    return policy_v2_verify(text, signature, secret) ? mismatch(f, access_key, text, signature, a) : NULL;
}

/* Who signed the policy. A form that holds both signatures is one of the fourth version. */
static err_t verify(struct form *f, struct arena *a, slice *ret_text)
{
    bool v4 = has_field(f, S("x-amz-signature"));
    f->signature = v4 ? POLICY_V4 : POLICY_V2;
    if ((!v4 && !has_field(f, S("signature"))) || !has_field(f, S("policy")))
        return s3_err(f->call, S3_ACCESS_DENIED, a);
    /* Forms made for both versions hold two policies, told apart by their spelling. */
    *ret_text = form_value(f, v4 ? S("Policy") : S("policy"));
    return v4 ? verify_v4(f, *ret_text, a) : verify_v2(f, *ret_text, a);
}

/* ---- policy ---- */

static err_t broken_policy(struct form *f, enum sign_fault fault, const struct sign_detail *detail, struct arena *a)
{
    enum s3_error error = s3_sign_error(f->call, fault, detail);
    if (fault == SIGN_EXPIRED)
        return s3_err(f->call, S3_POLICY_EXPIRED, a);
    return detail->about.n ? wrong(f, error, "Condition", detail->about, a) : s3_err(f->call, error, a);
}

static err_t keep_to_policy(struct form *f, slice text, struct arena *a)
{
    struct arena *own = &f->call->x->arena;
    struct sign_detail detail = { 0 };
    struct policy policy;
    enum sign_fault fault = policy_parse(text, own, &policy, &detail);
    if (fault)
        return broken_policy(f, fault, &detail, a);
    struct policy_form form = {
        .signature = f->signature, .bucket = f->call->bucket, .fields = f->fields, .field_count = f->field_count
    };
    if (f->lenient && f->signature == POLICY_V4) {
        form.exempt = f->lenient->fields;
        form.exempt_count = f->lenient->field_count;
    }
    fault = policy_check(&policy, &form, core_now_ms(f->call->s3->core), &detail);
    if (fault)
        return broken_policy(f, fault, &detail, a);
    if (policy.max_bytes < f->max_bytes)
        f->max_bytes = policy.max_bytes;
    f->order.min_bytes = policy.min_bytes;
    return NULL;
}

/* ---- what goes into the order ---- */

static err_t take_key(struct form *f, struct arena *a)
{
    slice key = form_value(f, S("key"));
    if (!key.n)
        return s3_err(f->call, S3_FORM_NO_KEY, a);
    if (key.n > ENTRY_KEY_MAX)
        return s3_err(f->call, S3_KEY_TOO_LONG, a);
    if (!slice_is_utf8(key) || slice_find_byte(key, 0) != SLICE_NONE)
        return wrong(f, S3_INVALID_ARGUMENT, "ArgumentName", S("key"), a);
    f->order.key = f->call->key = key;
    return NULL;
}

static err_t take_tags(struct form *f, slice document, struct arena *a)
{
    struct s3_tag tags[S3_TAGS_MAX + 1];
    size_t count = 0;
    const struct xml *root;
    if (xml_parse(document, &f->call->x->arena, &root) || !slice_eq(root->name, S("Tagging")))
        return s3_err(f->call, S3_MALFORMED_XML, a);
    XML_EACH(tag, xml_child(root, "TagSet"), "Tag")
    {
        if (count <= S3_TAGS_MAX)
            tags[count++] = (struct s3_tag){ xml_child_text(tag, "Key"), xml_child_text(tag, "Value") };
    }
    enum s3_error error = s3_tags_make(&f->call->x->arena, tags, count, &f->order.tags);
    return error ? s3_err(f->call, error, a) : NULL;
}

static err_t take_headers(struct form *f, struct arena *a)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    size_t meta_bytes = 0;
    for (size_t i = 0; i < f->field_count; i++) {
        const struct sign_pair *p = &f->fields[i];
        enum s3_error error = s3_header_check(p->name, p->value);
        bool ignored = form_ignores(f, p->name);
        if (!error && ignored && slice_eq_nocase(p->name, S("acl")) && !slice_eq(p->value, S("private")))
            error = S3_ACCESS_DENIED; /* what nothing covers may ask for nothing */
        if (!error && !ignored)
            error = s3_header_keep(&text, &meta_bytes, p->name, p->value);
        if (error)
            return wrong(f, error, "Field", p->name, a);
    }
    f->order.headers = text.n ? arena_copy(&f->call->x->arena, buf_slice(&text)) : S("");
    slice tagging = form_value(f, S("tagging"));
    f->order.tags = S("");
    return tagging.n ? take_tags(f, tagging, a) : NULL;
}

/* Digests that are declared in fields. */
static err_t take_digests(struct form *f, struct s3_declared *d, struct arena *a)
{
    struct arena *own = &f->call->x->arena;
    enum digest_kind kind;
    slice bytes;
    for (size_t i = 0; i < f->field_count; i++) {
        const struct sign_pair *p = &f->fields[i];
        if (slice_eq_nocase(p->name, S("content-md5"))) {
            if (!base64_decode(own, p->value, &bytes) || bytes.n != MD5_SIZE)
                return s3_err(f->call, S3_INVALID_DIGEST, a);
            f->order.md5 = bytes;
        }
        bool named = slice_eq_nocase(p->name, S("x-amz-checksum-algorithm")), has = s3_digest_of_name(p->name, &kind);
        if (named && !digest_by_name(p->value, &kind))
            return s3_err(f->call, S3_CHECKSUM_ALGORITHM, a);
        if (s3_digest_is_unknown(p->name))
            return s3_err(f->call, S3_UNKNOWN_CHECKSUM, a);
        if (!named && !has)
            continue;
        if ((d->digest.kind != DIGEST_NONE && d->digest.kind != kind) || (has && d->has_value))
            return s3_err(f->call, S3_SEVERAL_CHECKSUMS, a);
        d->digest.kind = kind;
        if (has && !s3_digest_parse(own, kind, p->value, &d->digest))
            return s3_err(f->call, S3_INVALID_CHECKSUM, a);
        d->has_value = d->has_value || has;
    }
    return NULL;
}

static void choose_leniency(struct form *f)
{
    const struct s3_options *o = &f->call->s3->options;
    for (size_t i = 0; i < o->lenient_count; i++)
        if (slice_eq(o->lenient[i].bucket, f->call->bucket))
            f->lenient = &o->lenient[i];
}

/* Everything is known but the bytes. */
static err_t open_file(struct form *f, const struct multipart_part *part, struct arena *a)
{
    struct s3_call *call = f->call;
    struct core *core = call->s3->core;
    struct s3_declared declared = { 0 };
    slice text;
    choose_leniency(f);
    replace_filenames(f, part->has_filename ? part->filename : S(""));
    TRY(take_key(f, a));
    TRY(verify(f, a, &text));
    err_t e = bucket_find(core, &call->who, call->bucket, BUCKET_WRITE, &call->x->arena, &f->bucket);
    if (e)
        return e;
    TRY(keep_to_policy(f, text, a));
    TRY(take_headers(f, a));
    TRY(take_digests(f, &declared, a));
    f->order.max_bytes = f->max_bytes;
    f->order.exact_bytes = -1;
    f->order.digest = declared.digest.kind;
    TRY(entry_put_open(core, &call->who, &f->bucket, &f->order, &call->x->arena, &f->put));
    if (declared.has_value)
        intake_expect(f->put.intake, &declared.digest);
    return NULL;
}

/* ---- multipart ---- */

static err_t begin(void *ctx, const struct multipart_part *part, struct arena *a)
{
    struct form *f = ctx;
    struct arena *own = &f->call->x->arena;
    if (f->state == FORM_REST)
        return NULL;
    if (!part->has_name)
        return s3_err(f->call, S3_MALFORMED_POST, a);
    if (slice_eq_nocase(part->name, S("file"))) {
        TRY(open_file(f, part, a));
        f->state = FORM_FILE;
        return NULL;
    }
    f->field_bytes += part->name.n;
    if (f->field_count == FORM_FIELDS_MAX || f->field_bytes > FORM_FIELD_BYTES_MAX)
        return s3_err(f->call, S3_FORM_FIELDS_TOO_LARGE, a);
    f->fields[f->field_count].name = arena_copy(own, part->name);
    buf_clear(&f->value);
    f->state = FORM_FIELD;
    return NULL;
}

static err_t data(void *ctx, slice bytes, struct arena *a)
{
    struct form *f = ctx;
    if (f->state == FORM_FIELD) {
        f->field_bytes += bytes.n;
        if (f->field_bytes > FORM_FIELD_BYTES_MAX)
            return s3_err(f->call, S3_FORM_FIELDS_TOO_LARGE, a);
        buf_add(&f->value, bytes);
    } else if (f->state == FORM_FILE) {
        if (bytes.n > f->max_bytes - intake_received(f->put.intake)) {
            s3_detail(f->call, "MaxSizeAllowed",
                      arena_printf(&f->call->x->arena, "%llu", (unsigned long long)f->max_bytes));
            return s3_err(f->call, S3_ENTITY_TOO_LARGE, a);
        }
        return intake_write(f->put.intake, bytes, a);
    }
    return NULL;
}

static err_t end(void *ctx, struct arena *a)
{
    struct form *f = ctx;
    (void)a;
    if (f->state == FORM_FIELD) {
        f->fields[f->field_count++].value = arena_copy(&f->call->x->arena, buf_slice(&f->value));
        f->state = FORM_FIELDS;
    } else if (f->state == FORM_FILE) {
        f->state = FORM_REST;
    }
    return NULL;
}

static const struct multipart_events events = { begin, data, end };

/* ---- the sink ---- */

static err_t sink_write(struct http_sink *sink, slice bytes)
{
    struct form *f = CONTAINER_OF(sink, struct form, sink);
    SCRATCH(scratch);
    return err_copy(&f->call->x->arena, multipart_feed(&f->multipart, bytes, &scratch));
}

static bool sink_blocks(struct http_sink *sink)
{
    struct form *f = CONTAINER_OF(sink, struct form, sink);
    return f->put.intake && intake_blocks(f->put.intake);
}

static void stored(void *arg, err_t e, const struct entry_stored *entry)
{
    struct form *f = arg;
    if (e) {
        s3_fail_err(f->call, e, S3_NO_SUCH_BUCKET);
        return;
    }
    f->etag = arena_copy(&f->call->x->arena, entry->etag);
    http_on_loop(f->call->x, form_answer);
}

/* received: the body came whole; what it lacks its sender left out. */
static void fail_form(struct form *f, err_t e, bool received)
{
    if (f->put.intake)
        entry_put_discard(&f->put);
    bool framing = !f->call->why &&
                   (e->code == ERR_INVALID || e->code == ERR_UNSUPPORTED || (e->code == ERR_TRUNCATED && received) ||
                    (e->code == ERR_TOO_LARGE && f->state != FORM_FILE));
    if (framing)
        s3_fail(f->call, S3_MALFORMED_POST);
    else
        s3_fail_err(f->call, e, S3_NO_SUCH_BUCKET);
}

static void sink_finish(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct form *f = CONTAINER_OF(sink, struct form, sink);
    bool received = !e;
    if (!e)
        e = multipart_finish(&f->multipart, &x->arena);
    if (!e && !f->put.intake)
        e = s3_err(f->call, S3_FORM_NO_FILE, &x->arena);
    if (e)
        fail_form(f, e, received);
    else
        entry_put_finish(&f->put, stored, f);
}

/* ---- */

static void release_value(void *form)
{
    buf_release(&((struct form *)form)->value);
}

void s3_form_post(struct s3_call *call)
{
    struct http_exchange *x = call->x;
    uint64_t most = call->s3->options.max_object_bytes ? call->s3->options.max_object_bytes : INT64_MAX;
    slice boundary;
    if (!multipart_boundary(http_header(&x->req, "Content-Type"), &boundary)) {
        s3_fail_saying(call, S3_PRECONDITION_FAILED,
                       S("Bucket POST must be of the enclosure-type multipart/form-data"));
        return;
    }
    if (x->req.content_length > 0 && (uint64_t)x->req.content_length > most &&
        (uint64_t)x->req.content_length - most > MULTIPART_FIELD_MAX) {
        s3_fail(call, S3_ENTITY_TOO_LARGE);
        return;
    }
    struct form *f = arena_new(&x->arena, struct form);
    f->call = call;
    f->sink = (struct http_sink){ sink_write, sink_finish, sink_blocks };
    f->max_bytes = most;
    call->state = f;
    buf_init(&f->value, 0);
    arena_defer(&x->arena, release_value, f);
    multipart_init(&f->multipart, boundary, NULL, &events, f);
    http_receive(x, &f->sink);
}
