/* SPDX-License-Identifier: Apache-2.0 */
/* `bytes` holds what was read and not yet taken:
 *
 *     0          at           at + found              n
 *     | taken    | a value whose end is looked for    |
 *
 * The end of a value is where its brackets are closed, so a value that is not valid JSON has an end as well; what is in between is
 * judged when it is there as a whole. What was looked at is not looked at again when more is read. */
#include "core/sync/json_file.h"

#include "base/buf.h"
#include "base/json_scan.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)256 << 10)
#define BYTES_MAX (JSON_FILE_VALUE_MAX + 16) /* and what stands behind a value */
#define NAME_MAX_BYTES ((size_t)64)          /* no name that anybody looks for is longer */
#define CHARACTER_MAX 4                      /* bytes */
#define BOM S("\xef\xbb\xbf")

enum state {
    AT_START,
    BEFORE_FIRST_NAME, /* or the end */
    BEFORE_NAME,
    AFTER_NAME, /* at the colon */
    BEFORE_VALUE,
    BEFORE_FIRST_ELEMENT, /* or the end of the array */
    BEFORE_ELEMENT,
    AFTER_ELEMENT,
    AFTER_VALUE, /* of a member */
    RESUMED,     /* in an array: before or after an element */
    AFTER_OBJECT
};

struct json_file {
    const struct content *content;
    uint64_t offset; /* of what is read next */
    struct buf bytes;
    struct buf name; /* of the member that is read */
    size_t at;
    uint64_t line; /* of `at` */
    enum state state;
    bool must_check;
    bool is_at_end;
    bool is_bom_past;

    /* The value whose end is looked for: */
    size_t found; /* so many bytes of it have been looked at */
    uint64_t depth;
    bool is_in_string;
};

struct json_file *json_file_open(const struct content *content, struct json_file_position from, bool must_check,
                                 struct arena *account)
{
    static const enum state states[] = { AT_START, BEFORE_VALUE, RESUMED };
    struct json_file *f = must_malloc(sizeof *f);
    *f = (struct json_file){ .content = content, .offset = from.offset, .line = from.line, .must_check = must_check };
    f->state = states[from.place];
    f->is_bom_past = from.place != JSON_FILE_AT_START;
    buf_init_on(&f->bytes, BYTES_MAX, account);
    buf_init_on(&f->name, 0, account);
    return f;
}

void json_file_close(struct json_file *f)
{
    if (!f)
        return;
    buf_release(&f->bytes);
    buf_release(&f->name);
    free(f);
}

uint64_t json_file_offset(const struct json_file *f)
{
    return f->offset - (f->bytes.n - f->at);
}

uint64_t json_file_line(const struct json_file *f)
{
    return f->line;
}

uint64_t json_file_read_bytes(const struct json_file *f)
{
    return f->offset;
}

err_t json_file_fill(struct json_file *f, struct arena *a)
{
    size_t left = f->bytes.n - f->at, n;
    if (left && f->at)
        memmove(f->bytes.p, f->bytes.p + f->at, left);
    f->bytes.n = left;
    f->at = 0;
    size_t room = left < BLOCK ? BLOCK - left : left;
    room = room < BYTES_MAX - left ? room : BYTES_MAX - left;
    if (f->content->size_bytes < BLOCK)
        room = room < f->content->size_bytes + 1 ? room : f->content->size_bytes + 1;
    char *to = buf_reserve(&f->bytes, room);
    if (!to)
        return arena_check(f->bytes.account);
    TRY(content_read_at(f->content, f->offset, to, room, a, &n));
    f->offset += n;
    f->bytes.n += n;
    f->is_at_end = n == 0;
    return NULL;
}

/* ---- the end of a value */

