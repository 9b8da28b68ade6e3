/* SPDX-License-Identifier: Apache-2.0 */
/* The two forms behind sync_reader.h. Each keeps what it needs between two calls in a struct of its own. */
#ifndef CAIS_CORE_SYNC_FORM_PRIV_H
#define CAIS_CORE_SYNC_FORM_PRIV_H

#include "core/object/content.h"
#include "core/sync/row_maker_priv.h"
#include "core/sync/sync_result.h"

/* A check, as far as both forms share it. */
struct check_state {
    const struct content *content;
    struct arena *account;
    struct sync_check_result result;
};

/* Note the first fault. text: copied. */
void check_fail(struct check_state *, enum sync_fault, uint64_t line, slice text);
/* The file has this number of rows by its footer, which is on the line, or 0. */
void check_declared_rows(struct check_state *, uint64_t rows, uint64_t line);

/* Rows, as far as both forms share them. */
struct rows_state {
    const struct content *content;
    struct arena *account;
    struct row_maker maker;
    struct sync_header header;
    struct sync_position position;
};

/* The error of a file that is not what it was when it was checked. */
err_t rows_corrupt(struct arena *a);

/* The functions of a form; they are as those of sync_reader.h say. */
struct sync_form_ops {
    void *(*check_open)(struct check_state *);
    void (*check_close)(void *check);
    MUST_USE err_t (*check_next)(void *check, struct check_state *, struct arena *a, bool *ret_has_more);
    uint64_t (*check_read_bytes)(const void *check);
    /* Read rows->header; rows->position is set. *ret_form is to be closed also after an error. */
    MUST_USE err_t (*rows_open)(struct rows_state *, struct arena *a, void **ret_form);
    void (*rows_close)(void *form); /* NULL is fine */
    MUST_USE err_t (*rows_next)(void *form, struct rows_state *, struct arena *a, enum sync_step *ret_step,
                                struct sync_row *ret_row);
};

extern const struct sync_form_ops sync_lines_ops, sync_json_ops;

#endif
