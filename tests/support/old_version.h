/* SPDX-License-Identifier: Apache-2.0 */
/* Creates a database with the schema of an older version. */
#ifndef CAIS_TESTS_OLD_VERSION_H
#define CAIS_TESTS_OLD_VERSION_H

#include "meta/store_priv.h"
#include "test.h"

/* db must be new and empty. version: of the last migration that is applied. data: statements that add the rows. */
static inline void old_version_create(struct sql_db *db, int64_t version, const char *data, struct arena *a)
{
    struct sql_conn *conn;
    EXPECT_OK(sql_connect(db, SQL_WRITE, a, &conn));
    EXPECT_OK(sql_script(conn, "CREATE TABLE schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL)", a));
    for (size_t i = 0; migrations[i].version <= version; i++) {
        EXPECT_EQ(migrations[i].version, i + 1);
        EXPECT_OK(sql_script(conn, migrations[i].sql[SQL_SQLITE], a));
        EXPECT_OK(sql_exec(conn, STATEMENT("INSERT INTO schema_version VALUES ($1, $2)"),
                           SQL(SQL_I(migrations[i].version), SQL_T(slice_of(migrations[i].name))), a, NULL));
    }
    EXPECT_OK(sql_script(conn, data, a));
    sql_disconnect(conn);
}

/* Rows of the second version, in which references held files and a ticket named a task and a comment. Each file that has
 * bytes has the same "hello".
 *   1  STORED                                     6  ISSUED, its ticket names task 1
 *   2  READY, held by comment 1 twice and task 1  7  STORED, its ticket names comment 1 of task 1
 *   3  READY, kept                                8  READY, held by comment 1; its ticket is confirmed and names it
 *   4  READY, kept, held by task 1                9  READY, kept; its ticket is confirmed and names nothing
 *   5  READY, kept, was held once                10  STORED, its ticket names nothing */
#define OLD_HELLO "x'5d41402abc4b2a76b9719d911017c592'"
#define OLD_FILE(id, state, object, size, md5, purge)                                                                  \
    "INSERT INTO files VALUES (" id ", CAST(substr('000000000000000' || '" id "', -16) AS BLOB), 1, 2, 'test', 'f" id  \
    "', '', " state ", " object ", " size ", " md5 ", 1, 1, " purge ");"
#define OLD_STORED(id, state, purge) OLD_FILE(id, state, "1", "5", OLD_HELLO, purge)
#define OLD_LATER "8000000000000"
#define OLD_KEPT "9223372036854775807"
static const char second_version_data[] =
    "INSERT INTO accounts VALUES (1, 'default', 1, 0, 0, 45, 9);"
    "INSERT INTO users VALUES (2, 1, 'alice', 'Alice', '', 0, 0, 0, 1, '');"
    "INSERT INTO objects VALUES (1, 1, 5, " OLD_HELLO ", 1, NULL, CAST('hello' AS BLOB), 0);"
    "UPDATE next_ids SET next_id = 257;"
    "INSERT INTO buckets VALUES (1, NULL, 2, 'desk', 1, '', 1);"
    "INSERT INTO tasks VALUES (1, 1, 2, 'text', 'subject', '{}', 1, 2, 0, 1);"
    "INSERT INTO comments VALUES (1, 1, 2, 'said', '{}', 3, 0, NULL);" /* one row a file: */
    OLD_STORED("1", "1", OLD_LATER) OLD_STORED("2", "2", "0") OLD_STORED("3", "2", "0") OLD_STORED("4", "2", OLD_KEPT)
        OLD_STORED("5", "2", OLD_KEPT) OLD_FILE("6", "0", "NULL", "0", "zeroblob(16)", OLD_LATER)
            OLD_STORED("7", "1", OLD_LATER) OLD_STORED("8", "2", "0") OLD_STORED("9", "2", "0") OLD_STORED(
                "10", "1",
                OLD_LATER) "INSERT INTO refs VALUES (1, 1, 1, 1, 2, 1, 1, '', '', 5), (2, 1, 1, 1, 2, 1, 2, '', '', 5),"
                           " (3, 1, 1, NULL, 2, 3, 1, '', '', 5), (4, 1, 1, NULL, 4, 4, 1, '', '', 5), (5, 1, 1, 1, 8, "
                           "5, 1, '', '', 5),"
                           " (6, 1, 1, 1, NULL, 6, 1, 'https://example.org', 'link', 5);"
                           "INSERT INTO tickets VALUES (6, 1, 'k6', 5, 9, 0, 1, NULL), (7, 1, 'k7', 5, 9, 0, 1, 1), "
                           "(8, 1, 'k8', 5, 9, 3, 1, 1),"
                           " (9, 1, 'k9', 5, 9, 3, NULL, NULL), (10, 1, 'k10', 5, 9, 0, NULL, NULL);";

#endif
