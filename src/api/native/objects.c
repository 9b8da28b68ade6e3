/* SPDX-License-Identifier: Apache-2.0 */
/* Objects: the entries of buckets, which come by S3. Nobody puts one here.
 *
 * A cursor is the bucket and the key that the last page ended with, in hex: it means the same in a URL and in JSON, and a
 * forged one gives nothing that a walk through all pages would not give. */
#include "api/kit/content_reply.h"
#include "api/kit/json_pieces.h"
#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "base/text.h"
#include "core/bucket/entry.h"
#include "core/bucket/entry_view.h"
#include "core/file/file_name.h"

/* ---- the object as JSON ---- */

/* The name of the file that an object becomes when somebody fetches it. */
static slice name_of_object(slice key, struct arena *a)
{
    slice name;
    return file_name_clean(key, a, &name) ? S("file") : name;
}

static void put_part_sizes(struct json_out *o, const struct entry_view *view)
{
    json_name(o, "part_sizes");
    json_open_array(o);
    for (size_t i = 0; i < view->part_count; i++)
        json_add_int(o, (int64_t)view->part_sizes[i]);
    json_close_array(o);
}

static void put_object(struct json_out *o, const struct entry_view *view, struct arena *a)
{
    const struct entry *entry = &view->entry;
    slice id[] = { S("s3://"), view->bucket, S("/"), entry->key }, etag = entry_etag(entry, a);
    json_open_object(o);
    json_put_string(o, "id", arena_join(a, id, LENGTH_OF(id)));
    json_put_string(o, "bucket", view->bucket);
    json_put_string(o, "key", entry->key);
    json_put_string(o, "name", name_of_object(entry->key, a));
    json_put_int(o, "size", (int64_t)entry->size_bytes);
    json_name(o, "md5");
    if (entry->part_count)
        json_add_null(o);
    else
        json_add_string(o, etag);
    json_put_string(o, "etag", etag);
    json_put_string(o, "state", S("ready"));
    json_put_string(o, "owner", view->owner_login);
    json_put_string(o, "way", S("s3"));
    json_put_string(o, "created_at", time_format_utc(a, entry->modified_at_ms));
    if (view->part_count)
        put_part_sizes(o, view);
    json_close_object(o);
}

/* ---- the list ---- */

/* The page that is sent in pieces: each goes on where the one before ended. */
struct object_list_reply {
    struct json_pieces pieces;
    struct entry_view_request request; /* of the objects that follow; its texts live in the exchange's arena */
    size_t shown;                      /* in this piece */
    bool piece_full;
    struct buf *out;
    struct arena *a; /* of this piece */
};

static err_t read_cursor(struct http_exchange *x, slice text, struct entry_address *ret)
{
    slice cursor;
    if (!hex_decode(&x->arena, text, &cursor) || !slice_cut(cursor, '/', &ret->bucket, &ret->key) || !ret->bucket.n ||
        !slice_is_utf8(ret->bucket) || (ret->key.n && !entry_key_is_valid(ret->key)))
        return native_refuse(&x->arena, NATIVE_BAD_AFTER);
    return NULL;
}

/* ?bucket= and ?prefix=, which is of keys, and goes on where the cursor says. */
static err_t read_only(struct http_exchange *x, const struct query *q, const struct entry_address *after,
                       struct entry_address *ret)
{
    *ret = (struct entry_address){ native_query_value(q, S("bucket")), native_query_value(q, S("prefix")) };
    if ((ret->key.n && !ret->bucket.n) || ret->key.n > ENTRY_KEY_MAX || !slice_is_utf8(ret->key))
        return native_refuse(&x->arena, NATIVE_BAD_PREFIX);
    if (ret->bucket.n && after->bucket.n && !slice_eq(ret->bucket, after->bucket))
        return native_refuse(&x->arena, NATIVE_BAD_AFTER);
    return NULL;
}

/* A list in pieces has begun when the first piece is made: whether there is such a bucket is asked before. */
static err_t find_bucket(struct http_exchange *x, const struct entry_view_request *request)
{
    struct entry_view_request nothing = *request;
    struct entry_view_end end;
    nothing.work = nothing.limit = 0;
    err_t e = entry_view_list(native_of(x)->core, native_caller(x), &nothing, &x->arena, &end);
    return err_reason(e) == REASON_ENTRY_NOT_THERE ? native_refuse(&x->arena, NATIVE_NO_BUCKET) : e;
}

static err_t write_object(void *arg, const struct entry_view *view, bool *ret_full)
{
    struct object_list_reply *reply = arg;
    bool whole = !piece_is_full(reply->out);
    if (whole) {
        put_object(&json_item_begin(&reply->pieces, reply->a)->out, view, reply->a);
        TRY(json_item_end(&reply->pieces, reply->out, &whole));
    }
    *ret_full = reply->piece_full = !whole;
    reply->shown += whole;
    return NULL;
}

