/* SPDX-License-Identifier: Apache-2.0 */
#include "api/datasnap/file_json.h"

#include "api/datasnap/datasnap_priv.h"
#include "api/datasnap/line_words.h"
#include "base/text.h"
#include "core/dataset/file_errors.h"

#define NOT_READ S("A leitura do arquivo falhou por um motivo interno. Envie o arquivo novamente.")

static const char *const statuses[DATASET_FILE_STATES] = { [DATASET_FILE_PENDING] = "pending",
                                                           [DATASET_FILE_QUEUED] = "pending",
                                                           [DATASET_FILE_RUNNING] = "processing",
                                                           [DATASET_FILE_DONE] = "completed",
                                                           [DATASET_FILE_FAILED] = "failed" };

/* The states of one status follow each other. */
bool datasnap_status_parse(slice text, enum dataset_file_state *ret_from, enum dataset_file_state *ret_to)
{
    bool found = false;
    for (int i = 0; i < DATASET_FILE_STATES; i++)
        if (slice_eq(text, slice_of(statuses[i]))) {
            *ret_from = found ? *ret_from : (enum dataset_file_state)i;
            *ret_to = (enum dataset_file_state)i;
            found = true;
        }
    return found;
}

static slice validation_of(enum dataset_file_state state)
{
    return state == DATASET_FILE_DONE ? S("ok") : state == DATASET_FILE_FAILED ? S("error") : S("pending");
}

void datasnap_add_file_errors(struct json_out *o, slice errors, struct arena *a)
{
    struct line_error error;
    while (file_errors_next(&errors, &error))
        if (error.fault != LINE_FINE)
            json_add_string(o, line_error_words(&error, a));
}

static void put_errors(struct json_out *o, const struct dataset_file *f, struct arena *a)
{
    json_name(o, "errors");
    json_open_array(o);
    if (f->state == DATASET_FILE_DONE && f->duplicate_of)
        json_add_string(o, DATASNAP_SENT_BEFORE);
    else if (f->state == DATASET_FILE_FAILED && !f->errors.n)
        json_add_string(o, NOT_READ);
    else
        datasnap_add_file_errors(o, f->errors, a);
    json_close_array(o);
}

void datasnap_put_file_head(struct json_out *o, const struct dataset *d, const struct datasnap_file_head *head,
                            struct arena *a)
{
    json_put_string(o, "file_name", head->name);
    json_put_int(o, "size_bytes", (int64_t)head->size_bytes);
    json_put_string(o, "md5", hex_encode(a, (slice){ (const char *)head->md5, MD5_SIZE }));
    json_put_string(o, "schema_slug", d->slug);
    json_put_string(o, "schema_version", head->version);
}

static void put_int_or_null(struct json_out *o, const char *name, bool is_known, int64_t value)
{
    json_name(o, name);
    if (is_known)
        json_add_int(o, value);
    else
        json_add_null(o);
}

static void put_processing(struct json_out *o, const struct dataset_file *f, struct arena *a)
{
    bool is_processed = f->state == DATASET_FILE_DONE || f->state == DATASET_FILE_FAILED;
    json_put_string(o, "processing_status", slice_of(statuses[f->state]));
    put_int_or_null(o, "rows", is_processed, f->rows);
    put_int_or_null(o, "upload_token_id", f->prefix_id != 0, f->prefix_id);
    json_put_string(o, "created_at", datasnap_time(a, f->created_at_ms));
    if (is_processed && f->processed_at_ms) {
        json_put_string(o, "processed_at", datasnap_time(a, f->processed_at_ms));
    } else {
        json_name(o, "processed_at");
        json_add_null(o);
    }
}

void datasnap_put_file(struct json_out *o, const struct dataset *d, const struct dataset_file *f, struct arena *a)
{
    bool is_duplicate = f->state == DATASET_FILE_DONE && f->duplicate_of;
    struct datasnap_file_head head = { f->name, f->size_bytes, f->md5, f->version };
    json_open_object(o);
    json_put_int(o, "id", f->id);
    datasnap_put_file_head(o, d, &head, a);
    json_put_string(o, "validation", validation_of(f->state));
    put_errors(o, f, a);
    json_put_bool(o, "duplicate", is_duplicate);
    if (is_duplicate)
        json_put_int(o, "duplicate_of", f->duplicate_of);
    json_put_string(o, "upload_status", S("completed"));
    put_processing(o, f, a);
    json_close_object(o);
}
