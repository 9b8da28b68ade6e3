/* SPDX-License-Identifier: Apache-2.0 */
/* What an import found wrong, and what it did, as texts that are kept with the sync file (struct sync_report): a line of JSON for each
 * error, and for each note. Thread: any. */
#ifndef CAIS_CORE_SYNC_REPORT_H
#define CAIS_CORE_SYNC_REPORT_H

#include "base/buf.h"
#include "base/err.h"
#include "core/sync/sync_fault.h"
#include "core/sync/sync_header.h"

#define SYNC_ERRORS_MAX 1000                /* that an import keeps */
#define SYNC_ERRORS_BYTES ((size_t)1 << 20) /* of them; the first ones are kept */
#define SYNC_NOTES_MAX 50                   /* the newest are kept */
#define SYNC_NOTE_TEXT_MAX 512              /* bytes; the rest is cut off */

struct sync_error {
    enum sync_fault fault;
    uint64_t line, row; /* from 1; 0: the file as a whole is to blame */
    slice key;          /* the values of the key, with a NUL between them; may be empty */
    slice field;        /* may be empty, like the next one */
    slice value;        /* what stands there, or what is to blame */
    bool has_type;
    enum sync_type type; /* that was expected */
};
/* Appends one, unless it would exceed SYNC_ERRORS_BYTES. */
void sync_errors_add(struct buf *, const struct sync_error *);
/* Reads the first of *errors and moves *errors behind it. False at the end, and at what this program has not written. */
bool sync_errors_next(slice *errors, struct arena *a, struct sync_error *ret);

enum sync_note {
    SYNC_NOTE_BEGAN,     /* text: the handle of the file */
    SYNC_NOTE_READS,     /* text: the key of its bytes */
    SYNC_NOTE_REFERENCE, /* text: the reference id of the header */
    SYNC_NOTE_SUCCEEDED, /* every row was applied */
    SYNC_NOTE_PARTLY,    /* text: how many rows were refused */
    SYNC_NOTE_FAILED,    /* text: the word of the fault */
    SYNC_NOTE_GOES_ON,   /* after an interruption; text: how many rows were done */
    SYNC_NOTE_COUNT
};
struct sync_note_line {
    enum sync_note note;
    int64_t at_ms;
    slice text;
};
/* Appends one; the oldest goes when there are SYNC_NOTES_MAX. */
void sync_notes_add(struct buf *, const struct sync_note_line *);
/* As sync_errors_next; oldest first. */
bool sync_notes_next(slice *notes, struct arena *a, struct sync_note_line *ret);

#endif
