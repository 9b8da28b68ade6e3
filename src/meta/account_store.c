/* SPDX-License-Identifier: Apache-2.0 */
/* Every upload changes the counters of what an account uses. usage.c writes them at the end of the transaction; what
 * reads or changes an account's row in between includes the sums that are not written yet. */
#include "core/store/account_store.h"
#include "core/records/account.h"
#include "core/records/record_size.h"
#include "meta/dialect_priv.h"
#include "meta/joined_rows_priv.h"
#include "meta/record_size_priv.h"
#include "meta/statement_priv.h"
#include "meta/usage_priv.h"

#define ACCOUNT                                                                                                        \
    "SELECT id, name, created_at_ms, max_bytes, max_files, used_bytes, used_files, record_bytes, pending_files,"       \
    " open_uploads, garbage_bytes FROM accounts"

static void read_account_row(struct sql_cursor *c, struct arena *a, void *ret)
{
    *(struct account *)ret = (struct account){
        .id = sql_column_int(c, 0),
        .name = sql_column_copy(c, 1, a),
        .created_at_ms = sql_column_int(c, 2),
        .max_bytes = sql_column_int(c, 3),
        .max_files = sql_column_int(c, 4),
        .used_bytes = sql_column_int(c, 5),
        .used_files = sql_column_int(c, 6),
        .record_bytes = sql_column_int(c, 7),
        .pending_files = sql_column_int(c, 8),
        .open_uploads = sql_column_int(c, 9),
        .garbage_bytes = sql_column_int(c, 10),
    };
}

err_t meta_account_add(struct meta_tx *tx, const struct account *account, struct arena *a, int64_t *ret_id)
{
    return tx_insert_new(
        tx, "account",
        STATEMENT(
            "INSERT INTO accounts (name, created_at_ms, max_bytes, max_files, used_bytes, used_files, record_bytes)"
            " SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE name = $1)"
            " ON CONFLICT (name) DO NOTHING"),
        SQL(SQL_T(account->name), SQL_I(account->created_at_ms), SQL_I(account->max_bytes), SQL_I(account->max_files),
            SQL_I(account->used_bytes), SQL_I(account->used_files), SQL_I(account->record_bytes)),
        a, ret_id);
}

err_t meta_account_get(struct meta_tx *tx, int64_t id, struct arena *a, struct account *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "account", STATEMENT(ACCOUNT " WHERE id = $1"), SQL(SQL_I(id)), a, &c));
    read_account_row(c, a, ret);
    usage_show(tx, ret);
    return NULL;
}

#define HOLD_ACCOUNT(IN) "SELECT id FROM accounts WHERE id = $1" HELD(IN)

err_t meta_account_hold(struct meta_tx *tx, int64_t id, struct arena *a)
{
    bool there;
    return tx_hold(tx, STATEMENT_PAIR(HOLD_ACCOUNT), SQL(SQL_I(id)), a, &there);
}

err_t meta_account_by_name(struct meta_tx *tx, slice name, struct arena *a, struct account *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, "account", STATEMENT(ACCOUNT " WHERE name = $1"), SQL(SQL_T(name)), a, &c));
    read_account_row(c, a, ret);
    usage_show(tx, ret);
    return NULL;
}

err_t meta_account_list(struct meta_tx *tx, struct arena *a, struct account_list *ret)
{
    TRY(tx_list(tx, STATEMENT(ACCOUNT " ORDER BY id"), SQL_NO_VALUES, a, LIST_OF(read_account_row, ret)));
    for (size_t i = 0; i < ret->count; i++)
        usage_show(tx, &ret->items[i]);
    return NULL;
}

err_t meta_account_set_limits(struct meta_tx *tx, int64_t id, int64_t max_bytes, int64_t max_files, struct arena *a)
{
    TRY(usage_write(tx, a));
    return tx_change_one(tx, "account", STATEMENT("UPDATE accounts SET max_bytes = $1, max_files = $2 WHERE id = $3"),
                         SQL(SQL_I(max_bytes), SQL_I(max_files), SQL_I(id)), a);
}

