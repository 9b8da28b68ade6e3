/* SPDX-License-Identifier: Apache-2.0 */
/* Files of an inbox that are read: the bytes of a sync file, which stay open while the record goes, or the text of a result. */
#include "core/file/file.h"
#include "core/object/content.h"
#include "core/store/file_store.h"
#include "core/sync/inbox_priv.h"

#include <stdlib.h>
#include <string.h>

struct inbox_reader {
    struct inbox *in;
    struct arena arena;
    struct inbox_entry entry;
    struct content content; /* of a result: its text */
};

static err_t find_readable(struct inbox *in, const struct inbox_path *path, struct arena *a, struct inbox_found *ret,
                           struct file *ret_file)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(in->core->meta, a, &tx));
    TRY(inbox_find(in, tx, path, a, ret));
    if (ret->transfer.id)
        return core_refuse(a, REASON_INBOX_NOT_WHOLE);
    err_t e = ret->is_result ? NULL : meta_file_get(tx, ret->sync.file_id, a, ret_file);
    return err_is(e, ERR_NOT_FOUND) ? err_because(a, e, ERR_CORRUPT, "a sync file has no file") : e;
}

/* The arena of the reader, of which a client may keep many, gets what is read of the file alone: the report from which the text of a
 * result is made is many times as long. */
static err_t open_in(struct inbox_reader *r, const struct inbox_path *path, struct arena *scratch)
{
    struct inbox_found found;
    struct file file;
    slice shown = arena_copy(&r->arena, path->name), text;
    TRY(find_readable(r->in, path, scratch, &found, &file));
    if (!found.is_result) {
        r->entry = inbox_sync_entry(r->in, &found.sync, shown);
        err_t e = file_open_record(r->in->core, &file, &r->arena, &r->content);
        return err_is(e, ERR_NOT_FOUND) ? core_refuse(scratch, REASON_INBOX_NO_FILE) : e; /* it was removed meanwhile */
    }
    TRY(inbox_result_text(r->in, &found.sync, scratch, &text));
    r->content.bytes = arena_copy(&r->arena, text);
    r->content.size_bytes = text.n;
    r->entry = inbox_result_entry(&found.sync, shown, text.n);
    return NULL;
}

static err_t open_found(struct inbox_reader *r, const struct inbox_path *path)
{
    SCRATCH(scratch);
    return err_copy(&r->arena, open_in(r, path, &scratch));
}

err_t inbox_read(struct inbox *in, const struct inbox_path *path, struct arena *a, struct inbox_reader **ret)
{
    TRY(inbox_check(in, a));
    if (!path->name.n)
        return core_refuse(a, REASON_INBOX_IS_FOLDER);
    struct inbox_reader *r = must_malloc(sizeof *r);
    *r = (struct inbox_reader){ .in = in };
    arena_init(&r->arena);
    err_t e = err_copy(a, open_found(r, path));
    if (e) {
        inbox_reader_close(r);
        return e;
    }
    *ret = r;
    return NULL;
}

err_t inbox_reader_read(struct inbox_reader *r, uint64_t offset, char *to, size_t size, struct arena *a,
                        size_t *ret_read)
{
    TRY(inbox_check(r->in, a));
    return content_read_at(&r->content, offset, to, size, a, ret_read);
}

const struct inbox_entry *inbox_reader_entry(const struct inbox_reader *r)
{
    return &r->entry;
}

size_t inbox_reader_memory(const struct inbox_reader *r)
{
    return r->arena.held + (r->content.memory ? r->content.bytes.n : 0);
}

void inbox_reader_close(struct inbox_reader *r)
{
    if (!r)
        return;
    content_close(&r->content);
    arena_release(&r->arena);
    free(r);
}
