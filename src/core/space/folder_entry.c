/* SPDX-License-Identifier: Apache-2.0 */
/* The guard of the keys of files in folders: they can be read, by links that the server's own key signed, and not put.
 *
 * Other guards hand out keys that have an id before the name. A key of a folder has a word there, which begins with no digit, so no key is
 * of both kinds, and a link to what is gone elsewhere never leads to a file of a folder. */
#include "core/bucket/entry_guard.h"
#include "core/file/file.h"
#include "core/space/folder_file.h"
#include "core/store/folder_store.h"

#include <assert.h>

static bool is_word(slice s)
{
    return s.n && !(s.p[0] >= '0' && s.p[0] <= '9');
}

slice folder_file_key(slice prefix, const struct file *file, slice word, struct arena *a)
{
    assert(is_word(word));
    return arena_printf(a, SLICE_FMT "/%lld/" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(prefix), (long long)file->id,
                        SLICE_ARG(word), SLICE_ARG(file->name));
}

/* The part of the text behind its last slash, which is cut off with it. */
static slice cut_last(slice *text)
{
    size_t at = text->n;
    while (at && text->p[at - 1] != '/')
        at--;
    slice last = slice_from(*text, at);
    text->n = at ? at - 1 : 0;
    return last;
}

/* PREFIX/ID/WORD/NAME. A name has no slash. */
static bool parse_key(slice key, int64_t *ret_id, slice *ret_name)
{
    uint64_t id;
    slice name = cut_last(&key), word = cut_last(&key);
    if (!is_word(word) || !slice_to_u64(cut_last(&key), &id) || !id || id > INT64_MAX || !key.n)
        return false;
    *ret_id = (int64_t)id;
    *ret_name = name;
    return true;
}

static err_t find_file(struct meta_tx *tx, slice key, struct arena *a, struct folder_file *ret)
{
    int64_t id;
    slice name;
    if (!parse_key(key, &id, &name))
        return err_make(a, ERR_NOT_FOUND, "that is no key of a file in a folder");
    TRY(meta_folder_file_get(tx, id, a, ret));
    return slice_eq(ret->file.name, name) ? NULL : err_make(a, ERR_NOT_FOUND, "the file has another name now");
}

static err_t find_entry(struct core *core, struct meta_tx *tx, const struct bucket *bucket, slice key, struct arena *a,
                        struct entry *ret)
{
    struct folder_file found;
    (void)core;
    TRY(find_file(tx, key, a, &found));
    *ret = entry_of_file(bucket, key, &found.file, a);
    return NULL;
}

static err_t open_entry(struct core *core, const struct bucket *bucket, slice key, struct arena *a, struct entry *ret,
                        struct content *ret_content)
{
    struct folder_file found;
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(find_file(tx, key, a, &found));
    }
    TRY(file_open_record(core, &found.file, a, ret_content));
    *ret = entry_of_file(bucket, key, &found.file, a);
    return NULL;
}

const struct entry_guard folder_entry_guard = { .find = find_entry, .open = open_entry };
