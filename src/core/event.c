/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event.h"

#include "base/text.h"
#include "core/records/event.h"
#include "core/store/event_store.h"

err_t event_write(struct meta_tx *tx, int64_t at_ms, const struct principal *who, int64_t account_id, slice action,
                  slice subject, slice detail, struct arena *a)
{
    struct event event = {
        .at_ms = at_ms,
        .account_id = account_id ? account_id
                      : who      ? who->account_id
                                 : 0,
        .actor_id = who ? who->user_id : 0,
        .actor = who ? who->login : S(""),
        .action = action,
        .subject = subject,
        .detail = detail,
        .request_id = who ? who->request_id : S(""),
    };
    return meta_event_add(tx, &event, a);
}

slice event_file(struct arena *a, const struct file *f)
{
    slice parts[] = { S("file:"), uuid_format(a, f->uuid) };
    return arena_join(a, parts, LENGTH_OF(parts));
}
