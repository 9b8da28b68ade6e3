/* SPDX-License-Identifier: Apache-2.0 */
/* An entry is one row, and the table is sorted by bucket and key. The row has copies of what a list shows of its object
 * (size and digests, which never change), so that a list reads rows in sequence and looks no object up. */
#include "core/store/entry_store.h"
#include "core/records/entry.h"
#include "core/records/object.h"
#include "meta/dialect_priv.h"
#include "meta/record_size_priv.h"
#include "meta/statement_priv.h"

/* The columns that a list shows stand first in the row. The others may lie on another page, which a list does not
 * read. */
#define LISTED_COLUMNS                                                                                                 \
    "SELECT e.bucket_id, e.key, e.owner_id, e.object_id, e.size_bytes, e.md5, e.part_count, e.checksum_kind,"          \
    " e.checksum_form, e.modified_at_ms, e.checksum"
#define ALL_COLUMNS LISTED_COLUMNS ", e.upload, e.headers, e.tags"

/* The slices are borrowed from the cursor. */
static void read_listed_entry_row(struct sql_cursor *c, struct entry *ret)
{
    *ret = (struct entry){
        .bucket_id = sql_column_int(c, 0),
        .key = sql_column(c, 1).bytes,
        .owner_id = sql_column_int(c, 2),
        .object_id = sql_column_int(c, 3),
        .size_bytes = column_size(c, 4),
        .part_count = sql_column_int(c, 6),
        .modified_at_ms = sql_column_int(c, 9),
    };
    column_bytes(c, 5, ret->md5, MD5_SIZE);
    column_digest(c, 7, 8, 10, &ret->digest);
}

static void read_entry_row(struct sql_cursor *c, struct arena *a, struct entry *ret)
{
    read_listed_entry_row(c, ret);
    ret->key = arena_copy(a, ret->key);
    ret->upload = sql_column_copy(c, 11, a);
    ret->headers = sql_column_copy(c, 12, a);
    ret->tags = sql_column_copy(c, 13, a);
}

#define REPLACED_ENTRY(IN)                                                                                             \
    "SELECT e.object_id, e.size_bytes, " ENTRY_SIZE(                                                                   \
        IN) ", e.owner_id FROM entries e WHERE e.bucket_id = $1 AND e.key = $2" HELD(IN)

/* Called when no row was added: the key exists, or, NOT_FOUND, the bucket does not. */
static err_t replace_entry(struct meta_tx *tx, const struct entry *e, struct sql_args args, struct arena *a,
                           struct replaced_entry *ret)
{
    struct replaced_entry old;
    {
        SCOPED(sql_closep) struct sql_cursor *c = NULL;
        TRY(tx_one(tx, "bucket", STATEMENT_PAIR(REPLACED_ENTRY), SQL(SQL_I(e->bucket_id), SQL_T(e->key)), a, &c));
        old = (struct replaced_entry){ sql_column_int(c, 0), column_size(c, 1), sql_column_int(c, 2),
                                       sql_column_int(c, 3) };
    }
    TRY(tx_change_one(
        tx, "entry",
        STATEMENT("UPDATE entries SET owner_id = $1, object_id = $2, size_bytes = $3, md5 = $4, part_count = $5,"
                  " checksum_kind = $6, checksum_form = $7, modified_at_ms = $8, checksum = $9, upload = $10,"
                  " headers = $11, tags = $12 WHERE key = $13 AND bucket_id = $14"),
        args, a));
    *ret = old;
    return NULL;
}

err_t meta_entry_put(struct meta_tx *tx, const struct entry *e, struct arena *a, struct replaced_entry *ret)
{
    const struct sql_value values[] = {
        SQL_I(e->owner_id),
        SQL_I(e->object_id),
        SQL_I((int64_t)e->size_bytes),
        SQL_BYTES(e->md5, MD5_SIZE),
        SQL_I(e->part_count),
        SQL_I(e->digest.kind),
        SQL_I(e->digest.form),
        SQL_I(e->modified_at_ms),
        sql_digest(&e->digest),
        SQL_T(e->upload),
        SQL_T(e->headers),
        SQL_T(e->tags),
        SQL_T(e->key),
        SQL_I(e->bucket_id),
    };
    const struct sql_args args = { values, LENGTH_OF(values) };
    int64_t added;
    /* Selecting from the bucket's row adds nothing when the bucket does not exist. replace_entry then finds out whether
     * that was the reason, or the key existed. */
    TRY(tx_add_counted(
        tx,
        STATEMENT("INSERT INTO entries (owner_id, object_id, size_bytes, md5, part_count, checksum_kind,"
                  " checksum_form, modified_at_ms, checksum, upload, headers, tags, key, bucket_id)"
                  " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, id FROM buckets WHERE id = $14"
                  " ON CONFLICT (bucket_id, key) DO NOTHING"),
        args, a, &added));
    if (!added)
        return replace_entry(tx, e, args, a, ret);
    *ret = (struct replaced_entry){ 0 };
    return NULL;
}

