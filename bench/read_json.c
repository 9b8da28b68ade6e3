/* SPDX-License-Identifier: Apache-2.0 */
/* The peer of the line `ingest` of bench/run: DuckDB reads the same file into a table of the same types by itself.
 * `build/bench/read-json FILE DATABASE THREADS` prints the seconds that it took, and how many rows there are. */
#include "base/clock.h"

#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>

static void run(duckdb_connection connection, const char *sql)
{
    duckdb_result result;
    if (duckdb_query(connection, sql, &result) == DuckDBError) {
        fprintf(stderr, "%s\n", duckdb_result_error(&result));
        exit(1);
    }
    duckdb_destroy_result(&result);
}

static long long count_rows(duckdb_connection connection)
{
    duckdb_result result;
    if (duckdb_query(connection, "SELECT COUNT(*) FROM rows", &result) == DuckDBError)
        exit(1);
    duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
    long long rows = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    return rows;
}

int main(int argc, char **argv)
{
    duckdb_database database;
    duckdb_connection connection;
    char sql[4096];
    if (argc != 4 || duckdb_open(argv[2], &database) == DuckDBError ||
        duckdb_connect(database, &connection) == DuckDBError)
        return 2;
    snprintf(sql, sizeof sql, "SET threads = %d", atoi(argv[3]));
    run(connection, sql);
    snprintf(sql, sizeof sql,
             "CREATE TABLE rows AS SELECT * FROM read_json('%s', format = 'newline_delimited', columns = {id: 'BIGINT',"
             " uuid: 'VARCHAR', name: 'VARCHAR', email: 'VARCHAR', amount: 'DECIMAL(18, 6)', ratio: 'DOUBLE',"
             " active: 'BOOLEAN', country: 'VARCHAR', created: 'TIMESTAMP', tags: 'JSON'})",
             argv[1]);
    int64_t begin_us = clock_stopwatch_us();
    run(connection, sql);
    run(connection, "CHECKPOINT");
    double seconds = (double)(clock_stopwatch_us() - begin_us) / 1e6;
    printf("%.3f %lld\n", seconds, count_rows(connection));
    duckdb_disconnect(&connection);
    duckdb_close(&database);
    return 0;
}
