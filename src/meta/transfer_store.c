/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/transfer_store.h"

#include "core/store/object_store.h"
#include "meta/dialect_priv.h"
#include "meta/statement_priv.h"

#include <string.h>

#define TRANSFER                                                                                                       \
    "SELECT t.id, t.account_id, t.owner_id, t.name, t.origin, t.file_name, t.content_type, t.metadata, t.blob_key,"    \
    " t.length_bytes, t.offset_bytes, t.md5, t.holder_kind, t.holder_id, t.is_part, t.created_at_ms, t.expires_at_ms," \
    " t.writer, t.writer_until_ms, t.finished_at_ms, t.file_uuid, u.login, t.is_composed, t.composition,"              \
    " t.digest_state, t.digest_expected, t.section_id, t.link_id FROM transfers t"                                     \
    " JOIN users u ON u.id = t.owner_id"

/* A running digest as bytes, in the same form on every machine. */
enum { STATE_SIZE = 4 * 4 + 8 + MD5_BLOCK };

static void put_number(unsigned char *to, uint64_t n, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(n >> (8 * i));
}

static uint64_t get_number(const unsigned char *from, int bytes)
{
    uint64_t n = 0;
    for (int i = 0; i < bytes; i++)
        n |= (uint64_t)from[i] << (8 * i);
    return n;
}

static slice state_of(const struct md5 *md5, struct arena *a)
{
    unsigned char *to = arena_alloc(a, STATE_SIZE);
    for (int i = 0; i < 4; i++)
        put_number(to + 4 * i, md5->state[i], 4);
    put_number(to + 16, md5->bytes, 8);
    memcpy(to + 24, md5->partial, md5->bytes % MD5_BLOCK);
    return (slice){ (const char *)to, STATE_SIZE };
}

static void read_state(struct sql_cursor *c, int index, struct md5 *ret)
{
    unsigned char from[STATE_SIZE];
    column_bytes(c, index, from, sizeof from);
    for (int i = 0; i < 4; i++)
        ret->state[i] = (uint32_t)get_number(from + 4 * i, 4);
    ret->bytes = get_number(from + 16, 8);
    memcpy(ret->partial, from + 24, MD5_BLOCK);
}

static void read_transfer_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    struct transfer *t = ret;
    *t = (struct transfer){
        .id = sql_column_int(c, 0),
        .account_id = sql_column_int(c, 1),
        .owner_id = sql_column_int(c, 2),
        .name = sql_column_copy(c, 3, a),
        .origin = sql_column_copy(c, 4, a),
        .file_name = sql_column_copy(c, 5, a),
        .content_type = sql_column_copy(c, 6, a),
        .metadata = sql_column_copy(c, 7, a),
        .blob_key = sql_column_copy(c, 8, a),
        .length = sql_column_int(c, 9),
        .offset = sql_column_int(c, 10),
        .holder = { (int)sql_column_int(c, 12), sql_column_int(c, 13) },
        .is_part = sql_column_int(c, 14) != 0,
        .created_at_ms = sql_column_int(c, 15),
        .expires_at_ms = sql_column_int(c, 16),
        .writer = sql_column_copy(c, 17, a),
        .writer_until_ms = sql_column_int(c, 18),
        .finished_at_ms = sql_column_int(c, 19),
        .owner_login = sql_column_copy(c, 21, a),
        .is_composed = sql_column_int(c, 22) != 0,
        .composition = sql_column_copy(c, 23, a),
        .expected_digest = sql_column_copy(c, 25, a),
        .section_id = sql_column_int(c, 26),
        .link_id = sql_column_int(c, 27),
    };
    t->has_digest = hash_state_load(&t->digest, sql_column_copy(c, 24, a));
    read_state(c, 11, &t->md5);
    column_bytes(c, 20, t->file_uuid, sizeof t->file_uuid);
}

