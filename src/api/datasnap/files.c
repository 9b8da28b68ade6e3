/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/datasnap.md 6.1 and 6.3: the files of a schema, and starting to process them. */
#include "api/datasnap/datasnap_priv.h"
#include "api/datasnap/file_json.h"
#include "api/datasnap/handlers_priv.h"
#include "api/kit/data_files.h"
#include "base/civil.h"
#include "base/text.h"
#include "core/access/access.h"
#include "core/dataset/dataset_file.h"
#include "http/target.h"

enum {
    PER_PAGE = 15,
    PER_PAGE_MAX = DATA_FILES_MAX,
    HISTORY = 10,
    SEARCH_MAX = 255, /* characters */
    EXECUTORS_MAX = 10
};
#define PAGE_MAX 1000000
#define DAY_MS (SECONDS_OF_DAY * 1000)

/* ---- the parameters of a listing ---- */

/* Like an absent one, an empty parameter says nothing. */
static bool has_param(const struct query *q, const char *name, slice *ret)
{
    return query_get(q, slice_of(name), QUERY_LAST_WINS, ret) && ret->n;
}

static int64_t read_number(const struct query *q, const char *name, int64_t otherwise, int64_t max,
                           struct field_errors *errors)
{
    slice text;
    int64_t number;
    if (!has_param(q, name, &text))
        return otherwise;
    if (slice_to_i64(text, &number) && number >= 1 && number <= max)
        return number;
    field_error_add(errors, arena_printf(errors->a, "Deve ser um número inteiro entre 1 e %lld.", (long long)max), "%s",
                    name);
    return otherwise;
}

static void read_status(const struct query *q, struct dataset_file_query *files, struct field_errors *errors)
{
    slice text;
    if (!has_param(q, "processing_status", &text))
        return;
    files->has_state = datasnap_status_parse(text, &files->from_state, &files->to_state);
    if (!files->has_state)
        field_error_add(errors, S("Deve ser pending, processing, completed ou failed."), "processing_status");
}

/* The first millisecond of the day; `otherwise` when none is given. */
static int64_t read_day(const struct query *q, const char *name, int64_t otherwise, struct field_errors *errors)
{
    slice text;
    int64_t ms;
    if (!has_param(q, name, &text))
        return otherwise;
    if (date_is_valid(text) && time_parse_utc(arena_printf(errors->a, SLICE_FMT "T00:00:00Z", SLICE_ARG(text)), &ms))
        return ms;
    field_error_add(errors, S("Deve ser uma data na forma AAAA-MM-DD."), "%s", name);
    return otherwise;
}

static void read_days(const struct query *q, struct dataset_file_query *files, struct field_errors *errors)
{
    files->from_ms = read_day(q, "date_from", 0, errors);
    int64_t last = read_day(q, "date_to", INT64_MIN, errors);
    if (last == INT64_MIN)
        return;
    /* the whole day; 0 would mean any time, and no file is older than 1970 */
    files->to_ms = last + DAY_MS > 0 ? last + DAY_MS : 1;
}

static void read_search(const struct query *q, struct dataset_file_query *files, struct field_errors *errors)
{
    slice text;
    if (!has_param(q, "search", &text))
        return;
    if (slice_is_utf8(text) && slice_characters(text, SEARCH_MAX).n == text.n)
        files->search = text;
    else
        field_error_add(errors, S("Deve ter no máximo 255 caracteres."), "search");
}

static void read_order(const struct query *q, struct dataset_file_query *files, struct field_errors *errors)
{
    static const char *const names[] = { [DATASET_FILES_BY_CREATION] = "created_at",
                                         [DATASET_FILES_BY_SIZE] = "size_bytes",
                                         [DATASET_FILES_BY_NAME] = "file_name" };
    slice text;
    if (has_param(q, "sort_by", &text)) {
        size_t i = 0;
        while (i < LENGTH_OF(names) && !slice_eq(text, slice_of(names[i])))
            i++;
        files->order = i < LENGTH_OF(names) ? (enum dataset_file_order)i : DATASET_FILES_BY_CREATION;
        if (i == LENGTH_OF(names))
            field_error_add(errors, S("Deve ser created_at, size_bytes ou file_name."), "sort_by");
    }
    if (!has_param(q, "sort_direction", &text))
        return;
    files->ascends = slice_eq_nocase(text, S("asc"));
    if (!files->ascends && !slice_eq_nocase(text, S("desc")))
        field_error_add(errors, S("Deve ser asc ou desc."), "sort_direction");
}

static err_t read_params(struct http_exchange *x, struct query *ret)
{
    err_t e = query_parse(x->req.query, &x->arena, ret);
    return err_is(e, ERR_INVALID) ? datasnap_refuse_because(&x->arena, e, DATASNAP_BAD_QUERY) : e;
}

/* ---- listing ---- */

static err_t begin_listing(struct http_exchange *x, struct dataset *ret, struct query *ret_params)
{
    TRY(datasnap_need(x, KEY_READER));
    TRY(datasnap_count(x, DATASNAP_LISTINGS));
    TRY(datasnap_find_schema(x, ret));
    return read_params(x, ret_params);
}

/* What follows the array: docs/apis/datasnap.md 6.1. */
static slice paging_text(struct arena *a, const struct dataset_file_query *files, int64_t count, int64_t total)
{
    int64_t size = (int64_t)files->limit, first = (int64_t)files->offset + 1;
    int64_t last_page = total ? (total + size - 1) / size : 1;
    slice range = count ? arena_printf(a, "\"from\":%lld,\"to\":%lld", (long long)first, (long long)(first + count - 1))
                        : S("\"from\":null,\"to\":null");
    return arena_printf(a, "],\"current_page\":%lld,\"per_page\":%lld,\"last_page\":%lld,\"total\":%lld," SLICE_FMT "}",
                        (long long)((first - 1) / size + 1), (long long)size, (long long)last_page, (long long)total,
                        SLICE_ARG(range));
}

