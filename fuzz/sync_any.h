/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every sync file, in either form: a file that passes the check has as many rows as the check says; good rows are JSON
 * objects with whole keys; the same comes out when the file comes in two pieces, and when reading begins again after any row. */
#ifndef CAIS_FUZZ_SYNC_ANY_H
#define CAIS_FUZZ_SYNC_ANY_H

#include "fuzz.h"

#include "base/json_scan.h"
#include "sync_text.h"

#include <stdio.h>

static inline void check_object(slice object)
{
    struct json_scan s;
    struct json_member m;
    enum json_scan_step step;
    HOLDS(slice_is_utf8(object) && slice_find_byte(object, 0) == SLICE_NONE);
    HOLDS(object.n >= 2 && object.p[0] == '{' && json_scan_begin(&s, object));
    while ((step = json_scan_next(&s, &m)) == JSON_SCAN_MEMBER)
        HOLDS(sync_code_is_valid(m.name) && !m.value.has_blanks);
    HOLDS(step == JSON_SCAN_END);
}

static inline void check_row(const struct sync_row *row, const struct sync_header *h)
{
    size_t nuls = 0;
    for (size_t i = 0; i < row->key.n; i++)
        nuls += row->key.p[i] == 0;
    HOLDS(row->key.n <= SYNC_KEY_MAX && nuls < SYNC_KEYS_MAX);
    HOLDS(!sync_fault_is_of_file(row->fault) && row->fault != SYNC_DELETE_NOT_ALLOWED);
    HOLDS(slice_is_utf8(row->key) && slice_is_utf8(row->field) && slice_is_utf8(row->value));
    if (row->fault || row->is_delete)
        HOLDS(!row->object.n);
    else
        check_object(row->object);
    if (!row->fault)
        HOLDS(row->key.n && nuls == h->key_count - 1);
}

/* The text of all rows is *said. Returns how many there are. */
static inline uint64_t check_rows(const struct content *content, const struct sync_position *start,
                                  struct arena *account, struct buf *said, uint64_t stop_at,
                                  struct sync_position *ret_stop)
{
    SCOPED(sync_rows_closep) struct sync_rows *r = NULL;
    struct sync_row row;
    enum sync_step step;
    uint64_t count = start->row;
    HOLDS(!sync_rows_open(content, start, account, account, &r));
    *ret_stop = *start;
    do {
        HOLDS(!sync_rows_next(r, account, &step, &row));
        if (step != SYNC_ROW)
            continue;
        HOLDS(row.row == ++count);
        check_row(&row, sync_rows_header(r));
        sync_add_row(said, &row);
        if (count == stop_at)
            *ret_stop = sync_rows_position(r);
    } while (step != SYNC_END);
    return count;
}

static inline struct sync_position through_text(const struct sync_position *p)
{
    SCOPED(buf_releasep) struct buf text = { 0 };
    struct sync_position again;
    sync_position_add_text(&text, p);
    HOLDS(text.n <= SYNC_POSITION_TEXT_MAX && sync_position_from_text(buf_slice(&text), &again));
    return again;
}

/* The first two bytes say after which part of the file it is cut, and after which row reading begins again. Returns whether the
 * file passed the check, and how many rows it has. */
static inline bool check_sync_file(const uint8_t *data, size_t size, enum sync_form form, uint64_t *ret_upserts,
                                   uint64_t *ret_deletes)
{
    SCRATCH(account);
    SCOPED(buf_releasep) struct buf said = { 0 }, rest = { 0 }, cut_said = { 0 };
    slice bytes = fuzz_slice(data + 2, size - 2);
    struct cut_content whole, cut;
    struct sync_position start, cut_start, stop, end;
    bool is_fine, cut_is_fine;
    cut_content_init(&whole, bytes, 0);
    cut_content_init(&cut, bytes, bytes.n * data[0] / 256);
    sync_add_check(&said, &whole.content, form, &account, &is_fine, &start);
    sync_add_check(&cut_said, &cut.content, form, &account, &cut_is_fine, &cut_start);
    HOLDS(slice_eq(buf_slice(&said), buf_slice(&cut_said)) && slice_is_utf8(buf_slice(&said)));
    if (!is_fine)
        return false;
    unsigned long long upserts, deletes;
    buf_add_byte(&said, '\0');
    HOLDS(sscanf(said.p, "fine %llu %llu", &upserts, &deletes) == 2);
    buf_clear(&said);
    buf_clear(&cut_said);
    uint64_t stop_at = (upserts + deletes) * data[1] / 256;
    HOLDS(check_rows(&whole.content, &start, &account, &said, stop_at, &stop) == upserts + deletes);
    HOLDS(check_rows(&cut.content, &cut_start, &account, &cut_said, 0, &end) == upserts + deletes);
    HOLDS(slice_eq(buf_slice(&said), buf_slice(&cut_said)));
    stop = through_text(&stop);
    HOLDS(check_rows(&whole.content, &stop, &account, &rest, 0, &end) == upserts + deletes);
    HOLDS(slice_ends(buf_slice(&said), buf_slice(&rest)));
    *ret_upserts = upserts;
    *ret_deletes = deletes;
    return true;
}

#endif
