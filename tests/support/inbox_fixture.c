/* SPDX-License-Identifier: Apache-2.0 */
#include "inbox_fixture.h"

#include "core/store/sync_file_store.h"
#include "test.h"

#include <stdlib.h>

static err_t say_result(void *arg, const struct sync_file *f, struct arena *a, slice *ret)
{
    struct inbox_fixture *x = arg;
    x->result_calls++;
    *ret = arena_printf(a, "%d of " SLICE_FMT, f->state, SLICE_ARG(f->name));
    return NULL;
}

struct inbox *inbox_fixture_open(struct inbox_fixture *x, const struct principal *who)
{
    struct inbox *inbox = NULL;
    EXPECT_OK(inbox_open(&x->w->core, who, &x->options, x->w->a, &inbox));
    return inbox;
}

void inbox_fixture_init(struct inbox_fixture *x, struct world *w)
{
    *x = (struct inbox_fixture){ .f = sync_fixture_new(w), .w = w };
    x->options = (struct inbox_options){ .origin = S("drop"),
                                         .way = SYNC_BY_FOLDER,
                                         .bucket_id = x->f.g.s.bucket.id,
                                         .folder = S("files"),
                                         .idle_ms = SYNC_IDLE_MS,
                                         .result = say_result,
                                         .result_arg = x };
    x->inbox = inbox_fixture_open(x, &x->f.ana);
}

void inbox_fixture_release(struct inbox_fixture *x)
{
    inbox_close(x->inbox);
}

struct inbox_path inbox_path_of(struct inbox_fixture *x, const char *text)
{
    struct inbox_path path = { 0 };
    EXPECT_OK(inbox_path_read(slice_of(text), x->w->a, &path));
    return path;
}

/* ---- writing ---- */

static err_t write_file(struct inbox_fixture *x, const char *name, unsigned flags, slice bytes)
{
    struct world *w = x->w;
    struct inbox_writer *writer;
    struct inbox_path path = { INBOX_IMPORT, slice_of(name) };
    TRY(inbox_write(x->inbox, &path, flags, w->a, &writer));
    err_t e = inbox_writer_write(writer, inbox_writer_size(writer), bytes, w->a);
    if (e) {
        inbox_writer_cut(writer);
        return e;
    }
    return inbox_writer_close(writer, w->a);
}

err_t inbox_put(struct inbox_fixture *x, const char *name, slice bytes)
{
    return write_file(x, name, INBOX_CREATES | INBOX_TRUNCATES, bytes);
}

err_t inbox_append(struct inbox_fixture *x, const char *name, slice bytes)
{
    return write_file(x, name, 0, bytes);
}

void inbox_put_cut(struct inbox_fixture *x, const char *name, slice bytes)
{
    struct inbox_writer *writer;
    struct inbox_path path = { INBOX_IMPORT, slice_of(name) };
    EXPECT_OK(inbox_write(x->inbox, &path, INBOX_CREATES | INBOX_TRUNCATES, x->w->a, &writer));
    EXPECT_OK(inbox_writer_write(writer, 0, bytes, x->w->a));
    inbox_writer_cut(writer);
}

err_t inbox_rename_to(struct inbox_fixture *x, const char *from, const char *to, bool replaces)
{
    struct inbox_path old = inbox_path_of(x, from), now = inbox_path_of(x, to);
    return inbox_rename(x->inbox, &old, &now, replaces, x->w->a);
}

/* ---- looking ---- */

static int compare_entries(const void *a, const void *b)
{
    return slice_cmp(((const struct inbox_entry *)a)->name, ((const struct inbox_entry *)b)->name);
}

slice inbox_shown(struct inbox_fixture *x, const char *folder, size_t limit)
{
    struct inbox_path path = inbox_path_of(x, folder);
    struct inbox_cursor cursor = { 0 };
    struct inbox_entry all[1000];
    size_t count = 0;
    while (!cursor.is_end) {
        struct inbox_entry_list page;
        EXPECT_OK(inbox_list(x->inbox, path.folder, &cursor, limit, x->w->a, &page));
        EXPECT(page.count <= limit && count + page.count <= LENGTH_OF(all));
        for (size_t i = 0; i < page.count; i++)
            all[count++] = page.items[i];
    }
    qsort(all, count, sizeof *all, compare_entries);
    slice text = S("");
    for (size_t i = 0; i < count; i++) {
        const char *size = all[i].is_folder ? "/" : arena_printf(x->w->a, ":%d", (int)all[i].size_bytes).p;
        text = arena_printf(x->w->a, SLICE_FMT "%s%s" SLICE_FMT "%s", SLICE_ARG(text), i ? " " : "",
                            all[i].is_writable ? "*" : "", SLICE_ARG(all[i].name), size);
    }
    return text;
}

err_t inbox_bytes(struct inbox_fixture *x, const char *text, slice *ret)
{
    struct inbox_path path = inbox_path_of(x, text);
    struct inbox_reader *reader;
    TRY(inbox_read(x->inbox, &path, x->w->a, &reader));
    size_t size = inbox_reader_entry(reader)->size_bytes, got;
    char *to = arena_alloc(x->w->a, size + 10);
    err_t e = inbox_reader_read(reader, 0, to, size + 10, x->w->a, &got);
    inbox_reader_close(reader);
    TRY(e);
    EXPECT_EQ(got, size);
    *ret = (slice){ to, got };
    return NULL;
}

struct sync_file inbox_newest(struct inbox_fixture *x, const char *name)
{
    struct meta_tx *tx = world_tx(x->w);
    struct sync_file_list list;
    struct sync_file found = { 0 };
    EXPECT_OK(meta_sync_file_list(tx, &(struct id_page){ 0, 1000 }, x->w->a, &list));
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].way == SYNC_BY_FOLDER && slice_eq(list.items[i].name, slice_of(name)))
            found = list.items[i];
    meta_read_end(tx);
    EXPECT(found.id != 0);
    return found;
}

void inbox_run_jobs(struct inbox_fixture *x)
{
    EXPECT_OK(jobs_run_due(x->w->jobs, x->w->a));
}
