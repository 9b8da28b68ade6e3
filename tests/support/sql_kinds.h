/* SPDX-License-Identifier: Apache-2.0 */
/* The databases that a conformance suite runs over: a file, memory, and a file behind the fault driver. */
#ifndef CAIS_TESTS_SQL_KINDS_H
#define CAIS_TESTS_SQL_KINDS_H

#include "sql/fault/fault.h"
#include "sql/sqlite/sqlite.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { KIND_FILE, KIND_MEMORY, KIND_FAULT, KIND_COUNT };

struct place {
    enum kind kind;
    char dir[64], path[96];
    struct fault_plan plan;
};

static inline void place_init(struct place *p, enum kind kind)
{
    *p = (struct place){ .kind = kind };
    /* In memory where there is such a place: what a test of the process's own death shows does not need a disk. */
    snprintf(p->dir, sizeof p->dir, "%s/cais-sql-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(p->dir))
        fail_msg("no temporary directory");
    snprintf(p->path, sizeof p->path, "%s/records.db", p->dir);
}

static inline void place_release(struct place *p)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    if (system(command))
        fail_msg("%s failed", command);
}

static inline struct sql_db *place_open(struct place *p, struct arena *a)
{
    struct sqlite_options options = { .path = p->kind == KIND_MEMORY ? NULL : p->path };
    struct sql_db *db = NULL;
    EXPECT_OK(sqlite_open(&options, a, &db));
    return p->kind == KIND_FAULT ? sql_fault_wrap(db, &p->plan) : db;
}

/* A test over every kind: OVER_EACH(name) { … uses `kind` … } */
#define OVER_EACH(name)                                                                                                \
    static void name##_over(enum kind kind);                                                                           \
    TEST(name)                                                                                                         \
    {                                                                                                                  \
        for (int k = 0; k < KIND_COUNT; k++)                                                                           \
            name##_over((enum kind)k);                                                                                 \
    }                                                                                                                  \
    static void name##_over(enum kind kind)

#endif
