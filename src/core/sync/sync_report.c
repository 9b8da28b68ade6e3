/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/sync_report.h"

#include "base/json.h"

#include <string.h>

/* No string of JSON has a NUL here: it becomes a blank. */
static void put_text(struct json_out *o, const char *name, slice text)
{
    SCRATCH(scratch);
    if (slice_find_byte(text, '\0') != SLICE_NONE) {
        text = arena_copy(&scratch, text);
        for (size_t i = 0; i < text.n; i++)
            if (!text.p[i])
                ((char *)text.p)[i] = ' ';
    }
    if (text.n)
        json_put_string(o, name, text);
}

static void put_number(struct json_out *o, const char *name, uint64_t number)
{
    if (number)
        json_put_int(o, name, (int64_t)number);
}

/* With a NUL between them, the values of a key are an array. */
static void put_key(struct json_out *o, slice key)
{
    slice value;
    if (!key.n)
        return;
    json_name(o, "key");
    json_open_array(o);
    for (bool more = true; more; json_add_string(o, value))
        more = slice_cut(key, '\0', &value, &key);
    json_close_array(o);
}

void sync_errors_add(struct buf *to, const struct sync_error *error)
{
    struct json_out o;
    size_t before = to->n;
    json_out_init(&o, to);
    json_open_object(&o);
    json_put_string(&o, "fault", sync_fault_word(error->fault));
    put_number(&o, "line", error->line);
    put_number(&o, "row", error->row);
    put_text(&o, "field", error->field);
    put_text(&o, "value", error->value);
    if (error->has_type)
        json_put_string(&o, "type", sync_type_name(error->type));
    put_key(&o, error->key);
    json_close_object(&o);
    buf_add_byte(to, '\n');
    if (to->n > SYNC_ERRORS_BYTES)
        to->n = before;
}

/* The next line, as an object. */
static bool next_line(slice *text, struct arena *a, const struct json **ret)
{
    slice line;
    if (!text->n)
        return false;
    slice_cut(*text, '\n', &line, text);
    return !json_parse(a, line, ret) && json_is(*ret, JS_OBJECT);
}

static slice read_key(const struct json *values, struct arena *a)
{
    slice *parts = arena_array(a, slice, 2 * json_count(values) + 1);
    size_t count = 0;
    JSON_EACH(value, values) {
        if (count)
            parts[count++] = (slice){ "", 1 };
        parts[count++] = value->string;
    }
    return arena_join(a, parts, count);
}

static uint64_t read_number(const struct json *line, const char *name)
{
    int64_t number;
    return json_to_i64(json_get(line, name), &number) && number > 0 ? (uint64_t)number : 0;
}

bool sync_errors_next(slice *errors, struct arena *a, struct sync_error *ret)
{
    const struct json *line;
    if (!next_line(errors, a, &line))
        return false;
    *ret = (struct sync_error){ .line = read_number(line, "line"),
                                .row = read_number(line, "row"),
                                .key = read_key(json_get(line, "key"), a),
                                .field = json_str(line, "field"),
                                .value = json_str(line, "value") };
    ret->has_type = sync_type_find(json_str(line, "type"), &ret->type);
    return sync_fault_find(json_str(line, "fault"), &ret->fault);
}

/* ---- notes ---- */

static const char *const note_words[SYNC_NOTE_COUNT] = {
    [SYNC_NOTE_BEGAN] = "began",         [SYNC_NOTE_READS] = "reads",   [SYNC_NOTE_REFERENCE] = "reference",
    [SYNC_NOTE_SUCCEEDED] = "succeeded", [SYNC_NOTE_PARTLY] = "partly", [SYNC_NOTE_FAILED] = "failed",
    [SYNC_NOTE_GOES_ON] = "goes on"
};

static void drop_oldest(struct buf *notes)
{
    slice oldest, rest;
    size_t count = 0;
    for (size_t i = 0; i < notes->n; i++)
        count += notes->p[i] == '\n';
    if (count < SYNC_NOTES_MAX || !slice_cut(buf_slice(notes), '\n', &oldest, &rest))
        return;
    memmove(notes->p, rest.p, rest.n);
    notes->n = rest.n;
}

void sync_notes_add(struct buf *to, const struct sync_note_line *note)
{
    struct json_out o;
    drop_oldest(to);
    json_out_init(&o, to);
    json_open_object(&o);
    json_put_string(&o, "note", slice_of(note_words[note->note]));
    json_put_int(&o, "at", note->at_ms);
    put_text(&o, "text",
             slice_part(note->text, 0, note->text.n < SYNC_NOTE_TEXT_MAX ? note->text.n : SYNC_NOTE_TEXT_MAX));
    json_close_object(&o);
    buf_add_byte(to, '\n');
}

bool sync_notes_next(slice *notes, struct arena *a, struct sync_note_line *ret)
{
    const struct json *line;
    if (!next_line(notes, a, &line))
        return false;
    *ret = (struct sync_note_line){ .text = json_str(line, "text") };
    if (!json_to_i64(json_get(line, "at"), &ret->at_ms))
        return false;
    for (int i = 0; i < SYNC_NOTE_COUNT; i++)
        if (slice_eq(json_str(line, "note"), slice_of(note_words[i]))) {
            ret->note = (enum sync_note)i;
            return true;
        }
    return false;
}
