/* SPDX-License-Identifier: Apache-2.0 */
/* One run sends everything that is due, many at a time. Nothing is written when a delivery begins, so a run that was interrupted leaves
 * it as it was. */
#include "base/live.h"
#include "base/seal.h"
#include "core/job.h"
#include "core/store/webhook_store.h"
#include "core/webhook/webhook.h"
#include "core/webhook/webhook_priv.h"

#include <stdlib.h>

enum {
    AT_ONCE = 64,     /* in all */
    AT_ONCE_EACH = 2, /* to one webhook */
    AGAIN_MS = 1000,
    LOOK_MS = 300, /* how long a run waits before it looks for more that is due */
    FORGOTTEN_AT_ONCE = 300,
    ERROR_BYTES = 500
};

struct flight {
    int64_t delivery_id, webhook_id; /* 0: free */
};

struct run_state {
    struct core *core;
    const struct webhooks *all;
    struct job_run *run;
    struct flight flights[AT_ONCE];
    size_t count;
    bool has_sent;    /* something, in this run */
    int64_t first_id; /* of the webhook that is looked at first, so that each has its turn */
};

void webhook_use(struct core *core, struct hook_sender *sender, const struct webhook_format_use *more, size_t count)
{
    struct webhooks *all = must_malloc(sizeof *all);
    *all = (struct webhooks){ .sender = sender, .more = more, .count = count };
    free(core->webhooks);
    core->webhooks = all;
}

static const struct webhook_format *find_format(const struct webhooks *all, slice name, void **ret_arg)
{
    *ret_arg = NULL;
    if (slice_eq(name, slice_of(webhook_events_format.name)))
        return &webhook_events_format;
    for (size_t i = 0; i < all->count; i++)
        if (slice_eq(name, slice_of(all->more[i].format->name))) {
            *ret_arg = all->more[i].arg;
            return all->more[i].format;
        }
    return NULL;
}

/* ---- outcomes ---- */

static err_t apply_delivery_update(struct meta_tx *tx, void *arg, struct arena *a)
{
    return meta_delivery_update(tx, arg, a);
}

static int64_t pause_ms(struct core *core, const struct webhook_format *format, int64_t failed)
{
    int64_t ms = format->pauses_ms[failed - 1];
    uint64_t number;
    if (!format->varies_pauses)
        return ms;
    random_fill(core->random, &number, sizeof number);
    return ms + (int64_t)(number % (uint64_t)(ms / 5 + 1));
}

/* error NULL: it was delivered, and `note` is kept with it. A delivery that is gone, because its webhook was removed, is nobody's any more. */
static err_t end_attempt(struct core *core, const struct webhook_format *format, struct webhook_delivery *d,
                         const char *error, slice note, struct arena *a)
{
    int64_t now_ms = core_now_ms(core);
    d->attempts++;
    d->error = slice_part(error ? slice_of(error) : note, 0, ERROR_BYTES);
    d->state = !error                                                  ? DELIVERY_DONE
               : format && d->attempts <= (int64_t)format->pause_count ? DELIVERY_WAITING
                                                                       : DELIVERY_FAILED;
    if (d->state == DELIVERY_WAITING)
        d->next_at_ms = now_ms + pause_ms(core, format, d->attempts);
    else
        d->ended_at_ms = now_ms;
    err_t e = meta_write(core->meta, apply_delivery_update, d, a);
    return err_is(e, ERR_CONFLICT) || err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

/* ---- beginning ---- */

static err_t open_call(const struct run_state *s, const struct webhook *hook, const struct webhook_delivery *d,
                       struct arena *a, struct webhook_call *ret, const struct webhook_format **ret_format)
{
    void *arg;
    const struct webhook_format *format = *ret_format = find_format(s->all, hook->format, &arg);
    *ret = (struct webhook_call){
        .core = s->core, .hook = hook, .delivery = d, .now_ms = core_now_ms(s->core), .arg = arg
    };
    if (!format)
        return err_make(a, ERR_UNSUPPORTED, "this server has no such format of webhooks");
    if (!s->core->seal)
        return err_make(a, ERR_CORRUPT, "there is no master key for its secret");
    return seal_open(s->core->seal, webhook_seal_subject(a, hook->id), hook->sealed_secret, a, &ret->secret);
}

static err_t send_message(struct run_state *s, const struct webhook_call *call, const struct webhook_format *format,
                          const struct webhook_message *m, struct arena *a)
{
    struct hook_request request = { .tag = call->delivery->id,
                                    .url = call->hook->url,
                                    .headers = m->headers,
                                    .body = m->body,
                                    .timeout_ms = format->timeout_ms };
    TRY(s->all->sender->ops->begin(s->all->sender, &request, a));
    for (size_t i = 0; i < AT_ONCE; i++)
        if (!s->flights[i].delivery_id) {
            s->flights[i] = (struct flight){ call->delivery->id, call->hook->id };
            s->has_sent = true;
            s->count++;
            break;
        }
    return NULL;
}

/* Errors: those of the store. What the delivery itself fails of is its outcome. */
static err_t begin_delivery(struct run_state *s, const struct webhook *hook, struct webhook_delivery *d,
                            struct arena *a)
{
    struct webhook_call call;
    const struct webhook_format *format;
    struct webhook_message m = { 0 };
    err_t e = open_call(s, hook, d, a, &call, &format);
    if (!e)
        e = format->write(&call, a, &m);
    if (!e && m.is_unwanted)
        return end_attempt(s->core, format, d, NULL, S(""), a);
    if (!e)
        e = send_message(s, &call, format, &m, a);
    return e ? end_attempt(s->core, format, d, err_text_for_people(a, e).p, S(""), a) : NULL;
}

static size_t flights_to(const struct run_state *s, int64_t webhook_id, int64_t delivery_id, bool *ret_flies)
{
    size_t count = 0;
    *ret_flies = false;
    for (size_t i = 0; i < AT_ONCE; i++) {
        count += s->flights[i].delivery_id && s->flights[i].webhook_id == webhook_id;
        *ret_flies |= s->flights[i].delivery_id == delivery_id;
    }
    return count;
}

static err_t begin_of_webhook(struct run_state *s, const struct webhook *hook, struct arena *a)
{
    struct webhook_delivery_list due;
    bool flies;
    if (flights_to(s, hook->id, 0, &flies) >= AT_ONCE_EACH)
        return NULL;
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(s->core->meta, a, &tx));
        TRY(meta_delivery_due(tx, hook->id, core_now_ms(s->core), 2 * AT_ONCE_EACH, a, &due));
    }
    for (size_t i = 0; i < due.count && s->count < AT_ONCE; i++)
        if (flights_to(s, hook->id, due.items[i].id, &flies) < AT_ONCE_EACH && !flies)
            TRY(begin_delivery(s, hook, &due.items[i], a));
    return NULL;
}

