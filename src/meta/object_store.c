/* SPDX-License-Identifier: Apache-2.0 */
/* An object's record is removed first, and its blob key goes onto the garbage list in the same transaction. garbage.c
 * of core removes the bytes later.
 *
 * The second migration added part_count, so it stands after inline_bytes in the row. Reading it still costs no page:
 * the value 0 is stored in the row's header, and a composite, where it is not 0, has no inline bytes before it. */
#include "core/store/object_store.h"
#include "core/records/account.h"
#include "core/records/object.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"
#include "meta/usage_priv.h"

#include <assert.h>
#include <string.h>

#define ROW_BYTES ((size_t)CHECKSUMS_IN_ROW * 4)

#define OBJECT "SELECT o.id, o.account_id, o.size_bytes, o.md5, o.created_at_ms, o.blob_key, o.part_count"

static void read_object_row(struct sql_cursor *c, struct arena *a, struct object *ret)
{
    *ret = (struct object){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .size_bytes = column_size(c, 2),
        .created_at_ms = sql_column_int(c, 4),
        .blob_key = sql_column_copy(c, 5, a),
        .part_count = sql_column_int(c, 6),
    };
    column_bytes(c, 3, ret->md5, MD5_SIZE);
}

err_t meta_object_add(struct meta_tx *tx, const struct object *object, struct arena *a, int64_t *ret_id)
{
    bool is_inline = !object->blob_key.n;
    int64_t id;
    TRY(tx_next_id(tx, OBJECT_IDS, a, &id));
    TRY(tx_add(tx,
               STATEMENT("INSERT INTO objects (id, account_id, size_bytes, md5, created_at_ms, blob_key, inline_bytes,"
                         " checksums) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"),
               SQL(SQL_I(id), SQL_I(object->account_id), SQL_I((int64_t)object->size_bytes),
                   SQL_BYTES(object->md5, MD5_SIZE), SQL_I(object->created_at_ms),
                   is_inline ? SQL_NIL : SQL_T(object->blob_key), is_inline ? SQL_B(object->inline_bytes) : SQL_NIL,
                   is_inline && object->checksums.n ? SQL_B(object->checksums) : SQL_NIL),
               a));
    *ret_id = id;
    return is_inline ? NULL : meta_checksums_put(tx, object->blob_key, 0, object->checksums, a);
}

err_t meta_object_get(struct meta_tx *tx, int64_t id, struct arena *a, struct object *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "object", STATEMENT(OBJECT ", o.inline_bytes, o.checksums FROM objects o WHERE o.id = $1"),
               SQL(SQL_I(id)), a, &c));
    read_object_row(c, a, ret);
    ret->inline_bytes = sql_column_copy(c, 7, a);
    ret->checksums = sql_column_copy(c, 8, a);
    return NULL;
}

#define HOLD_OBJECT(IN) "SELECT id FROM objects WHERE id = $1" HELD(IN)

err_t meta_object_hold(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_there)
{
    return tx_hold(tx, STATEMENT_PAIR(HOLD_OBJECT), SQL(SQL_I(id)), a, ret_there);
}

/* ---- composites ---- */

/* The offset of each part and the sum of the sizes. Composites are refused as parts, so that a reader finds all bytes
 * of a composite in its parts. */
static err_t measure_parts(struct meta_tx *tx, struct placed_part *parts, size_t count, struct arena *a,
                           uint64_t *ret_bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        SCOPED(sql_closep) struct sql_cursor *c = NULL;
        TRY(tx_one(tx, "part", STATEMENT("SELECT size_bytes, part_count FROM objects WHERE id = $1"),
                   SQL(SQL_I(parts[i].object_id)), a, &c));
        if (sql_column_int(c, 1))
            return err_make(a, ERR_INVALID, "object %lld is a composite itself", (long long)parts[i].object_id);
        parts[i].offset = sum;
        sum += column_size(c, 0);
        if (sum > INT64_MAX)
            return err_make(a, ERR_TOO_LARGE, "the parts are too large together");
    }
    *ret_bytes = sum;
    return NULL;
}

