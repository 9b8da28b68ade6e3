/* SPDX-License-Identifier: Apache-2.0 */
/* What no write of this program leaves in a row, but a database that somebody made by hand can. The constraints of the schema
 * do not name these rules, because a table would have to be copied to get them; and whoever writes a database by hand can
 * turn constraints off. So the readers of rows do not rely on them, and fsck names the rows. */
#include "core/records/entry.h"
#include "core/records/sync_file.h"
#include "core/store/blob_store.h"
#include "core/store/transaction.h"
#include "meta/dataset_columns_priv.h"
#include "meta/statement_priv.h"

enum { INBOX_NAME_MAX = 255 /* core/file/file_name.h */ };

struct row_check {
    struct meta_tx *tx;
    struct arena *a;
    void (*report)(void *arg, const char *what, slice subject);
    void *arg;
};

typedef void check_row_fn(struct row_check *, struct sql_cursor *, struct arena *a);

static err_t check_each_row(struct row_check *check, const struct sql_statement *statement, check_row_fn *fn)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_query(check->tx, statement, SQL_NO_VALUES, check->a, &c));
    for (;;) {
        bool row;
        TRY(sql_next(c, check->a, &row));
        if (!row)
            return NULL;
        SCRATCH(own);
        fn(check, c, &own);
    }
}

/* Bytes that end a header, or begin another one. Stored headers are separated by LF. */
static bool ends_header(slice text, bool lines)
{
    return slice_find_byte(text, '\r') != SLICE_NONE || slice_find_byte(text, '\0') != SLICE_NONE ||
           (!lines && slice_find_byte(text, '\n') != SLICE_NONE);
}

static slice text_of(struct sql_cursor *c, int index)
{
    return sql_column(c, index).bytes;
}

/* ---- one function for each table; the columns are those of the statement below ---- */

static void check_key(struct row_check *check, struct sql_cursor *c, slice subject)
{
    if (!blob_key_is_valid(text_of(c, 1)))
        check->report(check->arg, "no store can hold its blob key", subject);
}

static void check_object_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    check_key(check, c, arena_printf(a, "object:%lld", (long long)sql_column_int(c, 0)));
}

static void check_garbage_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    check_key(check, c, arena_printf(a, "garbage:%lld", (long long)sql_column_int(c, 0)));
}

static bool kind_and_form_fit(struct sql_cursor *c, int kind_index, int form_index)
{
    return sql_column_int(c, kind_index) == column_digest_kind(c, kind_index) &&
           sql_column_int(c, form_index) == column_digest_form(c, form_index);
}

static void check_entry_key(struct row_check *check, struct sql_cursor *c, int index, slice subject)
{
    if (!entry_key_is_valid(text_of(c, index)))
        check->report(check->arg, "no request can name its key", subject);
}

static void check_entry_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    slice subject =
        arena_printf(a, "entry:" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(text_of(c, 0)), SLICE_ARG(text_of(c, 1)));
    struct sql_value bytes = sql_column(c, 4);
    if (!kind_and_form_fit(c, 2, 3) || !digest_column_fits(column_digest_kind(c, 2), &bytes))
        check->report(check->arg, "unknown kind of checksum", subject);
    if (ends_header(text_of(c, 5), true))
        check->report(check->arg, "line break in a header", subject);
    check_entry_key(check, c, 1, subject);
}

static void check_upload_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    slice subject = arena_printf(a, "upload:" SLICE_FMT, SLICE_ARG(text_of(c, 0)));
    if (!kind_and_form_fit(c, 1, 2))
        check->report(check->arg, "unknown kind of checksum", subject);
    if (ends_header(text_of(c, 3), true))
        check->report(check->arg, "line break in a header", subject);
    check_entry_key(check, c, 4, subject);
}

static void check_part_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    struct sql_value bytes = sql_column(c, 3);
    if (sql_column_int(c, 2) != column_digest_kind(c, 2) || !digest_column_fits(column_digest_kind(c, 2), &bytes))
        check->report(
            check->arg, "unknown kind of checksum",
            arena_printf(a, "upload:%lld part %lld", (long long)sql_column_int(c, 0), (long long)sql_column_int(c, 1)));
}

static void check_file_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    if (ends_header(text_of(c, 1), false))
        check->report(check->arg, "line break in its content type",
                      arena_printf(a, "file:%lld", (long long)sql_column_int(c, 0)));
}

static void check_callback_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    if (ends_header(text_of(c, 1), false))
        check->report(check->arg, "line break in a callback",
                      arena_printf(a, "key:%lld", (long long)sql_column_int(c, 0)));
}

