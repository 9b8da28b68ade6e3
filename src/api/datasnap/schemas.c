/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/datasnap.md 3: schemas. */
#include "api/datasnap/datasnap_priv.h"
#include "api/datasnap/handlers_priv.h"
#include "api/kit/list_reply.h"
#include "core/access/access.h"
#include "core/dataset/columns.h"
#include "core/dataset/dataset.h"
#include "core/records/column_index.h"

#define NO_TEXT S("Deve ser um texto.")
#define NO_BOOLEAN S("Deve ser true ou false.")

enum { LIST_AT_ONCE = 20 };

/* ---- listing: in pieces, because a schema may have a thousand fields ---- */

static err_t find_schemas(const struct list_reply *list, const struct id_page *page, struct arena *a,
                          struct list_items *ret)
{
    struct http_exchange *x = list_exchange(list);
    struct dataset_list found;
    TRY(dataset_list(datasnap_of(x)->core, datasnap_caller(x)->account_id, page, a, &found));
    *ret = LIST_ITEMS(found, struct dataset);
    return NULL;
}

static void put_found_schema(const struct list_reply *list, struct json_out *o, const void *schema, struct arena *a)
{
    (void)list;
    datasnap_put_schema(o, schema, a);
}

static const struct list_kind schemas_kind = { LIST_AT_ONCE, find_schemas, put_found_schema, NULL, NULL };

err_t datasnap_schema_list(struct http_exchange *x)
{
    TRY(datasnap_need(x, KEY_READER));
    struct list_reply *list = arena_new(&x->arena, struct list_reply);
    list->page.limit = SIZE_MAX; /* one page has them all */
    return list_reply_send(list, x, datasnap_of(x)->log, &schemas_kind, S("{\"data\":["));
}

/* ---- one schema ---- */

static err_t reply_schema(struct http_exchange *x, int status, const struct dataset *d)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    datasnap_put_schema(&reply.out, d, &x->arena);
    datasnap_reply(&reply, status);
    return NULL;
}

err_t datasnap_schema_get(struct http_exchange *x)
{
    struct dataset d;
    TRY(datasnap_need(x, KEY_READER));
    TRY(datasnap_find_schema(x, &d));
    return reply_schema(x, 200, &d);
}

/* ---- what a body says of a schema ---- */

static void read_text(const struct json *body, const char *name, slice *text, struct field_errors *errors)
{
    const struct json *member = json_get(body, name);
    if (json_absent(member))
        return;
    if (member->type == JS_STRING)
        *text = member->string;
    else
        field_error_add(errors, NO_TEXT, "%s", name);
}

static void read_flag(const struct json *body, const char *name, bool *flag, struct field_errors *errors)
{
    const struct json *member = json_get(body, name);
    if (json_absent(member))
        return;
    if (member->type == JS_BOOL)
        *flag = member->boolean;
    else
        field_error_add(errors, NO_BOOLEAN, "%s", name);
}

/* {"nome":"string"}: the types by name. */
static void read_fields(const struct json *fields, struct arena *a, struct column_list *ret,
                        struct field_errors *errors)
{
    if (fields->type != JS_OBJECT) {
        field_error_add(errors, S("Deve ser um objeto de nomes e tipos."), "fields");
        return;
    }
    ret->items = arena_array(a, struct column, json_count(fields));
    ret->count = 0;
    JSON_EACH(field, fields) {
        struct column *c = &ret->items[ret->count++];
        c->name = field->name;
        c->is_required = false;
        if (field->type != JS_STRING || !column_type_find(field->string, &c->type))
            field_error_add(errors, S("Tipo desconhecido."), "fields." SLICE_FMT,
                            SLICE_ARG(slice_characters(field->name, COLUMN_NAME_MAX)));
    }
}

static err_t infer_fields(const struct json *sample, struct arena *a, struct column_list *ret,
                          struct field_errors *errors)
{
    struct buf text;
    struct json_out out;
    slice name;
    buf_init(&text, JSON_MAX_BYTES * 2);
    json_out_init(&out, &text);
    json_add_value(&out, sample);
    enum column_fault fault = columns_infer(buf_slice(&text), a, ret, &name);
    buf_release(&text);
    TRY(arena_check(a));
    if (fault == COLUMNS_BAD_NAME)
        field_error_add(errors, S("O nome de um campo não é válido."), "sample." SLICE_FMT,
                        SLICE_ARG(slice_characters(name, COLUMN_NAME_MAX)));
    else if (fault)
        field_error_add(errors, S("Deve ser um objeto, ou uma lista de objetos, com no máximo 1000 campos."), "sample");
    return NULL;
}

