/* SPDX-License-Identifier: Apache-2.0 */
#include "core/webhook/webhook.h"

#include "base/seal.h"
#include "base/text.h"
#include "core/event.h"
#include "core/job.h"
#include "core/store/webhook_store.h"
#include "core/webhook/webhook_priv.h"

enum { SECRET_BYTES = 32, REMOVED_AT_ONCE = 300 };
#define TEST_ACTION S("webhook.test")

slice webhook_seal_subject(struct arena *a, int64_t id)
{
    return arena_printf(a, "webhook:%lld", (long long)id);
}

/* ---- adding ---- */

/* What the sender reads must be what was meant: no blanks, no user and password, no fragment. */
static err_t check_url(slice url, struct arena *a)
{
    slice rest = slice_starts(url, S("https://"))  ? slice_from(url, 8)
                 : slice_starts(url, S("http://")) ? slice_from(url, 7)
                                                   : S("");
    size_t slash = slice_find_byte(rest, '/');
    slice host = slash == SLICE_NONE ? rest : slice_part(rest, 0, slash);
    bool good = host.n > 0 && url.n <= WEBHOOK_URL_BYTES && slice_find_byte(host, '@') == SLICE_NONE &&
                host.p[0] != ':' && slice_find_byte(url, '#') == SLICE_NONE && slice_find_byte(url, '\\') == SLICE_NONE;
    for (size_t i = 0; i < url.n; i++)
        good = good && (unsigned char)url.p[i] > ' ' && (unsigned char)url.p[i] < 0x7f;
    return good ? NULL
                : err_make(
                      a, ERR_INVALID,
                      "the URL is none that a webhook can have: https://host/path, of at most %d letters, without user"
                      " and fragment",
                      WEBHOOK_URL_BYTES);
}

static err_t check_events(slice events, struct arena *a)
{
    for (slice rest = events, one; rest.n;) {
        slice_cut(rest, ' ', &one, &rest);
        if (one.n && !webhook_may_tell(one))
            return err_make(a, ERR_INVALID,
                            "webhooks are told of actions that begin with file. or task. (such as file.store)");
    }
    return NULL;
}

struct webhook_addition {
    struct core *core;
    const struct principal *who;
    struct webhook hook;
    slice secret;
};

static err_t write_webhook_event(struct meta_tx *tx, struct core *core, const struct principal *who, const char *action,
                                 const struct webhook *hook, struct arena *a)
{
    struct event_params event = { .at_ms = core_now_ms(core),
                                  .who = who,
                                  .account_id = hook->account_id,
                                  .action = slice_of(action),
                                  .subject = webhook_seal_subject(a, hook->id),
                                  .detail = hook->url };
    return event_write(tx, &event, a);
}

static err_t apply_webhook_add(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct webhook_addition *n = arg;
    int64_t count;
    TRY(meta_webhook_count(tx, n->hook.account_id, a, &count));
    if (count >= WEBHOOKS_OF_ACCOUNT_MAX)
        return err_make(a, ERR_QUOTA, "the account has %d webhooks, which is the most", WEBHOOKS_OF_ACCOUNT_MAX);
    n->hook.created_at_ms = core_now_ms(n->core);
    TRY(meta_webhook_add(tx, &n->hook, a, &n->hook.id));
    slice sealed = seal_close(n->core->seal, webhook_seal_subject(a, n->hook.id), n->secret, a);
    TRY(meta_webhook_set_secret(tx, n->hook.id, sealed, a));
    return write_webhook_event(tx, n->core, n->who, "webhook.create", &n->hook, a);
}

err_t webhook_add(struct core *core, const struct principal *who, const struct webhook_request *r, struct arena *a,
                  int64_t *ret_id, slice *ret_secret)
{
    struct webhook_addition n = { .core = core,
                                  .who = who,
                                  .hook = { .account_id = r->account_id,
                                            .user_id = r->user_id,
                                            .format = slice_of(r->format->name),
                                            .url = r->url,
                                            .events = r->events.n ? r->events : slice_of(r->format->events),
                                            .sealed_secret = S("") },
                                  .secret = r->secret };
    if (!core->seal)
        return err_make(a, ERR_UNSUPPORTED, "without a master key no webhook can be made");
    TRY(check_url(r->url, a));
    TRY(check_events(r->events, a));
    if (r->format->needs_user && !r->user_id)
        return err_make(a, ERR_INVALID, "a webhook of %s is of a user: --user", r->format->name);
    if (!n.secret.n) {
        unsigned char bytes[SECRET_BYTES];
        random_fill(core->random, bytes, sizeof bytes);
        slice parts[] = { S("whsec_"), base64_encode(a, (slice){ (char *)bytes, sizeof bytes }) };
        n.secret = arena_join(a, parts, LENGTH_OF(parts));
    }
    TRY(meta_write(core->meta, apply_webhook_add, &n, a));
    *ret_id = n.hook.id;
    *ret_secret = n.secret;
    return NULL;
}