err_t meta_account_use(struct meta_tx *tx, int64_t id, const struct account_use *more, struct arena *a)
{
    return usage_add(tx, id, more, a);
}

/* The usage of each account, counted from its records: bytes of files that hold some, of entries and of parts; files that
 * hold bytes, and entries; and the sizes of all records by the rule of core/records/record_size.h. */
#define COUNTED_FILES(IN)                                                                                              \
    "SELECT account_id, SUM(CASE WHEN object_id IS NULL THEN 0 ELSE size_bytes END) AS bytes,"                         \
    " COUNT(object_id) AS files, SUM(" FILE_SIZE(IN) ") AS records, COUNT(*) - COUNT(object_id) AS pending,"           \
                                                     " 0 AS uploads FROM files GROUP BY account_id"
#define COUNTED_TICKETS(IN)                                                                                            \
    "SELECT f.account_id, 0, 0, SUM(" TICKET_SIZE(IN) "), 0, 0 FROM tickets k JOIN files f ON f.id = k.file_id"        \
                                                      " GROUP BY f.account_id"
#define COUNTED_BUCKETS(IN)                                                                                            \
    "SELECT account_id, 0, 0, SUM(" BUCKET_SIZE(                                                                       \
        IN) "), 0, 0 FROM buckets WHERE account_id IS NOT NULL GROUP BY account_id"
#define COUNTED_ENTRIES(IN)                                                                                            \
    "SELECT b.account_id, SUM(e.size_bytes), COUNT(*), SUM(" ENTRY_SIZE(                                               \
        IN) "), 0, 0 FROM buckets b"                                                                                   \
            " JOIN entries e ON e.bucket_id = b.id WHERE b.account_id IS NOT NULL GROUP BY b.account_id"
#define COUNTED_UPLOADS(IN)                                                                                            \
    "SELECT account_id, 0, 0, SUM(" UPLOAD_SIZE(                                                                       \
        IN) "), 0, COUNT(*) FROM uploads WHERE ended_at_ms = 0 GROUP BY account_id"
#define COUNTED_PARTS                                                                                                  \
    "SELECT u.account_id, SUM(p.size_bytes), 0, COUNT(*) * " ROW_SIZE ", 0, 0 FROM uploads u"                          \
    " JOIN upload_parts p ON p.upload_id = u.id WHERE u.ended_at_ms = 0 GROUP BY u.account_id"
/* A task that was removed counts no more, with all that it has. */
#define COUNTED_TASKS(IN)                                                                                              \
    "SELECT account_id, 0, 0, SUM(" TASK_SIZE(IN) "), 0, 0 FROM tasks WHERE " TASK_STAYS(                              \
        "tasks.id") " GROUP BY account_id"
#define COUNTED_MEMBERS                                                                                                \
    "SELECT t.account_id, 0, 0, COUNT(*) * " ROW_SIZE ", 0, 0 FROM tasks t JOIN task_members m ON m.task_id = t.id"    \
    " WHERE " TASK_STAYS("t.id") " GROUP BY t.account_id"                                                              \
                                 " UNION ALL SELECT w.account_id, 0, 0, COUNT(*) * " ROW_SIZE                          \
                                 ", 0, 0 FROM awaited_members w"                                                       \
                                 " WHERE " TASK_STAYS("w.task_id") " GROUP BY w.account_id"
#define COUNTED_COMMENTS(IN)                                                                                           \
    "SELECT t.account_id, 0, 0, SUM(" COMMENT_SIZE(IN) "), 0, 0 FROM comments c JOIN tasks t ON t.id = c.task_id"      \
                                                       " WHERE " TASK_STAYS("t.id") " GROUP BY t.account_id"
#define COUNTED_REFERENCES(IN)                                                                                         \
    "SELECT account_id, 0, 0, SUM(" REFERENCE_SIZE(IN) "), 0, 0 FROM refs WHERE " TASK_STAYS(                          \
        "refs.task_id") " GROUP BY account_id"
