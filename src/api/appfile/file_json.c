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

const char *appfile_state_name(enum sync_state state)
{
    return states[state].name;
}

static void put_text(struct json_out *o, const char *name, slice text)
{
    if (text.n)
        json_put_string(o, name, text);
    else
        appfile_put_null(o, name);
}

static void put_time(struct json_out *o, const char *name, struct arena *a, int64_t ms)
{
    put_text(o, name, ms ? appfile_time(a, ms) : S(""));
}

/* JSON that issue.c wrote. */
static void put_kept(struct json_out *o, const char *name, slice json, const char *otherwise)
{
    json_name(o, name);
    json_add_raw(o, json.n ? json : slice_of(otherwise));
}

static slice file_path(struct http_exchange *x, const struct sync_file *f)
{
    return arena_printf(&x->arena, "//" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(appfile_of(x)->bucket.name),
                        SLICE_ARG(f->key));
}

static void put_names(struct http_exchange *x, struct json_out *o, const struct sync_file *f)
{
    json_put_string(o, "FileId", f->handle);
    json_put_string(o, "FileName", f->name);
    json_put_string(o, "FilePath", file_path(x, f));
    json_put_string(o, "WorkspaceId", f->workspace);
    json_put_string(o, "BucketId", f->section);
    put_text(o, "EntityType", f->entity_type);
    appfile_put_null(o, "DataSource");
    json_put_string(o, "Folder", f->folder);
    put_text(o, "Category", f->category);
    put_kept(o, "Tags", f->tags, "[]");
    put_kept(o, "Metadata", f->metadata, "{}");
    put_text(o, "Description", f->remark);
    json_put_string(o, "ActionId", f->action);
    appfile_put_null(o, "FileType");
    appfile_put_null(o, "ReferenceId");
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
    put_text(o, "ContentType", f->content_type);
}

static void put_progress(struct json_out *o)
{
    static const char *const names[] = { "Total", "Processed", "Inserted", "Updated", "Deleted", "Failed", "Percent" };
    json_name(o, "Progress");
    json_open_object(o);
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        json_put_int(o, names[i], 0);
    json_close_object(o);
}

static void put_file(struct http_exchange *x, struct json_out *o, const struct sync_file *f)
{
    struct arena *a = &x->arena;
    enum sync_state state = sync_file_state(f, core_now_ms(appfile_of(x)->core));
    json_open_object(o);
    put_names(x, o, f);
    put_bytes(o, f, a);
    json_put_string(o, "Status", slice_of(states[state].name));
    json_put_string(o, "Result", slice_of(states[state].result));
    put_progress(o);
    put_kept(o, "Errors", S(""), "[]");
    put_kept(o, "Logs", S(""), "[]");
    put_time(o, "UrlExpires", a, f->link_expires_at_ms);
    put_time(o, "Created", a, f->created_at_ms);
    put_time(o, "Uploaded", a, f->uploaded_at_ms);
    appfile_put_null(o, "ImportStarted");
    appfile_put_null(o, "ImportFinished");
    put_time(o, "Modified", a, f->modified_at_ms);
    json_close_object(o);
}

void appfile_put_file(struct http_exchange *x, struct json_out *o, const struct sync_file *f, slice url)
{
    json_put_string(o, "ActionId", f->action);
    json_name(o, "File");
    put_file(x, o, f);
    json_put_string(o, "FileId", f->handle);
    json_put_string(o, "FilePath", file_path(x, f));
    put_text(o, "Url", url);
}
