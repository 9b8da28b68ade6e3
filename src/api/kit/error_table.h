/* SPDX-License-Identifier: Apache-2.0 */
/* How an error becomes the status and the words of a reply. Each API lists all of it in its errors.def, once:
 *
 *   ROW(name, status, code, text)   a reply. status 0: that of the engine's refusal. text NULL: the message of the error.
 *                                   Functions of the API refuse by the row's name (error_refuse_at)
 *   CODE(code, row)                 errors with this code of base/err_codes.def, and without a reason that has a row
 *   RULE(rule, row)                 errors by this rule of core/reasons.def
 *   REFUSAL(refusal, row)           refusals of the HTTP engine: http/refusals.def
 *   NEVER(group)                    the API never meets the rules of this group, so they need no rows
 *
 * An API may define lines of its own on top of ROW (see runrun/errors.def). errors.def ends by including
 * error_table_undef.def, so that a file that includes it defines only the lines that it needs; the others are empty:
 * error_table_default.def. error_tables.def makes the table from it. A test of each API (expect_complete_error_table) fails
 * while a row is missing. */
#ifndef CAIS_API_KIT_ERROR_TABLE_H
#define CAIS_API_KIT_ERROR_TABLE_H

#include "core/reasons.h"
#include "http/http.h"

struct error_row {
    int status;       /* of HTTP */
    const char *code; /* stable: clients branch on it */
    const char *text; /* for people; may change */
};

/* The rows are numbered from 1. Row N is also the reason ERR_REASONS_API + N. */
struct error_table {
    const struct error_row *rows; /* rows[0] is not used */
    int row_count;
    const unsigned char *codes;    /* the row of each enum err_code; 0: missing */
    const unsigned char *rules;    /* of each enum core_reason; 0: missing, or the API never meets it */
    const unsigned char *refusals; /* of each enum http_refusal, less ERR_REASONS_HTTP */
    unsigned never;                /* bits of enum core_reason_group */
};

/* The row of an error: that of its reason, else that of its code. Never 0, if the table is complete. */
int error_row_of(const struct error_table *, err_t e);
/* The same row, with the status and the text filled in that come from the error. The text may end with the error. */
struct error_row error_words(const struct error_table *, err_t e);

/* The error by which a function of the API refuses: `reason` is ERR_REASONS_API + a row. Its code follows from the status
 * of the row. cause: what was found, for the log; may be NULL. Each API has macros of its own on top of it. */
err_t error_refuse_at(struct arena *a, const char *where, const struct error_table *, err_t cause, int reason);

#endif
