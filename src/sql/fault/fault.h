/* SPDX-License-Identifier: Apache-2.0 */
/* A driver for tests: it wraps another driver and fails when a plan says so. */
#ifndef CAIS_SQL_FAULT_FAULT_H
#define CAIS_SQL_FAULT_FAULT_H

#include "base/fault.h"
#include "sql/sql.h"

/* Wraps db; ownership moves to the wrapper, whose close_db closes it. These calls count as store calls of the plan and
 * can fail: query, next, insert, begin, commit, commit_ordered, flush, script, checkpoint, backup, verify. The others, rollback among them,
 * never fail on command. `plan` is borrowed for the life of the wrapper. */
struct sql_db *sql_fault_wrap(struct sql_db *db, struct fault_plan *plan);

#endif
