/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on the tags of an object. The rules for tags, and the text that an entry keeps, are in tags.c. */
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/reply_priv.h"
#include "api/s3/tags_priv.h"
#include "base/buf.h"
#include "base/xml.h"
#include "core/bucket/entry.h"
#include "core/records/entry.h"

err_t s3_tagging_get(struct s3_call *call)
{
    struct arena *a = &call->x->arena;
    struct bucket bucket;
    struct entry entry;
    struct s3_tag tags[S3_TAGS_MAX];
    size_t count = 0;
    TRY(s3_check_version(call));
    TRY(s3_authorize_bucket(call, BUCKET_READ, &bucket));
    TRY(s3_show_missing(call, entry_get(call->s3->core, &bucket, call->key, a, &entry), "Key", call->key));
    if (!s3_tags_read(a, entry.tags, tags, &count))
        return err_make(a, ERR_CORRUPT, "tags that cannot be read");
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "Tagging", S3_NAMESPACE);
    xml_open(&b, "TagSet");
    for (size_t i = 0; i < count; i++) {
        xml_open(&b, "Tag");
        xml_text(&b, "Key", tags[i].name);
        xml_text(&b, "Value", tags[i].value);
        xml_close(&b, "Tag");
    }
    xml_close(&b, "TagSet");
    xml_close(&b, "Tagging");
    return s3_reply_xml(call, &b);
}

/* Read at most one tag more than S3 allows from the document; s3_tags_write then refuses too many. */
static err_t tags_of_document(struct s3_call *call, struct s3_tag tags[S3_TAGS_MAX + 1], size_t *ret_count)
{
    const struct xml *root;
    TRY(s3_read_document(call, "Tagging", &root));
    const struct xml *set = xml_child(root, "TagSet");
    bool right = set != NULL;
    size_t count = 0;
    XML_EACH(tag, set, "Tag")
    {
        slice name = xml_child_text(tag, "Key"), value = xml_child_text(tag, "Value");
        right = right && name.p && value.p;
        if (count <= S3_TAGS_MAX)
            tags[count++] = (struct s3_tag){ name, value };
    }
    *ret_count = count;
    return right ? NULL : s3_refuse(&call->x->arena, S3_MALFORMED_XML);
}

static err_t set_object_tags(struct s3_call *call, slice tags, int status)
{
    struct bucket bucket;
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &bucket));
    err_t e = entry_set_tags(call->s3->core, &call->who, &bucket, call->key, tags, &call->x->arena);
    TRY(s3_show_missing(call, e, "Key", call->key));
    return s3_reply_status(call, status);
}

err_t s3_tagging_put(struct s3_call *call)
{
    struct s3_tag tags[S3_TAGS_MAX + 1];
    size_t count;
    slice text;
    TRY(s3_check_version(call));
    TRY(tags_of_document(call, tags, &count));
    TRY(s3_tags_write(&call->x->arena, tags, count, &text));
    return set_object_tags(call, text, 200);
}

err_t s3_tagging_delete(struct s3_call *call)
{
    TRY(s3_check_version(call));
    return set_object_tags(call, S(""), 204);
}
