/* SPDX-License-Identifier: Apache-2.0 */
#include "core/file/file.h"

#include "core/file/content_cache.h"
#include "core/file/lifecycle.h"
#include "core/records/object.h"
#include "core/store/blob_store.h"
#include "core/store/file_store.h"
#include "core/store/transaction.h"

#include <assert.h>
#include <string.h>

static bool may_see(const struct principal *who, const struct file *f)
{
    return f->account_id == who->account_id && (f->owner_id == who->user_id || (who->is_admin && !f->is_pending));
}

bool file_is_visible(const struct principal *who, const struct file *f, int64_t now_ms)
{
    return may_see(who, f) && !file_is_past(f, now_ms);
}

static err_t no_such_file(struct arena *a)
{
    return err_make(a, ERR_NOT_FOUND, "no such file");
}

static err_t get(struct meta_tx *tx, const struct principal *who, const unsigned char uuid[16], int64_t now_ms,
                 struct arena *a, struct file *ret)
{
    struct file f = { 0 };
    TRY(meta_file_by_uuid(tx, uuid, a, &f));
    if (!file_is_visible(who, &f, now_ms))
        return no_such_file(a);
    *ret = f;
    return NULL;
}

err_t file_get(struct core *core, const struct principal *who, const unsigned char uuid[16], struct arena *a,
               struct file *ret)
{
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return get(tx, who, uuid, core_now_ms(core), a, ret);
}

/* Files past their time are still in the table: pages are read until enough are left. */
err_t file_list(struct core *core, const struct principal *who, const struct file_list_order *order, struct arena *a,
                struct file **ret, size_t *ret_count, int64_t *ret_next)
{
    assert(order->most > 0);
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    int64_t now_ms = core_now_ms(core);
    struct file_query query = { .account_id = who->account_id,
                                .owner_id = who->is_admin ? 0 : who->user_id,
                                .pending_of = who->user_id,
                                .before_id = order->before_id,
                                .state = order->state,
                                .name_contains = order->name_contains,
                                .most = order->most + 1 };
    struct file *files = arena_array(a, struct file, order->most + 1), *page;
    size_t count = 0, got;
    do {
        TRY(meta_file_list(tx, &query, a, &page, &got));
        for (size_t i = 0; i < got && count <= order->most; i++) {
            query.before_id = page[i].id;
            if (!file_is_past(&page[i], now_ms))
                files[count++] = page[i];
        }
    } while (got == query.most && count <= order->most);
    bool more = count > order->most;
    *ret = files;
    *ret_count = more ? order->most : count;
    *ret_next = more ? files[order->most - 1].id : 0;
    return NULL;
}

/* ---- bytes ---- */

static err_t missing(struct arena *a, err_t cause, const struct file *f)
{
    return err_because(a, cause, ERR_CORRUPT, "file %lld has a record but not its bytes", (long long)f->id);
}

/* The blob was not there: gone together with its record just now, or lost? */
static err_t missing_or_gone(struct core *core, const struct file *f, err_t cause, struct arena *a)
{
    SCOPED(meta_read_endp)
    struct meta_tx *tx = NULL;
    struct file again;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_file_get(tx, f->id, a, &again));
    return missing(a, cause, f);
}

static err_t open_blob(struct core *core, const struct file *f, slice key, struct arena *a, struct content *ret)
{
    struct blob_reader *reader;
    err_t e = core->blob->ops->open(core->blob, key, a, &reader);
    if (err_is(e, ERR_NOT_FOUND))
        return missing_or_gone(core, f, e, a);
    TRY(e);
    if (reader->size_bytes != f->size_bytes) {
        reader->ops->close(reader);
        return missing(a, NULL, f);
    }
    *ret = (struct content){ .file = *f, .reader = reader };
    return NULL;
}