static void check_credential_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    if (column_key_role(c, 1) == KEY_NO_ROLE)
        check->report(check->arg, "unknown role of a key",
                      arena_printf(a, "key:%lld", (long long)sql_column_int(c, 0)));
}

static void check_dataset_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    struct column_list unused;
    if (!dataset_columns_read(text_of(c, 1), a, &unused))
        check->report(check->arg, "columns that cannot be read",
                      arena_printf(a, "dataset:%lld", (long long)sql_column_int(c, 0)));
}

static void check_dataset_file_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    if (ends_header(text_of(c, 1), true))
        check->report(check->arg, "line break in a header",
                      arena_printf(a, "dataset_file:%lld", (long long)sql_column_int(c, 0)));
}

/* A name that is shown in a folder, where programs make a path of it. */
static bool is_name(slice name)
{
    bool fits = name.n && name.n <= INBOX_NAME_MAX && !slice_eq(name, S(".")) && !slice_eq(name, S(".."));
    for (size_t i = 0; fits && i < name.n; i++)
        fits = (unsigned char)name.p[i] >= ' ' && name.p[i] != '/' && name.p[i] != 0x7f;
    return fits && slice_is_utf8(name);
}

static void check_name_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    if (!is_name(text_of(c, 2)))
        check->report(check->arg, "a name that no file has",
                      arena_printf(a, SLICE_FMT ":%lld", SLICE_ARG(text_of(c, 1)), (long long)sql_column_int(c, 0)));
}

static void check_sync_file_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    static const int64_t counts[] = { SYNC_STATES, SYNC_WAYS, SYNC_FORM_COUNT };
    for (int i = 0; i < (int)LENGTH_OF(counts); i++)
        if (sql_column_int(c, 1 + i) < 0 || sql_column_int(c, 1 + i) >= counts[i])
            check->report(check->arg, "unknown state, way or form",
                          arena_printf(a, "sync_file:%lld", (long long)sql_column_int(c, 0)));
}

static void check_record_set_row(struct row_check *check, struct sql_cursor *c, struct arena *a)
{
    if (sql_column_int(c, 0) <= 0 || sql_column_int(c, 1) < 0)
        check->report(check->arg, "no set of records has such an id or size",
                      arena_printf(a, "record_set:%lld", (long long)sql_column_int(c, 0)));
}

err_t meta_check_rows(struct meta_tx *tx, struct arena *a, void (*report)(void *arg, const char *what, slice subject),
                      void *arg)
{
    struct row_check check = { tx, a, report, arg };
    TRY(check_each_row(&check, STATEMENT("SELECT id, blob_key FROM objects WHERE blob_key IS NOT NULL"),
                       check_object_row));
    TRY(check_each_row(&check, STATEMENT("SELECT id, blob_key FROM garbage"), check_garbage_row));
    TRY(check_each_row(&check,
                       STATEMENT("SELECT b.name, e.key, e.checksum_kind, e.checksum_form, e.checksum, e.headers"
                                 " FROM entries e JOIN buckets b ON b.id = e.bucket_id"),
                       check_entry_row));
    TRY(check_each_row(&check, STATEMENT("SELECT name, checksum_kind, checksum_form, headers, key FROM uploads"),
                       check_upload_row));
    TRY(check_each_row(&check, STATEMENT("SELECT upload_id, number, checksum_kind, checksum FROM upload_parts"),
                       check_part_row));
    TRY(check_each_row(&check, STATEMENT("SELECT key_id, address FROM callbacks"), check_callback_row));
    TRY(check_each_row(&check, STATEMENT("SELECT id, role FROM credentials WHERE role <> 0"), check_credential_row));
    TRY(check_each_row(&check, STATEMENT("SELECT id, columns FROM datasets"), check_dataset_row));
    TRY(check_each_row(&check, STATEMENT("SELECT id, headers FROM dataset_files"), check_dataset_file_row));
    TRY(check_each_row(&check,
                       STATEMENT("SELECT id, 'transfer', file_name FROM transfers WHERE section_id IS NOT NULL"),
                       check_name_row));
    TRY(check_each_row(&check, STATEMENT("SELECT id, 'sync_file', name FROM sync_files WHERE way IN (1, 2)"),
                       check_name_row));
    TRY(check_each_row(&check, STATEMENT("SELECT id, state, way, form FROM sync_files"), check_sync_file_row));
    TRY(check_each_row(&check, STATEMENT("SELECT id, bytes FROM record_sets"), check_record_set_row));
    return check_each_row(&check, STATEMENT("SELECT id, content_type FROM files"), check_file_row);
}
