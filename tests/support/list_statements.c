/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the SQL of the program, one JSON object on each line: first the texts that create the schema, in order, then
 * every STATEMENT of src/meta. For tests/conformance/test_postgres.py. */
#include "base/json.h"
#include "meta/store_priv.h"

#include <stdio.h>

/* The linker sets these at the ends of the section that STATEMENT writes. */
extern const struct sql_statement *const __start_sql_statements[], *const __stop_sql_statements[];

static void print_line(const char *migration, const struct sql_statement *statement)
{
    SCOPED(buf_releasep) struct buf line;
    struct json_out o;
    buf_init(&line, 0);
    json_out_init(&o, &line);
    json_open_object(&o);
    if (migration)
        json_put_string(&o, "migration", slice_of(migration));
    else
        json_put_string(&o, "function", slice_of(statement->function));
    if (statement->where)
        json_put_string(&o, "where", slice_of(statement->where));
    json_put_string(&o, "sqlite", slice_of(statement->text[SQL_SQLITE]));
    json_put_string(&o, "postgres", slice_of(statement->text[SQL_POSTGRES]));
    json_close_object(&o);
    printf("%.*s\n", (int)line.n, line.p);
}

int main(void)
{
    print_line("schema_version", &(struct sql_statement){ .text = { CREATE_SCHEMA_VERSION, CREATE_SCHEMA_VERSION } });
    for (size_t i = 0; i < migration_count; i++) {
        const char *const *sql = migrations[i].sql;
        print_line(migrations[i].name, &(struct sql_statement){ .text = { sql[SQL_SQLITE], sql[SQL_POSTGRES] } });
    }
    for (const struct sql_statement *const *s = __start_sql_statements; s < __stop_sql_statements; s++)
        print_line(NULL, *s);
    return 0;
}