#define COUNTED_ROWS(IN)                                                                                               \
    COUNTED_FILES(IN)                                                                                                  \
    " UNION ALL " COUNTED_TICKETS(IN) " UNION ALL " COUNTED_BUCKETS(IN) " UNION ALL " COUNTED_ENTRIES(                 \
        IN) " UNION ALL " COUNTED_UPLOADS(IN) " UNION ALL " COUNTED_PARTS
#define COUNTED_TASK_ROWS(IN)                                                                                          \
    COUNTED_TASKS(IN)                                                                                                  \
    " UNION ALL " COUNTED_MEMBERS " UNION ALL " COUNTED_COMMENTS(IN) " UNION ALL " COUNTED_REFERENCES(IN)
#define IN_ENVIRONMENT " JOIN environments e ON e.id = c.environment_id"
#define COUNTED_ENVIRONMENTS(IN)                                                                                       \
    "SELECT e.account_id, 0, 0, SUM(" ENVIRONMENT_SIZE(                                                                \
        IN) "), 0, 0 FROM environments e GROUP BY e.account_id"                                                        \
            " UNION ALL SELECT e.account_id, 0, 0, COUNT(*) * " ROW_SIZE ", 0, 0 FROM environments e"                  \
            " JOIN environment_admins m ON m.environment_id = e.id GROUP BY e.account_id"
#define COUNTED_COURSES(IN)                                                                                            \
    "SELECT e.account_id, 0, 0, SUM(" COURSE_SIZE(IN) "), 0, 0 FROM courses c" IN_ENVIRONMENT " GROUP BY e.account_id" \
                                                      " UNION ALL SELECT e.account_id, 0, 0, SUM(" ENROLMENT_SIZE(     \
                                                          IN) "), 0, 0 FROM enrolments n"                              \
                                                              " JOIN courses c ON c.id = n.course_id" IN_ENVIRONMENT   \
                                                              " GROUP BY e.account_id"
#define COUNTED_SPACES(IN)                                                                                             \
    "SELECT e.account_id, 0, 0, SUM(" SPACE_SIZE(                                                                      \
        IN) "), 0, 0 FROM spaces s"                                                                                    \
            " JOIN courses c ON c.id = s.course_id" IN_ENVIRONMENT " GROUP BY e.account_id"                            \
            " UNION ALL SELECT e.account_id, 0, 0, SUM(" FOLDER_SIZE(                                                  \
                IN) "), 0, 0 FROM folders d"                                                                           \
                    " JOIN spaces s ON s.id = d.space_id JOIN courses c ON c.id = s.course_id" IN_ENVIRONMENT          \
                    " GROUP BY e.account_id UNION ALL SELECT f.account_id, 0, 0, COUNT(*) * " ROW_SIZE                 \
                    ", 0, 0 FROM folder_files p"                                                                       \
                    " JOIN files f ON f.id = p.file_id GROUP BY f.account_id"
#define COUNTED_COURSE_ROWS(IN)                                                                                        \
    COUNTED_ENVIRONMENTS(IN) " UNION ALL " COUNTED_COURSES(IN) " UNION ALL " COUNTED_SPACES(IN)
#define COUNTED_DATASETS(IN)                                                                                           \
    "SELECT account_id, 0, 0, SUM(" DATASET_SIZE(IN) "), 0, 0 FROM datasets GROUP BY account_id UNION ALL SELECT "     \
                                                     "account_id, 0, 0, SUM(" DATASET_FILE_SIZE(                       \
                                                         IN) "), 0, 0"                                                 \
                                                             " FROM dataset_files GROUP BY account_id"                 \
                                                             " UNION ALL SELECT account_id, 0, 0, COUNT(*) "           \
                                                             "* " ROW_SIZE                                             \
                                                             ", 0, 0 FROM upload_prefixes GROUP BY account_id"
