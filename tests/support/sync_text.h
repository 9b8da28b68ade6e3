/* SPDX-License-Identifier: Apache-2.0 */
/* What a sync file says, as text: for its unit test and its fuzz targets. A store that fails ends the program. */
#ifndef CAIS_TESTS_SYNC_TEXT_H
#define CAIS_TESTS_SYNC_TEXT_H

#include "core/store/blob_store.h"
#include "core/sync/sync_reader.h"

#include <stdlib.h>
#include <string.h>

/* A content of which no read goes on behind `cut`, as if it came in two pieces; 0: it is read as it is wanted. */
struct cut_content {
    struct content content;
    struct blob_reader reader;
    slice bytes;
    size_t cut;
};

static err_t read_to_cut(struct blob_reader *reader, uint64_t offset, char *to, size_t size, struct arena *a,
                         size_t *ret_read)
{
    const struct cut_content *c =
        (const struct cut_content *)(const void *)((const char *)reader - offsetof(struct cut_content, reader));
    (void)a;
    size_t at = offset < c->bytes.n ? (size_t)offset : c->bytes.n;
    size_t end = c->cut && at < c->cut ? c->cut : c->bytes.n;
    *ret_read = end - at < size ? end - at : size;
    if (*ret_read)
        memcpy(to, c->bytes.p + at, *ret_read);
    return NULL;
}

static inline void cut_content_init(struct cut_content *c, slice bytes, size_t cut)
{
    static const struct blob_ops ops = { .read_at = read_to_cut };
    *c = (struct cut_content){ .bytes = bytes, .cut = cut, .reader = { .ops = &ops, .size_bytes = bytes.n } };
    c->content = (struct content){ .size_bytes = bytes.n, .reader = &c->reader };
}

/* "fine UPSERTS DELETES", or "WORD LINE TEXT"; the start, if it is fine. */
static inline void sync_add_check(struct buf *to, const struct content *content, enum sync_form form,
                                  struct arena *account, bool *ret_is_fine, struct sync_position *ret_start)
{
    SCOPED(sync_check_closep) struct sync_check *c = sync_check_open(content, form, account);
    for (bool has_more = true; has_more;)
        if (sync_check_next(c, account, &has_more))
            abort();
    const struct sync_check_result *r = sync_check_result(c);
    *ret_is_fine = !r->fault;
    *ret_start = r->start;
    if (r->fault)
        buf_printf(to, SLICE_FMT " %llu " SLICE_FMT, SLICE_ARG(sync_fault_word(r->fault)),
                   (unsigned long long)r->fault_line, SLICE_ARG(r->fault_text));
    else
        buf_printf(to, "fine %llu %llu", (unsigned long long)r->upserts, (unsigned long long)r->deletes);
}

static inline void sync_add_key(struct buf *to, slice key)
{
    for (size_t i = 0; i < key.n; i++)
        buf_add_byte(to, key.p[i] ? key.p[i] : '|');
}

/* "LINE.ROW +KEY{OBJECT};" or "LINE.ROW -KEY;" or "LINE.ROW !WORD FIELD 'VALUE' KEY;" */
static inline void sync_add_row(struct buf *to, const struct sync_row *row)
{
    buf_printf(to, "%llu.%llu ", (unsigned long long)row->line, (unsigned long long)row->row);
    if (row->fault) {
        buf_add_byte(to, '!');
        buf_add(to, sync_fault_word(row->fault));
        buf_add_byte(to, ' ');
        buf_add(to, row->field);
        buf_add(to, S(" '"));
        buf_add(to, row->value);
        buf_add(to, S("' "));
    } else {
        buf_add_byte(to, row->is_delete ? '-' : '+');
    }
    sync_add_key(to, row->key);
    buf_add(to, row->object);
    buf_add_byte(to, ';');
}

/* The rows from a position on. positions: NULL, or gets the position after each row, at most `max`. Returns how many rows came. */
static inline size_t sync_add_rows(struct buf *to, const struct content *content, const struct sync_position *from,
                                   struct arena *account, struct sync_position *positions, size_t max)
{
    SCOPED(sync_rows_closep) struct sync_rows *r = NULL;
    struct sync_row row;
    enum sync_step step;
    size_t count = 0;
    if (sync_rows_open(content, from, account, account, &r))
        abort();
    do {
        if (sync_rows_next(r, account, &step, &row))
            abort();
        if (step != SYNC_ROW)
            continue;
        sync_add_row(to, &row);
        if (positions && count < max)
            positions[count] = sync_rows_position(r);
        count++;
    } while (step != SYNC_END);
    return count;
}

/* All of it: the check, and if it is fine, the rows. */
static inline void sync_add_file(struct buf *to, slice bytes, enum sync_form form, size_t cut)
{
    SCRATCH(account);
    struct cut_content c;
    struct sync_position start;
    bool is_fine;
    cut_content_init(&c, bytes, cut);
    sync_add_check(to, &c.content, form, &account, &is_fine, &start);
    buf_add_byte(to, ';');
    if (is_fine)
        sync_add_rows(to, &c.content, &start, &account, NULL, 0);
}

#endif
