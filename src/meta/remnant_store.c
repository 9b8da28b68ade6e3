/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/remnant_store.h"
#include "meta/record_size_priv.h"
#include "meta/statement_priv.h"

static err_t first_removed(struct meta_tx *tx, const char *what, const struct sql_statement *statement, struct arena *a,
                           struct remnant *ret)
{
    SCOPED(sql_closep) struct sql_cursor *c = NULL;
    TRY(tx_one(tx, what, statement, SQL_NO_VALUES, a, &c));
    *ret = (struct remnant){ sql_column_int(c, 0), sql_column_int(c, 1) };
    return NULL;
}

err_t meta_removed_environment(struct meta_tx *tx, struct arena *a, struct remnant *ret)
{
    return first_removed(
        tx, "environment",
        STATEMENT("SELECT id, account_id FROM environments WHERE removed_at_ms > 0 ORDER BY id LIMIT 1"), a, ret);
}

err_t meta_removed_course(struct meta_tx *tx, struct arena *a, struct remnant *ret)
{
    return first_removed(tx, "course",
                         STATEMENT("SELECT c.id, e.account_id FROM courses c JOIN environments e"
                                   " ON e.id = c.environment_id WHERE c.removed_at_ms > 0 ORDER BY c.id LIMIT 1"),
                         a, ret);
}

err_t meta_removed_space(struct meta_tx *tx, struct arena *a, struct remnant *ret)
{
    return first_removed(tx, "space",
                         STATEMENT("SELECT s.id, e.account_id FROM spaces s JOIN courses c ON c.id = s.course_id"
                                   " JOIN environments e ON e.id = c.environment_id WHERE s.removed_at_ms > 0"
                                   " ORDER BY s.id LIMIT 1"),
                         a, ret);
}

err_t meta_environment_end_courses(struct meta_tx *tx, int64_t id, int64_t now_ms, size_t limit, struct arena *a,
                                   int64_t *ret_count)
{
    return tx_add_counted(tx,
                          STATEMENT("UPDATE courses SET removed_at_ms = $1 WHERE id IN (SELECT id FROM courses"
                                    " WHERE environment_id = $2 AND removed_at_ms = 0 ORDER BY id LIMIT $3)"),
                          SQL(SQL_I(now_ms), SQL_I(id), sql_limit(limit)), a, ret_count);
}

err_t meta_course_end_spaces(struct meta_tx *tx, int64_t id, int64_t now_ms, size_t limit, struct arena *a,
                             int64_t *ret_count)
{
    return tx_add_counted(tx,
                          STATEMENT("UPDATE spaces SET removed_at_ms = $1 WHERE id IN (SELECT id FROM spaces"
                                    " WHERE course_id = $2 AND removed_at_ms = 0 ORDER BY id LIMIT $3)"),
                          SQL(SQL_I(now_ms), SQL_I(id), sql_limit(limit)), a, ret_count);
}

err_t meta_environment_drop_admins(struct meta_tx *tx, int64_t id, size_t limit, struct arena *a, int64_t *ret_count)
{
    return tx_add_counted(tx,
                          STATEMENT("DELETE FROM environment_admins WHERE environment_id = $1 AND user_id IN"
                                    " (SELECT user_id FROM environment_admins WHERE environment_id = $1"
                                    " ORDER BY user_id LIMIT $2)"),
                          SQL(SQL_I(id), sql_limit(limit)), a, ret_count);
}

#define FIRST_ENROLMENTS "SELECT id FROM enrolments WHERE course_id = $1 ORDER BY id LIMIT $2"
#define SIZE_OF_ENROLMENTS(IN)                                                                                         \
    "SELECT COALESCE(SUM(" ENROLMENT_SIZE(IN) "), 0) FROM enrolments n WHERE n.id IN (" FIRST_ENROLMENTS ")"

err_t meta_course_drop_enrolments(struct meta_tx *tx, int64_t id, size_t limit, struct arena *a, int64_t *ret_count,
                                  int64_t *ret_bytes)
{
    TRY(tx_int(tx, STATEMENT_PAIR(SIZE_OF_ENROLMENTS), SQL(SQL_I(id), sql_limit(limit)), a, ret_bytes));
    return tx_add_counted(tx, STATEMENT("DELETE FROM enrolments WHERE id IN (" FIRST_ENROLMENTS ")"),
                          SQL(SQL_I(id), sql_limit(limit)), a, ret_count);
}

#define SIZE_OF_ENVIRONMENT(IN) "SELECT " ENVIRONMENT_SIZE(IN) " FROM environments e WHERE e.id = $1"
#define SIZE_OF_COURSE(IN) "SELECT " COURSE_SIZE(IN) " FROM courses c WHERE c.id = $1"
#define SIZE_OF_SPACE(IN) "SELECT " SPACE_SIZE(IN) " FROM spaces s WHERE s.id = $1"

err_t meta_environment_drop(struct meta_tx *tx, int64_t id, struct arena *a, int64_t *ret_bytes)
{
    TRY(tx_int(tx, STATEMENT_PAIR(SIZE_OF_ENVIRONMENT), SQL(SQL_I(id)), a, ret_bytes));
    return tx_change_one(tx, "environment", STATEMENT("DELETE FROM environments WHERE id = $1"), SQL(SQL_I(id)), a);
}

