/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event_prune.h"

#include "base/live.h"
#include "base/text.h"
#include "core/event.h"
#include "core/store/event_store.h"
#include "core/store/transaction.h"

enum {
    EVENTS_READ = 500,   /* in one snapshot */
    EVENTS_REMOVED = 300 /* in one write; other writes wait for it */
};

struct prune {
    const struct event_prune_request *request;
    int64_t now_ms;
    struct event_span span; /* the ids of all that are to be removed */
    bool is_recorded;
    int64_t removed; /* by the last write */
};

/* The oldest events that are older than that. Times need not rise with the ids, because a clock can be set back: the first
 * event that is young enough ends the search, so no younger event is ever removed. */
static err_t find_oldest_events(struct core *core, struct prune *p, struct arena *a)
{
    size_t count = EVENTS_READ;
    p->span = (struct event_span){ 0 };
    while (count == EVENTS_READ && !job_is_stopping(p->request->run)) {
        SCRATCH(scratch);
        struct event_list page;
        struct event_span all;
        err_t e = event_page(core, p->span.last_id, EVENTS_READ, &scratch, &page, &all);
        if (e)
            return err_copy(a, e);
        for (count = 0; count < page.count && page.items[count].at_ms < p->request->before_ms; count++)
            p->span.last_id = page.items[count].id;
        if (!p->span.first_id && count)
            p->span.first_id = page.items[0].id;
    }
    return NULL;
}

static err_t apply_event_prune(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct prune *p = arg;
    slice subject = arena_printf(a, "events:%lld-%lld", (long long)p->span.first_id, (long long)p->span.last_id);
    slice before[] = { S("before "), time_format_utc(a, p->request->before_ms) };
    struct event_params event = { .at_ms = p->now_ms,
                                  .who = p->request->who,
                                  .action = S("event.prune"),
                                  .subject = subject,
                                  .detail = arena_join(a, before, LENGTH_OF(before)) };
    if (!p->is_recorded)
        TRY(event_write(tx, &event, a));
    return meta_event_remove_oldest(tx, p->span.last_id, EVENTS_REMOVED, a, &p->removed);
}

err_t event_prune(struct core *core, const struct event_prune_request *request, struct arena *a, int64_t *ret_count)
{
    struct prune p = { .request = request, .now_ms = core_now_ms(core), .removed = EVENTS_REMOVED };
    int64_t count = 0;
    if (request->before_ms > p.now_ms)
        return err_make(a, ERR_INVALID, "that time has not come yet");
    TRY(find_oldest_events(core, &p, a));
    while (p.span.last_id && p.removed == EVENTS_REMOVED && !job_is_stopping(request->run)) {
        SCRATCH(scratch);
        err_t e = meta_write(core->meta, apply_event_prune, &p, &scratch);
        if (e)
            return err_copy(a, e);
        p.is_recorded = true;
        count += p.removed;
        job_advance(request->run, p.removed);
    }
    *ret_count = count;
    return NULL;
}

err_t event_prune_due(struct core *core, struct job_run *run, struct arena *a)
{
    int64_t count, kept_ms = LIVE(core->options.events_kept_ms);
    struct event_prune_request request = { .before_ms = core_now_ms(core) - kept_ms, .run = run };
    return kept_ms ? event_prune(core, &request, a, &count) : NULL;
}
