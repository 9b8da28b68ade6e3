/* SPDX-License-Identifier: Apache-2.0 */
/* The databases that a conformance suite runs over: one in a file, one in memory, and one in a file behind the fault
 * driver. */
#ifndef CAIS_TESTS_SQL_KINDS_H
#define CAIS_TESTS_SQL_KINDS_H

#include "sql/fault/fault.h"
#include "sql/sqlite/sqlite.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum database_kind { DATABASE_FILE, DATABASE_MEMORY, DATABASE_FAULT, DATABASE_KINDS };

struct test_database {
    enum database_kind kind;
    char dir[64], path[96];
    struct fault_plan plan;
};

static inline void test_database_init(struct test_database *p, enum database_kind kind)
{
    *p = (struct test_database){ .kind = kind };
    /* A memory file system where there is one. No test cuts the power, so none needs a disk. */
    snprintf(p->dir, sizeof p->dir, "%s/cais-sql-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(p->dir))
        fail_msg("no temporary directory");
    snprintf(p->path, sizeof p->path, "%s/records.db", p->dir);
}

static inline void test_database_release(struct test_database *p)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    if (system(command))
        fail_msg("%s failed", command);
}

static inline struct sql_db *test_database_open(struct test_database *p, struct arena *a)
{
    struct sqlite_options options = { .path = p->kind == DATABASE_MEMORY ? NULL : p->path };
    struct sql_db *db = NULL;
    EXPECT_OK(sqlite_open(&options, a, &db));
    return p->kind == DATABASE_FAULT ? sql_fault_wrap(db, &p->plan) : db;
}

/* A test that runs once for each kind of database: FOR_EACH_DATABASE(name) { … uses `kind` … } */
#define FOR_EACH_DATABASE(name)                                                                                        \
    static void name##_over(enum database_kind kind);                                                                  \
    TEST(name)                                                                                                         \
    {                                                                                                                  \
        for (int k = 0; k < DATABASE_KINDS; k++)                                                                       \
            name##_over((enum database_kind)k);                                                                        \
    }                                                                                                                  \
    static void name##_over(enum database_kind kind)

#endif
