/* SPDX-License-Identifier: Apache-2.0 */
/* The object File: docs/apis/appfile.md 7. What only an import finds out is null, as long as none was asked for. */
#include "api/appfile/appfile_priv.h"
#include "base/text.h"

static const struct {
    const char *name, *result;
} states[SYNC_STATES] = {
    [SYNC_CREATED] = { "created", "pending" },
    [SYNC_UPLOADED] = { "uploaded", "pending" },
    [SYNC_QUEUED] = { "queued", "pending" },
    [SYNC_PROCESSING] = { "processing", "pending" },
    [SYNC_IMPORTED] = { "imported", "successful" },
    [SYNC_IMPORTED_WITH_ERRORS] = { "importedwitherrors", "successful" },
    [SYNC_FAILED] = { "failed", "failed" },
    [SYNC_EXPIRED] = { "expired", "failed" },
    [SYNC_PURGED] = { "purged", "failed" },
};
static const char *const ways[SYNC_WAYS] = {
    [SYNC_BY_LINK] = "api", [SYNC_BY_FOLDER] = "sftp", [SYNC_BY_PAGE] = "portal", [SYNC_BY_BODY] = "data"
};

static const char *const forms[SYNC_FORM_COUNT] = { [SYNC_LINES] = "cc5", [SYNC_JSON] = "json" };

const char *appfile_state_name(enum sync_state state)
{
    return states[state].name;
}

const char *appfile_state_result(enum sync_state state)
{
    return states[state].result;
}

const char *appfile_way_name(enum sync_way way)
{
    return ways[way];
}

const char *appfile_form_name(enum sync_form form)
{
    return forms[form];
}

static void put_time(struct json_out *o, const char *name, struct arena *a, int64_t ms)
{
    appfile_put_text(o, name, ms ? appfile_time(a, ms) : S(""));
}

/* JSON that issue.c wrote. */
static void put_kept(struct json_out *o, const char *name, slice json, const char *otherwise)
{
    json_name(o, name);
    json_add_raw(o, json.n ? json : slice_of(otherwise));
}

slice appfile_file_path(const struct appfile *appfile, const struct sync_file *f, struct arena *a)
{
    return arena_printf(a, "//" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(appfile->bucket.name), SLICE_ARG(f->key));
}

static void put_names(const struct appfile *appfile, struct json_out *o, const struct sync_file *f, struct arena *a)
{
    json_put_string(o, "FileId", f->handle);
    json_put_string(o, "FileName", f->name);
    json_put_string(o, "FilePath", appfile_file_path(appfile, f, a));
    json_put_string(o, "WorkspaceId", f->workspace);
    json_put_string(o, "BucketId", f->section);
    appfile_put_text(o, "EntityType", f->entity_type);
    appfile_put_text(o, "DataSource", f->import.data_source);
    json_put_string(o, "Folder", f->folder);
    appfile_put_text(o, "Category", f->category);
    put_kept(o, "Tags", f->tags, "[]");
    put_kept(o, "Metadata", f->metadata, "{}");
    appfile_put_text(o, "Description", f->remark);
    json_put_string(o, "ActionId", f->action);
    appfile_put_text(o, "FileType", f->import.number ? slice_of(forms[f->import.form]) : S(""));
    appfile_put_text(o, "ReferenceId", f->import.reference);
    json_put_string(o, "Source", slice_of(ways[f->way]));
}

static void put_bytes(struct json_out *o, const struct sync_file *f, struct arena *a)
{
    if (!f->uploaded_at_ms) {
        appfile_put_null(o, "Size");
        appfile_put_null(o, "Md5");
        appfile_put_null(o, "ContentType");
        return;
    }
    json_put_int(o, "Size", (int64_t)f->size_bytes);
    json_put_string(o, "Md5", hex_encode(a, (slice){ (const char *)f->md5, MD5_SIZE }));
    appfile_put_text(o, "ContentType", f->content_type);
}

static int percent(const struct sync_progress *rows, enum sync_state state)
{
    if (!rows->total)
        return state == SYNC_IMPORTED ? 100 : 0;
    return (int)(100 * rows->done / rows->total);
}

static void put_progress(struct json_out *o, const struct sync_progress *rows, enum sync_state state)
{
    json_name(o, "Progress");
    json_open_object(o);
    json_put_int(o, "Total", rows->total);
    json_put_int(o, "Processed", rows->done);
    json_put_int(o, "Inserted", rows->inserted);
    json_put_int(o, "Updated", rows->updated);
    json_put_int(o, "Deleted", rows->deleted);
    json_put_int(o, "Failed", rows->failed);
    json_put_int(o, "Percent", percent(rows, state));
    json_close_object(o);
}

void appfile_put_file(const struct appfile *appfile, struct json_out *o, const struct appfile_shown *shown,
                      struct arena *a)
{
    const struct sync_file *f = shown->file;
    const struct appfile_report *report = shown->report;
    enum sync_state state = sync_file_state(f, shown->now_ms);
    json_open_object(o);
    put_names(appfile, o, f, a);
    put_bytes(o, f, a);
    json_put_string(o, "Status", slice_of(states[state].name));
    json_put_string(o, "Result", slice_of(states[state].result));
    put_progress(o, &f->import.rows, state);
    put_kept(o, "Errors", report ? report->errors : S(""), "[]");
    put_kept(o, "Logs", report ? report->logs : S(""), "[]");
    put_time(o, "UrlExpires", a, f->way == SYNC_BY_LINK ? f->link_expires_at_ms : 0);
    put_time(o, "Created", a, f->created_at_ms);
    put_time(o, "Uploaded", a, f->uploaded_at_ms);
    put_time(o, "ImportStarted", a, f->import.started_at_ms);
    put_time(o, "ImportFinished", a, f->import.finished_at_ms);
    put_time(o, "Modified", a, f->modified_at_ms);
    if (f->way == SYNC_BY_BODY)
        appfile_put_text(o, "Url", shown->url);
    json_close_object(o);
}

void appfile_reply_file(struct http_exchange *x, const struct appfile_shown *shown, bool is_success,
                        const struct appfile_status *status)
{
    const struct sync_file *f = shown->file;
    struct json_reply reply;
    json_reply_begin(&reply, x);
    struct json_out *o = &reply.out;
    appfile_open_envelope(o, is_success, status);
    json_name(o, "Data");
    json_open_object(o);
    json_put_string(o, "ActionId", f->action);
    json_name(o, "File");
    appfile_put_file(appfile_of(x), o, shown, &x->arena);
    json_put_string(o, "FileId", f->handle);
    json_put_string(o, "FilePath", appfile_file_path(appfile_of(x), f, &x->arena));
    appfile_put_text(o, "Url", shown->url);
    json_close_object(o);
    json_close_object(o);
    appfile_reply(&reply, 200);
}

err_t appfile_file_text(void *appfile, const struct sync_file *f, struct arena *a, slice *ret)
{
    struct appfile *api = appfile;
    struct sync_report found;
    struct appfile_report report;
    SCOPED(buf_releasep) struct buf text;
    buf_init_on(&text, 0, a);
    struct json_out o;
    TRY(sync_file_report(api->core, f, a, &found));
    TRY(appfile_show_report(api, f, &found, a, &report));
    json_out_init(&o, &text);
    appfile_put_file(api, &o, &(struct appfile_shown){ f, &report, core_now_ms(api->core), S("") }, a);
    buf_add_byte(&text, '\n');
    TRY(arena_check(a));
    *ret = buf_give(&text, a);
    return NULL;
}
