/* SPDX-License-Identifier: Apache-2.0 */
/* JSON is printed row by row. A table is kept until its piece ends, because its widths depend on all rows; a later piece is at
 * least as wide as the earlier ones, so that columns do not move. */
#include "cli/listing.h"

#include "base/buf.h"
#include "base/text.h"
#include "cli/command_text.h"
#include "cli/terminal.h"

#include <assert.h>
#include <string.h>

enum {
    LIMIT_ON_TERMINAL = 100,
    LIMIT_MAX = 1000000,
    PIECE_ROWS = 500,
    GAP = 2,         /* blanks between columns */
    CUT_MIN = 16,    /* so much of a text that may be cut stays before other columns are left out */
    FIRST_KEPT = 40, /* the same for the first column, so that one long text does not drive out the others */
    FIRST_MIN = 12
};

struct listing_row {
    struct listing_row *next;
    slice *cells; /* one for each column of the layout; safe for terminals */
};

static bool is_shown(const struct listing_column *c)
{
    return c->heading != NULL;
}

static bool is_number(const struct listing_column *c)
{
    return c->kind == LISTING_NUMBER || c->kind == LISTING_SIZE;
}

/* ---- pieces ---- */

/* As cli->resume has it: rows that are left, the cursor, and the widths, "LEFT WIDTH,WIDTH… CURSOR". */
static slice state_of(const struct listing *l)
{
    slice state = arena_printf(l->cli->arena, "%lld ", (long long)(l->left - l->shown));
    for (size_t i = 0; i < l->layout->count; i++)
        state = arena_printf(l->cli->arena, SLICE_FMT "%s%zu", SLICE_ARG(state), i ? "," : "", l->widths[i]);
    return arena_printf(l->cli->arena, SLICE_FMT " " SLICE_FMT, SLICE_ARG(state), SLICE_ARG(l->cursor));
}

static bool read_state(struct listing *l)
{
    slice left, widths, word;
    slice_cut(l->cli->resume, ' ', &left, &widths);
    slice_cut(widths, ' ', &widths, &l->after);
    for (size_t i = 0; i < l->layout->count; i++) {
        uint64_t width = 0;
        slice_cut(widths, ',', &word, &widths);
        if (!slice_to_u64(word, &width))
            return false;
        l->widths[i] = (size_t)width;
    }
    return slice_to_i64(left, &l->left) && l->left > 0;
}

static bool read_options(struct listing *l)
{
    const struct listing_layout *layout = l->layout;
    int64_t limit = layout->limit ? layout->limit : l->cli->columns && !l->as_json ? LIMIT_ON_TERMINAL : 0;
    if (!option_number(l->cli, "limit", 1, LIMIT_MAX, &limit))
        return false;
    l->left = limit ? limit : INT64_MAX;
    l->after = slice_of(option_value(l->cli->options, "after"));
    return true;
}

bool listing_begin(struct listing *l, struct cli *cli, const struct listing_layout *layout)
{
    *l = (struct listing){ .cli = cli, .layout = layout, .as_json = option_on(cli->options, "json") };
    l->is_first = !cli->resume.n;
    l->tail = &l->first;
    l->widths = arena_array(cli->arena, size_t, layout->count);
    bool is_valid = l->is_first ? read_options(l) : read_state(l);
    if (is_valid && l->after.n && !layout->has_cursors && !slice_to_i64(l->after, &l->page.after_id)) {
        usage_error(cli->err, cli->options->command, "--after: '" SLICE_FMT "' is not where a list ended",
                    SLICE_ARG(l->after));
        return false;
    }
    l->piece = l->left < PIECE_ROWS || layout->is_one_object ? l->left : PIECE_ROWS;
    l->page.limit = (size_t)l->piece + 1;
    return is_valid;
}

/* ---- rows ---- */

static const struct listing_column *next_column(struct listing *l, enum listing_kind kind)
{
    assert(l->at < l->layout->count && l->layout->columns[l->at].kind == kind);
    if (l->at == 0 && l->as_json && !l->layout->is_one_object)
        json_line_open(&l->line);
    if (l->at == 0 && !l->as_json)
        l->cells = arena_array(l->cli->arena, slice, l->layout->count);
    return &l->layout->columns[l->at++];
}

static bool has_member(const struct listing *l, const struct listing_column *c)
{
    return l->as_json && !l->layout->is_one_object && c->name;
}

static void set_cell(struct listing *l, slice text)
{
    if (!l->as_json)
        l->cells[l->at - 1] = text.n ? terminal_safe(l->cli->arena, text) : S("-");
}

void listing_text(struct listing *l, slice text)
{
    const struct listing_column *c = next_column(l, LISTING_TEXT);
    if (has_member(l, c) && (text.n || !(c->flags & LISTING_OPTIONAL)))
        json_put_string(&l->line.o, c->name, text);
    set_cell(l, text);
}

