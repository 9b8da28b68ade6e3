/* SPDX-License-Identifier: Apache-2.0 */
/* A client may store any value in these headers, and every reader of the object receives them. So values are checked
 * when they are stored, and contents are disarmed when they are sent. */
#include "api/s3/headers_priv.h"

#include "api/kit/content_reply.h"
#include "api/s3/call_priv.h"
#include "api/s3/tags_priv.h"
#include "base/buf.h"
#include "base/text.h"
#include "core/bucket/entry.h"
#include "http/conditional.h"
#include "http/encoded_word.h"
#include "http/field.h"

#include <string.h>

#define META S("x-amz-meta-")
#define META_MAX 2048 /* bytes of all names and values: S3's limit */
#define CHECKSUM S("x-amz-checksum-")

/* ---- what an entry keeps ---- */

static const char *const kept_names[] = { "Content-Type",     "Cache-Control",    "Content-Disposition",
                                          "Content-Encoding", "Content-Language", "Expires" };

/* aws-chunked is an encoding of the request body, not of the object, so it is not kept. */
static void add_content_encoding(struct buf *text, slice value)
{
    slice item;
    bool first = true;
    while (field_list_next(&value, &item)) {
        if (slice_eq_nocase(item, S("aws-chunked")))
            continue;
        buf_add(text, first ? S("Content-Encoding: ") : S(","));
        buf_add(text, item);
        first = false;
    }
    if (!first)
        buf_add_byte(text, '\n');
}

/* The rest of the text behind the line that begins with these bytes; false: there is no such line. */
static bool text_behind_line(slice text, slice beginning, slice *ret_rest)
{
    slice line;
    for (*ret_rest = text; ret_rest->n;) {
        slice_cut(*ret_rest, '\n', &line, ret_rest);
        if (slice_starts(line, beginning))
            return true;
    }
    return false;
}

