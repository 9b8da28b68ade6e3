/* SPDX-License-Identifier: Apache-2.0 */
/* A data file, from its bytes to its cells. The first byte says how: 1 the dataset is strict, 2 the bytes are a gzip. Lines are
 * those that a simple loop finds; a line that jansson accepts is accepted; a zipped file has the rows of the plain one. */
#include "cells.h"

#include "base/json.h"
#include "core/dataset/lines.h"
#include "core/dataset/row_reader.h"

#include <zlib.h>

#define STRICT 1
#define ZIPPED 2

static const struct {
    const char *name;
    enum column_type type;
    bool is_required;
} fields[] = { { "a", COLUMN_STRING, false },   { "b", COLUMN_JSON, false },    { "c", COLUMN_BOOL, false },
               { "d", COLUMN_INT8, false },     { "e", COLUMN_INT64, false },   { "f", COLUMN_UINT64, false },
               { "g", COLUMN_FLOAT, false },    { "h", COLUMN_DECIMAL, false }, { "i", COLUMN_DATE, false },
               { "j", COLUMN_DATETIME, false }, { "id", COLUMN_UINT32, true },  { "k", COLUMN_DATETIME64, false } };
#define FIELDS LENGTH_OF(fields)

/* What came out of a file, in few bytes. */
struct outcome {
    uint64_t rows, errors, hash;
};

static void add_to_hash(struct outcome *o, enum column_type type, const struct cell *c)
{
    SCOPED(buf_releasep) struct buf text = { 0 };
    cell_add_text(&text, type, c);
    o->hash = o->hash * 31 + slice_hash(buf_slice(&text));
}

static struct outcome read_file(slice bytes, bool is_strict, bool is_zipped)
{
    SCRATCH(account);
    struct column items[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        items[i] = (struct column){ slice_of(fields[i].name), fields[i].type, fields[i].is_required };
    struct column_list columns = { items, FIELDS };
    struct content content = { .size_bytes = bytes.n, .bytes = bytes.n ? bytes : S("") };
    struct row_source source = { &content, is_zipped ? S("x.jsonl.gz") : S("x.jsonl"), (uint64_t)1 << 20, &columns,
                                 is_strict };
    SCOPED(row_reader_closep) struct row_reader *r = row_reader_open(&source, &account);
    struct outcome o = { 0 };
    struct row_batch batch;
    for (bool has_more = true; has_more; o.rows += batch.row_count) {
        HOLDS(!row_reader_next(r, &account, &batch, &has_more));
        for (size_t i = 0; i < batch.row_count * FIELDS; i++) {
            HOLDS(!batch.cells[i].is_null || !fields[i % FIELDS].is_required);
            check_cell(fields[i % FIELDS].type, &batch.cells[i]);
            add_to_hash(&o, fields[i % FIELDS].type, &batch.cells[i]);
        }
    }
    size_t count;
    const struct line_error *errors = row_reader_errors(r, &count);
    o.errors = count;
    for (size_t i = 0; i < count; i++) {
        HOLDS(errors[i].fault > LINE_FINE && errors[i].fault < LINE_FAULT_COUNT && slice_is_utf8(errors[i].field));
        o.hash = o.hash * 31 + errors[i].line * LINE_FAULT_COUNT + (uint64_t)errors[i].fault;
    }
    HOLDS(!count || row_reader_read_bytes(r) <= bytes.n);
    return o;
}

static slice gzip(slice bytes, struct arena *a)
{
    z_stream z = { 0 };
    HOLDS(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    size_t room = deflateBound(&z, bytes.n);
    char *to = arena_alloc(a, room);
    z.next_in = (z_const Bytef *)bytes.p;
    z.avail_in = (unsigned)bytes.n;
    z.next_out = (Bytef *)to;
    z.avail_out = (unsigned)room;
    HOLDS(deflate(&z, Z_FINISH) == Z_STREAM_END);
    slice zipped = { to, z.total_out };
    deflateEnd(&z);
    return zipped;
}

static void check_line(slice line)
{
    SCRATCH(a);
    struct json_value v, again;
    const struct json *tree;
    slice compact;
    bool is_valid = json_scan_value(line, &v);
    HOLDS(is_valid || json_parse(&a, line, &tree));
    if (!is_valid)
        return;
    HOLDS(!json_value_compact(&v, &a, &compact) && json_scan_value(compact, &again) && !again.has_blanks);
    HOLDS(again.kind == v.kind && slice_eq(again.raw, compact));
}

/* Compare the lines that are read with those between line feeds. */
static void check_lines(slice bytes)
{
    SCRATCH(account);
    struct content content = { .size_bytes = bytes.n, .bytes = bytes.n ? bytes : S("") };
    SCOPED(lines_closep) struct lines *l = lines_open(&content, S("x.jsonl"), 0, &account);
    struct text_line line;
    enum line_fault fault;
    uint64_t number = 0;
    if (slice_starts(bytes, S("\xef\xbb\xbf")))
        bytes = slice_from(bytes, 3);
    for (bool has_more = true; has_more;) {
        HOLDS(!lines_fill(l, &account, &has_more, &fault) && !fault);
        while (lines_next(l, &line)) {
            slice raw = S("");
            for (; number < line.number; number++)
                slice_cut(bytes, '\n', &raw, &bytes);
            HOLDS(!line.is_too_long && slice_starts(raw, line.text) && raw.n - line.text.n <= 1);
            check_line(line.text);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    SCRATCH(a);
    bool is_strict = data[0] & STRICT;
    slice bytes = fuzz_slice(data + 1, size - 1);
    if (data[0] & ZIPPED) {
        read_file(bytes, is_strict, true);
        return 0;
    }
    check_lines(bytes);
    struct outcome plain = read_file(bytes, is_strict, false), zipped = read_file(gzip(bytes, &a), is_strict, true);
    HOLDS(plain.rows == zipped.rows && plain.errors == zipped.errors && plain.hash == zipped.hash);
    return 0;
}
