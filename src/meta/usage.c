/* SPDX-License-Identifier: Apache-2.0 */
/* A row of an account or user is read when a write of the transaction first uses it, so that a write without room is refused
 * before it has changed anything. The statement that writes the sum checks the room again, because only that check holds when
 * several machines write. */
#include "meta/usage_priv.h"

#include "meta/statement_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void usage_clear(struct usage *usage)
{
    usage->accounts.count = usage->users.count = 0;
}

/* Most transactions are of one account: only the rows that are there are copied. */
static void copy_sums(struct usage_sums *to, const struct usage_sums *from)
{
    to->count = from->count;
    memcpy(to->rows, from->rows, from->count * sizeof *from->rows);
}

void usage_copy(struct usage *to, const struct usage *from)
{
    copy_sums(&to->accounts, &from->accounts);
    copy_sums(&to->users, &from->users);
}

static struct usage_sum *find_sum(struct usage_sums *sums, int64_t id)
{
    for (size_t i = 0; i < sums->count; i++)
        if (sums->rows[i].id == id)
            return &sums->rows[i];
    return NULL;
}

static err_t read_sum(struct meta_tx *tx, const char *what, const struct sql_statement *statement, int64_t id,
                      struct usage_sums *sums, struct arena *a)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, what, statement, SQL(SQL_I(id)), a, &c));
    sums->rows[sums->count++] = (struct usage_sum){ .id = id,
                                                    .max_bytes = sql_column_int(c, 0),
                                                    .max_files = sql_column_int(c, 1),
                                                    .used_bytes = sql_column_int(c, 2),
                                                    .used_files = sql_column_int(c, 3) };
    return NULL;
}

/* The sums of both, so that neither is written away while the other is read. owner_id 0: only that of the account. */
static err_t have_sums(struct meta_tx *tx, int64_t account_id, int64_t owner_id, struct arena *a)
{
    struct usage *usage = tx->usage;
    if ((usage->accounts.count == USAGE_SUMS_MAX && !find_sum(&usage->accounts, account_id)) ||
        (usage->users.count == USAGE_SUMS_MAX && owner_id && !find_sum(&usage->users, owner_id)))
        TRY(usage_write(tx, a));
    if (!find_sum(&usage->accounts, account_id))
        TRY(read_sum(tx, "account",
                     STATEMENT("SELECT max_bytes, max_files, used_bytes + record_bytes, used_files FROM accounts"
                               " WHERE id = $1"),
                     account_id, &usage->accounts, a));
    if (owner_id && !find_sum(&usage->users, owner_id))
        TRY(read_sum(tx, "user",
                     STATEMENT("SELECT max_bytes, max_files, used_bytes, used_files FROM users WHERE id = $1"),
                     owner_id, &usage->users, a));
    return NULL;
}

static bool sum_has_room(int64_t max, int64_t used, int64_t more)
{
    return more <= 0 || max == 0 || more <= max - used; /* `used + more` could overflow */
}

static err_t check_sum(const struct usage_sum *u, const char *whose, const struct account_use *more, struct arena *a)
{
    if (!sum_has_room(u->max_bytes, u->used_bytes + u->more.bytes + u->more.records, more->bytes + more->records))
        return err_make(a, ERR_QUOTA, "the %s's limit of bytes is used up", whose);
    if (!sum_has_room(u->max_files, u->used_files + u->more.files, more->files))
        return err_make(a, ERR_QUOTA, "the %s's limit of files is used up", whose);
    return NULL;
}

static void add_sum(struct usage_sum *u, const struct account_use *more)
{
    u->more.bytes += more->bytes;
    u->more.files += more->files;
    u->more.records += more->records;
    u->more.pending += more->pending;
    u->more.uploads += more->uploads;
    u->more.garbage += more->garbage;
}

err_t usage_add(struct meta_tx *tx, int64_t account_id, const struct account_use *more, struct arena *a)
{
    assert(tx->is_write);
    const struct account_use owned = { .bytes = more->bytes, .files = more->files };
    int64_t owner_id = owned.bytes || owned.files ? more->owner_id : 0;
    TRY(have_sums(tx, account_id, owner_id, a));
    struct usage_sum *account = find_sum(&tx->usage->accounts, account_id);
    struct usage_sum *owner = owner_id ? find_sum(&tx->usage->users, owner_id) : NULL;
    TRY(check_sum(account, "account", more, a));
    if (owner)
        TRY(check_sum(owner, "user", &owned, a));
    add_sum(account, more);
    if (owner)
        add_sum(owner, &owned);
    return NULL;
}