err_t meta_transfer_add(struct meta_tx *tx, const struct transfer *t, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "transfer",
        STATEMENT("INSERT INTO transfers (account_id, owner_id, name, origin, file_name, content_type, metadata,"
                  " blob_key, length_bytes, md5, holder_kind, holder_id, is_part, created_at_ms, expires_at_ms,"
                  " is_composed, composition, digest_state, digest_expected, section_id, link_id)"
                  " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,"
                  " $21"
                  " WHERE NOT EXISTS (SELECT 1 FROM transfers WHERE section_id = $20 AND file_name = $5)"
                  " ON CONFLICT DO NOTHING"),
        SQL(SQL_I(t->account_id), SQL_I(t->owner_id), SQL_T(t->name), SQL_T(t->origin), SQL_T(t->file_name),
            SQL_T(t->content_type), SQL_T(t->metadata), SQL_T(t->blob_key), SQL_I(t->length),
            SQL_B(state_of(&t->md5, a)), SQL_I(t->holder.kind), SQL_I(t->holder.id), SQL_I(t->is_part),
            SQL_I(t->created_at_ms), SQL_I(t->expires_at_ms), SQL_I(t->is_composed), SQL_T(t->composition),
            t->has_digest ? SQL_B(hash_state_store(&t->digest, a)) : SQL_NIL,
            t->expected_digest.n ? SQL_B(t->expected_digest) : SQL_NIL, sql_id(t->section_id), SQL_I(t->link_id)),
        a, ret_id);
}

err_t meta_transfer_get(struct meta_tx *tx, int64_t id, struct arena *a, struct transfer *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "transfer", STATEMENT(TRANSFER " WHERE t.id = $1"), SQL(SQL_I(id)), a, &c));
    read_transfer_row(c, a, ret);
    return NULL;
}

err_t meta_transfer_by_name(struct meta_tx *tx, slice name, struct arena *a, struct transfer *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "transfer", STATEMENT(TRANSFER " WHERE t.name = $1"), SQL(SQL_T(name)), a, &c));
    read_transfer_row(c, a, ret);
    return NULL;
}

err_t meta_transfer_list(struct meta_tx *tx, const struct id_page *page, struct arena *a, struct transfer_list *ret)
{
    return tx_list(tx, STATEMENT(TRANSFER " WHERE t.id > $1 ORDER BY t.id LIMIT $2"),
                   SQL(SQL_I(page->after_id), sql_limit(page->limit)), a, LIST_OF(read_transfer_row, ret));
}

err_t meta_transfer_list_of(struct meta_tx *tx, const struct transfer_listing *l, struct arena *a,
                            struct transfer_list *ret)
{
    return tx_list(tx,
                   STATEMENT(TRANSFER
                             " WHERE t.owner_id = $1 AND t.account_id = $2 AND t.id > $3 AND t.expires_at_ms > $4"
                             " AND t.section_id IS NULL AND t.link_id = 0 ORDER BY t.id LIMIT $5"),
                   SQL(SQL_I(l->owner_id), SQL_I(l->account_id), SQL_I(l->page.after_id), SQL_I(l->now_ms),
                       sql_limit(l->page.limit)),
                   a, LIST_OF(read_transfer_row, ret));
}

err_t meta_transfer_list_expired(struct meta_tx *tx, int64_t now_ms, size_t limit, struct arena *a,
                                 struct transfer_list *ret)
{
    return tx_list(tx,
                   STATEMENT(TRANSFER " WHERE t.expires_at_ms <= $1 AND NOT EXISTS"
                                      " (SELECT 1 FROM transfer_parts p WHERE p.part_id = t.id)"
                                      " ORDER BY t.expires_at_ms, t.id LIMIT $2"),
                   SQL(SQL_I(now_ms), sql_limit(limit)), a, LIST_OF(read_transfer_row, ret));
}

static err_t change_if(struct meta_tx *tx, const struct sql_statement *statement, struct sql_args args, struct arena *a,
                       bool *ret_done)
{
    int64_t changed;
    /* tx_add_counted: no cache has transfers, so a change of them does not raise the generation. */
    TRY(tx_add_counted(tx, statement, args, a, &changed));
    *ret_done = changed > 0;
    return NULL;
}

err_t meta_transfer_claim(struct meta_tx *tx, const struct transfer_claim *claim, struct arena *a, bool *ret_claimed)
{
    return change_if(tx,
                     STATEMENT("UPDATE transfers SET writer = $1, writer_until_ms = $2 WHERE id = $3"
                               " AND finished_at_ms = 0 AND (writer = '' OR writer_until_ms <= $4 OR $5 <> 0)"),
                     SQL(SQL_T(claim->writer), SQL_I(claim->until_ms), SQL_I(claim->id), SQL_I(claim->now_ms),
                         SQL_I(claim->takes_over)),
                     a, ret_claimed);
}

