/* SPDX-License-Identifier: Apache-2.0 */
/* POST /appfile/file/path: a file is issued, and its client gets a signed URL to put the bytes to (docs/apis/appfile.md 2). The
 * request is handled on the loop; the committer writes the record, and the loop signs the URL. */
#include "api/appfile/appfile_priv.h"
#include "api/appfile/handlers_priv.h"
#include "api/appfile/members.h"
#include "base/live.h"
#include "core/file/file_name.h"
#include "core/sync/workspace.h"

enum {
    ENTITY_TYPE_MAX = 128, /* bytes */
    CATEGORY_MAX = 128,    /* characters, as below */
    TAGS_MAX = 50,
    TAG_MAX = 128,
    METADATA_MAX = 16 * 1024, /* bytes of JSON */
};

struct issue_call {
    struct sync_request request;
    bool has_folder;       /* the client named one */
    struct sync_file file; /* set once it is issued */
};

/* ---- reading ---- */

/* A part of a path. */
static bool is_part(slice s)
{
    return s.n && s.n <= FILE_NAME_MAX_BYTES && !file_name_has_control(s) && !slice_eq(s, S(".")) &&
           !slice_eq(s, S("..")) && slice_find_byte(s, '\\') == SLICE_NONE;
}

static slice read_file_name(const struct json *body, struct appfile_field_errors *errors)
{
    const struct json *member = appfile_member(body, "FileName");
    slice name = S("");
    if (member && !appfile_text(member, &name))
        appfile_add_field_error(errors, "FileName", APPFILE_INVALID, "It must be a string.");
    for (size_t i = name.n; i > 0; i--)
        if (name.p[i - 1] == '/' || name.p[i - 1] == '\\') {
            name = slice_from(name, i);
            break;
        }
    if (!slice_trim(name).n)
        appfile_add_field_error(errors, "FileName", APPFILE_NOT_EMPTY, "FileName must not be empty.");
    else if (name.n > FILE_NAME_MAX_BYTES)
        appfile_add_field_error(errors, "FileName", APPFILE_TOO_LONG, "FileName has more than 255 bytes.");
    else if (!is_part(name))
        appfile_add_field_error(errors, "FileName", APPFILE_INVALID, "FileName is not the name of a file.");
    return name;
}

static bool is_folder(slice path)
{
    slice part;
    bool more = true, good = path.n > 0;
    while (good && more) {
        more = slice_cut(path, '/', &part, &path);
        good = is_part(part);
    }
    return good;
}

static slice read_folder(const struct json *body, slice entity_type, struct appfile_field_errors *errors)
{
    slice folder = appfile_read_text(body, "Folder", SIZE_MAX, errors);
    if (folder.n && !is_folder(folder))
        appfile_add_field_error(errors, "Folder", APPFILE_INVALID, "Folder is not a relative path.");
    if (folder.n)
        return folder;
    return is_folder(entity_type) ? entity_type : S("files");
}

static bool is_tag(const struct json *tag, bool *ret_long)
{
    slice text;
    if (!appfile_text(tag, &text))
        return false;
    *ret_long = *ret_long || slice_characters(text, TAG_MAX).n < text.n;
    return true;
}

/* The tags as JSON; empty: there are none. */
static slice read_tags(struct http_exchange *x, const struct json *body, struct appfile_field_errors *errors)
{
    const struct json *tags = appfile_member(body, "Tags");
    bool is_long = tags && json_count(tags) > TAGS_MAX, good = !tags || tags->type == JS_ARRAY;
    if (good && !is_long)
        JSON_EACH(tag, tags)
            good = good && is_tag(tag, &is_long);
    if (!good)
        appfile_add_field_error(errors, "Tags", APPFILE_INVALID, "Tags must be an array of strings.");
    else if (is_long)
        appfile_add_field_error(errors, "Tags", APPFILE_TOO_LONG, "There are more than 50 tags, or one is too long.");
    if (!tags || !good || is_long)
        return S("");
    SCOPED(buf_releasep) struct buf text;
    struct json_out o;
    buf_init_on(&text, 0, &x->arena);
    json_out_init(&o, &text);
    json_open_array(&o);
    JSON_EACH(tag, tags)
        json_add_string(&o, tag->string);
    json_close_array(&o);
    return buf_give(&text, &x->arena);
}

