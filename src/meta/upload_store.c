/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads in parts. Completing or ending an upload removes its records; the caller releases the objects of the
 * parts. */
#include "core/store/upload_store.h"
#include "core/records/upload.h"
#include "core/store/object_store.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

#include <string.h>

#define UPLOAD                                                                                                         \
    "SELECT id, name, bucket_id, key, account_id, owner_id, headers, tags, checksum_kind, checksum_form,"              \
    " created_at_ms, expires_at_ms, composite_id FROM uploads"
/* One upload has up to 32 KiB of headers and tags, and no list by key shows them. */
#define LISTED_UPLOAD                                                                                                  \
    "SELECT id, name, bucket_id, key, account_id, owner_id, '', '', checksum_kind, checksum_form,"                     \
    " created_at_ms, expires_at_ms, composite_id FROM uploads"
#define NOT_ENDED " AND ended_at_ms = 0"

static void read_upload_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct upload *)ret = (struct upload){
        .id = sql_column_int(c, 0),
        .name = sql_column_copy(c, 1, a),
        .bucket_id = sql_column_int(c, 2),
        .key = sql_column_copy(c, 3, a),
        .account_id = sql_column_int(c, 4),
        .owner_id = sql_column_int(c, 5),
        .headers = sql_column_copy(c, 6, a),
        .tags = sql_column_copy(c, 7, a),
        .digest = column_digest_kind(c, 8),
        .digest_form = column_digest_form(c, 9),
        .created_at_ms = sql_column_int(c, 10),
        .expires_at_ms = sql_column_int(c, 11),
        .composite_id = sql_column_int(c, 12),
    };
}

/* Selecting from the bucket's row adds nothing when the bucket does not exist. */
err_t meta_upload_add(struct meta_tx *tx, const struct upload *u, struct arena *a, int64_t *ret_id)
{
    int64_t id;
    TRY(tx_insert(tx,
                  STATEMENT("INSERT INTO uploads (name, key, account_id, owner_id, headers, tags, checksum_kind,"
                            " checksum_form, created_at_ms, expires_at_ms, bucket_id)"
                            " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, id FROM buckets WHERE id = $11"),
                  SQL(SQL_T(u->name), SQL_T(u->key), SQL_I(u->account_id), SQL_I(u->owner_id), SQL_T(u->headers),
                      SQL_T(u->tags), SQL_I(u->digest), SQL_I(u->digest_form), SQL_I(u->created_at_ms),
                      SQL_I(u->expires_at_ms), SQL_I(u->bucket_id)),
                  a, &id));
    if (!id)
        return err_make(a, ERR_NOT_FOUND, "no such bucket");
    *ret_id = id;
    return NULL;
}

#define BY_NAME UPLOAD " WHERE name = $1" NOT_ENDED
#define UPLOAD_BY_NAME(IN) BY_NAME HELD_FOR_REMOVAL(IN)
#define HOLD_UPLOAD(IN) "SELECT id FROM uploads WHERE id = $1" NOT_ENDED HELD_FOR_REMOVAL(IN)

err_t meta_upload_by_name(struct meta_tx *tx, slice name, struct arena *a, struct upload *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "upload", tx->is_write ? STATEMENT_PAIR(UPLOAD_BY_NAME) : STATEMENT(BY_NAME), SQL(SQL_T(name)), a,
               &c));
    read_upload_row(c, a, ret);
    return NULL;
}

err_t meta_upload_hold(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_there)
{
    return tx_hold(tx, STATEMENT_PAIR(HOLD_UPLOAD), SQL(SQL_I(id)), a, ret_there);
}

err_t meta_upload_remove(struct meta_tx *tx, int64_t id, struct arena *a)
{
    TRY(tx_change(tx, STATEMENT("DELETE FROM upload_parts WHERE upload_id = $1"), SQL(SQL_I(id)), a, NULL));
    return tx_change_one(tx, "upload", STATEMENT("DELETE FROM uploads WHERE id = $1"), SQL(SQL_I(id)), a);
}

err_t meta_upload_end(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_change_one(tx, "upload",
                         STATEMENT("UPDATE uploads SET ended_at_ms = $1, composite_id = 0 WHERE id = $2" NOT_ENDED),
                         SQL(SQL_I(now_ms), SQL_I(id)), a);
}

err_t meta_upload_set_composite(struct meta_tx *tx, int64_t id, int64_t composite_id, struct arena *a)
{
    /* tx_add: no cache holds uploads. */
    return tx_add(tx, STATEMENT("UPDATE uploads SET composite_id = $1 WHERE id = $2" NOT_ENDED),
                  SQL(SQL_I(composite_id), SQL_I(id)), a);
}

