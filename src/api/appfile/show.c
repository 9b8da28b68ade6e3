/* SPDX-License-Identifier: Apache-2.0 */
/* A file as it stands, in a reply: docs/apis/appfile.md 4 and 7. */
#include "api/appfile/appfile_priv.h"

#include "base/live.h"

/* A report of more bytes is not read on a loop. */
#define LOOP_REPORT_BYTES 2048
/* A reply with a link is good for a part of the life of the link: a client that keeps the reply, because it is told that nothing has
 * changed, must be able to use the link. */
#define LINK_PARTS 3

slice appfile_etag(struct http_exchange *x, const struct sync_file *f, int64_t now_ms)
{
    int64_t part = f->file_id ? now_ms / (LIVE(appfile_of(x)->options.url_lifetime_ms) / LINK_PARTS) : 0;
    return arena_printf(&x->arena, "\"" SLICE_FMT "-%lld-%s-%lld\"", SLICE_ARG(f->handle), (long long)f->revision,
                        appfile_state_name(sync_file_state(f, now_ms)), (long long)part);
}

/* ResponseStatus of a file in this state. False: the file has failed. */
static bool word_state(enum sync_state state, enum appfile_wording wording, const struct appfile_report *report,
                       struct appfile_status *ret)
{
    const struct error_row *expired = &appfile_errors.rows[APPFILE_URL_EXPIRED - ERR_REASONS_API];
    *ret = (struct appfile_status){ 0 };
    if (wording == APPFILE_WORDS_NOTHING)
        return true;
    switch (state) {
    case SYNC_EXPIRED:
        *ret = (struct appfile_status){ expired->code, slice_of(expired->text), S("") };
        return false;
    case SYNC_FAILED:
        *ret = (struct appfile_status){ "ImportFailed", report->reason, report->errors };
        if (!ret->message.n)
            ret->message = S("The file could not be imported");
        return false;
    case SYNC_IMPORTED_WITH_ERRORS:
        ret->errors = report->errors;
        return true;
    case SYNC_QUEUED:
    case SYNC_PROCESSING:
        if (wording == APPFILE_WORDS_WAIT)
            ret->message = S("Import continues in the background");
        return true;
    default:
        return true;
    }
}

static err_t show_file_now(struct http_exchange *x)
{
    struct appfile *appfile = appfile_of(x);
    const struct appfile_show *show = x->work;
    struct arena *a = &x->arena;
    struct sync_file file;
    struct sync_report found;
    struct appfile_report report;
    struct appfile_status status;
    TRY(sync_file_find_report(appfile->core, appfile_caller(x), show->handle, a, &file, &found));
    TRY(appfile_show_report(appfile, &file, &found, a, &report));
    int64_t now_ms = core_now_ms(appfile->core);
    if (show->has_etag) {
        http_reply_header(x, "ETag", appfile_etag(x, &file, now_ms));
        http_reply_header(x, "Cache-Control", S("private, no-cache"));
    }
    slice url = file.file_id ? appfile_link(x, "GET", &file, now_ms) : S("");
    bool is_success = word_state(sync_file_state(&file, now_ms), show->wording, &report, &status);
    appfile_reply_file(x, &(struct appfile_shown){ &file, &report, now_ms, url }, is_success, &status);
    return NULL;
}

err_t appfile_show_file(struct http_exchange *x, const struct sync_file *found, const struct appfile_show *show)
{
    struct appfile_show *kept = arena_new(&x->arena, struct appfile_show);
    *kept = *show;
    x->work = kept;
    if (found->report_bytes <= LOOP_REPORT_BYTES)
        return show_file_now(x);
    http_on_lane(x, HTTP_LANE_ORDINARY, show_file_now);
    return NULL;
}