/* The position of the quote that ends the string in which `from` is; SLICE_NONE: it is not there yet. */
static size_t quote_at(slice text, size_t from)
{
    for (;;) {
        const char *quote = memchr(text.p + from, '"', text.n - from);
        if (!quote)
            return SLICE_NONE;
        size_t at = (size_t)(quote - text.p), backslashes = 0;
        while (text.p[at - 1 - backslashes] == '\\') /* the string begins with a quote */
            backslashes++;
        if (backslashes % 2 == 0)
            return at;
        from = at + 1;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_opening(char c)
{
    return c == '{' || c == '[' || c == '"';
}

static bool is_closing(char c)
{
    return c == '}' || c == ']';
}

/* The length of a number or word; SLICE_NONE: it may go on. */
static size_t word_length(struct json_file *f, slice text)
{
    size_t n = f->found;
    while (n < text.n && !is_blank(text.p[n]) && !is_opening(text.p[n]) && !is_closing(text.p[n]) && text.p[n] != ',' &&
           text.p[n] != ':')
        n++;
    f->found = n;
    return n < text.n ? n : SLICE_NONE;
}

/* The length of what begins with a quote or bracket. */
static size_t nested_length(struct json_file *f, slice text)
{
    for (size_t i = f->found; i < text.n; i++) {
        if (f->is_in_string) {
            i = quote_at(text, i);
            if (i == SLICE_NONE)
                break;
            f->is_in_string = false;
        } else if (is_closing(text.p[i])) {
            f->depth--;
        } else {
            f->is_in_string = text.p[i] == '"';
            f->depth += is_opening(text.p[i]) && !f->is_in_string;
            continue;
        }
        if (!f->depth)
            return i + 1;
    }
    f->found = text.n;
    return SLICE_NONE;
}

/* The length of the value at `at`, of which there is at least a byte; SLICE_NONE: its end is not there yet. */
static size_t value_length(struct json_file *f)
{
    slice text = slice_from(buf_slice(&f->bytes), f->at);
    return is_opening(text.p[0]) ? nested_length(f, text) : word_length(f, text);
}

/* ---- the walk */

static enum json_file_step bad(struct json_file_item *item, enum sync_fault fault)
{
    item->fault = fault;
    return JSON_FILE_BAD;
}

/* What is at `at` is not what must come there. */
static enum json_file_step bad_token(const struct json_file *f, struct json_file_item *item)
{
    bool is_character = slice_utf8_length(slice_from(buf_slice(&f->bytes), f->at)) > 0;
    return bad(item, is_character ? SYNC_INVALID_JSON : SYNC_NOT_UTF8);
}

static void count_lines(struct json_file *f, slice text)
{
    for (size_t n; (n = slice_find_byte(text, '\n')) != SLICE_NONE; text = slice_from(text, n + 1))
        f->line++;
}

/* An object is walked, so that its values may be nested as deep as in a reader that walks it. */
static bool is_json(slice text)
{
    struct json_scan s;
    struct json_member m;
    struct json_value v;
    enum json_scan_step step;
    if (text.p[0] != '{')
        return json_scan_value(text, &v);
    if (!json_scan_begin(&s, text))
        return false;
    do
        step = json_scan_next(&s, &m);
    while (step == JSON_SCAN_MEMBER);
    return step == JSON_SCAN_END;
}

/* Take the value at `at`. JSON_FILE_MEMBER: it is *ret. */
static enum json_file_step take_value(struct json_file *f, struct json_file_item *item, slice *ret)
{
    size_t n = value_length(f);
    if (n == SLICE_NONE && f->bytes.n - f->at <= JSON_FILE_VALUE_MAX)
        return f->is_at_end ? bad(item, SYNC_MISSING_FOOTER) : JSON_FILE_NONE;
    if (n == SLICE_NONE || n > JSON_FILE_VALUE_MAX)
        return bad(item, SYNC_LINE_TOO_LONG);
    *ret = (slice){ f->bytes.p + f->at, n };
    f->found = 0;
    f->depth = 0;
    if (n == 0)
        return bad_token(f, item);
    if (f->must_check && !is_json(*ret))
        return bad(item, slice_is_utf8(*ret) ? SYNC_INVALID_JSON : SYNC_NOT_UTF8);
    f->at += n;
    count_lines(f, *ret);
    return JSON_FILE_MEMBER;
}

/* Of a member or element. */
static enum json_file_step next_value(struct json_file *f, struct json_file_item *item, enum state then,
                                      enum json_file_step what)
{
    enum json_file_step step = take_value(f, item, &item->value);
    if (step != JSON_FILE_MEMBER)
        return step;
    f->state = then;
    return what;
}

static enum json_file_step next_name(struct json_file *f, struct json_file_item *item)
{
    slice name;
    if (f->bytes.p[f->at] != '"')
        return bad_token(f, item);
    enum json_file_step step = take_value(f, item, &name);
    if (step != JSON_FILE_MEMBER)
        return step;
    buf_clear(&f->name);
    buf_add(&f->name, slice_part(name, 1, name.n - 2 < NAME_MAX_BYTES ? name.n - 2 : NAME_MAX_BYTES));
    f->state = AFTER_NAME;
    return JSON_FILE_MEMBER;
}

/* Blanks before the next token; false: none is there. No token begins beyond ASCII, but what does is judged as a whole character. */
static bool skip_blanks(struct json_file *f)
{
    if (!f->is_bom_past) {
        if (f->bytes.n < BOM.n && !f->is_at_end)
            return false;
        f->is_bom_past = true;
        if (slice_starts(buf_slice(&f->bytes), BOM))
            f->at += BOM.n;
    }
    for (; f->at < f->bytes.n && is_blank(f->bytes.p[f->at]); f->at++)
        f->line += f->bytes.p[f->at] == '\n';
    size_t left = f->bytes.n - f->at;
    return left >= CHARACTER_MAX || (left && (f->is_at_end || (unsigned char)f->bytes.p[f->at] < 0x80));
}

static bool take_byte(struct json_file *f, char c, enum state then)
{
    if (f->bytes.p[f->at] != c)
        return false;
    f->at++;
    f->state = then;
    return true;
}

static enum json_file_step at_end(struct json_file *f, struct json_file_item *item)
{
    if (!f->is_at_end)
        return JSON_FILE_NONE;
    if (f->state == AFTER_OBJECT)
        return JSON_FILE_END;
    return bad(item, f->state == AT_START ? SYNC_EMPTY_FILE : SYNC_MISSING_FOOTER);
}

static void note_place(const struct json_file *f, struct json_file_item *item)
{
    item->offset = json_file_offset(f);
    item->line = f->line;
}

/* A member. JSON_FILE_NONE: a token of it was taken, or *ret_is_starved. */
static enum json_file_step take_of_object(struct json_file *f, struct json_file_item *item, bool *ret_is_starved)
{
    enum json_file_step step = JSON_FILE_BAD;
    if (f->state == BEFORE_VALUE) {
        item->name = buf_slice(&f->name);
        if (take_byte(f, '[', BEFORE_FIRST_ELEMENT)) {
            note_place(f, item);
            return JSON_FILE_ARRAY;
        }
        step = next_value(f, item, AFTER_VALUE, JSON_FILE_MEMBER);
    } else if (f->state == AFTER_NAME) {
        return take_byte(f, ':', BEFORE_VALUE) ? JSON_FILE_NONE : bad_token(f, item);
    } else if (f->state == BEFORE_FIRST_NAME && take_byte(f, '}', AFTER_OBJECT)) {
        return JSON_FILE_NONE;
    } else {
        step = next_name(f, item);
        if (step == JSON_FILE_MEMBER)
            return JSON_FILE_NONE;
    }
    *ret_is_starved = step == JSON_FILE_NONE;
    return step;
}

/* The same in an array. */
static enum json_file_step take_of_array(struct json_file *f, struct json_file_item *item, bool *ret_is_starved)
{
    bool may_end = f->state != BEFORE_ELEMENT, may_go_on = f->state == AFTER_ELEMENT || f->state == RESUMED;
    if (may_end && take_byte(f, ']', AFTER_VALUE))
        return JSON_FILE_ARRAY_END;
    if (may_go_on && take_byte(f, ',', BEFORE_ELEMENT))
        return JSON_FILE_NONE;
    if (f->state == AFTER_ELEMENT)
        return bad_token(f, item);
    enum json_file_step step = next_value(f, item, AFTER_ELEMENT, JSON_FILE_ELEMENT);
    *ret_is_starved = step == JSON_FILE_NONE;
    return step;
}

static enum json_file_step take_token(struct json_file *f, struct json_file_item *item, bool *ret_is_starved)
{
    bool is_taken = false;
    switch (f->state) {
    case AT_START:
        is_taken = take_byte(f, '{', BEFORE_FIRST_NAME);
        break;
    case AFTER_VALUE:
        is_taken = take_byte(f, ',', BEFORE_NAME) || take_byte(f, '}', AFTER_OBJECT);
        break;
    case AFTER_OBJECT:
        break;
    case BEFORE_FIRST_NAME:
    case BEFORE_NAME:
    case AFTER_NAME:
    case BEFORE_VALUE:
        return take_of_object(f, item, ret_is_starved);
    default:
        return take_of_array(f, item, ret_is_starved);
    }
    return is_taken ? JSON_FILE_NONE : bad_token(f, item);
}

enum json_file_step json_file_next(struct json_file *f, struct json_file_item *ret_item)
{
    enum json_file_step step = JSON_FILE_NONE;
    for (bool is_starved = false; step == JSON_FILE_NONE && !is_starved;) {
        *ret_item = (struct json_file_item){ 0 };
        if (!skip_blanks(f)) {
            note_place(f, ret_item);
            return at_end(f, ret_item);
        }
        note_place(f, ret_item);
        step = take_token(f, ret_item, &is_starved);
    }
    return step;
}
