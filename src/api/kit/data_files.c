/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/data_files.h"

#include "core/reasons.h"

#include <assert.h>

err_t data_files_find(struct data_files_reply *list, struct http_exchange *x, struct core *core,
                      const struct dataset_file_query *query, int64_t *ret_total)
{
    assert(query->limit <= DATA_FILES_MAX);
    SCRATCH_OF(scratch, &x->arena);
    struct dataset_file_query one_more = *query;
    struct dataset_file_list page;
    one_more.limit++;
    err_t e = dataset_file_list(core, &one_more, &scratch, &page, ret_total);
    if (e)
        return err_copy(&x->arena, e);
    list->core = core;
    for (list->count = 0; list->count < page.count && list->count < query->limit; list->count++)
        list->ids[list->count] = page.items[list->count].id;
    list->more = page.count > query->limit;
    return NULL;
}

static err_t write_data_files(struct json_pieces *pieces, struct buf *out, struct arena *a, bool *ret_end)
{
    struct data_files_reply *list = CONTAINER_OF(pieces, struct data_files_reply, pieces);
    for (; list->next < list->count; list->next++) {
        if (piece_is_full(out))
            return NULL;
        SCRATCH_OF(scratch, a);
        struct dataset_file file;
        bool whole;
        err_t e = dataset_file_find(list->core, list->dataset->id, list->ids[list->next], &scratch, &file);
        if (err_reason(e) == REASON_DATASET_NO_FILE && !json_pieces_in_item(pieces))
            continue;
        if (e)
            return err_copy(a, e);
        list->put(&json_item_begin(pieces, &scratch)->out, list->dataset, &file, &scratch);
        TRY(json_item_end(pieces, out, &whole));
        if (!whole)
            return NULL;
    }
    buf_add(out, list->end);
    *ret_end = true;
    return NULL;
}

err_t data_files_send(struct data_files_reply *list, struct http_exchange *x, struct log *log,
                      const struct dataset *dataset, data_file_put_fn *put, slice begin)
{
    list->dataset = dataset;
    list->put = put;
    json_pieces_init(&list->pieces, x, log, write_data_files);
    buf_add(&list->pieces.pieces.first, begin);
    return piece_reply_send(&list->pieces.pieces, 200, JSON_REPLY_TYPE);
}
