/* SPDX-License-Identifier: Apache-2.0 */
/* Members of records, by the JSON functions of SQLite: any.c. */
#ifndef CAIS_ROW_SQL_ROW_SQL_PRIV_H
#define CAIS_ROW_SQL_ROW_SQL_PRIV_H

#include "row_sql/row_sql.h"

void any_add_test(struct row_sql *, const struct row_condition *);
void any_add_order_key(struct row_sql *, const struct row_expr *);
void any_add_group(struct row_sql *, const struct row_expr *);

#endif