err_t meta_transfer_advance(struct meta_tx *tx, const struct transfer_advance *t, struct arena *a, bool *ret_done)
{
    return change_if(
        tx,
        STATEMENT("UPDATE transfers SET offset_bytes = $1, md5 = $2, writer_until_ms = $3, expires_at_ms = $4,"
                  " digest_state = $5 WHERE id = $6 AND writer = $7 AND offset_bytes = $8 AND finished_at_ms = 0"
                  " AND expires_at_ms > $9 AND (length_bytes < 0 OR length_bytes >= $1)"),
        SQL(SQL_I(t->to), SQL_B(state_of(t->md5, a)), SQL_I(t->until_ms), SQL_I(t->expires_at_ms),
            t->digest ? SQL_B(hash_state_store(t->digest, a)) : SQL_NIL, SQL_I(t->id), SQL_T(t->writer), SQL_I(t->from),
            SQL_I(t->now_ms)),
        a, ret_done);
}

err_t meta_transfer_release(struct meta_tx *tx, int64_t id, slice writer, struct arena *a)
{
    return tx_add(tx, STATEMENT("UPDATE transfers SET writer = '', writer_until_ms = 0 WHERE id = $1 AND writer = $2"),
                  SQL(SQL_I(id), SQL_T(writer)), a);
}

err_t meta_transfer_release_all(struct meta_tx *tx, struct arena *a)
{
    return tx_add(tx, STATEMENT("UPDATE transfers SET writer = '', writer_until_ms = 0 WHERE writer <> ''"),
                  SQL_NO_VALUES, a);
}

err_t meta_transfer_set_length(struct meta_tx *tx, int64_t id, int64_t length, struct arena *a, bool *ret_done)
{
    return change_if(tx,
                     STATEMENT("UPDATE transfers SET length_bytes = $1 WHERE id = $2 AND length_bytes < 0"
                               " AND offset_bytes <= $1 AND finished_at_ms = 0"),
                     SQL(SQL_I(length), SQL_I(id)), a, ret_done);
}

err_t meta_transfer_clear_length(struct meta_tx *tx, int64_t id, slice writer, struct arena *a)
{
    return tx_add(
        tx, STATEMENT("UPDATE transfers SET length_bytes = -1 WHERE id = $1 AND writer = $2 AND finished_at_ms = 0"),
        SQL(SQL_I(id), SQL_T(writer)), a);
}

err_t meta_transfer_finish(struct meta_tx *tx, const struct transfer *t, struct arena *a, bool *ret_done)
{
    return change_if(tx,
                     STATEMENT("UPDATE transfers SET finished_at_ms = $1, file_uuid = $2, expires_at_ms = $3,"
                               " writer = '', writer_until_ms = 0 WHERE id = $4 AND finished_at_ms = 0"
                               " AND offset_bytes = length_bytes"),
                     SQL(SQL_I(t->finished_at_ms), t->is_part ? SQL_NIL : SQL_BYTES(t->file_uuid, sizeof t->file_uuid),
                         SQL_I(t->expires_at_ms), SQL_I(t->id)),
                     a, ret_done);
}

err_t meta_transfer_expire(struct meta_tx *tx, int64_t id, int64_t now_ms, struct arena *a)
{
    return tx_add(
        tx,
        STATEMENT("UPDATE transfers SET writer = '', writer_until_ms = 0, expires_at_ms = $1, section_id = NULL"
                  " WHERE id = $2"),
        SQL(SQL_I(now_ms), SQL_I(id)), a);
}

err_t meta_transfer_remove(struct meta_tx *tx, const struct transfer *t, struct arena *a, bool *ret_done)
{
    TRY(change_if(tx,
                  STATEMENT("DELETE FROM transfers WHERE id = $1 AND offset_bytes = $2 AND finished_at_ms = $3"
                            " AND file_name = $4"),
                  SQL(SQL_I(t->id), SQL_I(t->offset), SQL_I(t->finished_at_ms), SQL_T(t->file_name)), a, ret_done));
    return *ret_done && t->blob_key.n ? meta_checksums_forget(tx, t->blob_key, a) : NULL;
}

err_t meta_transfer_has_key(struct meta_tx *tx, slice blob_key, struct arena *a, bool *ret_has)
{
    int64_t count;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM transfers WHERE blob_key = $1"), SQL(SQL_T(blob_key)), a, &count));
    *ret_has = count > 0;
    return NULL;
}

