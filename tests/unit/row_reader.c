/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/buf.h"
#include "core/dataset/cell_text.h"
#include "core/dataset/file_check.h"
#include "core/dataset/lines.h"
#include "core/dataset/row_reader.h"

#include <string.h>

static struct column two_columns[] = { { .type = COLUMN_INT64, .is_required = true }, { .type = COLUMN_STRING } };

/* A check of the file while it comes in pieces finds the same. */
static void expect_same_check(const struct row_source *source, slice bytes, const struct line_error *errors,
                              size_t count, size_t piece)
{
    SCRATCH(account);
    size_t n;
    struct file_check *c = file_check_open(source->name, source->columns, source->is_strict, &account);
    for (size_t at = 0; at < bytes.n; at += piece)
        EXPECT_OK(file_check_feed(c, slice_part(bytes, at, piece)));
    EXPECT_OK(file_check_end(c));
    const struct line_error *found = file_check_errors(c, &n);
    EXPECT_EQ(n, lines_name_is_zipped(source->name) ? 0 : count);
    for (size_t i = 0; i < n; i++) {
        EXPECT_EQ(found[i].fault, errors[i].fault);
        EXPECT_EQ(found[i].line, errors[i].line);
        EXPECT_SLICE(found[i].field, errors[i].field);
    }
    file_check_close(c);
}

/* The rows as "id,name;", or the errors as "!line fault field;". Columns id (required) and name. */
static slice read_rows(struct arena *a, slice name, slice bytes, uint64_t *ret_rows)
{
    SCRATCH(account);
    two_columns[0].name = S("id");
    two_columns[1].name = S("name");
    struct column_list columns = { two_columns, LENGTH_OF(two_columns) };
    struct content content = { .size_bytes = bytes.n, .bytes = bytes.n ? bytes : S("") };
    struct row_source source = { &content, name, LINES_UNZIPPED_MAX, &columns, true };
    SCOPED(row_reader_closep) struct row_reader *r = row_reader_open(&source, &account);
    SCOPED(buf_releasep) struct buf said = { 0 };
    struct row_batch batch;
    bool has_more;
    size_t error_count;
    *ret_rows = 0;
    do {
        EXPECT_OK(row_reader_next(r, &account, &batch, &has_more));
        for (size_t i = 0; i < batch.row_count * columns.count; i++) {
            cell_add_text(&said, columns.items[i % columns.count].type, &batch.cells[i]);
            buf_add(&said, (i + 1) % columns.count ? S(",") : S(";"));
        }
        *ret_rows += batch.row_count;
    } while (has_more);
    EXPECT_OK(row_reader_next(r, &account, &batch, &has_more)); /* nothing comes after the end */
    EXPECT(!has_more && batch.row_count == 0);
    const struct line_error *errors = row_reader_errors(r, &error_count);
    if (error_count)
        buf_clear(&said);
    else
        EXPECT_EQ(row_reader_read_bytes(r), bytes.n);
    for (size_t i = 0; i < error_count; i++)
        buf_printf(&said, "!%llu %d " SLICE_FMT ";", (unsigned long long)errors[i].line, (int)errors[i].fault,
                   SLICE_ARG(errors[i].field));
    expect_same_check(&source, bytes, errors, error_count, bytes.n < 10000 ? 1 : 4096);
    expect_same_check(&source, bytes, errors, error_count, bytes.n + 1);
    return arena_copy(a, buf_slice(&said));
}

TEST(rows_come_in_the_order_of_their_lines)
{
    SCRATCH(a);
    uint64_t rows;
    EXPECT_SLICE(read_rows(&a, S("a.jsonl"),
                           S("{\"id\":1,\"name\":\"a\\u0062\"}\n\n{\"name\":\"c\",\"id\":2}\r\n{\"id\":3}"), &rows),
                 S("1,ab;2,c;3,null;"));
    EXPECT_EQ(rows, 3);
    EXPECT_SLICE(read_rows(&a, S("a.jsonl"), S(""), &rows), S(""));
    EXPECT_SLICE(read_rows(&a, S("a.jsonl"), S("\xef\xbb\xbf"), &rows), S(""));
}