static err_t begin_due(struct run_state *s)
{
    SCRATCH(a);
    struct webhook_list hooks;
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(s->core->meta, &a, &tx));
        TRY(meta_webhook_list_waiting(tx, &a, &hooks));
    }
    size_t first = 0;
    while (first < hooks.count && hooks.items[first].id < s->first_id)
        first++;
    for (size_t i = 0; i < hooks.count && s->count < AT_ONCE; i++) {
        const struct webhook *hook = &hooks.items[(first + i) % hooks.count];
        SCRATCH(scratch);
        TRY(begin_of_webhook(s, hook, &scratch));
        s->first_id = hook->id + 1;
    }
    return NULL;
}

/* ---- ending ---- */

static const char *why_refused(const struct hook_result *r, struct arena *a)
{
    if (r->error)
        return r->error;
    return r->status >= 200 && r->status < 300 ? NULL : arena_printf(a, "the answer was %d", r->status).p;
}

static err_t end_delivery(struct run_state *s, const struct hook_result *r, struct arena *a)
{
    struct webhook_delivery d;
    struct webhook hook;
    struct webhook_call call;
    const struct webhook_format *format;
    for (size_t i = 0; i < AT_ONCE; i++)
        if (s->flights[i].delivery_id == r->tag) {
            s->flights[i] = (struct flight){ 0 };
            s->count--;
        }
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(s->core->meta, a, &tx));
        err_t e = meta_delivery_get(tx, r->tag, a, &d);
        if (!e)
            e = meta_webhook_get(tx, d.webhook_id, a, &hook);
        if (err_is(e, ERR_NOT_FOUND))
            return NULL; /* it was removed meanwhile */
        TRY(e);
    }
    d.status = r->status;
    const char *error = why_refused(r, a);
    err_t e = open_call(s, &hook, &d, a, &call, &format);
    if (error || e || !format->read_answer)
        return end_attempt(s->core, format, &d, error, S(""), a);
    e = format->read_answer(&call, r->body, a);
    return end_attempt(s->core, format, &d, NULL, e ? err_text_for_people(a, e) : S(""), a);
}

/* ---- the run ---- */

struct forgetting {
    int64_t before_ms, count;
};

static err_t apply_forget(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct forgetting *f = arg;
    return meta_delivery_forget(tx, f->before_ms, FORGOTTEN_AT_ONCE, a, &f->count);
}

static err_t forget_ended(struct run_state *s, struct arena *a)
{
    struct forgetting f = { .before_ms = core_now_ms(s->core) - LIVE(s->core->options.finished_jobs_kept_ms),
                            .count = FORGOTTEN_AT_ONCE };
    while (f.count == FORGOTTEN_AT_ONCE && !job_is_stopping(s->run)) {
        SCRATCH(scratch);
        err_t e = meta_write(s->core->meta, apply_forget, &f, &scratch);
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

static err_t send_all_due(struct run_state *s, struct arena *a)
{
    while (!job_is_stopping(s->run)) {
        SCRATCH(scratch);
        struct hook_result r;
        err_t e = begin_due(s);
        if (!e && !s->count)
            break;
        if (!e && s->all->sender->ops->next(s->all->sender, LOOK_MS, &scratch, &r)) {
            job_advance(s->run, 1);
            e = end_delivery(s, &r, &scratch);
        }
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

err_t webhook_deliver(struct core *core, struct job_run *run, struct arena *a)
{
    struct run_state s = { .core = core, .all = core->webhooks, .run = run };
    int64_t next_ms;
    if (!s.all)
        return NULL;
    err_t e = send_all_due(&s, a);
    s.all->sender->ops->cancel(s.all->sender);
    TRY(e);
    TRY(forget_ended(&s, a));
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_delivery_next_ms(tx, a, &next_ms));
    /* An event that came while this run ended has started no other (job_start): one more run looks for it. */
    int64_t again_ms = core_now_ms(core) + AGAIN_MS;
    if (s.has_sent && next_ms > again_ms)
        next_ms = again_ms;
    if (run)
        run->next_at_ms = next_ms;
    return NULL;
}