/* ---- looking at them ---- */

err_t webhook_list(struct core *core, struct arena *a, struct webhook_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_webhook_list(tx, 0, a, ret);
}

err_t webhook_deliveries(struct core *core, int64_t webhook_id, int64_t after_id, bool only_failed, struct arena *a,
                         struct webhook_delivery_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct webhook hook;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_webhook_get(tx, webhook_id, a, &hook));
    const struct delivery_page page = { webhook_id, after_id, only_failed, WEBHOOK_DELIVERIES_PAGE };
    return meta_delivery_list(tx, &page, a, ret);
}

/* ---- changes ---- */

struct webhook_change {
    struct core *core;
    const struct principal *who;
    int64_t id; /* of the webhook, or of a delivery */
    struct webhook_delivery delivery;
    const struct webhook_delivery_list *list;
    bool is_recorded, is_gone;
};

static err_t apply_webhook_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct webhook_change *c = arg;
    struct webhook hook;
    TRY(meta_webhook_get(tx, c->id, a, &hook));
    if (!c->is_recorded)
        TRY(write_webhook_event(tx, c->core, c->who, "webhook.remove", &hook, a));
    return meta_webhook_remove(tx, c->id, REMOVED_AT_ONCE, a, &c->is_gone);
}

err_t webhook_remove(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct webhook_change c = { .core = core, .who = who, .id = id };
    while (!c.is_gone) {
        SCRATCH(scratch);
        err_t e = meta_write(core->meta, apply_webhook_remove, &c, &scratch);
        if (e)
            return err_copy(a, e);
        c.is_recorded = true;
    }
    return NULL;
}

static err_t apply_webhook_retry(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct webhook_change *c = arg;
    int64_t now_ms = core_now_ms(c->core);
    for (size_t i = 0; i < c->list->count; i++) {
        struct event_params event = { .at_ms = now_ms,
                                      .who = c->who,
                                      .action = S("webhook.retry"),
                                      .subject = arena_printf(a, "delivery:%lld", (long long)c->list->items[i].id) };
        TRY(meta_delivery_retry(tx, c->list->items[i].id, now_ms, a));
        TRY(event_write(tx, &event, a));
    }
    return job_start(c->core, tx, S(WEBHOOK_JOB), a);
}

err_t webhook_retry(struct core *core, const struct principal *who, int64_t delivery_id, struct arena *a)
{
    struct webhook_delivery one = { .id = delivery_id };
    const struct webhook_delivery_list list = { &one, 1 };
    struct webhook_change c = { .core = core, .who = who, .list = &list };
    return meta_write(core->meta, apply_webhook_retry, &c, a);
}

err_t webhook_retry_failed(struct core *core, const struct principal *who, int64_t webhook_id, struct arena *a,
                           int64_t *ret_count)
{
    int64_t after_id = 0;
    *ret_count = 0;
    for (bool more = true; more;) {
        SCRATCH(scratch);
        struct webhook_delivery_list list;
        struct webhook_change c = { .core = core, .who = who, .list = &list };
        err_t e = webhook_deliveries(core, webhook_id, after_id, true, &scratch, &list);
        more = !e && list.count == WEBHOOK_DELIVERIES_PAGE;
        if (!e && list.count)
            e = meta_write(core->meta, apply_webhook_retry, &c, &scratch);
        if (e)
            return err_copy(a, e);
        *ret_count += (int64_t)list.count;
        after_id = list.count ? list.items[list.count - 1].id : after_id;
    }
    return NULL;
}

static err_t apply_webhook_test(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct webhook_change *c = arg;
    struct webhook hook;
    TRY(meta_webhook_get(tx, c->id, a, &hook));
    c->delivery = (struct webhook_delivery){ .webhook_id = c->id,
                                             .happened_at_ms = core_now_ms(c->core),
                                             .actor_id = c->who->user_id,
                                             .action = TEST_ACTION,
                                             .subject = webhook_seal_subject(a, c->id),
                                             .detail = S(""),
                                             .request_id = c->who->request_id.p ? c->who->request_id : S(""),
                                             .data = S(""),
                                             .next_at_ms = core_now_ms(c->core) };
    TRY(meta_delivery_add(tx, &c->delivery, a, &c->delivery.id));
    return job_start(c->core, tx, S(WEBHOOK_JOB), a);
}

err_t webhook_test(struct core *core, const struct principal *who, int64_t id, struct arena *a, int64_t *ret_id)
{
    struct webhook_change c = { .core = core, .who = who, .id = id };
    TRY(meta_write(core->meta, apply_webhook_test, &c, a));
    *ret_id = c.delivery.id;
    return NULL;
}
