/* SPDX-License-Identifier: Apache-2.0 */
/* Files that synchronise a set of records with what somebody else has: each row inserts or updates the record of its key, or deletes
 * it. There are two forms. In both the text is UTF-8, perhaps behind a BOM.
 *
 * Lines of values between pipes, each beginning with the type of its record. Lines end in LF or CRLF, the last one perhaps in
 * neither; blank lines are skipped. #/# in a value is a pipe, #Enter# is CR LF. An empty value is none. A record may end in one
 * more pipe.
 *
 *   00|customer|file type|create time|reference id       the header: these four, in this order
 *   01|entity type|workspace|bucket|datasource|action
 *   02|code|…                                            the key, 1 to SYNC_KEYS_MAX fields
 *   03|code:type|…                                       1 to SYNC_FIELDS_MAX fields, those of the key first
 *   10|value|…                                           insert or update: a value for each field
 *   90|value|…                                           delete: a value for each field of the key
 *   99|number of 10 and 90|…                             the footer, the last line
 *
 * JSON: {"header":{…}, "data":[{…}…], "delete":[{…}…], "footer":{"total":N}, "InstanceId":"…"}, the members in any order, and
 * their names in any case; json_header_priv.h has those of the header. `data` comes before `delete` wherever they stand. Members
 * of rows are fields by their codes, in the case that the header has. Other members of the file are skipped; of a member that a row
 * has twice, the last counts.
 *
 * A file is read twice. The check reads all of it and keeps nothing but the header: then it is known whether the file is whole and
 * what its rows mean, before the first one is applied. Then the rows are read, from the first one on or from a position that was
 * noted when those before it had been applied. The caller compares the header with what it knows of the file.
 *
 * Limits   Memory: about 400 KiB and the header, as long as lines and values are short. A line of 10 MiB takes 10 MiB while it is
 *          read, its object up to SYNC_OBJECT_MAX, and what is made on the way up to 20 MiB, so that an account with the limit
 *          ARENA_LIMIT_DEFAULT has room for each line that there can be. The header takes less than 1 MiB in lines. In JSON it
 *          has at most JSON_MAX_BYTES and JSON_MAX_VALUES values, and takes a few MiB.
 *          Time: a few passes over each byte, whatever the bytes are; the worst line of 10 MiB takes about 0.1 s. A member of a row
 *          is found among 500 fields in 9 steps, and a text in a dictionary likewise. A number of more than SYNC_NUMBER_MAX bytes is
 *          not converted. Nesting takes no memory, and no function calls itself.
 *          A call reads one block, or one line or value if that is longer, so that the caller can stop in between.
 * Thread   one at a time. */
#ifndef CAIS_CORE_SYNC_READER_H
#define CAIS_CORE_SYNC_READER_H

#include "core/object/content.h"
#include "core/sync/sync_result.h"
#include "core/sync/sync_row.h"

/* ---- the check */

struct sync_check;

/* content: borrowed until sync_check_close. account: counts the memory, and is not released before it. */
struct sync_check *sync_check_open(const struct content *, enum sync_form, struct arena *account);
void sync_check_close(struct sync_check *); /* NULL is fine */
/* Read on. *ret_has_more: call again. False at the end, and at the first fault. Errors: those of content_read_at and arena_check;
 * the check cannot be used after one. */
MUST_USE err_t sync_check_next(struct sync_check *, struct arena *a, bool *ret_has_more);
/* What is known so far; valid until the check is closed. */
const struct sync_check_result *sync_check_result(const struct sync_check *);
/* How many bytes have been read. */
uint64_t sync_check_read_bytes(const struct sync_check *);

/* ---- the rows */

struct sync_rows;

/* Read the header again, and stand where `from` says: the start of a check that found no fault, or a position of such a reader. The
 * reference id of a file in JSON is left out of the header: it may stand anywhere. content, account: as above.
 * Errors: CORRUPT there is no header where it was; those of content_read_at and arena_check. */
MUST_USE err_t sync_rows_open(const struct content *, const struct sync_position *from, struct arena *account,
                              struct arena *a, struct sync_rows **ret_rows);
void sync_rows_close(struct sync_rows *); /* NULL is fine */
const struct sync_header *sync_rows_header(const struct sync_rows *);
/* *ret_row is valid until the next call. Errors: CORRUPT the file is not one that passed the check; those of content_read_at and
 * arena_check. The reader cannot be used after one. */
MUST_USE err_t sync_rows_next(struct sync_rows *, struct arena *a, enum sync_step *ret_step, struct sync_row *ret_row);
/* After the row that came last. */
struct sync_position sync_rows_position(const struct sync_rows *);

static inline void sync_check_closep(struct sync_check **c)
{
    sync_check_close(*c);
}
static inline void sync_rows_closep(struct sync_rows **r)
{
    sync_rows_close(*r);
}

#endif
