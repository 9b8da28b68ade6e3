/* SPDX-License-Identifier: Apache-2.0 */
/* A value is appended to the object as JSON text, and if it belongs to the key, also to the key, from that text. So what is equal in
 * the object is equal in the key. Of a delete, the object is only where the values of its key are made. */
#include "core/sync/row_maker_priv.h"

#include "core/sync/sync_value.h"

void row_maker_init(struct row_maker *m, const struct sync_header *header, struct arena *account)
{
    *m = (struct row_maker){ .header = header, .account = account };
    arena_init_child(&m->scratch, account);
    buf_init_on(&m->object, SYNC_OBJECT_MAX, account);
    buf_init_on(&m->key, SYNC_KEY_MAX, account);
    buf_init_on(&m->shown_key, 0, account);
}

void row_maker_release(struct row_maker *m)
{
    arena_release(&m->scratch);
    buf_release(&m->object);
    buf_release(&m->key);
    buf_release(&m->shown_key);
}

void row_maker_begin(struct row_maker *m, bool is_delete)
{
    if (m->scratch.block) {
        arena_release(&m->scratch);
        arena_init_child(&m->scratch, m->account);
    }
    buf_clear(&m->object);
    buf_clear(&m->key);
    buf_clear(&m->shown_key);
    m->shown_parts = 0;
    m->row = (struct sync_row){ .is_delete = is_delete };
}

void row_maker_fail(struct row_maker *m, enum sync_fault fault, slice field)
{
    if (m->row.fault && fault != SYNC_FIELD_COUNT)
        return;
    m->row.fault = fault;
    m->row.field = field;
    m->row.value = S("");
}

void row_maker_show_key(struct row_maker *m, slice text)
{
    if (m->shown_parts++)
        buf_add_byte(&m->shown_key, '\0');
    text = slice_characters(text, SYNC_SHOWN_MAX);
    for (size_t i = 0; i < text.n; i++)
        buf_add_byte(&m->shown_key, text.p[i] ? text.p[i] : ' ');
}

void row_maker_fail_row(struct row_maker *m, slice text)
{
    row_maker_fail(m, SYNC_BAD_VALUE, S(""));
    m->row.value = slice_characters(text, SYNC_SHOWN_MAX);
}

static void fail_value(struct row_maker *m, const struct sync_field *f, slice value)
{
    row_maker_fail(m, SYNC_BAD_VALUE, f->code);
    m->row.type = f->type;
    m->row.value = slice_characters(value, SYNC_SHOWN_MAX);
}

static size_t begin_value(struct row_maker *m, const struct sync_field *f)
{
    if (!m->row.is_delete) {
        buf_add_byte(&m->object, m->object.n ? ',' : '{');
        buf_add(&m->object, f->label);
    }
    return m->object.n;
}

/* The value is what the object has from `begin` on; shown: what stands in the file. */
static void end_value(struct row_maker *m, size_t i, size_t begin, bool is_value, slice shown)
{
    const struct sync_field *f = &m->header->fields[i];
    if (!is_value || m->object.failed) {
        fail_value(m, f, shown);
        return;
    }
    slice json = slice_from(buf_slice(&m->object), begin);
    if (i >= m->header->key_count) {
        if (!json.n)
            buf_add(&m->object, S("null"));
        return;
    }
    if (!json.n) {
        row_maker_fail(m, SYNC_MISSING_KEY, f->code);
        return;
    }
    if (i)
        buf_add_byte(&m->key, '\0');
    sync_value_add_key(f->type, json, &m->key);
    if (m->key.failed)
        fail_value(m, f, shown);
}

void row_maker_add_text(struct row_maker *m, size_t i, slice text)
{
    const struct sync_field *f = &m->header->fields[i];
    if (m->row.fault)
        return;
    size_t begin = begin_value(m, f);
    bool is_value = !text.n || sync_value_add_text(f->type, text, &m->scratch, &m->object);
    end_value(m, i, begin, is_value, text);
}

/* What the dictionary of the field has for a text; false: nothing. */
static bool find_replacement(const struct sync_field *f, slice text, slice *ret_to)
{
    size_t from = 0, to = f->dictionary_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = slice_cmp(f->dictionary[middle].from, text);
        if (!order) {
            *ret_to = f->dictionary[middle].to;
            return true;
        }
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

void row_maker_add_json(struct row_maker *m, size_t i, const struct json_value *v)
{
    const struct sync_field *f = &m->header->fields[i];
    slice text;
    if (m->row.fault)
        return;
    bool is_scalar = v->kind != JSON_KIND_ARRAY && v->kind != JSON_KIND_OBJECT && v->kind != JSON_KIND_NULL;
    if (f->dictionary_count && is_scalar && !json_value_text(v, &m->scratch, &text) &&
        find_replacement(f, text, &text)) {
        row_maker_add_text(m, i, text);
        return;
    }
    size_t begin = begin_value(m, f);
    bool is_value = sync_value_add_json(f->type, v, &m->scratch, &m->object);
    end_value(m, i, begin, is_value, v->raw);
}

err_t row_maker_end(struct row_maker *m, struct sync_row *ret_row)
{
    TRY(arena_check(m->account));
    if (m->row.fault) {
        m->row.key = buf_slice(&m->shown_key);
    } else {
        m->row.key = buf_slice(&m->key);
        buf_add_byte(&m->object, '}');
        if (m->object.failed)
            row_maker_fail(m, SYNC_BAD_VALUE, S(""));
        else if (!m->row.is_delete)
            m->row.object = buf_slice(&m->object);
    }
    *ret_row = m->row;
    return NULL;
}
