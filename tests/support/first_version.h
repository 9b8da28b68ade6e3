/* SPDX-License-Identifier: Apache-2.0 */
/* Creates a database with the schema of the first version. */
#ifndef CAIS_TESTS_FIRST_VERSION_H
#define CAIS_TESTS_FIRST_VERSION_H

#include "meta/store_priv.h"
#include "test.h"

/* db must be new and empty. data: statements that add the rows. */
static inline void first_version_create(struct sql_db *db, const char *data, struct arena *a)
{
    struct sql_conn *conn;
    EXPECT_EQ(migrations[0].version, 1);
    EXPECT_OK(sql_connect(db, SQL_WRITE, a, &conn));
    EXPECT_OK(sql_script(conn, "CREATE TABLE schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL)", a));
    EXPECT_OK(sql_script(conn, migrations[0].sql[SQL_SQLITE], a));
    EXPECT_OK(sql_exec(conn, STATEMENT("INSERT INTO schema_version VALUES ($1, $2)"),
                       SQL(SQL_I(migrations[0].version), SQL_T(slice_of(migrations[0].name))), a, NULL));
    EXPECT_OK(sql_script(conn, data, a));
    sql_disconnect(conn);
}

#endif
