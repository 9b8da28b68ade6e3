/* SPDX-License-Identifier: Apache-2.0 */
/* A record of a set, and questions about the records of one: core/store/record_store.h. */
#ifndef CAIS_CORE_RECORDS_RECORD_H
#define CAIS_CORE_RECORDS_RECORD_H

#include "core/records/row_query.h"

#define RECORD_ID_LENGTH 24 /* hex digits */
#define RECORD_PAGE_BYTES ((size_t)8 << 20)
#define RECORD_PAGE_MAX 1000

struct record {
    slice id, key;
    slice object; /* JSON without nulls as members */
    slice file;   /* the last that inserted or updated it */
    int64_t created_at_ms, modified_at_ms;
};

/* The columns that every record has beside the members of its object, as a question names them. */
enum record_column {
    RECORD_COLUMN_ID,       /* STRING */
    RECORD_COLUMN_CREATED,  /* DATETIME64 */
    RECORD_COLUMN_MODIFIED, /* DATETIME64 */
    RECORD_COLUMN_FILE,     /* STRING */
    RECORD_COLUMNS
};
extern const struct column_list record_columns; /* with names of our own */

/* The keys from `from` up to, not including, `to`; an empty `to`: the key `from` alone. */
struct record_keys {
    slice from, to;
};

/* The tree is one of plain items, members or columns:
 *   rows       Without items, records have their whole objects; else their objects have what the members among the items name, in their
 *              own order, nested as in the record. Without an order they come by id.
 *   groups     Of records that have the same values in all groups, one is in the result; then the items are the groups. Groups that the
 *              order does not tell apart come by their values, ascending.
 *   offset     and limit, at most RECORD_PAGE_MAX, are the page */
struct record_query {
    const struct row_query *rows;
    const struct record_keys *keys; /* only records with these keys */
    size_t key_count;               /* 0: with any */
    bool with_total;
    int64_t limit_ms; /* how long the store may look; 0: no limit */
};

/* Ids, and the records that they name. */
struct record_id_list {
    const slice *items;
    size_t count;
};
struct record_rest {
    struct record *items;
    size_t count;
    size_t taken; /* how many of the ids this accounts for */
};

struct record_result {
    struct record *
        items; /* the first ones of the page, which have at most RECORD_PAGE_BYTES; but one at least, if there is any */
    size_t count;
    struct record_id_list later; /* the others */
    uint64_t total;              /* if it was asked for: of all pages */
};

#endif
