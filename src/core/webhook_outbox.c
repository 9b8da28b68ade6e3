/* SPDX-License-Identifier: Apache-2.0 */
#include "core/webhook_outbox.h"

#include "base/json.h"
#include "base/text.h"
#include "core/store/file_store.h"
#include "core/store/job_store.h"
#include "core/store/webhook_store.h"

bool webhook_may_tell(slice action)
{
    return slice_starts(action, S("file.")) || slice_starts(action, S("task."));
}

static bool wants(const struct webhook *hook, slice action)
{
    for (slice rest = hook->events, one; rest.n;) {
        slice_cut(rest, ' ', &one, &rest);
        if (one.n && slice_starts(action, one))
            return true;
    }
    return false;
}

static slice describe_file(const struct file *f, struct arena *a)
{
    SCOPED(buf_releasep) struct buf b;
    struct json_out o;
    buf_init(&b, 0);
    json_out_init(&o, &b);
    json_open_object(&o);
    json_put_string(&o, "id", uuid_format(a, f->uuid));
    json_put_int(&o, "number", f->id);
    json_put_string(&o, "name", f->name);
    json_put_string(&o, "content_type", f->content_type);
    json_put_int(&o, "size", (int64_t)f->size_bytes);
    if (f->object_id)
        json_put_string(&o, "md5", hex_encode(a, (slice){ (const char *)f->md5, sizeof f->md5 }));
    json_put_string(&o, "owner", f->owner_login.p ? f->owner_login : S(""));
    json_close_object(&o);
    return arena_copy(a, buf_slice(&b));
}

/* What the subject of the event is now. A file whose record went with the event is known by its name only. */
static err_t describe_subject(struct meta_tx *tx, const struct event *event, struct arena *a, slice *ret)
{
    unsigned char uuid[16];
    struct file file;
    *ret = S("");
    if (!slice_starts(event->subject, S("file:")) || !uuid_parse(slice_from(event->subject, 5), uuid))
        return NULL;
    err_t e = meta_file_by_uuid(tx, uuid, a, &file);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    *ret = describe_file(&file, a);
    return NULL;
}

err_t webhook_enqueue(struct meta_tx *tx, const struct event *event, struct arena *a)
{
    struct webhook_list hooks;
    struct webhook_delivery d = { .happened_at_ms = event->at_ms,
                                  .actor_id = event->actor_id,
                                  .action = event->action,
                                  .subject = event->subject,
                                  .detail = event->detail,
                                  .request_id = event->request_id,
                                  .next_at_ms = event->at_ms };
    bool any = false;
    if (!event->account_id || !webhook_may_tell(event->action))
        return NULL;
    TRY(meta_webhook_list(tx, event->account_id, a, &hooks));
    for (size_t i = 0; i < hooks.count; i++) {
        const struct webhook *hook = &hooks.items[i];
        if (!wants(hook, event->action))
            continue;
        if (hook->waiting >= WEBHOOK_WAITING_MAX) {
            TRY(meta_webhook_drop(tx, hook->id, a));
            continue;
        }
        if (!any)
            TRY(describe_subject(tx, event, a, &d.data));
        any = true;
        d.webhook_id = hook->id;
        TRY(meta_delivery_add(tx, &d, a, &d.id));
    }
    return any ? meta_job_start(tx, S(WEBHOOK_JOB), event->at_ms, a) : NULL;
}
