/* SPDX-License-Identifier: Apache-2.0 */
/* POST /appfile/file/query: docs/apis/appfile.md 7.1. The query finds ids, in the lane of long work; the files are read and written in pieces
 * while the reply is sent, each as it is then. */
#include "api/appfile/handlers_priv.h"
#include "api/appfile/members.h"
#include "api/appfile/query_document.h"
#include "api/appfile/query_paging.h"
#include "api/kit/json_pieces.h"
#include "base/live.h"
#include "core/sync/sync_files.h"

#define FILES_AT_ONCE 16 /* read for a piece, some KiB each */

/* The words of the columns that have words; each list ends with NULL. */
struct file_words {
    struct query_word states[SYNC_STATES + 1], results[SYNC_STATES + 1];
    struct query_word ways[SYNC_WAYS + 1], forms[SYNC_FORM_COUNT + 1];
};

struct file_reader {
    struct query_reader reader;
    struct file_words words;
};

static void add_word(struct query_word *words, const char *text, int64_t value)
{
    while (words->text && !slice_eq(slice_of(words->text), slice_of(text)))
        words++;
    words->text = text;
    words->values[words->count++] = value;
}

static void make_words(struct file_words *w)
{
    for (int i = 0; i < SYNC_STATES; i++) {
        add_word(w->states, appfile_state_name((enum sync_state)i), i);
        add_word(w->results, appfile_state_result((enum sync_state)i), i);
    }
    for (int i = 0; i < SYNC_WAYS; i++)
        add_word(w->ways, appfile_way_name((enum sync_way)i), i);
    for (int i = 0; i < SYNC_FORM_COUNT; i++)
        add_word(w->forms, appfile_form_name((enum sync_form)i), i);
}

/* ---- names ---- */

static const struct {
    const char *name;
    enum sync_file_column column;
    bool is_nullable;
} names[] = {
    { "FileId", SYNC_COLUMN_HANDLE, false },
    { "FileName", SYNC_COLUMN_NAME, false },
    { "BucketId", SYNC_COLUMN_SECTION, false },
    { "EntityType", SYNC_COLUMN_ENTITY_TYPE, true },
    { "DataSource", SYNC_COLUMN_DATA_SOURCE, true },
    { "Folder", SYNC_COLUMN_FOLDER, false },
    { "Category", SYNC_COLUMN_CATEGORY, true },
    { "Description", SYNC_COLUMN_REMARK, true },
    { "ActionId", SYNC_COLUMN_ACTION, false },
    { "ReferenceId", SYNC_COLUMN_REFERENCE, true },
    { "ContentType", SYNC_COLUMN_CONTENT_TYPE, true },
    { "FileType", SYNC_COLUMN_FORM, true },
    { "Source", SYNC_COLUMN_WAY, false },
    { "Status", SYNC_COLUMN_STATE, false },
    { "Result", SYNC_COLUMN_STATE, false },
    { "Size", SYNC_COLUMN_SIZE, true },
    { "UrlExpires", SYNC_COLUMN_LINK_EXPIRES, true },
    { "Created", SYNC_COLUMN_CREATED, false },
    { "Uploaded", SYNC_COLUMN_UPLOADED, true },
    { "ImportStarted", SYNC_COLUMN_STARTED, true },
    { "ImportFinished", SYNC_COLUMN_FINISHED, true },
    { "Modified", SYNC_COLUMN_MODIFIED, false },
};

static const struct query_word *words_of(const struct file_words *w, const char *name, enum sync_file_column column)
{
    switch (column) {
    case SYNC_COLUMN_STATE:
        return *name == 'R' ? w->results : w->states;
    case SYNC_COLUMN_WAY:
        return w->ways;
    case SYNC_COLUMN_FORM:
        return w->forms;
    default:
        return NULL;
    }
}

static bool find_file_name(struct query_reader *r, slice name, struct query_name *ret)
{
    struct file_reader *reader = CONTAINER_OF(r, struct file_reader, reader);
    for (size_t i = 0; i < LENGTH_OF(names); i++) {
        if (!slice_eq_nocase(name, slice_of(names[i].name)))
            continue;
        *ret = (struct query_name){ .expr = query_column(&r->b, sync_file_columns.items[names[i].column].name),
                                    .is_nullable = names[i].is_nullable,
                                    .words = words_of(&reader->words, names[i].name, names[i].column) };
        ret->is_sortable = !ret->words;
        return ret->expr != NULL;
    }
    return false;
}