struct ended_part {
    int64_t number, object_id;
};
struct ended_part_list {
    struct ended_part *items;
    size_t count;
};

static void read_ended_part_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    *(struct ended_part *)ret = (struct ended_part){ sql_column_int(c, 0), sql_column_int(c, 1) };
}

#define FIRST_ENDED(IN)                                                                                                \
    "SELECT id FROM uploads WHERE ended_at_ms > 0 ORDER BY ended_at_ms, id LIMIT 1" HELD_FOR_REMOVAL(IN)

err_t meta_upload_clean(struct meta_tx *tx, int64_t now_ms, size_t limit, struct arena *a, bool *ret_more)
{
    int64_t id;
    struct ended_part_list parts;
    err_t e = tx_int(tx, STATEMENT_PAIR(FIRST_ENDED), SQL_NO_VALUES, a, &id);
    *ret_more = !e;
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    TRY(tx_list(tx,
                STATEMENT("SELECT number, object_id FROM upload_parts WHERE upload_id = $1 ORDER BY number LIMIT $2"),
                SQL(SQL_I(id), sql_limit(limit)), a, LIST_OF(read_ended_part_row, &parts)));
    if (parts.count)
        TRY(tx_change(tx, STATEMENT("DELETE FROM upload_parts WHERE upload_id = $1 AND number <= $2"),
                      SQL(SQL_I(id), SQL_I(parts.items[parts.count - 1].number)), a, NULL));
    for (size_t i = 0; i < parts.count; i++)
        TRY(meta_object_release(tx, parts.items[i].object_id, now_ms, a));
    if (parts.count == limit)
        return NULL;
    return tx_change(tx, STATEMENT("DELETE FROM uploads WHERE id = $1 AND ended_at_ms > 0"), SQL(SQL_I(id)), a, NULL);
}

/* The first text that is greater than every text with this prefix; empty: there is none. */
static slice end_of_prefix(slice prefix, struct arena *a)
{
    while (prefix.n && (unsigned char)prefix.p[prefix.n - 1] == 0xff)
        prefix.n--;
    if (!prefix.n)
        return S("");
    char *end = arena_alloc(a, prefix.n);
    memcpy(end, prefix.p, prefix.n);
    end[prefix.n - 1] = (char)((unsigned char)end[prefix.n - 1] + 1);
    return (slice){ end, prefix.n };
}

#define AFTER LISTED_UPLOAD " WHERE bucket_id = $1 AND (key, id) > ($2, $3)" NOT_ENDED
#define BY_KEY " ORDER BY key, id LIMIT $4"

/* SQLite sorts a key that is no text after all texts, whatever its bytes: a list that went on from it would have it again,
 * without end. So what does not come after the place where the list begins is left out. */
static void drop_uploads_before(slice key, int64_t id, struct upload_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        int order = slice_cmp(list->items[i].key, key);
        if (order > 0 || (order == 0 && list->items[i].id > id))
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

err_t meta_upload_list(struct meta_tx *tx, const struct upload_query *q, struct arena *a, struct upload_list *ret)
{
    slice after_key = q->after_key;
    int64_t after_id = after_key.n && !q->after_id ? INT64_MAX : q->after_id;
    if (slice_cmp(after_key, q->prefix) < 0) { /* the list begins with the prefix */
        after_key = q->prefix;
        after_id = 0;
    }
    slice before = end_of_prefix(q->prefix, a);
    if (before.n)
        TRY(tx_list(tx, STATEMENT(AFTER " AND key < $4 ORDER BY key, id LIMIT $5"),
                    SQL(SQL_I(q->bucket_id), SQL_T(after_key), SQL_I(after_id), SQL_T(before), sql_limit(q->limit)), a,
                    LIST_OF(read_upload_row, ret)));
    else
        TRY(tx_list(tx, STATEMENT(AFTER BY_KEY),
                    SQL(SQL_I(q->bucket_id), SQL_T(after_key), SQL_I(after_id), sql_limit(q->limit)), a,
                    LIST_OF(read_upload_row, ret)));
    drop_uploads_before(after_key, after_id, ret);
    return NULL;
}

err_t meta_upload_due(struct meta_tx *tx, int64_t now_ms, size_t limit, struct arena *a, struct upload_list *ret)
{
    return tx_list(tx,
                   STATEMENT(UPLOAD " WHERE expires_at_ms > 0 AND expires_at_ms <= $1" NOT_ENDED
                                    " ORDER BY expires_at_ms, id LIMIT $2"),
                   SQL(SQL_I(now_ms), sql_limit(limit)), a, LIST_OF(read_upload_row, ret));
}

/* ---- parts ---- */

static void read_upload_part_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    struct upload_part *part = ret;
    *part = (struct upload_part){
        .upload_id = sql_column_int(c, 0),
        .number = sql_column_int(c, 1),
        .object_id = sql_column_int(c, 2),
        .size_bytes = column_size(c, 3),
        .stored_at_ms = sql_column_int(c, 7),
    };
    column_bytes(c, 4, part->md5, MD5_SIZE);
    column_digest(c, 5, -1, 6, &part->digest);
    struct sql_value crc64 = sql_column(c, 8);
    if (digest_column_fits(DIGEST_CRC64NVME, &crc64)) {
        part->crc64.kind = DIGEST_CRC64NVME;
        column_bytes(c, 8, part->crc64.bytes, crc64.bytes.n);
    }
}

