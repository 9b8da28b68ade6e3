/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, such as those of users and keys. A layout describes the columns once; from it come the table for people and, with --json,
 * a line of JSON for each row.
 *
 * On a terminal the table has headings and is as wide as the terminal at most: if it would be wider, columns that have a rank are
 * left out, the empty ones and those of the highest rank first, and texts are cut. Elsewhere it has no headings and all columns, whole. An empty text is "-". What does not fit into --limit is told as the
 * command that shows it (docs/operations.md, "Lists").
 *
 *     if (!listing_begin(&list, cli, &layout))
 *         return EXIT_USAGE;
 *     err_t e = user_list(core, account, &list.page, cli->arena, &users);
 *     for (size_t i = 0; i < users.count; i++) {
 *         listing_text(&list, users.items[i].login);     // one call for each column, in the order of the layout
 *         …
 *         listing_end_row(&list, users.items[i].id);
 *     }
 *     return listing_end(&list, e);
 *
 * A command whose list has no limit is called again for the next piece of it (admin_command): listing_begin reads from cli->resume
 * where that is, and listing_end writes it. */
#ifndef CAIS_CLI_LISTING_H
#define CAIS_CLI_LISTING_H

#include "base/err.h"
#include "cli/json_line.h"
#include "cli/options.h"
#include "core/records/record_ids.h"

enum listing_kind {
    LISTING_TEXT,
    LISTING_NUMBER,
    LISTING_SIZE, /* in bytes */
    LISTING_TIME, /* milliseconds since 1970 UTC; 0: none, and then no member of the JSON */
    LISTING_FLAG  /* yes or no */
};

enum {
    LISTING_CUT = 1,         /* a text that may be cut on a terminal */
    LISTING_OPTIONAL = 2,    /* an empty text is no member of the JSON */
    LISTING_ZERO_IS_NONE = 4 /* people see "-" for 0 */
};

struct listing_column {
    const char *name;    /* the member of JSON; NULL: only people see the column */
    const char *heading; /* NULL: only programs see it */
    enum listing_kind kind;
    unsigned flags;
    int rank; /* on a terminal that is too narrow, the highest are left out first; 0: it always stays */
};

struct listing_layout {
    const struct listing_column
        *columns; /* the texts of the first one that people see stay whole: it tells rows apart */
    size_t count;
    const char *none;   /* what a terminal shows in place of an empty list: a sentence; NULL: nothing */
    int64_t limit;      /* how many rows there are without --limit; 0: 100 on a terminal, and elsewhere all */
    bool has_cursors;   /* --after is no id, but a text that the command knows how to read */
    bool is_one_object; /* the command prints the JSON itself, with the cursor in it */
};

struct listing_row;
struct listing {
    struct cli *cli;
    const struct listing_layout *layout;
    bool as_json;
    int64_t piece; /* so many rows are shown at most */
    slice after;   /* where this piece begins, as the last cursor; empty: at the first row */
    struct id_page
        page; /* the same for a list by id: one row more than is shown, so that it is known whether there are more */
    /* private */
    int64_t left;  /* rows until --limit */
    size_t at;     /* the column of the next value */
    int64_t shown; /* rows of this piece */
    bool is_first; /* piece */
    bool has_more;
    slice cursor;   /* of the last row that is shown */
    size_t *widths; /* of all columns, in earlier pieces; later at most */
    struct json_line line;
    struct listing_row *first, **tail;
    slice *cells; /* of the row that is being filled */
};

#define LISTING_AFTER_OPTIONS                                                                                          \
    { "after", 0, "CURSOR", false, "Go on where a list ended: its last line tells the command." },                     \
    {                                                                                                                  \
        "wide", 0, NULL, false, "Show all columns whole, however wide the terminal is."                                \
    }
#define LISTING_OPTIONS                                                                                                \
    { "limit", 0, "N", false, "Show at most so many (default: 100 on a terminal, and all elsewhere)." },               \
        LISTING_AFTER_OPTIONS

/* False after an error message: the options are wrong. A command without LISTING_OPTIONS shows all rows. */
MUST_USE bool listing_begin(struct listing *, struct cli *, const struct listing_layout *);
/* The values of a row. */
void listing_text(struct listing *, slice);
void listing_number(struct listing *, int64_t);
void listing_size(struct listing *, int64_t bytes);
void listing_time(struct listing *, int64_t ms);
void listing_flag(struct listing *, bool);
/* Ends the row. Rows beyond the limit are not shown, but the list has more then. Of a list by id: the id of the row. */
void listing_end_row(struct listing *, int64_t id);
/* Of a list with has_cursors: the --after with which the rows behind this one come. */
void listing_end_row_at(struct listing *, slice cursor);
/* There are more rows, which were not read; --after for them. */
void listing_has_more(struct listing *, slice cursor);
/* Prints the table, or the error. Returns the exit code. */
int listing_end(struct listing *, err_t e);

/* A single row as JSON, as of a list with --json, for commands such as `user add`. */
void listing_begin_one(struct listing *, struct cli *, const struct listing_layout *);
void listing_end_one(struct listing *);

#endif