#define COUNTED_REPORTS(IN)                                                                                            \
    "SELECT account_id, 0, 0, SUM(" REPORTER_SIZE(IN) "), 0, 0 FROM reporters GROUP BY account_id"                     \
                                                      " UNION ALL SELECT account_id, 0, 0, SUM(" REPORT_RUN_SIZE(      \
                                                          IN) "), 0, 0 FROM report_runs GROUP BY account_id"
/* The bytes of one that has become a file are the file's. */
#define COUNTED_TRANSFERS(IN)                                                                                          \
    "SELECT account_id, SUM(CASE WHEN finished_at_ms > 0 AND is_part = 0 THEN 0 ELSE offset_bytes END), 0, "           \
    "SUM(" TRANSFER_SIZE(                                                                                              \
        IN) "), 0, SUM(CASE WHEN finished_at_ms = 0 THEN 1 ELSE 0 END) FROM transfers GROUP BY account_id"
#define COUNTED_WORKSPACES(IN)                                                                                         \
    "SELECT w.account_id, 0, 0, SUM(" WORKSPACE_SIZE(                                                                  \
        IN) "), 0, 0 FROM workspaces w GROUP BY w.account_id"                                                          \
            " UNION ALL SELECT w.account_id, 0, 0, SUM(" SECTION_SIZE(                                                 \
                IN) "), 0, 0 FROM sections s"                                                                          \
                    " JOIN workspaces w ON w.id = s.workspace_id GROUP BY w.account_id"                                \
                    " UNION ALL SELECT account_id, 0, 0, SUM(" ENTITY_SIZE(                                            \
                        IN) "), 0, 0 FROM entities GROUP BY account_id"
/* One that waits for its bytes counts as a file that was issued. */
#define COUNTED_SYNC_FILES(IN)                                                                                         \
    "SELECT account_id, 0, 0, SUM(" SYNC_FILE_SIZE(IN) "), SUM(CASE WHEN state = 0 THEN 1 ELSE 0 END), 0"              \
                                                       " FROM sync_files GROUP BY account_id"                          \
                                                       " UNION ALL SELECT account_id, 0, 0, SUM(" RECORD_SET_SIZE(     \
                                                           IN) "), 0, 0 FROM record_sets GROUP BY account_id"
#define SUMS                                                                                                           \
    "SELECT a.id AS id, COALESCE(SUM(held.bytes), 0) AS bytes, COALESCE(SUM(held.files), 0) AS files,"                 \
    " COALESCE(SUM(held.records), 0) AS records, COALESCE(SUM(held.pending), 0) AS pending,"                           \
    " COALESCE(SUM(held.uploads), 0) AS uploads,"                                                                      \
    " COALESCE((SELECT SUM(r.bytes) FROM removed r WHERE r.account_id = a.id), 0) AS garbage"                          \
    " FROM accounts a LEFT JOIN held ON held.account_id = a.id GROUP BY a.id"
/* What was given up and is still on the disk, by account: core/object/garbage.h. */
#define REMOVED                                                                                                        \
    "SELECT account_id, SUM(size_bytes) AS bytes FROM (SELECT account_id, size_bytes FROM garbage"                     \
    " UNION ALL SELECT o.account_id, o.size_bytes FROM loose_composites l JOIN objects o ON o.id = l.object_id) "      \
    "either"                                                                                                           \
    " GROUP BY account_id"
#define COUNTED(IN)                                                                                                                                                                                                      \
    "WITH held AS (" COUNTED_ROWS(IN) " UNION ALL " COUNTED_TASK_ROWS(IN) " UNION ALL " COUNTED_COURSE_ROWS(                                                                                                             \
        IN) " UNION ALL " COUNTED_TRANSFERS(IN) " UNION ALL " COUNTED_DATASETS(IN) " UNION ALL " COUNTED_REPORTS(IN) " UNION ALL " COUNTED_WORKSPACES(IN) " UNION ALL " COUNTED_SYNC_FILES(IN) "), removed AS (" REMOVED \
                                                                                                                                                                                               "), counted AS (" SUMS    \
                                                                                                                                                                                               ")"
