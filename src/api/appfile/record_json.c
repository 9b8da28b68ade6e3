/* SPDX-License-Identifier: Apache-2.0 */
#include "api/appfile/record_json.h"

#include "base/json_scan.h"

const char *const record_column_names[RECORD_COLUMNS] = {
    [RECORD_COLUMN_ID] = "_id",
    [RECORD_COLUMN_CREATED] = "created",
    [RECORD_COLUMN_MODIFIED] = "modified",
    [RECORD_COLUMN_FILE] = "fileId",
};

static bool is_column_name(slice name)
{
    for (size_t i = 0; i < RECORD_COLUMNS; i++)
        if (slice_eq(name, slice_of(record_column_names[i])))
            return true;
    return false;
}

static err_t bad_record(struct arena *a)
{
    return err_make(a, ERR_CORRUPT, "a record is no object");
}

static err_t has_column_names(slice object, struct arena *a, bool *ret)
{
    struct json_scan scan;
    struct json_member m;
    enum json_scan_step step;
    *ret = false;
    if (!json_scan_begin(&scan, object))
        return bad_record(a);
    while ((step = json_scan_next(&scan, &m)) == JSON_SCAN_MEMBER)
        *ret |= is_column_name(m.name);
    return step == JSON_SCAN_BAD ? bad_record(a) : NULL;
}

/* The members without those that have the name of a column; the object was scanned before. */
static slice without_column_names(slice object, struct arena *a)
{
    struct json_scan scan;
    struct json_member m;
    struct buf text;
    buf_init_on(&text, 0, a);
    json_scan_begin(&scan, object);
    while (json_scan_next(&scan, &m) == JSON_SCAN_MEMBER) {
        if (is_column_name(m.name))
            continue;
        buf_add(&text, text.n ? S(",\"") : S("\""));
        buf_add(&text, m.name);
        buf_add(&text, S("\":"));
        buf_add(&text, m.value.raw);
    }
    return buf_give(&text, a);
}

static slice column_text(const struct record *r, enum record_column column, struct arena *a)
{
    switch (column) {
    case RECORD_COLUMN_ID:
        return r->id;
    case RECORD_COLUMN_CREATED:
        return appfile_time(a, r->created_at_ms);
    case RECORD_COLUMN_MODIFIED:
        return appfile_time(a, r->modified_at_ms);
    default:
        return r->file;
    }
}

/* The columns from `first` up to `end`, with their commas. */
static slice columns_text(const struct record *r, const bool *shown, int first, int end, struct arena *a)
{
    struct buf text;
    buf_init_on(&text, 0, a);
    for (int i = first; i < end; i++) {
        struct json_out o;
        if (!shown[i])
            continue;
        buf_add(&text, text.n ? S(",") : S(""));
        json_out_init(&o, &text);
        json_put_string(&o, record_column_names[i], column_text(r, (enum record_column)i, a));
    }
    return buf_give(&text, a);
}

err_t record_text_make(const struct record *r, const bool columns[RECORD_COLUMNS], struct arena *a,
                       struct record_text *ret)
{
    bool has_names;
    TRY(has_column_names(r->object, a, &has_names));
    slice head = columns_text(r, columns, RECORD_COLUMN_ID, RECORD_COLUMN_CREATED, a);
    slice body = has_names ? without_column_names(r->object, a) : slice_part(r->object, 1, r->object.n - 2);
    slice tail = columns_text(r, columns, RECORD_COLUMN_CREATED, RECORD_COLUMNS, a);
    bool has_tail = tail.n > 0;
    *ret = (struct record_text){
        .head = arena_join(a, (slice[]){ S("{"), head, head.n && (body.n || has_tail) ? S(",") : S("") }, 3),
        .body = body,
        .tail = arena_join(a, (slice[]){ body.n && has_tail ? S(",") : S(""), tail, S("}") }, 3),
    };
    return arena_check(a);
}
