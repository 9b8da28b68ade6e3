/* SPDX-License-Identifier: Apache-2.0 */
/* Errors and logs of an import: docs/apis/appfile.md 5 and 7. Core keeps facts (core/sync/sync_report.h); the sentences are made
 * here. */
#include "api/appfile/appfile_priv.h"

/* ---- sentences ---- */

/* The meaning of a fault with a capital letter. */
static slice sentence_of(enum sync_fault fault, struct arena *a)
{
    slice text = arena_copy(a, sync_fault_text(fault));
    char *first = (char *)text.p;
    if (text.n && *first >= 'a' && *first <= 'z')
        *first = (char)(*first - 'a' + 'A');
    return text;
}

static slice bad_value(const struct sync_error *e, struct arena *a)
{
    static const char *const kinds[SYNC_TYPE_COUNT] = {
        [SYNC_STRING] = "a string that can be kept",
        [SYNC_INT] = "an int",
        [SYNC_NUMBER] = "a number",
        [SYNC_BOOL] = "a bool",
        [SYNC_DATE] = "a date",
        [SYNC_ARRAY] = "an array",
        [SYNC_OBJECT] = "an object",
        [SYNC_LIST] = "a list",
    };
    if (!e->value.n && !e->has_type)
        return S("The row is too long");
    return arena_printf(a, "'" SLICE_FMT "' is not %s", SLICE_ARG(e->value),
                        e->has_type ? kinds[e->type] : "an object with the fields of a row");
}

static slice error_sentence(const struct sync_error *e, struct arena *a)
{
    if (e->fault == SYNC_BAD_VALUE)
        return bad_value(e, a);
    slice text = sentence_of(e->fault, a);
    return e->value.n ? arena_printf(a, SLICE_FMT ": '" SLICE_FMT "'", SLICE_ARG(text), SLICE_ARG(e->value)) : text;
}

static slice note_sentence(const struct appfile *appfile, const struct sync_file *f, const struct sync_note_line *n,
                           struct arena *a)
{
    enum sync_fault fault;
    switch (n->note) {
    case SYNC_NOTE_BEGAN:
        return arena_printf(a, "Saving data - " SLICE_FMT, SLICE_ARG(n->text));
    case SYNC_NOTE_READS:
        return arena_printf(a, "Saving file: " SLICE_FMT, SLICE_ARG(appfile_file_path(appfile, f, a)));
    case SYNC_NOTE_REFERENCE:
        return arena_printf(a, "Reference id: " SLICE_FMT, SLICE_ARG(n->text));
    case SYNC_NOTE_SUCCEEDED:
        return S("Import data succeed");
    case SYNC_NOTE_PARTLY:
        return arena_printf(a, "Import data succeed; rows that were refused: " SLICE_FMT, SLICE_ARG(n->text));
    case SYNC_NOTE_FAILED:
        return arena_printf(a, "Import data failed: " SLICE_FMT,
                            SLICE_ARG(sync_fault_find(n->text, &fault) ? sentence_of(fault, a) : n->text));
    case SYNC_NOTE_GOES_ON:
        return arena_printf(a, "The import was interrupted and goes on; rows that were done: " SLICE_FMT,
                            SLICE_ARG(n->text));
    case SYNC_NOTE_COUNT:
        break;
    }
    return S("");
}

static const char *note_level(enum sync_note note)
{
    return note == SYNC_NOTE_FAILED                                ? "Error"
           : note == SYNC_NOTE_PARTLY || note == SYNC_NOTE_GOES_ON ? "Warning"
                                                                   : "Info";
}

/* ---- JSON ---- */

/* Numbers are texts here, as the framework of the vendor has it. */
static void put_number(struct json_out *o, const char *name, uint64_t number, struct arena *a)
{
    if (number)
        json_put_string(o, name, arena_printf(a, "%llu", (unsigned long long)number));
}

static slice key_text(slice key, struct arena *a)
{
    slice text = arena_copy(a, key);
    for (size_t i = 0; i < text.n; i++)
        if (!text.p[i])
            ((char *)text.p)[i] = '|';
    return text;
}

static void put_error(struct json_out *o, const struct sync_error *e, slice sentence, struct arena *a)
{
    json_open_object(o);
    json_put_string(o, "ErrorCode", sync_fault_word(e->fault));
    appfile_put_text(o, "FieldName", e->field);
    json_put_string(o, "Message", sentence);
    if (e->line || e->row || e->key.n) {
        json_name(o, "Meta");
        json_open_object(o);
        put_number(o, "Line", e->line, a);
        put_number(o, "Row", e->row, a);
        if (e->key.n)
            json_put_string(o, "Key", key_text(e->key, a));
        json_close_object(o);
    } else {
        appfile_put_null(o, "Meta");
    }
    json_close_object(o);
}

static err_t show_errors(slice errors, struct arena *a, struct appfile_report *ret)
{
    SCOPED(buf_releasep) struct buf text;
    struct json_out o;
    buf_init_on(&text, 0, a);
    json_out_init(&o, &text);
    json_open_array(&o);
    ret->reason = S("");
    for (int i = 0; i < APPFILE_ERRORS_SHOWN; i++) {
        SCRATCH_OF(scratch, a);
        struct sync_error e;
        if (!sync_errors_next(&errors, &scratch, &e))
            break;
        slice sentence = error_sentence(&e, &scratch);
        put_error(&o, &e, sentence, &scratch);
        TRY(arena_check(&scratch));
        ret->reason = i ? ret->reason : arena_copy(a, sentence);
    }
    json_close_array(&o);
    ret->errors = buf_give(&text, a);
    return NULL;
}

static err_t show_logs(const struct appfile *appfile, const struct sync_file *f, slice notes, struct arena *a,
                       slice *ret)
{
    SCOPED(buf_releasep) struct buf text;
    struct json_out o;
    struct sync_note_line note;
    buf_init_on(&text, 0, a);
    json_out_init(&o, &text);
    json_open_array(&o);
    for (bool more = true; more;) {
        SCRATCH_OF(scratch, a);
        more = sync_notes_next(&notes, &scratch, &note);
        if (!more)
            break;
        json_open_object(&o);
        json_put_string(&o, "Time", appfile_time(&scratch, note.at_ms));
        json_put_string(&o, "Level", slice_of(note_level(note.note)));
        json_put_string(&o, "Message", note_sentence(appfile, f, &note, &scratch));
        json_close_object(&o);
        TRY(arena_check(&scratch));
    }
    json_close_array(&o);
    *ret = buf_give(&text, a);
    return NULL;
}

err_t appfile_show_report(const struct appfile *appfile, const struct sync_file *f, const struct sync_report *report,
                          struct arena *a, struct appfile_report *ret)
{
    TRY(show_errors(report->errors, a, ret));
    return show_logs(appfile, f, report->notes, a, &ret->logs);
}
