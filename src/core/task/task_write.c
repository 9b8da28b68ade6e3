/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task/task_write_priv.h"

#include "base/json.h"
#include "core/event.h"
#include "core/quota.h"
#include "core/store/comment_store.h"
#include "core/store/task_store.h"

void task_write_begin(struct task_write *w)
{
    w->now_ms = core_now_ms(w->core);
    w->more = false;
    w->ending.who = w->who;
    w->ending.now_ms = w->now_ms;
    hold_ending_begin(&w->ending);
}

err_t task_write_until_done(struct task_write *w, meta_apply_fn *apply, void *arg, struct arena *a)
{
    err_t e;
    do
        e = meta_write(w->core->meta, apply, arg, a);
    while (!e && w->more);
    if (e || !w->ending.more)
        return e;
    /* The removal is committed and has recorded the holds that are still to be released. If this call fails, the next
     * purge releases them. */
    err_t left_to_the_purge = hold_finish_ended(w->core, NULL, a);
    (void)left_to_the_purge;
    return NULL;
}

err_t task_find_for_write(struct meta_tx *tx, struct task_write *w, struct arena *a, struct task *ret,
                          struct task_member_list *ret_members)
{
    err_t e = meta_task_lock(tx, w->task_id, a);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_TASK_NOT_VISIBLE);
    TRY(e);
    return task_find_visible(tx, w->who, w->task_id, a, ret, ret_members);
}

err_t task_take_room(struct meta_tx *tx, const struct task_write *w, int64_t records, struct arena *a)
{
    struct account_use more = { .records = records };
    return quota_take_records(w->core, tx, w->who->account_id, &more, a);
}

/* ---- events ---- */

err_t task_event_write(struct meta_tx *tx, const struct task_write *w, slice action, slice detail, struct arena *a)
{
    struct event_params event = { .at_ms = w->now_ms,
                                  .who = w->who,
                                  .account_id = w->who->account_id,
                                  .action = action,
                                  .subject = arena_printf(a, "task:%lld", (long long)w->task_id),
                                  .detail = detail };
    return event_write(tx, &event, a);
}

slice task_event_comment(struct arena *a, int64_t comment_id)
{
    return arena_printf(a, "comment:%lld", (long long)comment_id);
}

/* ---- texts ---- */

err_t task_check_text(struct meta_tx *tx, struct task_write *w, size_t added, size_t removed, struct arena *a)
{
    if (added <= removed)
        return NULL;
    int64_t present = 0;
    if (w->task_id)
        TRY(meta_comment_bytes(tx, w->task_id, a, &present));
    int64_t kept = present - (int64_t)removed;
    if (kept > TASK_TEXT_BYTES_MAX || added > (size_t)(TASK_TEXT_BYTES_MAX - kept))
        return core_refuse(a, REASON_TASK_TOO_MUCH_TEXT);
    return NULL;
}

bool task_text_is_blank(slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ' && text.p[i] != '\t' && text.p[i] != '\r' && text.p[i] != '\n')
            return false;
    return true;
}

/* ---- details ---- */

/* Writes the members of `target` that `patch` does not name, then those of `patch`. */
static void write_merged(struct json_out *out, const struct json *target, const struct json *patch, const char *inner,
                         struct arena *a)
{
    json_open_object(out);
    JSON_EACH(member, target) {
        const char *name = arena_cstr(a, member->name);
        if (!json_get(patch, name)) {
            json_name(out, name);
            json_add_value(out, member);
        }
    }
    JSON_EACH(member, patch) {
        if (member->type == JS_NULL)
            continue;
        const char *name = arena_cstr(a, member->name);
        const struct json *old = json_get(target, name);
        json_name(out, name);
        if (inner && slice_eq(member->name, slice_of(inner)) && json_is(member, JS_OBJECT) && json_is(old, JS_OBJECT))
            write_merged(out, old, member, NULL, a);
        else
            json_add_value(out, member);
    }
    json_close_object(out);
}

err_t task_merge_details(slice target, slice patch, const char *inner, struct arena *a, slice *ret)
{
    const struct json *old = NULL, *new;
    if (target.n)
        TRY(json_parse(a, target, &old));
    TRY(json_parse(a, patch, &new));
    SCOPED(buf_releasep) struct buf text;
    buf_init_on(&text, 0, a);
    struct json_out out;
    json_out_init(&out, &text);
    write_merged(&out, old, new, inner, a);
    const struct json *merged;
    err_t e =
        json_parse(a, buf_slice(&text), &merged); /* many small changes must not make what nobody can read any more */
    if (e)
        return err_is(e, ERR_UNAVAILABLE) ? e : core_refuse(a, REASON_TASK_TOO_MUCH_TEXT);
    *ret = buf_give(&text, a);
    return NULL;
}