#define IS_WRONG                                                                                                       \
    "(used_bytes <> c.bytes OR used_files <> c.files OR record_bytes <> c.records OR pending_files <> c.pending"       \
    " OR open_uploads <> c.uploads OR garbage_bytes <> c.garbage)"
#define WRONG_USAGE(IN)                                                                                                \
    COUNTED(IN) " SELECT COUNT(*) FROM accounts JOIN counted c ON c.id = accounts.id WHERE " IS_WRONG
#define CORRECT_USAGE(IN)                                                                                              \
    COUNTED(IN)                                                                                                        \
    " UPDATE accounts SET used_bytes = c.bytes, used_files = c.files, record_bytes = c.records,"                       \
    " pending_files = c.pending, open_uploads = c.uploads, garbage_bytes = c.garbage FROM counted c"                   \
    " WHERE c.id = accounts.id AND " IS_WRONG

/* What a user owns of it: migration 0029 counts the same. */
#define OWNED                                                                                                          \
    "WITH owned AS ("                                                                                                  \
    "SELECT owner_id, SUM(CASE WHEN object_id IS NULL THEN 0 ELSE size_bytes END) AS bytes,"                           \
    " COUNT(object_id) AS files FROM files GROUP BY owner_id"                                                          \
    " UNION ALL SELECT e.owner_id, SUM(e.size_bytes), COUNT(*) FROM buckets b JOIN entries e ON e.bucket_id = b.id"    \
    " WHERE b.account_id IS NOT NULL GROUP BY e.owner_id"                                                              \
    " UNION ALL SELECT u.owner_id, SUM(p.size_bytes), 0 FROM uploads u JOIN upload_parts p ON p.upload_id = u.id"      \
    " WHERE u.ended_at_ms = 0 GROUP BY u.owner_id"                                                                     \
    " UNION ALL SELECT owner_id, SUM(CASE WHEN finished_at_ms > 0 AND is_part = 0 THEN 0 ELSE offset_bytes END), 0"    \
    " FROM transfers GROUP BY owner_id), counted AS ("                                                                 \
    "SELECT u.id AS id, COALESCE(SUM(owned.bytes), 0) AS bytes, COALESCE(SUM(owned.files), 0) AS files"                \
    " FROM users u LEFT JOIN owned ON owned.owner_id = u.id GROUP BY u.id)"
#define IS_WRONG_OF_USER "(used_bytes <> c.bytes OR used_files <> c.files)"

static err_t count_wrong(struct meta_tx *tx, struct arena *a, int64_t *ret_accounts, int64_t *ret_users)
{
    TRY(tx_int(tx, STATEMENT_PAIR(WRONG_USAGE), SQL_NO_VALUES, a, ret_accounts));
    return tx_int(
        tx, STATEMENT(OWNED " SELECT COUNT(*) FROM users JOIN counted c ON c.id = users.id WHERE " IS_WRONG_OF_USER),
        SQL_NO_VALUES, a, ret_users);
}

static err_t correct_wrong(struct meta_tx *tx, struct arena *a, int64_t *ret_accounts, int64_t *ret_users)
{
    TRY(tx_add_counted(tx, STATEMENT_PAIR(CORRECT_USAGE), SQL_NO_VALUES, a, ret_accounts));
    return tx_add_counted(tx,
                          STATEMENT(OWNED " UPDATE users SET used_bytes = c.bytes, used_files = c.files FROM counted c"
                                          " WHERE c.id = users.id AND " IS_WRONG_OF_USER),
                          SQL_NO_VALUES, a, ret_users);
}

err_t meta_usage_check(struct meta_tx *tx, bool repair, struct arena *a, int64_t *ret_wrong)
{
    int64_t accounts, users;
    if (tx->is_write)
        TRY(usage_write(tx, a));
    TRY(repair ? correct_wrong(tx, a, &accounts, &users) : count_wrong(tx, a, &accounts, &users));
    *ret_wrong = accounts + users;
    return NULL;
}