/* Values of the same name are one list (Amazon S3 user guide, "Working with object metadata"; RFC 9110 section 5.3). */
static void add_meta(struct buf *text, slice name, slice value, struct arena *a)
{
    char *lower = arena_cstr(a, name);
    for (size_t i = 0; i < name.n; i++)
        lower[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
    slice beginning = arena_printf(a, "%s: ", lower), behind;
    if (text_behind_line(buf_slice(text), beginning, &behind)) {
        behind = arena_copy(a, behind);
        text->n -= behind.n + 1;
        buf_add_byte(text, ',');
    } else {
        behind = S("");
        buf_add(text, beginning);
    }
    buf_add(text, value);
    buf_add_byte(text, '\n');
    buf_add(text, behind);
}

err_t s3_header_keep(struct buf *text, size_t *meta_bytes, slice name, slice value, struct arena *a)
{
    const char *kept = NULL;
    bool meta = slice_starts_nocase(name, META) && name.n > META.n;
    for (size_t i = 0; i < LENGTH_OF(kept_names) && !meta; i++)
        if (slice_eq_nocase(name, slice_of(kept_names[i])))
            kept = kept_names[i];
    if (!meta && !kept)
        return NULL;
    if (meta)
        value = encoded_words_decode(value, a);
    if (field_has_control(value) || !is_token(name))
        return s3_refuse(a, S3_INVALID_METADATA);
    if (meta) {
        *meta_bytes += name.n - META.n + value.n;
        add_meta(text, name, value, a);
    } else if (slice_eq(slice_of(kept), S("Content-Encoding"))) {
        add_content_encoding(text, value);
    } else if (value.n) {
        buf_add(text, slice_of(kept));
        buf_add(text, S(": "));
        buf_add(text, value);
        buf_add_byte(text, '\n');
    }
    bool fits = *meta_bytes <= META_MAX && text->n <= ENTRY_HEADERS_MAX;
    return fits ? NULL : s3_refuse(a, S3_METADATA_TOO_LARGE);
}

err_t s3_header_check(slice name, slice value, struct arena *a)
{
    if (!slice_starts_nocase(name, S("x-amz-")) && !slice_eq_nocase(name, S("acl")))
        return NULL;
    if (slice_eq_nocase(name, S("x-amz-acl")) || slice_eq_nocase(name, S("acl")))
        return slice_eq(value, S("private")) || slice_eq(value, S("bucket-owner-full-control")) || value.n == 0
                   ? NULL
                   : s3_refuse(a, S3_ACL_NOT_SUPPORTED);
    if (slice_eq_nocase(name, S("x-amz-storage-class")) && !slice_eq(value, S("STANDARD")))
        return s3_refuse(a, S3_INVALID_STORAGE_CLASS);
    return NULL;
}

err_t s3_headers_read(struct s3_call *call, slice *ret_headers, slice *ret_tags)
{
    const struct http_request *req = &call->x->req;
    struct arena *a = &call->x->arena;
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    size_t meta_bytes = 0;
    for (size_t i = 0; i < req->header_count; i++) {
        const struct http_header *h = &req->headers[i];
        err_t e = s3_header_check(h->name, h->value, a);
        if (!e)
            e = s3_header_keep(&text, &meta_bytes, h->name, h->value, a);
        TRY(s3_show(call, e, "Header", h->name));
    }
    *ret_headers = text.n ? arena_copy(a, buf_slice(&text)) : S("");
    *ret_tags = S("");
    slice tagging = http_header(req, "x-amz-tagging");
    if (!tagging.n)
        return NULL;
    struct s3_tag tags[S3_TAGS_MAX];
    size_t count;
    if (!s3_tags_read(a, tagging, tags, &count))
        return s3_refuse(a, S3_INVALID_TAG);
    return s3_tags_write(a, tags, count, ret_tags);
}

/* ---- what a reply shows ---- */

static const char *override_name(slice header)
{
    static const char *const names[] = { "response-content-type",        "response-cache-control",
                                         "response-content-disposition", "response-content-encoding",
                                         "response-content-language",    "response-expires" };
    for (size_t i = 0; i < LENGTH_OF(kept_names); i++)
        if (slice_eq(header, slice_of(kept_names[i])))
            return names[i];
    return NULL;
}

/* Control characters are refused: they could begin another header. */
static err_t apply_override(struct s3_call *call, const char *kept, slice *ret_content_type)
{
    slice value;
    const char *name = override_name(slice_of(kept));
    if (!s3_param(call, name, &value) || !value.n)
        return NULL;
    if (field_has_control(value))
        return s3_refuse_argument(call, S3_INVALID_ARGUMENT, name, S3_NO_VALUE);
    if (strcmp(kept, "Content-Type") == 0)
        *ret_content_type = value;
    else
        http_reply_header(call->x, kept, value);
    return NULL;
}

err_t s3_headers_write(struct s3_call *call, const struct entry *entry, slice *ret_content_type)
{
    slice line, rest = entry->headers, unused;
    slice type = S("binary/octet-stream");
    while (rest.n) {
        slice_cut(rest, '\n', &line, &rest);
        size_t colon = slice_find_byte(line, ':');
        slice name = slice_part(line, 0, colon == SLICE_NONE ? line.n : colon);
        slice value = slice_trim(slice_from(line, name.n + 1));
        const char *over = override_name(name);
        if (!is_token(name)) /* not written by s3_header_keep: somebody else made the record */
            continue;
        if (slice_eq(name, S("Content-Type")))
            type = value;
        else if (slice_starts(name, META)) /* Amazon S3 user guide, "Working with object metadata" */
            http_reply_header(call->x, arena_cstr(&call->x->arena, name), encoded_words_encode(value, &call->x->arena));
        else if (!(over && s3_param(call, over, &unused) && unused.n))
            http_reply_header(call->x, arena_cstr(&call->x->arena, name), value);
    }
    for (size_t i = 0; call->query.count && i < LENGTH_OF(kept_names); i++)
        TRY(apply_override(call, kept_names[i], &type));
    content_reply_disarm(call->x);
    *ret_content_type = type;
    return NULL;
}
