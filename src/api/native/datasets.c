/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets: docs/native.md. What a dataset is, and what may be changed of it, core/dataset/dataset.h says. */
#include "api/kit/list_reply.h"
#include "api/native/data_priv.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/dataset/columns.h"

enum { LIST_AT_ONCE = 20 }; /* one may have a thousand columns */

/* ---- who may, and what a path names ---- */

err_t native_need_data(struct http_exchange *x, enum key_role role)
{
    const struct principal *who = native_caller(x);
    if (x->req.local || (who->is_admin && key_may(who, role)))
        return NULL;
    return native_refuse(&x->arena, NATIVE_FORBIDDEN);
}

err_t native_path_dataset(struct http_exchange *x, enum key_role role, struct dataset *ret)
{
    TRY(native_need_data(x, role));
    return dataset_find(native_of(x)->core, native_caller(x)->account_id, x->req.params[0], &x->arena, ret);
}

/* ---- one as JSON ---- */

static const char *const processings[] = { [DATASET_ON_UPLOAD] = "on_upload",
                                           [DATASET_MANUAL] = "manual",
                                           [DATASET_BY_VOLUME] = "by_volume",
                                           [DATASET_SCHEDULED] = "scheduled" };

slice native_type_name(enum column_type type)
{
    return column_type_declared(type == COLUMN_DECIMAL_SUM ? COLUMN_DECIMAL : type);
}

void native_put_columns(struct json_out *o, const struct column_list *columns)
{
    json_name(o, "columns");
    json_open_array(o);
    for (size_t i = 0; i < columns->count; i++) {
        json_open_object(o);
        json_put_string(o, "name", columns->items[i].name);
        json_put_string(o, "type", native_type_name(columns->items[i].type));
        json_put_bool(o, "required", columns->items[i].is_required);
        json_close_object(o);
    }
    json_close_array(o);
}

static void put_dataset(struct json_out *o, const struct dataset *d, struct arena *a)
{
    json_open_object(o);
    json_put_string(o, "slug", d->slug);
    json_put_string(o, "name", d->name);
    json_put_string(o, "version", d->version);
    native_put_columns(o, &d->columns);
    json_put_bool(o, "strict", d->is_strict);
    json_put_bool(o, "duplicates", d->takes_duplicates);
    json_put_string(o, "processing", slice_of(processings[d->processing]));
    if (d->processing == DATASET_BY_VOLUME)
        json_put_int(o, "volume_bytes", d->volume_bytes);
    if (d->processing == DATASET_SCHEDULED)
        json_put_string(o, "schedule", d->schedule);
    json_put_int(o, "waiting_files", d->waiting_files);
    json_put_int(o, "size", d->table_bytes);
    json_put_string(o, "created_at", time_format_utc(a, d->created_at_ms));
    json_put_string(o, "modified_at", time_format_utc(a, d->modified_at_ms));
    json_close_object(o);
}

