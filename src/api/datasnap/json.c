/* SPDX-License-Identifier: Apache-2.0 */
#include "api/datasnap/datasnap_priv.h"
#include "base/text.h"
#include "core/dataset/columns.h"

slice datasnap_time(struct arena *a, int64_t ms)
{
    slice seconds = time_format_utc(a, ms);
    return arena_printf(a, SLICE_FMT ".%03d000Z", SLICE_ARG(slice_part(seconds, 0, seconds.n - 1)), (int)(ms % 1000));
}

static const char *const processings[] = { [DATASET_ON_UPLOAD] = "on_upload",
                                           [DATASET_MANUAL] = "manual",
                                           [DATASET_BY_VOLUME] = "by_volume",
                                           [DATASET_SCHEDULED] = "scheduled" };

bool datasnap_processing_parse(slice text, enum dataset_processing *ret)
{
    for (int i = 0; i < DATASET_PROCESSING_COUNT; i++)
        if (slice_eq(text, slice_of(processings[i]))) {
            *ret = (enum dataset_processing)i;
            return true;
        }
    return false;
}

static void put_required(struct json_out *o, const struct column_list *columns)
{
    json_name(o, "required");
    json_open_array(o);
    for (size_t i = 0; i < columns->count; i++)
        if (columns->items[i].is_required)
            json_add_string(o, columns->items[i].name);
    json_close_array(o);
}

void datasnap_put_schema(struct json_out *o, const struct dataset *d, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", d->id);
    json_put_string(o, "slug", d->slug);
    json_put_string(o, "name", d->name);
    json_put_string(o, "version", d->version);
    json_name(o, "fields");
    json_open_object(o);
    for (size_t i = 0; i < d->columns.count; i++) {
        const struct column *c = &d->columns.items[i];
        json_put_string(o, arena_cstr(a, c->name), column_type_declared(c->type));
    }
    json_close_object(o);
    put_required(o, &d->columns);
    json_put_bool(o, "strict", d->is_strict);
    json_put_string(o, "dedupe", d->takes_duplicates ? S("off") : S("md5"));
    json_put_string(o, "processing", slice_of(processings[d->processing]));
    if (d->processing == DATASET_BY_VOLUME)
        json_put_int(o, "volume_bytes", d->volume_bytes);
    if (d->processing == DATASET_SCHEDULED)
        json_put_string(o, "schedule", d->schedule);
    json_put_string(o, "created_at", datasnap_time(a, d->created_at_ms));
    json_put_string(o, "updated_at", datasnap_time(a, d->modified_at_ms));
    json_close_object(o);
}

void datasnap_reply(struct json_reply *reply, int status)
{
    json_reply_send(reply, status, JSON_REPLY_TYPE);
}

err_t datasnap_read_body(struct http_exchange *x, const struct json **ret)
{
    static const struct json nothing = { .type = JS_OBJECT };
    const struct json *read = &nothing;
    err_t e = json_parse_exact(&x->arena, slice_trim(x->req.body), &read);
    if (err_is(e, ERR_EMPTY) || (!e && read->type == JS_NULL)) {
        read = &nothing;
        e = NULL;
    }
    if (!e && read->type != JS_OBJECT)
        e = err_make(&x->arena, ERR_INVALID, "the body is no object");
    if (err_is(e, ERR_INVALID))
        return datasnap_refuse_because(&x->arena, e, DATASNAP_BAD_REQUEST);
    TRY(e);
    *ret = read;
    return NULL;
}
