/* SPDX-License-Identifier: Apache-2.0 */
/* The store of a program that was built without DuckDB. */
#include "dataset/duckdb/duckdb_store.h"

err_t dataset_duckdb_open(const char *dir, const struct dataset_duckdb_options *options, struct clock *clock,
                          struct arena *a, struct dataset_store **ret_store)
{
    (void)dir;
    (void)options;
    (void)clock;
    (void)ret_store;
    return err_make(a, ERR_UNSUPPORTED, "this program was built without datasets (-Ddatasets=disabled)");
}
