/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/redu.md §6.1 to §6.6. */
#include "api/redu/handlers_priv.h"
#include "api/redu/json_priv.h"
#include "core/space/folder.h"
#include "core/space/space.h"

static void put_folder(const struct redu_writer *w, struct json_out *o, const void *record, struct arena *a)
{
    redu_put_folder(w, o, record, a);
}

static err_t find_folder(struct http_exchange *x, enum place_verb verb, struct folder *ret)
{
    return folder_find(redu_of(x)->core, redu_caller(x), verb, redu_path_id(x), &x->arena, ret);
}

err_t redu_folder_get(struct http_exchange *x)
{
    struct folder folder;
    TRY(find_folder(x, PLACE_SEE, &folder));
    return redu_reply(x, 200, S(""), put_folder, &folder);
}

/* ---- lists ---- */

static err_t write_folders(struct redu_list *list, struct buf *out, struct arena *a, size_t *ret_count)
{
    struct folder_list page;
    TRY(folder_list(list->writer.r->core, list->parent_id, &list->page, a, &page));
    for (size_t i = 0; i < page.count; i++)
        TRY(redu_list_add(list, out, a, put_folder, page.items[i].id, &page.items[i]));
    *ret_count = page.count;
    return NULL;
}

err_t redu_folder_folders(struct http_exchange *x)
{
    struct folder parent;
    TRY(find_folder(x, PLACE_SEE, &parent));
    struct redu_list *list = redu_list_new(x, write_folders);
    list->parent_id = parent.id;
    return redu_list_send(list);
}

static err_t write_root(struct redu_list *list, struct buf *out, struct arena *a, size_t *ret_count)
{
    struct folder root;
    *ret_count = 0;
    if (list->page.after_id)
        return NULL;
    TRY(folder_find(list->writer.r->core, list->writer.who, PLACE_SEE, list->parent_id, a, &root));
    return redu_list_add(list, out, a, put_folder, root.id, &root);
}

/* Only the root. */
err_t redu_space_folders(struct http_exchange *x)
{
    struct space space;
    TRY(redu_find_space(x, PLACE_SEE, &space));
    struct redu_list *list = redu_list_new(x, write_root);
    list->parent_id = space.root_id;
    return redu_list_send(list);
}

/* ---- changes ---- */

static err_t clean_name(struct http_exchange *x, slice raw, slice *ret)
{
    err_t e = folder_name_clean(raw, &x->arena, ret);
    return err_is(e, ERR_INVALID) ? redu_refuse_because(&x->arena, e, REDU_NAME_WRONG) : e;
}

err_t redu_folder_create(struct http_exchange *x)
{
    const struct json *body;
    struct folder parent, folder;
    slice name;
    int64_t id;
    TRY(redu_read_body(x, "folder", &body));
    TRY(find_folder(x, PLACE_FILE, &parent));
    TRY(clean_name(x, json_str(body, "name"), &name));
    TRY(folder_create(redu_of(x)->core, redu_caller(x), parent.id, name, &x->arena, &id));
    TRY(folder_find(redu_of(x)->core, redu_caller(x), PLACE_SEE, id, &x->arena, &folder));
    return redu_reply(x, 201, redu_path_of("folders", id, &x->arena), put_folder, &folder);
}

err_t redu_folder_update(struct http_exchange *x)
{
    const struct json *body;
    struct folder folder;
    TRY(redu_read_body(x, "folder", &body));
    TRY(find_folder(x, PLACE_FILE, &folder));
    struct folder_change change = { .id = folder.id };
    const struct json *parent = json_get(body, "parent_id");
    if (json_get(body, "name"))
        TRY(clean_name(x, json_str(body, "name"), &change.name));
    if (!json_absent(parent) && (!json_to_i64(parent, &change.parent_id) || change.parent_id <= 0))
        return redu_refuse(&x->arena, REDU_BAD_PARENT);
    if (change.name.n || change.parent_id)
        TRY(folder_change(redu_of(x)->core, redu_caller(x), &change, &x->arena));
    return redu_reply_nothing(x);
}

err_t redu_folder_delete(struct http_exchange *x)
{
    TRY(folder_remove(redu_of(x)->core, redu_caller(x), redu_path_id(x), &x->arena));
    return redu_reply_nothing(x);
}
