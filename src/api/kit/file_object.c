/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/file_object.h"

#include "base/text.h"

slice file_object_etag(const struct file *f, struct arena *a)
{
    slice parts[] = { S("\""), hex_encode(a, (slice){ (const char *)f->md5, MD5_SIZE }), S("\"") };
    return arena_join(a, parts, LENGTH_OF(parts));
}

slice file_object_location(const unsigned char uuid[16], struct arena *a)
{
    slice parts[] = { S(FILE_OBJECT_PATH), uuid_format(a, uuid) };
    return arena_join(a, parts, LENGTH_OF(parts));
}

slice file_object_state_name(enum file_state state)
{
    switch (state) {
    case FILE_ISSUED:
        return S("issued");
    case FILE_STORED:
        return S("stored");
    case FILE_READY:
        return S("ready");
    case FILE_EXPIRED:
        break;
    }
    return S("expired");
}

slice file_object_type(const struct file *f)
{
    return f->content_type.n ? f->content_type : S("application/octet-stream");
}

void file_object_put_members(struct json_out *o, const struct file *f, struct arena *a)
{
    json_put_string(o, "id", uuid_format(a, f->uuid));
    json_put_string(o, "name", f->name);
    json_put_int(o, "size", (int64_t)f->size_bytes);
    json_put_string(o, "md5", hex_encode(a, (slice){ (const char *)f->md5, MD5_SIZE }));
    json_put_string(o, "state", file_object_state_name(f->state));
    json_put_string(o, "owner", f->owner_login);
    json_put_string(o, "way", f->origin);
    json_put_string(o, "content_type", file_object_type(f));
    json_put_string(o, "created_at", time_format_utc(a, f->created_at_ms));
}

void file_object_put(struct json_out *o, const struct file *f, struct arena *a)
{
    json_open_object(o);
    file_object_put_members(o, f, a);
    json_close_object(o);
}

void file_object_reply(struct http_exchange *x, int status, const struct file *f)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    file_object_put(&reply.out, f, &x->arena);
    json_reply_send(&reply, status, JSON_REPLY_TYPE);
}

void file_object_reply_with_link(struct http_exchange *x, const struct file *f, int64_t link_id, slice label)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    file_object_put_members(&reply.out, f, &x->arena);
    json_name(&reply.out, "link");
    json_open_object(&reply.out);
    json_put_int(&reply.out, "id", link_id);
    json_put_string(&reply.out, "label", label);
    json_close_object(&reply.out);
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
}

void file_object_reply_created(struct http_exchange *x, const struct file *f)
{
    http_reply_header(x, "ETag", file_object_etag(f, &x->arena));
    http_reply_header(x, "Location", file_object_location(f->uuid, &x->arena));
    file_object_reply(x, 201, f);
}