static err_t add_object_part(struct meta_tx *tx, int64_t id, int64_t number, const struct placed_part *part,
                             struct arena *a)
{
    return tx_add(
        tx,
        STATEMENT("INSERT INTO object_parts (object_id, number, part_id, part_offset, checksum_kind, checksum)"
                  " VALUES ($1, $2, $3, $4, $5, $6)"),
        SQL(SQL_I(id), SQL_I(number), SQL_I(part->object_id), SQL_I((int64_t)part->offset), SQL_I(part->digest.kind),
            sql_digest(&part->digest)),
        a);
}

static err_t add_composite(struct meta_tx *tx, const struct object *object, struct arena *a)
{
    return tx_add(
        tx,
        STATEMENT("INSERT INTO objects (id, account_id, size_bytes, md5, created_at_ms, inline_bytes, part_count)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7)"),
        SQL(SQL_I(object->id), SQL_I(object->account_id), SQL_I((int64_t)object->size_bytes),
            SQL_BYTES(object->md5, MD5_SIZE), SQL_I(object->created_at_ms), SQL_B(S("")), SQL_I(object->part_count)),
        a);
}

err_t meta_object_compose(struct meta_tx *tx, const struct object *object, const struct placed_part *parts,
                          size_t count, struct arena *a, int64_t *ret_id)
{
    if (!count)
        return err_make(a, ERR_EMPTY, "a composite needs parts");
    struct placed_part *placed = arena_array(a, struct placed_part, count);
    memcpy(placed, parts, count * sizeof *placed);
    struct object whole = *object;
    whole.part_count = (int64_t)count;
    TRY(measure_parts(tx, placed, count, a, &whole.size_bytes));
    TRY(tx_next_id(tx, OBJECT_IDS, a, &whole.id));
    TRY(add_composite(tx, &whole, a));
    for (size_t i = 0; i < count; i++)
        TRY(add_object_part(tx, whole.id, (int64_t)i + 1, &placed[i], a));
    *ret_id = whole.id;
    return NULL;
}

/* ---- large composites ---- */

err_t meta_object_next_id(struct meta_tx *tx, struct arena *a, int64_t *ret_id)
{
    return tx_next_id(tx, OBJECT_IDS, a, ret_id);
}

static err_t count_garbage(struct meta_tx *tx, int64_t account_id, int64_t bytes, struct arena *a)
{
    return usage_add(tx, account_id, &(struct account_use){ .garbage = bytes }, a);
}

/* The whole composite counts while it is loose, whatever of its parts is removed already. */
static err_t discount_composite(struct meta_tx *tx, int64_t id, struct arena *a)
{
    int64_t account_id, bytes;
    {
        SCOPED(sql_closep) struct sql_cursor *c = NULL;
        TRY(tx_one(tx, "composite", STATEMENT("SELECT account_id, size_bytes FROM objects WHERE id = $1"),
                   SQL(SQL_I(id)), a, &c));
        account_id = sql_column_int(c, 0);
        bytes = sql_column_int(c, 1);
    }
    return count_garbage(tx, account_id, -bytes, a);
}

err_t meta_composite_begin(struct meta_tx *tx, const struct object *object, int64_t due_at_ms, struct arena *a)
{
    TRY(add_composite(tx, object, a));
    TRY(count_garbage(tx, object->account_id, (int64_t)object->size_bytes, a));
    return tx_add(tx, STATEMENT("INSERT INTO loose_composites (object_id, due_at_ms) VALUES ($1, $2)"),
                  SQL(SQL_I(object->id), SQL_I(due_at_ms)), a);
}

err_t meta_composite_add(struct meta_tx *tx, int64_t id, int64_t number, const struct placed_part *parts, size_t count,
                         struct arena *a)
{
    for (size_t i = 0; i < count; i++)
        TRY(add_object_part(tx, id, number + (int64_t)i, &parts[i], a));
    return NULL;
}

