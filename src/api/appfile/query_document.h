/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the query documents of docs/apis/appfile.md 6.1 into the tree of core/query/query_build.h: Query, Sort and Fields. What a name in
 * them stands for, the caller says: a member or column of records, or a column of files.
 *
 * Every error is noted with the path to where it is, such as Query.$or.0.status.$in. The reader goes on after one, so that a client
 * sees several at once. Thread: one at a time. */
#ifndef CAIS_API_APPFILE_QUERY_DOCUMENT_H
#define CAIS_API_APPFILE_QUERY_DOCUMENT_H

#include "api/appfile/appfile_priv.h"
#include "core/query/query_build.h"

#define QUERY_NESTING_MAX 8 /* of $and and $or in each other */
#define QUERY_TESTS_MAX 200 /* in a Query */
#define QUERY_SORTS_MAX 8

/* A word that stands for some of the numbers of a column. */
struct query_word {
    const char *text; /* NULL: the list ends */
    int64_t values[SYNC_STATES];
    size_t count;
};

struct query_name {
    const struct row_expr *expr;
    bool is_nullable;               /* a column that is null in some rows */
    const struct query_word *words; /* the column takes these alone, in any case; NULL: values of its type */
    bool is_sortable;
};

struct query_reader {
    struct query_builder b;
    /* What the name stands for. False: nothing; then b.fault says why, QUERY_UNKNOWN_COLUMN for a name that is none. */
    bool (*find_name)(struct query_reader *, slice name, struct query_name *ret);
    struct appfile_field_errors *errors;
    size_t tests;
};

/* The tree lives in `a`; names and texts are borrowed from the request. */
void query_reader_init(struct query_reader *, const struct column_list *, struct appfile_field_errors *,
                       struct arena *a);
/* Each takes the member of the request, which may be NULL. Errors: those of arena_check. */
MUST_USE err_t query_read_where(struct query_reader *, const struct json *query);
MUST_USE err_t query_read_sort(struct query_reader *, const struct json *sort);
/* Adds the fields as items, and as groups if is_distinct. A name that stands there twice counts once. */
MUST_USE err_t query_read_fields(struct query_reader *, const struct json *fields, bool is_distinct);
/* The query, without limit and offset. False: there are errors; also that a sort is by none of the fields
 * of a distinct query. */
bool query_reader_end(struct query_reader *, const struct json *sort, struct row_query *ret);

#endif