/* Does the object hold what the file's record says? */
static err_t check_object(const struct file *f, const struct object *object, struct arena *a)
{
    if (f->object_id == 0)
        return err_make(a, ERR_CONFLICT, "no bytes have come yet");
    bool whole = object->id && object->size_bytes == f->size_bytes &&
                 (object->blob_key.n || object->inline_bytes.n == f->size_bytes);
    return whole ? NULL : missing(a, NULL, f);
}

static void from_entry(struct content_entry *entry, struct content *ret)
{
    *ret = (struct content){ .file = entry->file, .bytes = entry->bytes, .entry = entry };
}

static err_t open_loaded(struct core *core, const struct file *f, const struct object *object, uint64_t generation,
                         struct arena *a, struct content *ret)
{
    if (object->blob_key.n)
        return open_blob(core, f, object->blob_key, a, ret);
    struct content_entry *entry = content_entry_new(f, object->inline_bytes, generation);
    content_cache_put(core->content, entry);
    from_entry(entry, ret);
    return NULL;
}

err_t file_open(struct core *core, const struct principal *who, const unsigned char uuid[16], struct arena *a,
                struct content *ret)
{
    int64_t now_ms = core_now_ms(core);
    uint64_t generation = meta_generation(core->meta); /* before anything is looked up */
    struct content_entry *entry = content_cache_find(core->content, uuid, generation);
    if (entry && file_is_visible(who, &entry->file, now_ms)) {
        from_entry(entry, ret);
        return NULL;
    }
    if (entry) {
        content_entry_close(entry);
        return no_such_file(a);
    }
    struct file f = { 0 };
    struct object object = { 0 };
    {
        SCOPED(meta_read_endp)
        struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(meta_file_with_object(tx, uuid, a, &f, &object));
        if (!file_is_visible(who, &f, now_ms))
            return no_such_file(a);
        TRY(check_object(&f, &object, a));
    }
    return open_loaded(core, &f, &object, generation, a, ret);
}

err_t file_open_record(struct core *core, const struct file *f, struct arena *a, struct content *ret)
{
    uint64_t generation = meta_generation(core->meta);
    struct content_entry *entry = content_cache_find(core->content, f->uuid, generation);
    if (entry) {
        from_entry(entry, ret);
        return NULL;
    }
    struct file now = { 0 };
    struct object object = { 0 };
    {
        SCOPED(meta_read_endp)
        struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        /* the record of this generation: it goes into the cache */
        TRY(meta_file_with_object(tx, f->uuid, a, &now, &object));
        TRY(check_object(&now, &object, a));
    }
    return open_loaded(core, &now, &object, generation, a, ret);
}

err_t content_read_at(const struct content *content, uint64_t offset, char *to, size_t size, struct arena *a,
                      size_t *ret_read)
{
    if (content->reader)
        return content->reader->ops->read_at(content->reader, offset, to, size, a, ret_read);
    size_t from = offset < content->bytes.n ? (size_t)offset : content->bytes.n;
    slice piece = slice_part(content->bytes, from, size < content->bytes.n - from ? size : content->bytes.n - from);
    if (piece.n)
        memcpy(to, piece.p, piece.n);
    *ret_read = piece.n;
    return NULL;
}

int content_fd(const struct content *content)
{
    return content->reader ? content->reader->fd : -1;
}

void content_close(struct content *content)
{
    if (content->reader)
        content->reader->ops->close(content->reader);
    content_entry_close(content->entry);
    *content = (struct content){ 0 };
}

/* ---- delete ---- */

struct file_removal {
    const struct principal *who;
    const unsigned char *uuid;
    int64_t now_ms;
};

static err_t apply_delete(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct file_removal *r = arg;
    struct file f = { 0 };
    TRY(get(tx, r->who, r->uuid, r->now_ms, a, &f));
    return file_end(tx, f.id, r->now_ms, r->who, S("file.delete"), a);
}

err_t file_delete(struct core *core, const struct principal *who, const unsigned char uuid[16], struct arena *a)
{
    struct file_removal r = { .who = who, .uuid = uuid, .now_ms = core_now_ms(core) };
    return meta_write(core->meta, apply_delete, &r, a);
}
