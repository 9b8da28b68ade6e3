/* SPDX-License-Identifier: Apache-2.0 */
#include "core/space/course_write_priv.h"

#include "base/case_fold.h"
#include "core/event.h"
#include "core/file/file_name.h"
#include "core/quota.h"
#include "core/store/account_store.h"

err_t course_write_event(struct meta_tx *tx, const struct course_write *w, const struct course_event *e,
                         struct arena *a)
{
    struct event_params event = { .at_ms = w->now_ms,
                                  .who = w->who,
                                  .account_id = w->account_id,
                                  .action = e->action,
                                  .subject = arena_printf(a, "%s:%lld", e->noun, (long long)e->id),
                                  .detail = e->detail };
    return event_write(tx, &event, a);
}

err_t course_take_room(struct meta_tx *tx, const struct course_write *w, int64_t records, struct arena *a)
{
    return quota_change_records(w->core, tx, w->account_id, records, a);
}

struct name_keys course_name_keys(slice name, slice path, struct arena *a)
{
    return (struct name_keys){ case_fold(a, name), case_fold(a, path) };
}

/* ---- texts ---- */

static bool is_blank(slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ' && text.p[i] != '\t' && text.p[i] != '\r' && text.p[i] != '\n')
            return false;
    return true;
}

err_t course_check_name(slice name, struct arena *a)
{
    if (is_blank(name))
        return err_make(a, ERR_EMPTY, "the name is empty");
    if (!slice_is_utf8(name) || file_name_has_control(name))
        return err_make(a, ERR_INVALID, "the name is not UTF-8, or has control characters");
    if (slice_characters(name, COURSE_NAME_MAX).n < name.n)
        return err_make(a, ERR_TOO_LARGE, "the name has more than %d characters", COURSE_NAME_MAX);
    return NULL;
}

err_t course_check_path(slice path, struct arena *a)
{
    if (!path.n)
        return err_make(a, ERR_EMPTY, "the path is empty");
    if (path.n > COURSE_PATH_MAX)
        return err_make(a, ERR_TOO_LARGE, "the path has more than %d characters", COURSE_PATH_MAX);
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return err_make(a, ERR_INVALID, "the path has other characters than A-Z a-z 0-9 - _");
    }
    return NULL;
}

err_t course_check_text(slice text, struct arena *a)
{
    if (text.n > COURSE_TEXT_MAX)
        return err_make(a, ERR_TOO_LARGE, "the text has more than %d bytes", COURSE_TEXT_MAX);
    return slice_is_utf8(text) ? NULL : err_make(a, ERR_INVALID, "the text is not UTF-8");
}