err_t datasnap_file_list(struct http_exchange *x)
{
    struct data_files_reply *list = arena_new(&x->arena, struct data_files_reply);
    struct dataset *d = arena_new(&x->arena, struct dataset);
    struct query q;
    struct field_errors errors;
    int64_t total;
    TRY(begin_listing(x, d, &q));
    field_errors_init(&errors, &x->arena);
    struct dataset_file_query files = { .dataset_id = d->id, .search = S("") };
    int64_t page = read_number(&q, "page", 1, PAGE_MAX, &errors);
    files.limit = (size_t)read_number(&q, "per_page", PER_PAGE, PER_PAGE_MAX, &errors);
    files.offset = (size_t)(page - 1) * files.limit;
    read_status(&q, &files, &errors);
    read_days(&q, &files, &errors);
    read_search(&q, &files, &errors);
    read_order(&q, &files, &errors);
    TRY(datasnap_refuse_fields(x, &errors));
    TRY(data_files_find(list, x, datasnap_of(x)->core, &files, &total));
    list->end = paging_text(&x->arena, &files, (int64_t)list->count, total);
    return data_files_send(list, x, datasnap_of(x)->log, d, datasnap_put_file, S("{\"data\":["));
}

err_t datasnap_file_history(struct http_exchange *x)
{
    struct data_files_reply *list = arena_new(&x->arena, struct data_files_reply);
    struct dataset *d = arena_new(&x->arena, struct dataset);
    struct query q;
    struct field_errors errors;
    TRY(begin_listing(x, d, &q));
    field_errors_init(&errors, &x->arena);
    struct dataset_file_query files = { .dataset_id = d->id, .search = S("") };
    files.limit = (size_t)read_number(&q, "limit", HISTORY, PER_PAGE_MAX, &errors);
    TRY(datasnap_refuse_fields(x, &errors));
    TRY(data_files_find(list, x, datasnap_of(x)->core, &files, NULL));
    list->end = S("]");
    return data_files_send(list, x, datasnap_of(x)->log, d, datasnap_put_file, S("["));
}

/* ---- one file ---- */

err_t datasnap_file_get(struct http_exchange *x)
{
    struct dataset d;
    struct dataset_file file;
    TRY(datasnap_need(x, KEY_READER));
    TRY(datasnap_find_schema(x, &d));
    TRY(dataset_file_find(datasnap_of(x)->core, d.id, datasnap_path_id(x, 1), &x->arena, &file));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    datasnap_put_file(&reply.out, &d, &file, &x->arena);
    datasnap_reply(&reply, 200);
    return NULL;
}

err_t datasnap_file_remove(struct http_exchange *x)
{
    struct dataset d;
    TRY(datasnap_need(x, KEY_WRITER));
    TRY(datasnap_find_schema(x, &d));
    TRY(dataset_file_remove(datasnap_of(x)->core, datasnap_caller(x), &d, datasnap_path_id(x, 1), &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- processing ---- */

/* Checked, and echoed: the server decides itself how many threads read files. */
static err_t read_executors(struct http_exchange *x, int64_t *ret)
{
    const struct json *body;
    struct field_errors errors;
    int64_t executors = 1, shape;
    TRY(datasnap_read_body(x, &body));
    field_errors_init(&errors, &x->arena);
    const struct json *member = json_get(body, "executors");
    if (!json_absent(member) && (!json_to_i64(member, &executors) || executors < 1 || executors > EXECUTORS_MAX))
        field_error_add(&errors, S("Deve ser um número inteiro entre 1 e 10."), "executors");
    member = json_get(body, "shape_id");
    if (!json_absent(member) && !json_to_i64(member, &shape))
        field_error_add(&errors, S("Deve ser um número inteiro."), "shape_id");
    TRY(datasnap_refuse_fields(x, &errors));
    *ret = executors;
    return NULL;
}

static void put_started(struct json_out *o, const struct dataset_processing_started *started)
{
    json_name(o, "ids");
    json_open_array(o);
    if (started->job_id)
        json_add_int(o, started->job_id);
    json_close_array(o);
    json_put_string(o, "status", started->job_id ? S("started") : S("idle"));
}

err_t datasnap_process(struct http_exchange *x)
{
    struct dataset d;
    struct dataset_processing_started started;
    int64_t executors;
    TRY(datasnap_need(x, KEY_WRITER));
    TRY(datasnap_count(x, DATASNAP_PROCESSINGS));
    TRY(datasnap_find_schema(x, &d));
    TRY(read_executors(x, &executors));
    TRY(dataset_process(datasnap_of(x)->core, datasnap_caller(x), &d, &x->arena, &started));
    int64_t hundredths = (int64_t)((double)started.bytes * 100 / (1 << 20) + 0.5);
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    put_started(&reply.out, &started);
    json_put_string(&reply.out, "schema", d.slug);
    json_put_string(&reply.out, "schema_version", d.version);
    json_put_string(&reply.out, "shape", S("Standard Processing"));
    json_put_int(&reply.out, "executors", executors);
    json_put_int(&reply.out, "files_count", started.files);
    json_name(&reply.out, "total_size_mb");
    json_add_raw(&reply.out,
                 arena_printf(&x->arena, "%lld.%02d", (long long)(hundredths / 100), (int)(hundredths % 100)));
    json_close_object(&reply.out);
    datasnap_reply(&reply, 200);
    return NULL;
}