static void end_object_list(struct buf *out, const struct entry_view_end *end, struct arena *a)
{
    buf_add(out, S("]"));
    if (end->more) {
        slice cursor[] = { end->last.bucket, S("/"), end->last.key };
        buf_add(out, S(",\"next\":\""));
        buf_add(out, hex_encode(a, arena_join(a, cursor, LENGTH_OF(cursor))));
        buf_add(out, S("\""));
    }
    buf_add(out, S("}"));
}

static err_t write_object_list(struct json_pieces *pieces, struct buf *out, struct arena *a, bool *ret_end)
{
    struct object_list_reply *reply = CONTAINER_OF(pieces, struct object_list_reply, pieces);
    struct http_exchange *x = pieces->pieces.x;
    struct entry_view_end end = { 0 };
    reply->shown = 0;
    reply->piece_full = false;
    reply->out = out;
    reply->a = a;
    TRY(entry_view_list(native_of(x)->core, native_caller(x), &reply->request, a, &end));
    *ret_end = !reply->piece_full;
    if (*ret_end) {
        end_object_list(out, &end, a);
        return NULL;
    }
    reply->request.after.bucket = arena_copy(&x->arena, end.last.bucket);
    reply->request.after.key = arena_copy(&x->arena, end.last.key);
    reply->request.limit -= reply->shown;
    reply->request.work = end.work;
    return NULL;
}

static err_t list_native_objects(struct http_exchange *x)
{
    struct object_list_reply *reply = arena_new(&x->arena, struct object_list_reply);
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    slice after = native_query_value(&q, S("after"));
    reply->request = (struct entry_view_request){ .work = ENTRY_VIEW_WORK_MAX, .visit = write_object, .arg = reply };
    TRY(native_read_limit(&q, &x->arena, &reply->request.limit));
    TRY(native_read_owner(x, &q, &reply->request.owner_id));
    if (after.n)
        TRY(read_cursor(x, after, &reply->request.after));
    TRY(read_only(x, &q, &reply->request.after, &reply->request.only));
    if (reply->request.only.bucket.n)
        TRY(find_bucket(x, &reply->request));
    json_pieces_init(&reply->pieces, x, native_of(x)->log, write_object_list);
    buf_add(&reply->pieces.pieces.first, S("{\"objects\":["));
    return piece_reply_send(&reply->pieces.pieces, 200, JSON_REPLY_TYPE);
}

/* ---- one object ---- */

/* The {bucket} and the {key} of the path. */
static struct entry_address path_address(const struct http_exchange *x)
{
    return (struct entry_address){ x->req.params[0], x->req.params[1] };
}

static err_t show_native_object(struct http_exchange *x)
{
    const struct entry_address at = path_address(x);
    struct entry_view view = { 0 };
    TRY(entry_view_get(native_of(x)->core, native_caller(x), &at, &x->arena, &view));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    put_object(&reply.out, &view, &x->arena);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

static err_t download_native_object(struct http_exchange *x)
{
    struct content_reply *g = arena_new(&x->arena, struct content_reply);
    const struct entry_address at = path_address(x);
    struct entry entry;
    struct arena *a = &x->arena;
    TRY(entry_view_open(native_of(x)->core, native_caller(x), &at, a, &entry, &g->content));
    slice type = entry_header(&entry, S("Content-Type")), etag[] = { S("\""), entry_etag(&entry, a), S("\"") };
    content_reply_attach(x, g, name_of_object(entry.key, a), type.n ? type : S("application/octet-stream"));
    g->http.etag = arena_join(a, etag, LENGTH_OF(etag));
    g->http.last_modified_ms = entry.modified_at_ms;
    http_reply_content(x, &g->http);
    return NULL;
}

/* The tag of If-Match without its quotes, as S3 takes it. */
static slice bare_tag(slice tag)
{
    bool quoted = tag.n >= 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"';
    return quoted ? slice_part(tag, 1, tag.n - 2) : tag;
}

static err_t delete_native_object(struct http_exchange *x)
{
    const struct entry_address at = path_address(x);
    const struct entry_condition condition = { .if_match = bare_tag(http_header(&x->req, "If-Match")) };
    TRY(entry_view_remove(native_of(x)->core, native_caller(x), &at, &condition, &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "GET", "/v1/native/objects", list_native_objects, HTTP_NO_BODY, 0, "GET /v1/native/objects" },
    { "GET", "/v1/native/objects/{bucket}/{key}", download_native_object, HTTP_NO_BODY, 0,
      "GET and HEAD /v1/native/objects/{bucket}/{key}" },
    { "DELETE", "/v1/native/objects/{bucket}/{key}", delete_native_object, HTTP_NO_BODY, 0,
      "DELETE /v1/native/objects/{bucket}/{key}" },
    { "GET", "/v1/native/objects/{bucket}/{key}/info", show_native_object, HTTP_NO_BODY, 0,
      "GET /v1/native/objects/{bucket}/{key}/info" },
};
const struct native_routes native_object_routes = NATIVE_ROUTES(routes);