err_t meta_composite_settle(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a, bool *ret_there)
{
    int64_t removed;
    TRY(tx_add_counted(tx, STATEMENT("DELETE FROM loose_composites WHERE object_id = $1 AND due_at_ms > $2"),
                       SQL(SQL_I(id), SQL_I(now_ms)), a, &removed));
    *ret_there = removed > 0;
    return removed ? discount_composite(tx, id, a) : NULL;
}

err_t meta_composite_abandon(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_add(tx, STATEMENT("UPDATE loose_composites SET due_at_ms = $1 WHERE object_id = $2 AND due_at_ms > $1"),
                  SQL(SQL_I(now_ms), SQL_I(id)), a);
}

err_t meta_composite_is_loose(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_loose)
{
    int64_t count;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM loose_composites WHERE object_id = $1"), SQL(SQL_I(id)), a, &count));
    *ret_loose = count > 0;
    return NULL;
}

static void read_object_part_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct object_part *part = ret;
    read_object_row(c, a, &part->object);
    part->offset = column_size(c, 7);
    column_digest(c, 8, -1, 9, &part->digest);
}

err_t meta_object_parts(struct meta_tx *tx, int64_t id, struct arena *a, struct object_part_list *ret)
{
    return tx_list(
        tx,
        STATEMENT(OBJECT
                  ", p.part_offset, p.checksum_kind, p.checksum FROM object_parts p JOIN objects o ON o.id = p.part_id"
                  " WHERE p.object_id = $1 ORDER BY p.number"),
        SQL(SQL_I(id)), a, LIST_OF(read_object_part_row, ret));
}

/* ---- removing ---- */

#define IS_NOT_REFERRED_TO                                                                                             \
    "NOT EXISTS (SELECT 1 FROM files WHERE object_id = objects.id)"                                                    \
    " AND NOT EXISTS (SELECT 1 FROM entries WHERE object_id = objects.id)"                                             \
    " AND NOT EXISTS (SELECT 1 FROM upload_parts WHERE object_id = objects.id)"                                        \
    " AND NOT EXISTS (SELECT 1 FROM object_parts WHERE part_id = objects.id)"

err_t meta_object_is_orphan(struct meta_tx *tx, int64_t id, struct arena *a, bool *ret_is)
{
    int64_t count;
    TRY(tx_int(tx,
               STATEMENT("SELECT COUNT(*) FROM objects WHERE id = $1 AND " IS_NOT_REFERRED_TO
                         " AND NOT EXISTS (SELECT 1 FROM loose_composites WHERE object_id = objects.id)"),
               SQL(SQL_I(id)), a, &count));
    *ret_is = count > 0;
    return NULL;
}

struct id_list {
    int64_t *items;
    size_t count;
};

/* Held, because a reference to the object that another machine adds now is not seen by the statement that removes it. */
#define REMOVED_OBJECT(IN)                                                                                             \
    "SELECT blob_key, part_count, account_id, size_bytes FROM objects WHERE id = $1" HELD_FOR_REMOVAL(IN)

