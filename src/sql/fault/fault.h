/* SPDX-License-Identifier: Apache-2.0 */
/* A driver that wraps another one and fails on command, for tests. */
#ifndef CAIS_SQL_FAULT_FAULT_H
#define CAIS_SQL_FAULT_FAULT_H

#include "base/fault.h"
#include "sql/sql.h"

/* Takes db; closing the wrapper closes it. Commit, query, next, script and checkpoint are store calls; rollback is
 * never failed. `plan` is borrowed for the life of the wrapper. */
struct sql_db *sql_fault_wrap(struct sql_db *db, struct fault_plan *plan);

#endif
