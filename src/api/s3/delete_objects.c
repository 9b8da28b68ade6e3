/* SPDX-License-Identifier: Apache-2.0 */
/* DeleteObjects: up to 1,000 keys in one request. Each key has a result of its own; a key that did not
 * exist counts as deleted. */
#include "api/s3/bucket_access_priv.h"
#include "api/s3/call_priv.h"
#include "api/s3/conditions_priv.h"
#include "api/s3/operations_priv.h"
#include "api/s3/params_priv.h"
#include "api/s3/reply_priv.h"
#include "base/buf.h"
#include "base/xml.h"
#include "core/bucket/entry.h"

struct key_deletion {
    slice key, version; /* version empty: the request names none */
    slice etag;         /* delete only the object with this etag; empty: any object */
    err_t e;            /* NULL: deleted */
};

/* False: the request names no key. */
static bool read_deletion(const struct xml *object, struct arena *a, struct key_deletion *d)
{
    slice key = xml_child_text(object, "Key"), version = slice_trim(xml_child_text(object, "VersionId"));
    *d = (struct key_deletion){ key, version, s3_wanted_etag(xml_child_text(object, "ETag")), NULL };
    if (key.n > ENTRY_KEY_MAX)
        d->e = s3_refuse(a, S3_KEY_TOO_LONG);
    else if (version.n && !slice_eq(version, S("null")))
        d->e = s3_refuse(a, S3_NO_SUCH_VERSION); /* do not delete the version that exists instead */
    else if (xml_child(object, "LastModifiedTime") || xml_child(object, "Size"))
        d->e = s3_refuse(a, S3_NOT_IMPLEMENTED);
    return key.n > 0;
}

/* The document must name 1 to 1,000 objects. */
static err_t read_deletions(struct s3_call *call, struct key_deletion **ret, size_t *ret_count, bool *ret_quiet)
{
    const struct xml *root;
    struct arena *a = &call->x->arena;
    TRY(s3_read_document(call, "Delete", &root));
    struct key_deletion *all = arena_array(a, struct key_deletion, S3_LIST_MAX);
    size_t count = 0;
    bool right = true;
    XML_EACH(object, root, "Object")
    {
        right = right && count < S3_LIST_MAX && read_deletion(object, a, &all[count]);
        if (!right)
            break;
        count++;
    }
    *ret = all;
    *ret_count = count;
    *ret_quiet = slice_eq_nocase(slice_trim(xml_child_text(root, "Quiet")), S("true"));
    return right && count ? NULL : s3_refuse(a, S3_MALFORMED_XML);
}

/* All keys are deleted together, also those with a condition: a write for each would keep a worker busy with a thousand of
 * them. */
static err_t delete_all(struct s3_call *call, const struct bucket *bucket, struct key_deletion *all, size_t count)
{
    struct arena *a = &call->x->arena;
    struct entry_removal *removals = arena_array(a, struct entry_removal, count);
    struct key_deletion **of = arena_array(a, struct key_deletion *, count);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i].e)
            continue;
        removals[n] = (struct entry_removal){ .key = all[i].key, .condition = { .if_match = all[i].etag } };
        of[n++] = &all[i];
    }
    if (n)
        TRY(entry_remove_many(call->s3->core, &call->who, bucket, removals, n, a));
    for (size_t i = 0; i < n; i++)
        if (removals[i].refused)
            of[i]->e = s3_refuse(a, S3_PRECONDITION_FAILED);
    return NULL;
}

static void write_result(struct buf *b, const struct key_deletion *d, bool quiet)
{
    if (!d->e && quiet)
        return;
    const char *element = d->e ? "Error" : "Deleted";
    xml_open(b, element);
    xml_text(b, "Key", d->key);
    if (d->version.n)
        xml_text(b, "VersionId", d->version);
    if (d->e) {
        struct error_row words = s3_words(d->e);
        xml_text(b, "Code", slice_of(words.code));
        xml_text(b, "Message", slice_of(words.text));
    }
    xml_close(b, element);
}

err_t s3_objects_delete(struct s3_call *call)
{
    struct bucket bucket;
    struct key_deletion *all;
    size_t count;
    bool quiet;
    TRY(s3_authorize_bucket(call, BUCKET_WRITE, &bucket));
    TRY(read_deletions(call, &all, &count, &quiet));
    TRY(delete_all(call, &bucket, all, count));
    SCOPED(buf_releasep) struct buf b;
    buf_init_on(&b, 0, &call->x->arena);
    xml_begin(&b);
    xml_open_ns(&b, "DeleteResult", S3_NAMESPACE);
    for (size_t i = 0; i < count; i++)
        write_result(&b, &all[i], quiet);
    xml_close(&b, "DeleteResult");
    return s3_reply_xml(call, &b);
}