static void add_number(struct listing *l, enum listing_kind kind, int64_t number)
{
    const struct listing_column *c = next_column(l, kind);
    if (has_member(l, c))
        json_put_int(&l->line.o, c->name, number);
    bool is_none = !number && (c->flags & LISTING_ZERO_IS_NONE);
    set_cell(l, is_none                ? S("")
                : kind == LISTING_SIZE ? size_for_people(l->cli->arena, number)
                                       : arena_printf(l->cli->arena, "%lld", (long long)number));
}

void listing_number(struct listing *l, int64_t number)
{
    add_number(l, LISTING_NUMBER, number);
}

void listing_size(struct listing *l, int64_t bytes)
{
    add_number(l, LISTING_SIZE, bytes);
}

void listing_time(struct listing *l, int64_t ms)
{
    const struct listing_column *c = next_column(l, LISTING_TIME);
    slice text = ms ? time_format_utc(l->cli->arena, ms) : S("");
    if (has_member(l, c) && ms)
        json_put_string(&l->line.o, c->name, text);
    if (ms && l->cli->columns && !option_on(l->cli->options, "wide")) /* 2026-11-21T14:04:09Z */
        text = arena_printf(l->cli->arena, "%.10s %.5s", text.p, text.p + 11);
    set_cell(l, text);
}

void listing_flag(struct listing *l, bool is_set)
{
    const struct listing_column *c = next_column(l, LISTING_FLAG);
    if (has_member(l, c))
        json_put_bool(&l->line.o, c->name, is_set);
    set_cell(l, is_set ? S("yes") : S("no"));
}

static void end_json(struct listing *l)
{
    if (l->as_json && !l->layout->is_one_object)
        json_line_print(&l->line, l->cli->out);
}

void listing_end_row_at(struct listing *l, slice cursor)
{
    assert(l->at == l->layout->count);
    l->at = 0;
    if (l->shown == l->piece) {
        l->has_more = true;
        if (l->as_json && !l->layout->is_one_object)
            buf_release(&l->line.text);
        return;
    }
    end_json(l);
    l->shown++;
    l->cursor = cursor;
    if (l->as_json)
        return;
    struct listing_row *row = arena_new(l->cli->arena, struct listing_row);
    row->cells = l->cells;
    *l->tail = row;
    l->tail = &row->next;
}

void listing_end_row(struct listing *l, int64_t id)
{
    listing_end_row_at(l, arena_printf(l->cli->arena, "%lld", (long long)id));
}

void listing_has_more(struct listing *l, slice cursor)
{
    l->has_more = true;
    l->cursor = cursor;
}

void listing_begin_one(struct listing *l, struct cli *cli, const struct listing_layout *layout)
{
    *l = (struct listing){ .cli = cli, .layout = layout, .as_json = true };
}

void listing_end_one(struct listing *l)
{
    assert(l->at == l->layout->count);
    l->at = 0;
    end_json(l);
}

/* ---- the table ---- */

static void widen(size_t *width, size_t to)
{
    if (*width < to)
        *width = to;
}

static slice heading_of(const struct listing *l, const struct listing_column *c)
{
    return c->kind == LISTING_TIME ? arena_printf(l->cli->arena, "%s (UTC)", c->heading) : slice_of(c->heading);
}

static size_t first_shown(const struct listing_layout *layout)
{
    size_t i = 0;
    while (!is_shown(&layout->columns[i]))
        i++;
    return i;
}

/* The room that the columns need: as they are, or at least. */
static size_t room_of(const struct listing *l, const bool *left_out, bool at_least)
{
    size_t room = 0, first = first_shown(l->layout);
    for (size_t i = first; i < l->layout->count; i++) {
        const struct listing_column *c = &l->layout->columns[i];
        if (!is_shown(c) || left_out[i])
            continue;
        size_t kept = i == first ? FIRST_KEPT : c->flags & LISTING_CUT ? CUT_MIN : SIZE_MAX;
        room += (i > first ? GAP : 0) + (at_least && l->widths[i] > kept ? kept : l->widths[i]);
    }
    return room;
}

/* The column of the highest rank that is still there; false: all are of rank 0. */
static bool leave_one_out(const struct listing_layout *layout, bool *left_out)
{
    size_t highest = layout->count;
    for (size_t i = 0; i < layout->count; i++)
        if (is_shown(&layout->columns[i]) && !left_out[i] && layout->columns[i].rank > 0 &&
            (highest == layout->count || layout->columns[i].rank > layout->columns[highest].rank))
            highest = i;
    if (highest < layout->count)
        left_out[highest] = true;
    return highest < layout->count;
}

/* Makes the widest text that may be cut narrower, one by one, until the table fits; then the first column, whose longer
 * texts stand on a line of their own. */