err_t meta_entry_get(struct meta_tx *tx, int64_t bucket_id, slice key, struct arena *a, struct entry *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "entry", STATEMENT(ALL_COLUMNS " FROM entries e WHERE e.bucket_id = $1 AND e.key = $2"),
               SQL(SQL_I(bucket_id), SQL_T(key)), a, &c));
    read_entry_row(c, a, ret);
    return NULL;
}

err_t meta_entry_with_object(struct meta_tx *tx, int64_t bucket_id, slice key, struct arena *a, struct entry *ret_entry,
                             struct object *ret_object)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "entry",
               STATEMENT(ALL_COLUMNS
                         ", o.id, o.account_id, o.size_bytes, o.created_at_ms, o.blob_key, o.part_count, o.md5,"
                         " o.inline_bytes, o.checksums FROM entries e LEFT JOIN objects o ON o.id = e.object_id"
                         " WHERE e.bucket_id = $1 AND e.key = $2"),
               SQL(SQL_I(bucket_id), SQL_T(key)), a, &c));
    if (!sql_column_int(c, 14))
        return err_make(a, ERR_CORRUPT, "the entry has no object");
    read_entry_row(c, a, ret_entry);
    *ret_object = (struct object){
        .id = sql_column_int(c, 14),
        .account_id = sql_column_int(c, 15),
        .size_bytes = column_size(c, 16),
        .created_at_ms = sql_column_int(c, 17),
        .blob_key = sql_column_copy(c, 18, a),
        .part_count = sql_column_int(c, 19),
        .inline_bytes = sql_column_copy(c, 21, a),
        .checksums = sql_column_copy(c, 22, a),
    };
    column_bytes(c, 20, ret_object->md5, MD5_SIZE);
    return NULL;
}

err_t meta_entry_set_tags(struct meta_tx *tx, int64_t bucket_id, slice key, slice old_tags, slice tags, struct arena *a)
{
    return tx_change_one(tx, "entry",
                         STATEMENT("UPDATE entries SET tags = $1 WHERE bucket_id = $2 AND key = $3 AND tags = $4"),
                         SQL(SQL_T(tags), SQL_I(bucket_id), SQL_T(key), SQL_T(old_tags)), a);
}

err_t meta_entry_remove(struct meta_tx *tx, int64_t bucket_id, slice key, int64_t object_id, struct arena *a)
{
    return tx_change_one(tx, "entry",
                         STATEMENT("DELETE FROM entries WHERE bucket_id = $1 AND key = $2 AND object_id = $3"),
                         SQL(SQL_I(bucket_id), SQL_T(key), SQL_I(object_id)), a);
}

/* ---- ranges ---- */

#define FROM_KEY LISTED_COLUMNS " FROM entries e WHERE e.bucket_id = $1 AND e.key >= $2"
#define AFTER_KEY LISTED_COLUMNS " FROM entries e WHERE e.bucket_id = $1 AND e.key > $2"
#define BEFORE_KEY " AND e.key < $3"
#define BY_KEY " ORDER BY e.key"

/* No table of statements: clang 14 leaves the statements of a constant table empty. */
static const struct sql_statement *entry_walk(bool after, bool bounded)
{
    if (after)
        return bounded ? STATEMENT(AFTER_KEY BEFORE_KEY BY_KEY) : STATEMENT(AFTER_KEY BY_KEY);
    return bounded ? STATEMENT(FROM_KEY BEFORE_KEY BY_KEY) : STATEMENT(FROM_KEY BY_KEY);
}

err_t meta_entry_each(struct meta_tx *tx, const struct entry_range *range, struct arena *a,
                      err_t (*visit)(void *arg, const struct entry *, bool *ret_stop), void *arg)
{
    const struct sql_value values[] = { SQL_I(range->bucket_id), SQL_T(range->from), SQL_T(range->before) };
    bool bounded = range->before.n > 0;
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_query(tx, entry_walk(range->from_after, bounded), (struct sql_args){ values, bounded ? 3 : 2 }, a, &c));
    for (bool stop = false; !stop;) {
        bool row;
        TRY(sql_next(c, a, &row));
        if (!row)
            return NULL;
        struct entry entry;
        read_listed_entry_row(c, &entry);
        /* SQLite sorts a key that is no text after all texts, whatever its bytes: a walk that went on from it would meet it
         * again, without end. */
        int order = slice_cmp(entry.key, range->from);
        if (order < 0 || (order == 0 && range->from_after))
            continue;
        TRY(visit(arg, &entry, &stop));
    }
    return NULL;
}