/* Removes one object if nothing refers to it. ret_part_ids: the parts of the object that was removed. */
static err_t release_object(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a,
                            struct id_list *ret_part_ids)
{
    slice blob_key;
    int64_t part_count, account_id, bytes, changed;
    struct id_list part_ids = { 0 };
    *ret_part_ids = part_ids;
    {
        SCOPED(sql_closep) struct sql_cursor *c = NULL;
        err_t e = tx_one(tx, "object", STATEMENT_PAIR(REMOVED_OBJECT), SQL(SQL_I(id)), a, &c);
        if (err_is(e, ERR_NOT_FOUND))
            return NULL;
        TRY(e);
        blob_key = sql_column_copy(c, 0, a);
        part_count = sql_column_int(c, 1);
        account_id = sql_column_int(c, 2);
        bytes = sql_column_int(c, 3);
    }
    if (part_count > COMPOSITE_PARTS_AT_ONCE) {
        TRY(tx_change(tx,
                      STATEMENT("INSERT INTO loose_composites (object_id, due_at_ms) SELECT id, $1 FROM objects"
                                " WHERE id = $2 AND " IS_NOT_REFERRED_TO " ON CONFLICT (object_id) DO NOTHING"),
                      SQL(SQL_I(now_ms), SQL_I(id)), a, &changed));
        return changed ? count_garbage(tx, account_id, bytes, a) : NULL;
    }
    if (part_count)
        TRY(tx_list(tx, STATEMENT("SELECT part_id FROM object_parts WHERE object_id = $1 ORDER BY number"),
                    SQL(SQL_I(id)), a, LIST_OF(read_id_row, &part_ids)));
    /* ON DELETE CASCADE: its object_parts, too. */
    TRY(tx_change(tx, STATEMENT("DELETE FROM objects WHERE id = $1 AND " IS_NOT_REFERRED_TO), SQL(SQL_I(id)), a,
                  &changed));
    if (!changed)
        return NULL;
    *ret_part_ids = part_ids;
    if (!blob_key.n)
        return NULL;
    TRY(tx_add_counted(tx,
                       STATEMENT("INSERT INTO garbage (blob_key, put_at_ms, account_id, size_bytes)"
                                 " VALUES ($1, $2, $3, $4) ON CONFLICT (blob_key) DO NOTHING"),
                       SQL(SQL_T(blob_key), SQL_I(now_ms), SQL_I(account_id), SQL_I(bytes)), a, &changed));
    return changed ? count_garbage(tx, account_id, bytes, a) : NULL;
}

err_t meta_object_release(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    struct id_list parts, none;
    TRY(release_object(tx, id, now_ms, a, &parts));
    for (size_t i = 0; i < parts.count; i++)
        TRY(release_object(tx, parts.items[i], now_ms, a, &none)); /* a part is never a composite */
    return NULL;
}

struct loose_part {
    int64_t number, object_id;
};
struct loose_part_list {
    struct loose_part *items;
    size_t count;
};

static void read_loose_part_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    (void)a;
    *(struct loose_part *)ret = (struct loose_part){ sql_column_int(c, 0), sql_column_int(c, 1) };
}

static err_t remove_loose(struct meta_tx *tx, int64_t id, struct arena *a)
{
    TRY(discount_composite(tx, id, a));
    TRY(tx_change(tx, STATEMENT("DELETE FROM loose_composites WHERE object_id = $1"), SQL(SQL_I(id)), a, NULL));
    return tx_change(tx, STATEMENT("DELETE FROM objects WHERE objects.id = $1 AND " IS_NOT_REFERRED_TO), SQL(SQL_I(id)),
                     a, NULL);
}

/* Not even a damaged store loses what an entry names. */
#define FIRST_LOOSE(IN)                                                                                                \
    "SELECT object_id, due_at_ms FROM loose_composites WHERE due_at_ms <= $1"                                          \
    " AND NOT EXISTS (SELECT 1 FROM entries WHERE entries.object_id = loose_composites.object_id)"                     \
    " ORDER BY due_at_ms, object_id LIMIT 1" HELD_FOR_REMOVAL(IN)

