/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event.h"

#include "base/text.h"
#include "core/store/event_store.h"
#include "core/store/transaction.h"
#include "core/webhook_outbox.h"

err_t event_write(struct meta_tx *tx, const struct event_params *params, struct arena *a)
{
    const struct principal *who = params->who;
    struct event event = {
        .at_ms = params->at_ms,
        .account_id = params->account_id ? params->account_id
                      : who              ? who->account_id
                                         : 0,
        .actor_id = who ? who->user_id : 0,
        .actor = who ? who->login : S(""),
        .action = params->action,
        .subject = params->subject,
        .detail = params->detail.p ? params->detail : S(""),
        .request_id = who ? who->request_id : S(""),
    };
    TRY(meta_event_add(tx, &event, a));
    return webhook_enqueue(tx, &event, a);
}

err_t event_list(struct core *core, int64_t before_id, size_t limit, struct arena *a, struct event_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_event_list(tx, before_id, limit, a, ret);
}

err_t event_page(struct core *core, int64_t after_id, size_t limit, struct arena *a, struct event_list *ret,
                 struct event_span *ret_span)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_event_span(tx, a, ret_span));
    return meta_event_list_after(tx, after_id, limit, a, ret);
}

slice event_file(struct arena *a, const struct file *f)
{
    slice parts[] = { S("file:"), uuid_format(a, f->uuid) };
    return arena_join(a, parts, LENGTH_OF(parts));
}