/* ---- reading ---- */

struct files_reply {
    struct json_pieces pieces;
    struct query_paging paging;
    struct section_names names;
    struct row_query rows;
    struct sync_file_found found;
    size_t sent; /* how many of the ids are in the reply, or gone */
};

static err_t read_request(struct http_exchange *x, struct files_reply *w)
{
    struct appfile_field_errors errors = { .count = 0 };
    struct file_reader *r = arena_new(&x->arena, struct file_reader);
    const struct json *body;
    TRY(appfile_read_body(x, &body));
    const struct json *sort = appfile_member(body, "Sort");
    w->names = appfile_read_section(x, body, &errors);
    query_read_paging(body, &errors, &w->paging);
    make_words(&r->words);
    query_reader_init(&r->reader, &sync_file_columns, &errors, &x->arena);
    r->reader.find_name = find_file_name;
    TRY(query_read_where(&r->reader, appfile_member(body, "Query")));
    TRY(query_read_sort(&r->reader, sort));
    if (!query_reader_end(&r->reader, sort, &w->rows))
        return appfile_refuse_fields(x, &errors);
    w->rows.limit = w->paging.take;
    w->rows.offset = w->paging.skip;
    return NULL;
}

/* ---- writing ---- */

static err_t write_file(struct files_reply *w, const struct sync_file *file, struct buf *out, struct arena *a,
                        bool *ret_whole)
{
    struct appfile *f = appfile_of(w->pieces.pieces.x);
    struct json_reply *item = json_item_begin(&w->pieces, a);
    appfile_put_file(f, &item->out, &(struct appfile_shown){ file, NULL, core_now_ms(f->core) }, a);
    return json_item_end(&w->pieces, out, ret_whole);
}

static err_t write_files(struct json_pieces *pieces, struct buf *out, struct arena *a, bool *ret_end)
{
    struct files_reply *w = CONTAINER_OF(pieces, struct files_reply, pieces);
    size_t left = w->found.count - w->sent, count = left < FILES_AT_ONCE ? left : FILES_AT_ONCE;
    struct sync_file_list list;
    bool is_whole = true;
    if (!count) {
        buf_add_byte(out, ']');
        query_end_reply(out, &w->paging, w->found.total);
        *ret_end = true;
        return NULL;
    }
    TRY(sync_files_get(appfile_of(pieces->pieces.x)->core, w->found.ids + w->sent, count, a, &list));
    size_t next = 0; /* of the ids that were asked for */
    for (size_t i = 0; i < list.count; i++) {
        while (w->found.ids[w->sent + next] != list.items[i].id)
            next++;
        if (piece_is_full(out)) {
            w->sent += next;
            return NULL;
        }
        TRY(write_file(w, &list.items[i], out, a, &is_whole));
        if (!is_whole) {
            w->sent += next;
            return NULL;
        }
        next++;
    }
    w->sent += count;
    return NULL;
}

err_t appfile_files_query(struct http_exchange *x)
{
    struct appfile *f = appfile_of(x);
    struct files_reply *w = arena_new(&x->arena, struct files_reply);
    TRY(appfile_need(x, KEY_READER));
    TRY(read_request(x, w));
    struct sync_files_request request = { .names = w->names,
                                          .rows = &w->rows,
                                          .with_total = !w->paging.without_total,
                                          .limit_ms = LIVE(f->options.query_timeout_ms) };
    err_t e = sync_files_query(f->core, appfile_caller(x), &request, &x->arena, &w->found);
    if (e)
        return query_refuse(&x->arena, e);
    json_pieces_init(&w->pieces, x, f->log, write_files);
    query_begin_reply(&w->pieces.pieces.first);
    buf_add_byte(&w->pieces.pieces.first, '[');
    return piece_reply_send(&w->pieces.pieces, 200, JSON_REPLY_TYPE_UTF8);
}