/* The grace of the bytes begins when the composite was given up, not when its turn has come. */
err_t meta_composite_remove(struct meta_tx *tx, int64_t now_ms, size_t limit, struct arena *a, bool *ret_more)
{
    int64_t id, due_at_ms;
    struct loose_part_list parts;
    struct id_list none;
    *ret_more = false;
    {
        SCOPED(sql_closep) struct sql_cursor *c = NULL;
        err_t e = tx_one(tx, "composite", STATEMENT_PAIR(FIRST_LOOSE), SQL(SQL_I(now_ms)), a, &c);
        if (err_is(e, ERR_NOT_FOUND))
            return NULL;
        TRY(e);
        id = sql_column_int(c, 0);
        due_at_ms = sql_column_int(c, 1);
    }
    *ret_more = true;
    TRY(tx_list(tx, STATEMENT("SELECT number, part_id FROM object_parts WHERE object_id = $1 ORDER BY number LIMIT $2"),
                SQL(SQL_I(id), sql_limit(limit)), a, LIST_OF(read_loose_part_row, &parts)));
    if (parts.count)
        TRY(tx_change(tx, STATEMENT("DELETE FROM object_parts WHERE object_id = $1 AND number <= $2"),
                      SQL(SQL_I(id), SQL_I(parts.items[parts.count - 1].number)), a, NULL));
    for (size_t i = 0; i < parts.count; i++)
        TRY(release_object(tx, parts.items[i].object_id, due_at_ms, a, &none)); /* a part is never a composite */
    return parts.count == limit ? NULL : remove_loose(tx, id, a);
}

err_t meta_object_each(struct meta_tx *tx, int64_t after_id, struct arena *a,
                       err_t (*visit)(void *arg, const struct object *), void *arg)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_query(tx, STATEMENT(OBJECT " FROM objects o WHERE o.id > $1 ORDER BY o.id"), SQL(SQL_I(after_id)), a, &c));
    for (;;) {
        bool row;
        TRY(sql_next(c, a, &row));
        if (!row)
            return NULL;
        SCRATCH(s); /* there may be millions of objects */
        struct object object;
        read_object_row(c, &s, &object);
        TRY(visit(arg, &object));
    }
}

static void read_listed_object_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    read_object_row(c, a, ret);
}

err_t meta_object_page(struct meta_tx *tx, int64_t after_id, size_t limit, struct arena *a, struct object_list *ret)
{
    return tx_list(tx, STATEMENT(OBJECT " FROM objects o WHERE o.id > $1 AND o.part_count = 0 ORDER BY o.id LIMIT $2"),
                   SQL(SQL_I(after_id), sql_limit(limit)), a, LIST_OF(read_listed_object_row, ret));
}

err_t meta_object_set_checksums(struct meta_tx *tx, int64_t id, slice checksums, struct arena *a)
{
    return tx_add(tx, /* no cache holds checksums */
                  STATEMENT("UPDATE objects SET checksums = $1 WHERE id = $2 AND checksums IS NULL"),
                  SQL(SQL_B(checksums), SQL_I(id)), a);
}

err_t meta_object_has_key(struct meta_tx *tx, slice blob_key, struct arena *a, bool *ret_has)
{
    int64_t count;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM objects WHERE blob_key = $1 AND blob_key IS NOT NULL"),
               SQL(SQL_T(blob_key)), a, &count));
    *ret_has = count > 0;
    return NULL;
}

/* ---- checksums of blobs ---- */

err_t meta_checksums_put(struct meta_tx *tx, slice blob_key, uint64_t first_piece, slice checksums, struct arena *a)
{
    assert(first_piece % CHECKSUMS_IN_ROW == 0);
    for (uint64_t row = first_piece / CHECKSUMS_IN_ROW; checksums.n; row++) {
        slice of_row = slice_part(checksums, 0, ROW_BYTES);
        TRY(tx_add(tx,
                   STATEMENT("INSERT INTO blob_checksums (blob_key, number, checksums) VALUES ($1, $2, $3)"
                             " ON CONFLICT (blob_key, number) DO UPDATE SET checksums = excluded.checksums"),
                   SQL(SQL_T(blob_key), SQL_I((int64_t)row), SQL_B(of_row)), a));
        checksums = slice_from(checksums, of_row.n);
    }
    return NULL;
}

err_t meta_checksums_get(struct meta_tx *tx, slice blob_key, uint64_t row, struct arena *a, slice *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    *ret = S("");
    err_t e = tx_one(tx, "row of checksums",
                     STATEMENT("SELECT checksums FROM blob_checksums WHERE blob_key = $1 AND number = $2"),
                     SQL(SQL_T(blob_key), SQL_I((int64_t)row)), a, &c);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    *ret = sql_column_copy(c, 0, a);
    return NULL;
}

