/* SPDX-License-Identifier: Apache-2.0 */
/* POST /appfile/file/import/data: rows in the request itself (docs/apis/appfile.md 4.3). The value of ImportData goes to an intake while
 * it comes, and becomes a file like any other. What stands around it is kept, with null in its place, and read at the end. */
#include "api/appfile/appfile_priv.h"
#include "api/appfile/handlers_priv.h"
#include "api/appfile/members.h"
#include "base/json_feed.h"
#include "base/live.h"
#include "core/sync/sync_take.h"

#define BODY_MAX ((uint64_t)10 << 20)
#define ENVELOPE_MAX ((size_t)64 << 10)
#define DATA_FILE_NAME "data.json"
#define DATA_FOLDER "files"

struct data_call {
    struct http_sink sink;
    struct http_exchange *x;
    struct intake *intake;
    struct json_feed feed;
    uint64_t received;
    struct buf envelope;
    bool has_data;
    bool is_skipping; /* a value that is null */
    struct sync_upload upload;
    struct sync_file file; /* set once it is queued: as far as what follows needs it */
};

/* ---- the body comes ---- */

static err_t refuse_data(struct data_call *c, enum appfile_field_code code, const char *message)
{
    struct appfile_field_errors errors = { .count = 0 };
    appfile_add_field_error(&errors, "ImportData", code, message);
    return appfile_refuse_fields(c->x, &errors);
}

static err_t begin_data(struct data_call *c, slice part)
{
    buf_add(&c->envelope, S("null"));
    c->is_skipping = part.p[0] == 'n';
    if (c->is_skipping)
        return NULL;
    if (part.p[0] != '{')
        return refuse_data(c, APPFILE_INVALID, "ImportData must be an object.");
    if (c->has_data)
        return refuse_data(c, APPFILE_INVALID, "There is more than one ImportData.");
    c->has_data = true;
    return NULL;
}

static err_t take_part(struct data_call *c, const struct json_feed_part *part, struct arena *a)
{
    if (part->is_first)
        TRY(begin_data(c, part->bytes));
    if (!part->is_value)
        buf_add(&c->envelope, part->bytes);
    else if (!c->is_skipping)
        return intake_write(c->intake, part->bytes, a);
    if (c->envelope.failed)
        return appfile_refuse(&c->x->arena, APPFILE_TOO_LARGE);
    return NULL;
}

static err_t write_data(struct http_sink *sink, slice bytes)
{
    struct data_call *c = CONTAINER_OF(sink, struct data_call, sink);
    struct json_feed_part part;
    enum json_feed_step step;
    SCRATCH(scratch);
    c->received += bytes.n;
    if (c->received > BODY_MAX)
        return appfile_refuse(&c->x->arena, APPFILE_TOO_LARGE);
    while ((step = json_feed_next(&c->feed, &bytes, &part)) == JSON_FEED_PART) {
        err_t e = take_part(c, &part, &scratch);
        if (e)
            return err_copy(&c->x->arena, e);
    }
    return step == JSON_FEED_BAD ? appfile_refuse(&c->x->arena, APPFILE_INVALID_JSON) : NULL;
}

/* ---- its end ---- */

static void copy_texts(struct sync_request *r, struct arena *a)
{
    slice *const texts[] = { &r->workspace, &r->section, &r->action, &r->remark };
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        *texts[i] = arena_copy(a, *texts[i]);
}

static err_t read_envelope(struct data_call *c)
{
    struct http_exchange *x = c->x;
    struct sync_request *r = &c->upload.request;
    struct appfile_field_errors errors = { .count = 0 };
    const struct json *body;
    if (!json_feed_is_whole(&c->feed))
        return appfile_refuse(&x->arena, APPFILE_INVALID_JSON);
    if (!c->has_data)
        return refuse_data(c, APPFILE_NOT_EMPTY, "ImportData must not be empty.");
    SCRATCH_OF(scratch, &x->arena);
    TRY(appfile_parse(x, buf_slice(&c->envelope), &scratch, &body));
    struct section_names names = appfile_read_section(x, body, &errors);
    r->workspace = names.workspace;
    r->section = names.section;
    r->action = appfile_read_name(body, "ActionId", &errors);
    r->remark = appfile_read_text(body, "Description", APPFILE_DESCRIPTION_MAX, &errors);
    copy_texts(r, &x->arena);
    return appfile_refuse_fields(x, &errors);
}

