/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a dataset, and the values in its rows. */
#ifndef CAIS_CORE_RECORDS_COLUMN_H
#define CAIS_CORE_RECORDS_COLUMN_H

#include "base/slice.h"

#define COLUMNS_MAX 1000
#define COLUMN_NAME_MAX 63
#define DECIMAL_PLACES 6
#define DECIMAL_UNIT 1000000 /* a decimal is kept as so many times its value */

/* The numbers stand in the database: only add at the end. */
enum column_type {
    COLUMN_STRING, /* UTF-8 without NUL */
    COLUMN_JSON,   /* compact JSON, as text */
    COLUMN_BOOL,
    COLUMN_INT8,
    COLUMN_INT16,
    COLUMN_INT32,
    COLUMN_INT64,
    COLUMN_UINT8,
    COLUMN_UINT16,
    COLUMN_UINT32,
    COLUMN_UINT64,
    COLUMN_FLOAT,      /* a finite double */
    COLUMN_DECIMAL,    /* 18 digits, DECIMAL_PLACES of them behind the point */
    COLUMN_DATE,       /* days since 1970-01-01, of the years 1 to 9999 */
    COLUMN_DATETIME,   /* seconds since 1970-01-01T00:00:00Z, of the same years */
    COLUMN_DATETIME64, /* the same in microseconds */
    COLUMN_TYPE_COUNT,
    COLUMN_DECIMAL_SUM = COLUMN_TYPE_COUNT, /* 38 digits, DECIMAL_PLACES of them behind the point; only of results */
    COLUMN_ANY,                             /* a JSON value of any kind, or none; only of members (row_query.h) */
};

struct column {
    slice name; /* 1 to COLUMN_NAME_MAX of [A-Za-z0-9_], no digit first; case counts */
    enum column_type type;
    bool is_required; /* a line without it is an error */
};
struct column_list {
    struct column *items;
    size_t count; /* at most COLUMNS_MAX */
};

__extension__ typedef __int128 decimal_t;

/* One value. Which member holds it follows from the type of its column. */
struct cell {
    bool is_null;
    enum column_type
        kind; /* of a value that is compared with ANY: STRING, BOOL, or JSON, whose text is that of a number */
    union {
        slice text;        /* STRING, JSON */
        bool boolean;      /* BOOL */
        int64_t integer;   /* INT8 to INT64, DATE, DATETIME, DATETIME64 */
        uint64_t natural;  /* UINT8 to UINT64 */
        double real;       /* FLOAT */
        decimal_t decimal; /* DECIMAL, DECIMAL_SUM: times DECIMAL_UNIT */
    };
};

static inline bool column_type_is_text(enum column_type t)
{
    return t == COLUMN_STRING || t == COLUMN_JSON;
}
static inline bool column_type_is_signed(enum column_type t)
{
    return t >= COLUMN_INT8 && t <= COLUMN_INT64;
}
static inline bool column_type_is_unsigned(enum column_type t)
{
    return t >= COLUMN_UINT8 && t <= COLUMN_UINT64;
}
static inline bool column_type_is_number(enum column_type t)
{
    return (t >= COLUMN_INT8 && t <= COLUMN_DECIMAL) || t == COLUMN_DECIMAL_SUM;
}
static inline bool column_type_is_time(enum column_type t)
{
    return t >= COLUMN_DATE && t <= COLUMN_DATETIME64;
}

#endif