err_t meta_transfer_take(struct meta_tx *tx, const struct transfer *t, struct arena *a, bool *ret_done)
{
    return change_if(tx,
                     STATEMENT("DELETE FROM transfers WHERE id = $1 AND offset_bytes = $2 AND length_bytes = $2"
                               " AND finished_at_ms = 0 AND writer = '' AND file_name = $3"),
                     SQL(SQL_I(t->id), SQL_I(t->offset), SQL_T(t->file_name)), a, ret_done);
}

/* ---- the files of a section ---- */

err_t meta_transfer_in_section(struct meta_tx *tx, int64_t section_id, slice file_name, struct arena *a,
                               struct transfer *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "transfer", STATEMENT(TRANSFER " WHERE t.section_id = $1 AND t.file_name = $2"),
               SQL(SQL_I(section_id), SQL_T(file_name)), a, &c));
    read_transfer_row(c, a, ret);
    return NULL;
}

err_t meta_transfer_list_in_section(struct meta_tx *tx, const struct transfer_names *n, struct arena *a,
                                    struct transfer_list *ret)
{
    return tx_list(tx,
                   STATEMENT(TRANSFER " WHERE t.section_id = $1 AND t.file_name > $2 AND t.expires_at_ms > $3"
                                      " ORDER BY t.file_name LIMIT $4"),
                   SQL(SQL_I(n->section_id), SQL_T(n->after), SQL_I(n->now_ms), sql_limit(n->limit)), a,
                   LIST_OF(read_transfer_row, ret));
}

err_t meta_transfer_count_in_section(struct meta_tx *tx, int64_t section_id, struct arena *a, int64_t *ret)
{
    return tx_int(tx, STATEMENT("SELECT COUNT(*) FROM transfers WHERE section_id = $1"), SQL(SQL_I(section_id)), a,
                  ret);
}

err_t meta_transfer_leave_section(struct meta_tx *tx, int64_t section_id, slice file_name, int64_t now_ms,
                                  struct arena *a)
{
    return tx_add(tx,
                  STATEMENT("UPDATE transfers SET section_id = NULL WHERE section_id = $1 AND file_name = $2"
                            " AND expires_at_ms <= $3"),
                  SQL(SQL_I(section_id), SQL_T(file_name), SQL_I(now_ms)), a);
}

err_t meta_transfer_rename(struct meta_tx *tx, int64_t id, slice file_name, struct arena *a, bool *ret_done)
{
    return change_if(
        tx,
        STATEMENT("UPDATE transfers SET file_name = $1 WHERE id = $2 AND writer = '' AND finished_at_ms = 0"
                  " AND NOT EXISTS (SELECT 1 FROM transfers other"
                  " WHERE other.section_id = transfers.section_id AND other.file_name = $1)"),
        SQL(SQL_T(file_name), SQL_I(id)), a, ret_done);
}

/* ---- parts ---- */

err_t meta_transfer_add_part(struct meta_tx *tx, int64_t transfer_id, int64_t position, int64_t part_id,
                             struct arena *a)
{
    return tx_add(tx, STATEMENT("INSERT INTO transfer_parts (transfer_id, position, part_id) VALUES ($1, $2, $3)"),
                  SQL(SQL_I(transfer_id), SQL_I(position), SQL_I(part_id)), a);
}

err_t meta_transfer_list_parts(struct meta_tx *tx, int64_t transfer_id, struct arena *a, struct transfer_list *ret)
{
    return tx_list(tx,
                   STATEMENT(TRANSFER " JOIN transfer_parts p ON p.part_id = t.id WHERE p.transfer_id = $1"
                                      " ORDER BY p.position"),
                   SQL(SQL_I(transfer_id)), a, LIST_OF(read_transfer_row, ret));
}

err_t meta_transfer_forget_parts(struct meta_tx *tx, int64_t transfer_id, struct arena *a)
{
    return tx_add(tx, STATEMENT("DELETE FROM transfer_parts WHERE transfer_id = $1"), SQL(SQL_I(transfer_id)), a);
}

err_t meta_transfer_is_in_use(struct meta_tx *tx, int64_t part_id, struct arena *a, bool *ret_is)
{
    int64_t count;
    TRY(tx_int(tx, STATEMENT("SELECT COUNT(*) FROM transfer_parts WHERE part_id = $1"), SQL(SQL_I(part_id)), a,
               &count));
    *ret_is = count > 0;
    return NULL;
}