static err_t reply_dataset(struct http_exchange *x, int status, const struct dataset *d)
{
    struct json_reply reply;
    http_reply_header(x, "Cache-Control", S("no-store"));
    json_reply_begin(&reply, x);
    put_dataset(&reply.out, d, &x->arena);
    json_reply_send(&reply, status, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- the list ---- */

static err_t find_datasets(const struct list_reply *list, const struct id_page *page, struct arena *a,
                           struct list_items *ret)
{
    const struct http_exchange *x = list_exchange(list);
    struct dataset_list found;
    TRY(dataset_list(native_of(x)->core, native_caller(x)->account_id, page, a, &found));
    *ret = LIST_ITEMS(found, struct dataset);
    return NULL;
}

static void put_found_dataset(const struct list_reply *list, struct json_out *o, const void *dataset, struct arena *a)
{
    (void)list;
    put_dataset(o, dataset, a);
}

static const struct list_kind datasets_kind = { LIST_AT_ONCE, find_datasets, put_found_dataset, NULL, NULL };

static err_t list_native_datasets(struct http_exchange *x)
{
    struct list_reply *list = arena_new(&x->arena, struct list_reply);
    TRY(native_need_data(x, KEY_READER));
    TRY(native_read_list(x, list));
    http_reply_header(x, "Cache-Control", S("no-store"));
    return list_reply_send(list, x, native_of(x)->log, &datasets_kind, S("{\"datasets\":["));
}

static err_t show_native_dataset(struct http_exchange *x)
{
    struct dataset d;
    TRY(native_path_dataset(x, KEY_READER, &d));
    return reply_dataset(x, 200, &d);
}

/* ---- what a body says of a dataset ---- */

#define invalid(a, ...) err_make((a), ERR_INVALID, __VA_ARGS__)

err_t native_read_object(struct http_exchange *x, const struct json **ret)
{
    err_t e = json_parse_exact(&x->arena, slice_trim(x->req.body), ret);
    if (e && !err_is(e, ERR_INVALID) && !err_is(e, ERR_EMPTY))
        return e;
    return e || (*ret)->type != JS_OBJECT ? native_refuse(&x->arena, NATIVE_BAD_OBJECT) : NULL;
}

static err_t read_text(const struct json *body, const char *name, struct arena *a, slice *ret)
{
    const struct json *member = json_get(body, name);
    if (json_absent(member))
        return NULL;
    if (member->type != JS_STRING)
        return invalid(a, "%s is a text", name);
    *ret = member->string;
    return NULL;
}

static err_t read_flag(const struct json *body, const char *name, struct arena *a, bool *ret)
{
    const struct json *member = json_get(body, name);
    if (json_absent(member))
        return NULL;
    if (member->type != JS_BOOL)
        return invalid(a, "%s is true or false", name);
    *ret = member->boolean;
    return NULL;
}

static err_t read_column(const struct json *j, size_t at, struct arena *a, struct column *ret)
{
    if (!json_is(j, JS_OBJECT))
        return invalid(a, "columns[%zu] is an object", at);
    ret->name = json_str(j, "name");
    ret->is_required = json_flag(j, "required");
    if (!column_name_is_valid(ret->name))
        return invalid(a, "columns[%zu].name is 1 to 63 of A-Z a-z 0-9 _, and does not begin with a digit", at);
    if (!column_type_find(json_str(j, "type"), &ret->type))
        return invalid(a, "columns[%zu].type is unknown", at);
    return NULL;
}

static err_t read_columns(const struct json *list, struct arena *a, struct column_list *ret)
{
    if (list->type != JS_ARRAY)
        return invalid(a, "columns is an array");
    ret->items = arena_array(a, struct column, json_count(list));
    ret->count = 0;
    JSON_EACH(item, list) {
        TRY(arena_check(a));
        TRY(read_column(item, ret->count, a, &ret->items[ret->count]));
        ret->count++;
    }
    return NULL;
}

static err_t read_processing(const struct json *body, struct arena *a, struct dataset_request *r)
{
    slice processing = S("");
    TRY(read_text(body, "processing", a, &processing));
    TRY(read_text(body, "schedule", a, &r->schedule));
    const struct json *volume = json_get(body, "volume_bytes");
    if (!json_absent(volume) && (!json_to_i64(volume, &r->volume_bytes) || r->volume_bytes < 1))
        return invalid(a, "volume_bytes is an integer from 1 on");
    for (int i = 0; processing.n && i <= DATASET_PROCESSING_COUNT; i++) {
        if (i == DATASET_PROCESSING_COUNT)
            return invalid(a, "processing is on_upload, manual, by_volume or scheduled");
        if (!slice_eq(processing, slice_of(processings[i])))
            continue;
        r->processing = (enum dataset_processing)i;
        break;
    }
    return NULL;
}

/* What the body does not mention stays as it is in *r. */
static err_t read_dataset(struct http_exchange *x, struct dataset_request *r)
{
    struct arena *a = &x->arena;
    const struct json *body;
    TRY(native_read_object(x, &body));
    TRY(read_text(body, "name", a, &r->name));
    TRY(read_text(body, "slug", a, &r->slug));
    TRY(read_flag(body, "strict", a, &r->is_strict));
    TRY(read_flag(body, "duplicates", a, &r->takes_duplicates));
    TRY(read_processing(body, a, r));
    const struct json *columns = json_get(body, "columns");
    return json_absent(columns) ? NULL : read_columns(columns, a, &r->columns);
}

/* ---- changing ---- */

static err_t create_native_dataset(struct http_exchange *x)
{
    struct dataset_request request = { .name = S("") };
    struct dataset d;
    TRY(native_need_data(x, KEY_ADMIN));
    TRY(read_dataset(x, &request));
    TRY(dataset_create(native_of(x)->core, native_caller(x), &request, &x->arena, &d));
    return reply_dataset(x, 201, &d);
}

static err_t change_native_dataset(struct http_exchange *x)
{
    struct dataset now, d;
    TRY(native_path_dataset(x, KEY_ADMIN, &now));
    struct dataset_request request = dataset_request_of(&now);
    TRY(read_dataset(x, &request));
    TRY(dataset_change(native_of(x)->core, native_caller(x), now.slug, &request, &x->arena, &d));
    return reply_dataset(x, 200, &d);
}

static err_t delete_native_dataset(struct http_exchange *x)
{
    TRY(native_need_data(x, KEY_ADMIN));
    TRY(dataset_remove(native_of(x)->core, native_caller(x), x->req.params[0], &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- columns of a sample ---- */

/* Lines of JSON as an array: no value has a line break in it that is not escaped. */
static slice array_of_lines(slice lines, struct arena *a)
{
    struct buf array;
    buf_init(&array, 0);
    buf_add_byte(&array, '[');
    while (lines.n) {
        slice line;
        slice_cut(lines, '\n', &line, &lines);
        line = slice_trim(line);
        if (line.n && array.n > 1)
            buf_add_byte(&array, ',');
        buf_add(&array, line);
    }
    buf_add_byte(&array, ']');
    return buf_give(&array, a);
}

static err_t infer_columns(slice sample, struct arena *a, struct column_list *ret)
{
    slice name = S("");
    enum column_fault fault = columns_infer(sample, a, ret, &name);
    if (fault == COLUMNS_BAD_SAMPLE)
        fault = columns_infer(array_of_lines(sample, a), a, ret, &name);
    TRY(arena_check(a));
    switch (fault) {
    case COLUMNS_FINE:
        return ret->count ? NULL : native_refuse(a, NATIVE_BAD_SAMPLE);
    case COLUMNS_TOO_MANY:
        return native_refuse(a, NATIVE_SAMPLE_TOO_WIDE);
    case COLUMNS_BAD_NAME:
    case COLUMNS_NAME_TAKEN:
        return invalid(a, "the sample has a member that cannot be a column: " SLICE_FMT,
                       SLICE_ARG(slice_characters(name, COLUMN_NAME_MAX)));
    default:
        return native_refuse(a, NATIVE_BAD_SAMPLE);
    }
}

static err_t infer_native_columns(struct http_exchange *x)
{
    struct column_list columns;
    struct json_reply reply;
    TRY(native_need_data(x, KEY_READER));
    TRY(infer_columns(x->req.body, &x->arena, &columns));
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    native_put_columns(&reply.out, &columns);
    json_close_object(&reply.out);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "GET", "/v1/native/datasets", list_native_datasets, HTTP_NO_BODY, 0, "GET /v1/native/datasets" },
    { "POST", "/v1/native/datasets", create_native_dataset, 0, NATIVE_DATA_BODY_MAX, "POST /v1/native/datasets" },
    { "GET", "/v1/native/datasets/{slug}", show_native_dataset, HTTP_NO_BODY, 0, "GET /v1/native/datasets/{slug}" },
    { "PATCH", "/v1/native/datasets/{slug}", change_native_dataset, 0, NATIVE_DATA_BODY_MAX,
      "PATCH /v1/native/datasets/{slug}" },
    { "DELETE", "/v1/native/datasets/{slug}", delete_native_dataset, HTTP_NO_BODY, 0,
      "DELETE /v1/native/datasets/{slug}" },
    { "POST", "/v1/native/columns", infer_native_columns, HTTP_LONG, NATIVE_DATA_BODY_MAX, "POST /v1/native/columns" },
};
const struct native_routes native_dataset_routes = NATIVE_ROUTES(routes);