static void cut_to(struct listing *l, const bool *left_out, size_t room)
{
    size_t first = first_shown(l->layout);
    while (room_of(l, left_out, false) > room) {
        size_t widest = l->layout->count;
        for (size_t i = 0; i < l->layout->count; i++)
            if (is_shown(&l->layout->columns[i]) && !left_out[i] && (l->layout->columns[i].flags & LISTING_CUT) &&
                i != first && (widest == l->layout->count || l->widths[i] > l->widths[widest]))
                widest = i;
        if (l->widths[first] > FIRST_MIN && (widest == l->layout->count || l->widths[widest] <= CUT_MIN))
            l->widths[first]--;
        else if (widest < l->layout->count && l->widths[widest] > 1)
            l->widths[widest]--;
        else
            return;
    }
}

static bool is_empty(const struct listing *l, size_t column)
{
    for (const struct listing_row *row = l->first; row; row = row->next)
        if (!slice_eq(row->cells[column], S("-")))
            return false;
    return true;
}

static void fit(struct listing *l, bool *left_out, size_t room)
{
    if (room_of(l, left_out, false) > room)
        for (size_t i = 0; i < l->layout->count; i++)
            left_out[i] |= l->layout->columns[i].rank > 0 && is_shown(&l->layout->columns[i]) && is_empty(l, i);
    while (room_of(l, left_out, true) > room && leave_one_out(l->layout, left_out)) {
    }
    cut_to(l, left_out, room);
}

static slice cut_text(const struct listing *l, slice text, size_t width)
{
    if (terminal_width(text) <= width)
        return text;
    return arena_printf(l->cli->arena, SLICE_FMT "…", SLICE_ARG(terminal_cut(text, width - 1)));
}

static void print_cell(const struct listing *l, size_t i, slice text, bool is_last)
{
    size_t width = terminal_width(text);
    int pad = l->widths[i] > width ? (int)(l->widths[i] - width) : 0;
    bool right = is_number(&l->layout->columns[i]);
    fprintf(l->cli->out, "%*s" SLICE_FMT "%*s", right ? pad : 0, "", SLICE_ARG(text), right || is_last ? 0 : pad, "");
}

static void print_line(const struct listing *l, const slice *cells, const bool *left_out)
{
    size_t first = first_shown(l->layout), last = first;
    for (size_t i = 0; i < l->layout->count; i++)
        if (is_shown(&l->layout->columns[i]) && !left_out[i])
            last = i;
    for (size_t i = first; i <= last; i++) {
        if (!is_shown(&l->layout->columns[i]) || left_out[i])
            continue;
        if (i > first)
            fprintf(l->cli->out, "%*s", GAP, "");
        bool is_alone = i == first && i < last && terminal_width(cells[i]) > l->widths[i];
        if (is_alone)
            fprintf(l->cli->out, SLICE_FMT "\n%*s", SLICE_ARG(cells[i]), (int)l->widths[i], "");
        else
            print_cell(l, i, i > first ? cut_text(l, cells[i], l->widths[i]) : cells[i], i == last);
    }
    fputc('\n', l->cli->out);
}

static void print_table(struct listing *l)
{
    const struct listing_layout *layout = l->layout;
    bool is_fitted = l->cli->columns && !option_on(l->cli->options, "wide");
    bool *left_out = arena_array(l->cli->arena, bool, layout->count);
    slice *headings = arena_array(l->cli->arena, slice, layout->count);
    for (size_t i = 0; i < layout->count; i++) {
        if (!is_shown(&layout->columns[i]))
            continue;
        headings[i] = heading_of(l, &layout->columns[i]);
        if (l->cli->columns)
            widen(&l->widths[i], terminal_width(headings[i]));
        for (const struct listing_row *row = l->first; row; row = row->next)
            widen(&l->widths[i], terminal_width(row->cells[i]));
    }
    if (is_fitted)
        fit(l, left_out, l->cli->columns);
    if (l->cli->columns && l->is_first)
        print_line(l, headings, left_out);
    for (const struct listing_row *row = l->first; row; row = row->next)
        print_line(l, row->cells, left_out);
}

/* ---- the end ---- */

static void tell_next(const struct listing *l)
{
    if (l->as_json && l->layout->is_one_object)
        return;
    fprintf(l->cli->err, "There are more: " SLICE_FMT "\n", SLICE_ARG(command_after(l->cli, l->cursor)));
}

int listing_end(struct listing *l, err_t e)
{
    if (e)
        return command_failed(l->cli, e);
    l->cli->resume = S("");
    if (!l->as_json && l->shown)
        print_table(l);
    if (!l->as_json && !l->shown && l->is_first && l->cli->columns && l->layout->none)
        fprintf(l->cli->err, "%s\n", l->layout->none);
    if (l->has_more && l->left > l->piece)
        l->cli->resume = state_of(l);
    else if (l->has_more)
        tell_next(l);
    return EXIT_DONE;
}