static void read_required(const struct json *required, const struct column_list *columns, struct arena *a,
                          struct field_errors *errors)
{
    struct column_index index;
    size_t i = 0;
    if (required->type != JS_ARRAY) {
        field_error_add(errors, S("Deve ser uma lista de nomes de campos."), "required");
        return;
    }
    for (size_t k = 0; k < columns->count; k++)
        columns->items[k].is_required = false;
    column_index_init(&index, columns, a);
    JSON_EACH(name, required) {
        size_t at = name->type == JS_STRING ? column_index_find(&index, name->string) : COLUMN_NONE;
        if (at == COLUMN_NONE)
            field_error_add(errors, S("Não é um campo do schema."), "required.%zu", i);
        else
            columns->items[at].is_required = true;
        i++;
    }
}

static void read_processing(const struct json *body, struct dataset_request *r, struct field_errors *errors)
{
    slice processing = S("");
    read_text(body, "processing", &processing, errors);
    if (processing.n && !datasnap_processing_parse(processing, &r->processing))
        field_error_add(errors, S("Deve ser on_upload, manual, by_volume ou scheduled."), "processing");
    const struct json *volume = json_get(body, "volume_bytes");
    if (!json_absent(volume) && (!json_to_i64(volume, &r->volume_bytes) || r->volume_bytes < 1))
        field_error_add(errors, S("Deve ser um número inteiro positivo."), "volume_bytes");
    read_text(body, "schedule", &r->schedule, errors);
}

static void read_dedupe(const struct json *body, struct dataset_request *r, struct field_errors *errors)
{
    slice dedupe = S("");
    read_text(body, "dedupe", &dedupe, errors);
    if (slice_eq(dedupe, S("md5")) || slice_eq(dedupe, S("off")))
        r->takes_duplicates = slice_eq(dedupe, S("off"));
    else if (dedupe.n)
        field_error_add(errors, S("Deve ser md5 ou off."), "dedupe");
}

/* What the body does not mention stays as it is in *r. */
static err_t read_schema(struct http_exchange *x, const struct json *body, struct dataset_request *r)
{
    struct arena *a = &x->arena;
    struct field_errors errors;
    field_errors_init(&errors, a);
    read_text(body, "name", &r->name, &errors);
    read_text(body, "slug", &r->slug, &errors);
    read_text(body, "version", &r->version, &errors);
    read_flag(body, "strict", &r->is_strict, &errors);
    read_dedupe(body, r, &errors);
    read_processing(body, r, &errors);
    const struct json *fields = json_get(body, "fields"), *sample = json_get(body, "sample");
    if (!json_absent(fields))
        read_fields(fields, a, &r->columns, &errors);
    else if (!json_absent(sample))
        TRY(infer_fields(sample, a, &r->columns, &errors));
    const struct json *required = json_get(body, "required");
    if (!json_absent(required) && !errors.count)
        read_required(required, &r->columns, a, &errors);
    return datasnap_refuse_fields(x, &errors);
}

/* The schema itself, or in a member of that name. */
static err_t read_schema_body(struct http_exchange *x, const struct json **ret)
{
    TRY(datasnap_read_body(x, ret));
    const struct json *wrapped = json_get(*ret, "schema");
    if (json_is(wrapped, JS_OBJECT))
        *ret = wrapped;
    return NULL;
}

/* ---- changing ---- */

err_t datasnap_schema_create(struct http_exchange *x)
{
    struct dataset_request request = { .name = S("") };
    struct dataset d;
    const struct json *body;
    TRY(datasnap_need(x, KEY_ADMIN));
    TRY(read_schema_body(x, &body));
    TRY(read_schema(x, body, &request));
    TRY(dataset_create(datasnap_of(x)->core, datasnap_caller(x), &request, &x->arena, &d));
    return reply_schema(x, 201, &d);
}

err_t datasnap_schema_change(struct http_exchange *x)
{
    struct dataset now, d;
    const struct json *body;
    TRY(datasnap_need(x, KEY_ADMIN));
    TRY(read_schema_body(x, &body));
    TRY(datasnap_find_schema(x, &now));
    struct dataset_request request = dataset_request_of(&now);
    TRY(read_schema(x, body, &request));
    TRY(dataset_change(datasnap_of(x)->core, datasnap_caller(x), now.slug, &request, &x->arena, &d));
    return reply_schema(x, 200, &d);
}

err_t datasnap_schema_remove(struct http_exchange *x)
{
    TRY(datasnap_need(x, KEY_ADMIN));
    TRY(dataset_remove(datasnap_of(x)->core, datasnap_caller(x), x->req.params[0], &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}
