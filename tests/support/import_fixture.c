/* SPDX-License-Identifier: Apache-2.0 */
#include "import_fixture.h"

#include "base/buf.h"
#include "core/core_priv.h"
#include "core/store/record_store.h"
#include "core/store/sync_file_store.h"
#include "core/sync/record_set.h"
#include "jobs/jobs.h"
#include "test.h"

/* A file with these bytes, uploaded by ana. */
struct sync_file import_upload(const struct sync_fixture *f, const char *name, slice bytes)
{
    struct sync_file file = sync_fixture_issue(f, slice_of(name));
    EXPECT_OK(sync_fixture_put(f, &file, bytes, f->w->a));
    return file;
}

struct sync_file import_start_as(const struct sync_fixture *f, const struct principal *who,
                                 const struct sync_file *file, enum sync_form form, const char *action)
{
    struct sync_import_request request = { file->id, form, slice_of(action), S("") };
    struct sync_file now = { 0 };
    EXPECT_OK(sync_import_start(&f->w->core, who, &request, f->w->a, &now));
    return now;
}

struct sync_file import_start(const struct sync_fixture *f, const struct sync_file *file, const char *action)
{
    return import_start_as(f, &f->ana, file, SYNC_LINES, action);
}

/* Uploads, imports, runs what is due, and says how it ended. */
struct sync_file import_text(const struct sync_fixture *f, slice bytes)
{
    struct sync_file file = import_upload(f, "f.cc5txt", bytes);
    import_start(f, &file, "");
    EXPECT_OK(jobs_run_due(f->w->jobs, f->w->a));
    return sync_fixture_get(f, &file);
}

struct sync_report import_report(const struct sync_fixture *f, const struct sync_file *file)
{
    struct sync_report report;
    struct meta_tx *tx = world_tx(f->w);
    EXPECT_OK(meta_sync_report_get(tx, file->id, f->w->a, &report));
    meta_read_end(tx);
    return report;
}

/* "BadValue 6 2 size 'x' F-1; …" */
slice import_errors(const struct sync_fixture *f, const struct sync_file *file)
{
    struct sync_report report = import_report(f, file);
    struct sync_error e;
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    while (sync_errors_next(&report.errors, f->w->a, &e)) {
        buf_printf(&text, "%s" SLICE_FMT, text.n ? "; " : "", SLICE_ARG(sync_fault_word(e.fault)));
        if (e.line)
            buf_printf(&text, " %d %d", (int)e.line, (int)e.row);
        if (e.field.n)
            buf_printf(&text, " " SLICE_FMT, SLICE_ARG(e.field));
        if (e.value.n)
            buf_printf(&text, " '" SLICE_FMT "'", SLICE_ARG(e.value));
        if (e.has_type)
            buf_printf(&text, " is no " SLICE_FMT, SLICE_ARG(sync_type_name(e.type)));
        if (e.key.n)
            buf_printf(&text, " of " SLICE_FMT, SLICE_ARG(e.key));
    }
    return arena_copy(f->w->a, buf_slice(&text));
}

slice import_notes(const struct sync_fixture *f, const struct sync_file *file)
{
    static const char *const words[SYNC_NOTE_COUNT] = { "began",  "reads",  "reference", "succeeded",
                                                        "partly", "failed", "goes on" };
    struct sync_report report = import_report(f, file);
    struct sync_note_line n;
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    while (sync_notes_next(&report.notes, f->w->a, &n))
        buf_printf(&text, "%s%s", text.n ? ", " : "", words[n.note]);
    return arena_copy(f->w->a, buf_slice(&text));
}

/* The objects of a data source in section B, by key, a line each. */
slice import_records(const struct sync_fixture *f, const char *data_source)
{
    struct world *w = f->w;
    struct record_store *store = w->core.records;
    struct record_set set;
    struct record_page page;
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    EXPECT_OK(
        record_set_find(&w->core, &f->ana, &(struct section_names){ S(""), S("") }, slice_of(data_source), w->a, &set));
    if (!set.id)
        return S("none");
    EXPECT_OK(store->ops->scan(store, set.id, &(struct record_scan){ .limit = RECORD_PAGE_MAX }, w->a, &page));
    for (size_t i = 0; i < page.count; i++)
        buf_printf(&text, SLICE_FMT "\n", SLICE_ARG(page.items[i].object));
    return arena_copy(w->a, buf_slice(&text));
}

void import_expect_rows(const struct sync_file *f, int64_t total, int64_t inserted, int64_t updated, int64_t deleted,
                        int64_t failed)
{
    const struct sync_progress *rows = &f->import.rows;
    EXPECT_EQ(rows->total, total);
    EXPECT_EQ(rows->done, total);
    EXPECT_EQ(rows->inserted, inserted);
    EXPECT_EQ(rows->updated, updated);
    EXPECT_EQ(rows->deleted, deleted);
    EXPECT_EQ(rows->failed, failed);
}