#define REPLACED_PART(IN) "SELECT object_id, size_bytes FROM upload_parts WHERE upload_id = $1 AND number = $2" HELD(IN)

/* Called when no row was added: the part exists, or, NOT_FOUND, the upload does not. */
static err_t replace_part(struct meta_tx *tx, const struct upload_part *p, struct sql_args args, struct arena *a,
                          int64_t *ret_old_object_id, uint64_t *ret_old_bytes)
{
    int64_t old_object_id;
    uint64_t old_bytes;
    {
        SCOPED(sql_closep) struct sql_cursor *c = NULL;
        TRY(tx_one(tx, "upload", STATEMENT_PAIR(REPLACED_PART), SQL(SQL_I(p->upload_id), SQL_I(p->number)), a, &c));
        old_object_id = sql_column_int(c, 0);
        old_bytes = column_size(c, 1);
    }
    TRY(tx_change_one(tx, "part",
                      STATEMENT("UPDATE upload_parts SET object_id = $1, size_bytes = $2, md5 = $3, checksum_kind = $4,"
                                " checksum = $5, stored_at_ms = $6, crc64 = $7 WHERE number = $8 AND upload_id = $9"),
                      args, a));
    *ret_old_object_id = old_object_id;
    *ret_old_bytes = old_bytes;
    return NULL;
}

err_t meta_part_put(struct meta_tx *tx, const struct upload_part *p, struct arena *a, int64_t *ret_old_object_id,
                    uint64_t *ret_old_bytes)
{
    const struct sql_value values[] = {
        SQL_I(p->object_id),
        SQL_I((int64_t)p->size_bytes),
        SQL_BYTES(p->md5, MD5_SIZE),
        SQL_I(p->digest.kind),
        sql_digest(&p->digest),
        SQL_I(p->stored_at_ms),
        p->crc64.kind == DIGEST_NONE ? SQL_NIL : sql_digest(&p->crc64),
        SQL_I(p->number),
        SQL_I(p->upload_id),
    };
    const struct sql_args args = { values, LENGTH_OF(values) };
    int64_t added;
    TRY(tx_add_counted(
        tx,
        STATEMENT(
            "INSERT INTO upload_parts (object_id, size_bytes, md5, checksum_kind, checksum, stored_at_ms,"
            " crc64, number, upload_id) SELECT $1, $2, $3, $4, $5, $6, $7, $8, id FROM uploads WHERE id = $9" NOT_ENDED
            " ON CONFLICT (upload_id, number) DO NOTHING"),
        args, a, &added));
    if (!added)
        return replace_part(tx, p, args, a, ret_old_object_id, ret_old_bytes);
    *ret_old_object_id = 0;
    *ret_old_bytes = 0;
    return NULL;
}

err_t meta_part_sums(struct meta_tx *tx, int64_t upload_id, struct arena *a, int64_t *ret_bytes, int64_t *ret_count)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "upload",
               STATEMENT("SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT), COUNT(*) FROM upload_parts"
                         " WHERE upload_id = $1"),
               SQL(SQL_I(upload_id)), a, &c));
    *ret_bytes = sql_column_int(c, 0);
    *ret_count = sql_column_int(c, 1);
    return NULL;
}

err_t meta_part_list(struct meta_tx *tx, int64_t upload_id, int64_t after, size_t limit, struct arena *a,
                     struct upload_part_list *ret)
{
    return tx_list(
        tx,
        STATEMENT("SELECT upload_id, number, object_id, size_bytes, md5, checksum_kind, checksum, stored_at_ms, crc64"
                  " FROM upload_parts WHERE upload_id = $1 AND number > $2 ORDER BY number LIMIT $3"),
        SQL(SQL_I(upload_id), SQL_I(after), sql_limit(limit)), a, LIST_OF(read_upload_part_row, ret));
}
