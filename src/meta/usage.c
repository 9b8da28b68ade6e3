/* SPDX-License-Identifier: Apache-2.0 */
/* An account's row is read when a write of the transaction first uses it, so that a write without room is refused before
 * it has changed anything. The statement that writes the sum checks the room again, because only that check holds when
 * several machines write. */
#include "meta/usage_priv.h"

#include "core/store/account_store.h"
#include "meta/statement_priv.h"

#include <assert.h>
#include <stdlib.h>

static struct account_usage *find_usage(const struct meta_tx *tx, int64_t account_id)
{
    struct usage *usage = tx->usage;
    for (size_t i = 0; usage && i < usage->count; i++)
        if (usage->accounts[i].id == account_id)
            return &usage->accounts[i];
    return NULL;
}

static err_t read_usage(struct meta_tx *tx, int64_t account_id, struct arena *a, struct account_usage **ret)
{
    struct usage *usage = tx->usage;
    if (usage->count == USAGE_ACCOUNTS_MAX)
        TRY(usage_write(tx, a));
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(
        tx, "account",
        STATEMENT("SELECT max_bytes, max_files, used_bytes + record_bytes, used_files FROM accounts WHERE id = $1"),
        SQL(SQL_I(account_id)), a, &c));
    *ret = &usage->accounts[usage->count++];
    **ret = (struct account_usage){ .id = account_id,
                                    .max_bytes = sql_column_int(c, 0),
                                    .max_files = sql_column_int(c, 1),
                                    .used_bytes = sql_column_int(c, 2),
                                    .used_files = sql_column_int(c, 3) };
    return NULL;
}

static bool account_has_room(int64_t max, int64_t used, int64_t more)
{
    return more <= 0 || max == 0 || more <= max - used; /* `used + more` could overflow */
}

err_t usage_add(struct meta_tx *tx, int64_t account_id, const struct account_use *more, struct arena *a)
{
    assert(tx->is_write);
    struct account_usage *u = find_usage(tx, account_id);
    if (!u)
        TRY(read_usage(tx, account_id, a, &u));
    if (!account_has_room(u->max_bytes, u->used_bytes + u->more.bytes + u->more.records, more->bytes + more->records))
        return err_make(a, ERR_QUOTA, "the account's limit of bytes is used up");
    if (!account_has_room(u->max_files, u->used_files + u->more.files, more->files))
        return err_make(a, ERR_QUOTA, "the account's limit of files is used up");
    u->more.bytes += more->bytes;
    u->more.files += more->files;
    u->more.records += more->records;
    u->more.pending += more->pending;
    u->more.uploads += more->uploads;
    u->more.garbage += more->garbage;
    return NULL;
}

void usage_show(const struct meta_tx *tx, struct account *account)
{
    const struct account_usage *u = find_usage(tx, account->id);
    if (u) {
        account->used_bytes += u->more.bytes;
        account->used_files += u->more.files;
        account->record_bytes += u->more.records;
        account->pending_files += u->more.pending;
        account->open_uploads += u->more.uploads;
        account->garbage_bytes += u->more.garbage;
    }
}

static int compare_account_ids(const void *a, const void *b)
{
    int64_t x = ((const struct account_usage *)a)->id, y = ((const struct account_usage *)b)->id;
    return (x > y) - (x < y);
}

static err_t write_sum(struct meta_tx *tx, const struct account_usage *u, struct arena *a)
{
    int64_t changed;
    /* tx_add_counted: no cache has the counters, so a change of them does not raise the generation. */
    TRY(tx_add_counted(tx,
                       STATEMENT("UPDATE accounts SET used_bytes = used_bytes + $1, used_files = used_files + $2,"
                                 " record_bytes = record_bytes + $3, pending_files = pending_files + $4,"
                                 " open_uploads = open_uploads + $5, garbage_bytes = garbage_bytes + $6 WHERE id = $7"
                                 " AND ($8 <= 0 OR max_bytes = 0 OR $8 <= max_bytes - used_bytes - record_bytes)"
                                 " AND ($2 <= 0 OR max_files = 0 OR $2 <= max_files - used_files)"),
                       SQL(SQL_I(u->more.bytes), SQL_I(u->more.files), SQL_I(u->more.records), SQL_I(u->more.pending),
                           SQL_I(u->more.uploads), SQL_I(u->more.garbage), SQL_I(u->id),
                           SQL_I(u->more.bytes + u->more.records)),
                       a, &changed));
    return changed ? NULL : err_make(a, ERR_QUOTA, "the account's limit is used up");
}

static bool changes_usage(const struct account_use *more)
{
    return more->bytes || more->files || more->records || more->pending || more->uploads || more->garbage;
}

err_t usage_write(struct meta_tx *tx, struct arena *a)
{
    struct usage *usage = tx->usage;
    size_t count = usage->count;
    usage->count = 0;
    if (count > 1)
        qsort(usage->accounts, count, sizeof *usage->accounts, compare_account_ids);
    for (size_t i = 0; i < count; i++)
        if (changes_usage(&usage->accounts[i].more))
            TRY(write_sum(tx, &usage->accounts[i], a));
    return NULL;
}