TEST(many_rows_come_in_several_batches)
{
    SCRATCH(a);
    arena_set_limit(&a, (size_t)256 << 20, NULL);
    SCOPED(buf_releasep) struct buf file = { 0 }, want = { 0 };
    int count = 0;
    for (; file.n < 3 * LINES_BLOCK || count < 3 * ROW_BATCH_ROWS; count++) {
        buf_printf(&file, "{\"id\":%d,\"name\":\"%d\\n\"}\n", count, count);
        buf_printf(&want, "%d,%d\n;", count, count);
    }
    uint64_t rows;
    EXPECT_SLICE(read_rows(&a, S("a.jsonl"), buf_slice(&file), &rows), buf_slice(&want));
    EXPECT_EQ(rows, count);
}

TEST(each_bad_line_is_named_and_the_good_ones_are_no_rows)
{
    SCRATCH(a);
    uint64_t rows;
    slice said = read_rows(
        &a, S("a.jsonl"),
        S("{\"id\":1}\n{\"id\":\"x\"}\n{\"id\":2}\nno json\n\n{\"name\":\"a\"}\n{\"id\":3,\"cor\":1}\n"), &rows);
    EXPECT_SLICE(said, arena_printf(&a, "!2 %d id;!4 %d ;!6 %d id;!7 %d cor;", LINE_BAD_VALUE, LINE_NOT_AN_OBJECT,
                                    LINE_NO_VALUE, LINE_UNKNOWN_FIELD));
    EXPECT_EQ(rows, 0);
}

TEST(no_more_errors_are_kept_than_the_limit)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf file = { 0 }, want = { 0 };
    for (int i = 1; i <= 3 * ROW_ERRORS_MAX; i++) {
        buf_add(&file, S("1\n"));
        if (i <= ROW_ERRORS_MAX)
            buf_printf(&want, "!%d %d ;", i, LINE_NOT_AN_OBJECT);
    }
    uint64_t rows;
    EXPECT_SLICE(read_rows(&a, S("a.jsonl"), buf_slice(&file), &rows), buf_slice(&want));
}

TEST(a_line_that_is_too_long_is_named_like_others)
{
    SCRATCH(a);
    slice parts[] = { S("{\"id\":1}\n{\"id\":\""),
                      { arena_alloc(&a, LINE_BYTES_MAX), LINE_BYTES_MAX },
                      S("\"}\n{\"id\":2}\n3") };
    memset((char *)parts[1].p, '1', parts[1].n);
    uint64_t rows;
    EXPECT_SLICE(read_rows(&a, S("a.jsonl"), arena_join(&a, parts, 3), &rows),
                 arena_printf(&a, "!2 %d ;!4 %d ;", LINE_TOO_LONG, LINE_NOT_AN_OBJECT));
}

TEST(a_file_that_cannot_be_read_has_one_error)
{
    SCRATCH(a);
    uint64_t rows;
    EXPECT_SLICE(read_rows(&a, S("a.csv"), S("{\"id\":1}"), &rows), arena_printf(&a, "!0 %d ;", FILE_NAME_UNKNOWN));
    EXPECT_SLICE(read_rows(&a, S("a.jsonl.gz"), S("{\"id\":1}"), &rows), arena_printf(&a, "!0 %d ;", FILE_DAMAGED));
}

RUN_TESTS(cmocka_unit_test(rows_come_in_the_order_of_their_lines), cmocka_unit_test(many_rows_come_in_several_batches),
          cmocka_unit_test(each_bad_line_is_named_and_the_good_ones_are_no_rows),
          cmocka_unit_test(no_more_errors_are_kept_than_the_limit),
          cmocka_unit_test(a_line_that_is_too_long_is_named_like_others),
          cmocka_unit_test(a_file_that_cannot_be_read_has_one_error))