err_t meta_course_drop(struct meta_tx *tx, int64_t id, struct arena *a, int64_t *ret_bytes)
{
    TRY(tx_int(tx, STATEMENT_PAIR(SIZE_OF_COURSE), SQL(SQL_I(id)), a, ret_bytes));
    return tx_change_one(tx, "course", STATEMENT("DELETE FROM courses WHERE id = $1"), SQL(SQL_I(id)), a);
}

err_t meta_space_drop(struct meta_tx *tx, int64_t id, struct arena *a, int64_t *ret_bytes)
{
    TRY(tx_int(tx, STATEMENT_PAIR(SIZE_OF_SPACE), SQL(SQL_I(id)), a, ret_bytes));
    return tx_change_one(tx, "space", STATEMENT("DELETE FROM spaces WHERE id = $1"), SQL(SQL_I(id)), a);
}

/* ---- the sums of trees ---- */

/* What the rows say must be, and what they say: folders first, since the sums of branches are made of those of folders. What was cut off
 * counts for nothing any more, and its sums are not looked at. */
#define FOLDER_SUMS                                                                                                    \
    "SELECT d.id AS id, COALESCE(SUM(f.size_bytes), 0) AS bytes FROM folders d JOIN branches b ON b.id = d.branch_id"  \
    " AND b.cut_at_ms = 0 LEFT JOIN folder_files p ON p.folder_id = d.id LEFT JOIN files f ON f.id = p.file_id"        \
    " GROUP BY d.id"
#define BRANCH_SUMS                                                                                                    \
    "SELECT b.id AS id, COUNT(d.id) AS folders, COALESCE(SUM(d.used_bytes), 0) AS bytes FROM branches b"               \
    " LEFT JOIN folders d ON d.branch_id = b.id WHERE b.cut_at_ms = 0 GROUP BY b.id"
#define SPACE_SUMS                                                                                                     \
    "SELECT s.id AS id, COUNT(b.id) AS branches FROM spaces s LEFT JOIN branches b ON b.space_id = s.id"               \
    " AND b.cut_at_ms = 0 WHERE s.removed_at_ms = 0 GROUP BY s.id"
#define COURSE_SUMS                                                                                                    \
    "SELECT c.id AS id, COALESCE(SUM(b.used_bytes), 0) AS bytes FROM courses c LEFT JOIN spaces s"                     \
    " ON s.course_id = c.id AND s.removed_at_ms = 0 LEFT JOIN branches b ON b.space_id = s.id AND b.cut_at_ms = 0"     \
    " WHERE c.removed_at_ms = 0 GROUP BY c.id"
#define COUNT_WRONG(sums, table, is_wrong)                                                                             \
    "WITH sums AS (" sums ") SELECT COUNT(*) FROM " table " JOIN sums t ON t.id = " table ".id WHERE " is_wrong
#define CORRECT(sums, table, set, is_wrong)                                                                            \
    "WITH sums AS (" sums ") UPDATE " table " SET " set " FROM sums t WHERE t.id = " table ".id AND " is_wrong
#define WRONG_FOLDER "folders.used_bytes <> t.bytes"
#define WRONG_BRANCH "(branches.folder_count <> t.folders OR branches.used_bytes <> t.bytes)"
#define WRONG_SPACE "spaces.branch_count <> t.branches"
#define WRONG_COURSE "courses.used_bytes <> t.bytes"

static err_t count_wrong(struct meta_tx *tx, struct arena *a, int64_t *ret)
{
    int64_t folders, branches, spaces, courses;
    TRY(tx_int(tx, STATEMENT(COUNT_WRONG(FOLDER_SUMS, "folders", WRONG_FOLDER)), SQL_NO_VALUES, a, &folders));
    TRY(tx_int(tx, STATEMENT(COUNT_WRONG(BRANCH_SUMS, "branches", WRONG_BRANCH)), SQL_NO_VALUES, a, &branches));
    TRY(tx_int(tx, STATEMENT(COUNT_WRONG(SPACE_SUMS, "spaces", WRONG_SPACE)), SQL_NO_VALUES, a, &spaces));
    TRY(tx_int(tx, STATEMENT(COUNT_WRONG(COURSE_SUMS, "courses", WRONG_COURSE)), SQL_NO_VALUES, a, &courses));
    *ret = folders + branches + spaces + courses;
    return NULL;
}

static err_t correct(struct meta_tx *tx, struct arena *a, int64_t *ret)
{
    int64_t folders, branches, spaces, courses;
    TRY(tx_add_counted(tx, STATEMENT(CORRECT(FOLDER_SUMS, "folders", "used_bytes = t.bytes", WRONG_FOLDER)),
                       SQL_NO_VALUES, a, &folders));
    TRY(tx_add_counted(
        tx, STATEMENT(CORRECT(BRANCH_SUMS, "branches", "folder_count = t.folders, used_bytes = t.bytes", WRONG_BRANCH)),
        SQL_NO_VALUES, a, &branches));
    TRY(tx_add_counted(tx, STATEMENT(CORRECT(SPACE_SUMS, "spaces", "branch_count = t.branches", WRONG_SPACE)),
                       SQL_NO_VALUES, a, &spaces));
    TRY(tx_add_counted(tx, STATEMENT(CORRECT(COURSE_SUMS, "courses", "used_bytes = t.bytes", WRONG_COURSE)),
                       SQL_NO_VALUES, a, &courses));
    *ret = folders + branches + spaces + courses;
    return NULL;
}

err_t meta_tree_check(struct meta_tx *tx, bool repair, struct arena *a, int64_t *ret_wrong)
{
    return repair ? correct(tx, a, ret_wrong) : count_wrong(tx, a, ret_wrong);
}
