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

/* ---- search ---- */

enum { EVENTS_AT_ONCE = 250 };

static bool is_or_begins(slice text, slice wanted)
{
    return slice_eq(text, wanted) || (slice_starts(text, wanted) && text.n > wanted.n && text.p[wanted.n] == '.');
}

static bool is_or_ends(slice text, slice wanted)
{
    size_t colon = slice_find_byte(text, ':');
    return slice_eq(text, wanted) || (colon != SLICE_NONE && slice_eq(slice_from(text, colon + 1), wanted));
}

static slice lower_case(slice s, struct arena *a)
{
    char *lower = arena_alloc(a, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        lower[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] - 'A' + 'a') : s.p[i];
    return (slice){ lower, s.n };
}

/* wanted: in lower case. In time that grows with the length of the texts alone, whatever they are. */
static bool event_has_text(const struct event *e, slice wanted, struct arena *a)
{
    const slice texts[] = { e->actor, e->action, e->subject, e->detail };
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        if (slice_find(lower_case(texts[i], a), wanted) != SLICE_NONE)
            return true;
    return false;
}

static bool event_matches_query(const struct event *e, const struct event_query *q, struct arena *a)
{
    return (!q->action.n || is_or_begins(e->action, q->action)) && (!q->actor.n || slice_eq(e->actor, q->actor)) &&
           (!q->subject.n || is_or_ends(e->subject, q->subject)) && (!q->from_ms || e->at_ms >= q->from_ms) &&
           (!q->to_ms || e->at_ms < q->to_ms) && (!q->text.n || event_has_text(e, q->text, a));
}

static struct event copy_event(const struct event *e, struct arena *a)
{
    struct event copy = *e;
    slice *const texts[] = { &copy.account, &copy.actor, &copy.action, &copy.subject, &copy.detail, &copy.request_id };
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        *texts[i] = arena_copy(a, *texts[i]);
    return copy;
}

/* Looks at the next events. *ret_end: there are no more. */
static err_t search_piece(struct core *core, const struct event_query *q, struct event_matches *found, struct arena *a,
                          bool *ret_end)
{
    SCRATCH(scratch);
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct event_list page;
    err_t e = meta_read_begin(core->meta, &scratch, &tx);
    if (!e)
        e = meta_event_list_of(tx, q->account_id, found->next_before_id, EVENTS_AT_ONCE, &scratch, &page);
    if (e)
        return err_copy(a, e);
    for (size_t i = 0; i < page.count && found->count < q->limit; i++) {
        found->next_before_id = page.items[i].id;
        if (event_matches_query(&page.items[i], q, &scratch))
            found->items[found->count++] = copy_event(&page.items[i], a);
    }
    *ret_end = page.count < EVENTS_AT_ONCE && (!page.count || found->next_before_id == page.items[page.count - 1].id);
    return NULL;
}

err_t event_search(struct core *core, const struct event_query *query, struct arena *a, struct event_matches *ret)
{
    struct event_query lowered = *query, *q = &lowered;
    lowered.text = lower_case(query->text, a);
    struct event_matches found = { .items = arena_array(a, struct event, q->limit + 1),
                                   .next_before_id = q->before_id };
    bool ends = false;
    for (size_t looked_at = 0; looked_at < EVENTS_LOOKED_AT && found.count < q->limit && !ends;
         looked_at += EVENTS_AT_ONCE)
        TRY(search_piece(core, q, &found, a, &ends));
    if (ends)
        found.next_before_id = 0;
    *ret = found;
    return NULL;
}

slice event_file(struct arena *a, const struct file *f)
{
    slice parts[] = { S("file:"), uuid_format(a, f->uuid) };
    return arena_join(a, parts, LENGTH_OF(parts));
}