void usage_show(const struct meta_tx *tx, struct account *account)
{
    const struct usage_sum *u = tx->usage ? find_sum(&tx->usage->accounts, account->id) : NULL;
    if (u) {
        account->used_bytes += u->more.bytes;
        account->used_files += u->more.files;
        account->record_bytes += u->more.records;
        account->pending_files += u->more.pending;
        account->open_uploads += u->more.uploads;
        account->garbage_bytes += u->more.garbage;
    }
}

void usage_show_user(const struct meta_tx *tx, struct user *user)
{
    const struct usage_sum *u = tx->usage ? find_sum(&tx->usage->users, user->id) : NULL;
    if (u) {
        user->used_bytes += u->more.bytes;
        user->used_files += u->more.files;
    }
}

/* ---- writing ---- */

/* tx_add_counted: no cache has the counters, so a change of them does not raise the generation. */
static err_t write_account(struct meta_tx *tx, const struct usage_sum *u, struct arena *a, int64_t *ret_changed)
{
    return tx_add_counted(
        tx,
        STATEMENT("UPDATE accounts SET used_bytes = used_bytes + $1, used_files = used_files + $2,"
                  " record_bytes = record_bytes + $3, pending_files = pending_files + $4,"
                  " open_uploads = open_uploads + $5, garbage_bytes = garbage_bytes + $6 WHERE id = $7"
                  " AND ($8 <= 0 OR max_bytes = 0 OR $8 <= max_bytes - used_bytes - record_bytes)"
                  " AND ($2 <= 0 OR max_files = 0 OR $2 <= max_files - used_files)"),
        SQL(SQL_I(u->more.bytes), SQL_I(u->more.files), SQL_I(u->more.records), SQL_I(u->more.pending),
            SQL_I(u->more.uploads), SQL_I(u->more.garbage), SQL_I(u->id), SQL_I(u->more.bytes + u->more.records)),
        a, ret_changed);
}

static err_t write_user(struct meta_tx *tx, const struct usage_sum *u, struct arena *a, int64_t *ret_changed)
{
    return tx_add_counted(tx,
                          STATEMENT("UPDATE users SET used_bytes = used_bytes + $1, used_files = used_files + $2"
                                    " WHERE id = $3 AND ($1 <= 0 OR max_bytes = 0 OR $1 <= max_bytes - used_bytes)"
                                    " AND ($2 <= 0 OR max_files = 0 OR $2 <= max_files - used_files)"),
                          SQL(SQL_I(u->more.bytes), SQL_I(u->more.files), SQL_I(u->id)), a, ret_changed);
}

static int compare_sum_ids(const void *a, const void *b)
{
    int64_t x = ((const struct usage_sum *)a)->id, y = ((const struct usage_sum *)b)->id;
    return (x > y) - (x < y);
}

static bool changes_usage(const struct account_use *more)
{
    return more->bytes || more->files || more->records || more->pending || more->uploads || more->garbage;
}

typedef err_t write_sum_fn(struct meta_tx *, const struct usage_sum *, struct arena *a, int64_t *ret_changed);

static err_t write_sums(struct meta_tx *tx, struct usage_sums *sums, write_sum_fn *write, const char *whose,
                        struct arena *a)
{
    size_t count = sums->count;
    sums->count = 0;
    if (count > 1)
        qsort(sums->rows, count, sizeof *sums->rows, compare_sum_ids);
    for (size_t i = 0; i < count; i++) {
        int64_t changed = 1;
        if (changes_usage(&sums->rows[i].more))
            TRY(write(tx, &sums->rows[i], a, &changed));
        if (!changed)
            return err_make(a, ERR_QUOTA, "the %s's limit is used up", whose);
    }
    return NULL;
}

err_t usage_write(struct meta_tx *tx, struct arena *a)
{
    TRY(write_sums(tx, &tx->usage->accounts, write_account, "account", a));
    return write_sums(tx, &tx->usage->users, write_user, "user", a);
}
