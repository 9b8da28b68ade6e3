/* SPDX-License-Identifier: Apache-2.0 */
#include "api/runrun/document_json_priv.h"
#include "api/runrun/runrun_priv.h"
#include "base/media_type.h"

static void put_place(struct json_out *o, const struct document *d)
{
    if (!d->task_id) {
        runrun_put_null(o, "attachable_id");
        runrun_put_null(o, "attachable_type");
        runrun_put_null(o, "attachable_name");
        return;
    }
    json_put_int(o, "attachable_id", d->comment_id ? d->comment_id : d->task_id);
    json_put_string(o, "attachable_type", d->comment_id ? S("Comment") : S("Task"));
    runrun_put_text(o, "attachable_name", d->task_text);
}

void runrun_open_document(struct json_reply *reply, const struct document *d)
{
    struct json_out *o = &reply->out;
    const struct file *f = &d->file;
    int64_t size = (int64_t)(d->has_ticket ? d->ticket.declared_bytes : f->size_bytes);
    int64_t uploaded_at_ms = d->has_ticket ? d->ticket.confirmed_at_ms : f->stored_at_ms;
    slice type = f->content_type.n ? f->content_type : S("application/octet-stream");
    json_open_object(o);
    json_put_int(o, "id", f->id);
    json_put_string(o, "type", S("UploadedDocument"));
    json_put_string(o, "data_file_name", f->name);
    json_put_int(o, "data_file_size", size);
    json_put_string(o, "data_content_type", type);
    json_put_string(o, "file_name", f->name);
    json_put_int(o, "file_size", size);
    json_put_string(o, "file_content_type", type);
    runrun_put_text(o, "file_extension", file_extension(f->name, reply->a));
    runrun_put_date(reply, "uploaded_at", uploaded_at_ms);
    json_put_bool(o, "transfered", uploaded_at_ms != 0);
    json_put_string(o, "uploader_id", f->owner_login);
    json_put_string(o, "uploader_name", d->owner_name.n ? d->owner_name : f->owner_login);
    put_place(o, d);
    runrun_put_null(o, "thumbnail_file_name");
    runrun_put_null(o, "preview_file_name");
    json_put_bool(o, "is_shared", false);
    json_name(o, "tags_data");
    json_add_raw(o, S("[]"));
    json_put_bool(o, "has_approval_request", false);
    static const char *const unknown[] = { "field_label", "task_email_id", "remote_id", "remote_icon_url" };
    for (size_t i = 0; i < LENGTH_OF(unknown); i++)
        runrun_put_null(o, unknown[i]);
    json_name(o, "evaluations");
    json_add_raw(o, S("[]"));
}

#define DOCUMENTS_AT_ONCE 20 /* one has up to 10 KiB */

err_t runrun_write_documents(struct json_pieces *pieces, struct document_walk *walk, struct buf *out, struct arena *a,
                             bool *ret_end)
{
    struct http_exchange *x = pieces->pieces.x;
    struct document_list_request request = walk->request;
    struct document_page page;
    bool whole = true;
    request.limit = walk->left < DOCUMENTS_AT_ONCE ? walk->left : DOCUMENTS_AT_ONCE;
    TRY(document_list(runrun_of(x)->core, runrun_caller(x), &request, a, &page));
    size_t i = 0;
    for (; i < page.count && !piece_is_full(out); i++) {
        struct json_reply *item = json_item_begin(pieces, a);
        runrun_open_document(item, &page.items[i]);
        json_close_object(&item->out);
        TRY(json_item_end(pieces, out, &whole));
        if (!whole)
            break;
        walk->request.after_file_id = page.items[i].file.id;
        walk->request.offset = 0;
        walk->left--;
    }
    *ret_end = i == page.count && (page.count < request.limit || !walk->left);
    return NULL;
}