err_t meta_checksums_forget(struct meta_tx *tx, slice blob_key, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("DELETE FROM blob_checksums WHERE blob_key = $1"
                            " AND NOT EXISTS (SELECT 1 FROM objects WHERE objects.blob_key = $1"
                            " AND objects.blob_key IS NOT NULL)"
                            " AND NOT EXISTS (SELECT 1 FROM transfers WHERE transfers.blob_key = $1)"
                            " AND NOT EXISTS (SELECT 1 FROM garbage WHERE garbage.blob_key = $1)"),
                  SQL(SQL_T(blob_key)), a);
}

/* ---- the scrub ---- */

err_t meta_scrub_get(struct meta_tx *tx, struct arena *a, struct scrub_state *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    *ret = (struct scrub_state){ 0 };
    err_t e = tx_one(tx, "scrub",
                     STATEMENT("SELECT begun_at_ms, after_id, done_bytes, damaged, is_done FROM scrub WHERE id = 1"),
                     SQL_NO_VALUES, a, &c);
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    *ret = (struct scrub_state){ .begun_at_ms = sql_column_int(c, 0),
                                 .after_id = sql_column_int(c, 1),
                                 .done_bytes = column_size(c, 2),
                                 .damaged = sql_column_int(c, 3),
                                 .is_done = sql_column_int(c, 4) };
    return NULL;
}

err_t meta_scrub_put(struct meta_tx *tx, const struct scrub_state *s, struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("INSERT INTO scrub (id, begun_at_ms, after_id, done_bytes, damaged, is_done)"
                            " VALUES (1, $1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE SET"
                            " begun_at_ms = excluded.begun_at_ms, after_id = excluded.after_id,"
                            " done_bytes = excluded.done_bytes, damaged = excluded.damaged,"
                            " is_done = excluded.is_done"),
                  SQL(SQL_I(s->begun_at_ms), SQL_I(s->after_id), SQL_I((int64_t)s->done_bytes), SQL_I(s->damaged),
                      SQL_I(s->is_done)),
                  a);
}

/* ---- the garbage list ---- */

static void read_blob_key_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(slice *)ret = sql_column_copy(c, 0, a);
}

/* Leaves out keys that an object names, however they came onto the list. */
err_t meta_garbage_list(struct meta_tx *tx, int64_t before_ms, size_t limit, struct arena *a, struct blob_key_list *ret)
{
    return tx_list(tx,
                   STATEMENT("SELECT blob_key FROM garbage WHERE put_at_ms < $1"
                             " AND NOT EXISTS (SELECT 1 FROM objects WHERE objects.blob_key = garbage.blob_key"
                             " AND objects.blob_key IS NOT NULL) ORDER BY put_at_ms, id LIMIT $2"),
                   SQL(SQL_I(before_ms), sql_limit(limit)), a, LIST_OF(read_blob_key_row, ret));
}

err_t meta_garbage_forget(struct meta_tx *tx, slice blob_key, struct arena *a)
{
    int64_t account_id, bytes;
    {
        SCOPED(sql_closep) struct sql_cursor *c = NULL;
        err_t e =
            tx_add_returning(tx, "garbage", /* no cache holds garbage */
                             STATEMENT("DELETE FROM garbage WHERE blob_key = $1 RETURNING account_id, size_bytes"),
                             SQL(SQL_T(blob_key)), a, &c);
        if (err_is(e, ERR_NOT_FOUND))
            return NULL;
        TRY(e);
        account_id = sql_column_int(c, 0);
        bytes = sql_column_int(c, 1);
    }
    TRY(meta_checksums_forget(tx, blob_key, a));
    return bytes ? count_garbage(tx, account_id, -bytes, a) : NULL;
}