/* The object as JSON without blanks; empty: there is none. */
static slice read_metadata(struct http_exchange *x, const struct json *body, struct appfile_field_errors *errors)
{
    const struct json *metadata = appfile_member(body, "Metadata");
    if (!metadata)
        return S("");
    if (metadata->type != JS_OBJECT) {
        appfile_add_field_error(errors, "Metadata", APPFILE_INVALID, "Metadata must be an object.");
        return S("");
    }
    SCOPED(buf_releasep) struct buf text;
    struct json_out o;
    buf_init_on(&text, 0, &x->arena);
    json_out_init(&o, &text);
    json_add_value(&o, metadata);
    if (text.n > METADATA_MAX)
        appfile_add_field_error(errors, "Metadata", APPFILE_TOO_LONG, "Metadata has more than 16 KiB.");
    return buf_give(&text, &x->arena);
}

static void read_request(struct http_exchange *x, const struct json *body, struct issue_call *c,
                         struct appfile_field_errors *errors)
{
    struct sync_request *r = &c->request;
    r->name = read_file_name(body, errors);
    r->entity_type = appfile_read_text(body, "EntityType", SIZE_MAX, errors);
    if (r->entity_type.n > ENTITY_TYPE_MAX)
        appfile_add_field_error(errors, "EntityType", APPFILE_TOO_LONG, "EntityType has more than 128 bytes.");
    r->folder = read_folder(body, r->entity_type, errors);
    r->category = appfile_read_text(body, "Category", CATEGORY_MAX, errors);
    r->remark = appfile_read_text(body, "Description", APPFILE_DESCRIPTION_MAX, errors);
    r->action = appfile_read_name(body, "ActionId", errors);
    r->tags = read_tags(x, body, errors);
    r->metadata = read_metadata(x, body, errors);
}

/* ---- replying ---- */

static err_t reply_issued(struct http_exchange *x)
{
    const struct issue_call *c = x->work;
    slice url = appfile_link(x, "PUT", &c->file, c->file.created_at_ms);
    const struct appfile_shown shown = { &c->file, NULL, core_now_ms(appfile_of(x)->core), url };
    appfile_reply_file(x, &shown, true, NULL);
    return NULL;
}

static err_t refuse_issue(struct http_exchange *x, err_t e)
{
    struct appfile_field_errors errors = { .count = 0 };
    if (err_reason(e) != REASON_SYNC_LONG_KEY)
        return e;
    appfile_add_field_error(&errors, "Folder", APPFILE_TOO_LONG,
                            "WorkspaceId, Folder and FileName are too long together.");
    return appfile_refuse_fields(x, &errors);
}

/* Runs on the committer's thread, for which other requests wait. So it only copies what the request does not have, and the loop
 * replies. */
static void copy_issued(void *arg, err_t e, const struct sync_file *issued)
{
    struct http_exchange *x = arg;
    if (e) {
        http_fail(x, refuse_issue(x, e));
        return;
    }
    struct issue_call *c = x->work;
    c->file = *issued;
    slice *const kept[] = { &c->file.handle, &c->file.workspace, &c->file.section, &c->file.key, &c->file.action };
    for (size_t i = 0; i < LENGTH_OF(kept); i++)
        *kept[i] = arena_copy(&x->arena, *kept[i]);
    http_on_loop(x, reply_issued);
}

err_t appfile_file_issue(struct http_exchange *x)
{
    struct appfile *f = appfile_of(x);
    struct issue_call *c = arena_new(&x->arena, struct issue_call);
    struct appfile_field_errors errors = { .count = 0 };
    const struct json *body;
    TRY(appfile_need(x, KEY_WRITER));
    TRY(appfile_read_body(x, &body));
    read_request(x, body, c, &errors);
    struct section_names names = appfile_read_section(x, body, &errors);
    c->request.workspace = names.workspace;
    c->request.section = names.section;
    TRY(appfile_refuse_fields(x, &errors));
    c->request.origin = APPFILE_PURPOSE;
    c->request.bucket_id = f->bucket.id;
    c->request.max_bytes = (uint64_t)LIVE(f->options.max_file_bytes);
    c->request.lifetime_ms = LIVE(f->options.url_lifetime_ms);
    c->request.pending_ms = LIVE(f->options.pending_lifetime_ms);
    c->request.idle_ms = LIVE(f->options.unused_lifetime_ms);
    x->work = c;
    TRY(arena_check(&x->arena)); /* what the record would say may be incomplete */
    sync_file_issue(f->core, appfile_caller(x), &c->request, copy_issued, x);
    return NULL;
}
