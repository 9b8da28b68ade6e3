/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §6.7, §6.9, §6.10. */
#include "api/redu/handlers_priv.h"
#include "api/redu/json_priv.h"
#include "core/space/folder.h"
#include "core/space/folder_file.h"

static void put_file(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    redu_put_file(w, o, record, a);
}

err_t redu_file_get(struct http_exchange *x)
{
    struct folder_file file;
    TRY(folder_file_find(redu_of(x)->core, redu_caller(x), PLACE_SEE, redu_path_id(x), &x->arena, &file));
    return redu_reply(x, 200, S(""), put_file, &file);
}

err_t redu_file_delete(struct http_exchange *x)
{
    TRY(folder_file_remove(redu_of(x)->core, redu_caller(x), redu_path_id(x), &x->arena));
    return redu_reply_nothing(x);
}

static err_t write_files(struct redu_list *list, struct buf *out, struct arena *a, size_t *ret_count)
{
    struct folder_file_list page;
    TRY(folder_file_list(list->writer.r->core, list->parent_id, &list->page, a, &page));
    for (size_t i = 0; i < page.count; i++)
        TRY(redu_list_add(list, out, a, put_file, page.items[i].file.id, &page.items[i]));
    *ret_count = page.count;
    return NULL;
}

err_t redu_folder_files(struct http_exchange *x)
{
    struct folder folder;
    TRY(folder_find(redu_of(x)->core, redu_caller(x), PLACE_SEE, redu_path_id(x), &x->arena, &folder));
    struct redu_list *list = redu_list_new(x, write_files);
    list->parent_id = folder.id;
    return redu_list_send(list);
}
