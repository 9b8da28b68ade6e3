/* SPDX-License-Identifier: Apache-2.0 */
/* The database of one set. */
#ifndef CAIS_RECORD_SCHEMA_H
#define CAIS_RECORD_SCHEMA_H

#include "core/store/record_store.h"
#include "sql/sql.h"

#define PREFIX_BYTES 6 /* of an id, drawn for the set; the other half is the number of the record */
#define NUMBER_MAX ((INT64_C(1) << 48) - 1)
#define RESERVED_NUMBERS (INT64_C(1) << 20) /* at once; one flush for each */

MUST_USE err_t schema_check_fields(const struct record_fields *, struct arena *a);
/* In a new database. prefix: PREFIX_BYTES. */
MUST_USE err_t schema_make(struct sql_conn *, const struct record_fields *, slice prefix, struct arena *a);
/* Errors: CORRUPT the database has another schema. */
MUST_USE err_t schema_match(struct sql_conn *, struct arena *a);
MUST_USE err_t schema_read_fields(struct sql_conn *, struct arena *a, struct record_fields *ret);
MUST_USE err_t schema_read_position(struct sql_conn *, struct arena *a, slice *ret);
/* Reads everything. CORRUPT: it is damaged, or no store would have written it. */
MUST_USE err_t schema_verify(struct sql_conn *, struct arena *a);

#endif
