/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a line of a data file, or with the file, so that each API can say it in its own words. */
#ifndef CAIS_CORE_DATASET_LINE_ERROR_H
#define CAIS_CORE_DATASET_LINE_ERROR_H

#include "core/records/column.h"

enum line_fault {
    LINE_FINE,
    /* of a line */
    LINE_NOT_AN_OBJECT, /* it is not valid JSON, or not an object */
    LINE_TOO_LONG,      /* more than LINE_BYTES_MAX */
    LINE_BAD_VALUE,     /* `field` does not accept its value */
    LINE_NO_VALUE,      /* `field` is required, and there is none, or a null */
    LINE_UNKNOWN_FIELD, /* there is no column `field`, and the dataset is strict */
    /* of the whole file */
    FILE_NAME_UNKNOWN, /* the name does not say that it is a data file */
    FILE_DAMAGED,      /* it is no gzip, or a damaged one, or it has no end */
    FILE_TOO_LARGE,    /* unzipped */
    /* why a file was not read, whatever is in it */
    FILE_NO_ROOM,    /* its account has used up its limit of bytes */
    FILE_CANCELLED,  /* somebody cancelled its job */
    FILE_UNREADABLE, /* every attempt failed */
    LINE_FAULT_COUNT,
};

struct line_error {
    enum line_fault fault;
    uint64_t line;             /* from 1; 0: the whole file */
    slice field;               /* of the faults that name one; of an unknown field at most LINE_FIELD_MAX characters */
    enum column_type expected; /* of LINE_BAD_VALUE and LINE_NO_VALUE */
};

#define LINE_FIELD_MAX 100

#endif