static err_t wait_for_data(struct http_exchange *x)
{
    struct data_call *c = x->work;
    return appfile_wait_for_import(x, &c->file);
}

/* Runs on the committer's thread, for which other requests wait. */
static void note_data_queued(void *arg, err_t e, const struct file *file)
{
    struct data_call *c = arg;
    struct http_exchange *x = c->x;
    (void)file;
    if (e) {
        http_fail(x, e);
        return;
    }
    appfile_note_queued(x, &c->upload.result, &c->file);
    x->work = c;
    http_on_loop(x, wait_for_data);
}

static err_t finish_data(struct http_sink *sink, struct http_exchange *x, err_t e)
{
    struct data_call *c = CONTAINER_OF(sink, struct data_call, sink);
    if (!e)
        e = read_envelope(c);
    buf_release(&c->envelope);
    if (!e)
        e = arena_check(&x->arena);
    if (e)
        intake_discard(c->intake);
    else
        intake_finish(c->intake, note_data_queued, c);
    return e;
}

/* A large envelope is not parsed on a loop. */
static bool data_blocks(struct http_sink *sink)
{
    struct data_call *c = CONTAINER_OF(sink, struct data_call, sink);
    return intake_blocks(c->intake) || c->envelope.n > HTTP_ON_LOOP_BODY_MAX;
}

/* ---- the request ---- */

static struct sync_request describe_request(const struct appfile *appfile)
{
    const struct appfile_options *o = &appfile->options;
    return (struct sync_request){ .workspace = S(""),
                                  .section = S(""),
                                  .origin = APPFILE_PURPOSE,
                                  .bucket_id = appfile->bucket.id,
                                  .folder = S(DATA_FOLDER),
                                  .entity_type = S(""),
                                  .category = S(""),
                                  .remark = S(""),
                                  .tags = S(""),
                                  .metadata = S(""),
                                  .action = S(""),
                                  .idle_ms = LIVE(o->unused_lifetime_ms) };
}

err_t appfile_data_import(struct http_exchange *x)
{
    struct appfile *appfile = appfile_of(x);
    const struct principal *who = appfile_caller(x);
    TRY(appfile_need(x, KEY_WRITER));
    if (x->req.content_length > (int64_t)BODY_MAX)
        return appfile_refuse(&x->arena, APPFILE_TOO_LARGE);
    struct data_call *c = arena_new(&x->arena, struct data_call);
    struct intake_request intake = { .account_id = who->account_id,
                                     .owner_id = who->user_id,
                                     .owner_login = who->login,
                                     .origin = APPFILE_PURPOSE,
                                     .name = S(DATA_FILE_NAME),
                                     .content_type = S("application/json"),
                                     .request_id = x->req.id,
                                     .grant = grant_of(who),
                                     .max_bytes = (uint64_t)LIVE(appfile->options.max_file_bytes),
                                     .exact_bytes = -1 };
    c->sink = (struct http_sink){ write_data, finish_data, data_blocks };
    c->x = x;
    c->upload = (struct sync_upload){
        .core = appfile->core, .who = who, .request = describe_request(appfile), .form = SYNC_JSON
    };
    json_feed_init(&c->feed, S("ImportData"));
    sync_upload_into(&c->upload, &intake);
    TRY(intake_open(appfile->core, &intake, &x->arena, &c->intake));
    buf_init_on(&c->envelope, ENVELOPE_MAX, &x->arena);
    http_receive(x, &c->sink);
    return NULL;
}
