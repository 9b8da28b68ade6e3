/* SPDX-License-Identifier: Apache-2.0 */
/* Are the bytes there that transfers have acknowledged? Those of one that is complete may be a blob already. */
#include "core/care/fsck_priv.h"

#include "core/records/record_ids.h"
#include "core/records/transfer.h"
#include "core/store/blob_store.h"
#include "core/store/transaction.h"
#include "core/store/transfer_store.h"

#include <string.h>

enum { PIECE = 128 * 1024 };

static err_t open_bytes(struct fsck *f, const struct transfer *t, struct arena *a, struct blob_reader **ret)
{
    struct blob_store *blob = f->core->blob;
    err_t e = blob->ops->open_growing(blob, t->blob_key, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? blob->ops->open(blob, t->blob_key, a, ret) : e;
}

static err_t digest_fits(const struct transfer *t, struct blob_reader *reader, struct arena *a, bool *ret_fits)
{
    struct md5 md5, kept = t->md5;
    unsigned char is[MD5_SIZE], wanted[MD5_SIZE];
    char *piece = arena_alloc(a, PIECE);
    uint64_t left = (uint64_t)t->offset;
    size_t got = 1;
    md5_init(&md5);
    for (; left && got; left -= got) {
        TRY(reader->ops->read_at(reader, (uint64_t)t->offset - left, piece, left < PIECE ? (size_t)left : PIECE, a,
                                 &got));
        md5_update(&md5, (slice){ piece, got });
    }
    md5_final(&md5, is);
    md5_final(&kept, wanted);
    *ret_fits = !left && memcmp(is, wanted, MD5_SIZE) == 0;
    return NULL;
}

static err_t find_fault(struct fsck *f, const struct transfer *t, struct arena *a, const char **ret_fault)
{
    SCOPED(blob_reader_closep) struct blob_reader *reader = NULL;
    bool fits = true;
    *ret_fault = NULL;
    err_t e = open_bytes(f, t, a, &reader);
    if (err_is(e, ERR_NOT_FOUND) || err_is(e, ERR_CORRUPT)) {
        *ret_fault = "bytes missing";
        return NULL;
    }
    TRY(e);
    if (reader->size_bytes < (uint64_t)t->offset)
        *ret_fault = "fewer bytes than were acknowledged";
    else if (!f->options->quick)
        TRY(digest_fits(t, reader, a, &fits));
    if (!fits)
        *ret_fault = "digest differs";
    return NULL;
}

/* Is it still as it was read? Else nothing about it is wrong. */
static err_t is_unchanged(struct fsck *f, const struct transfer *t, struct arena *a, bool *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct transfer now;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    err_t e = meta_transfer_by_name(tx, t->name, a, &now);
    *ret = !e && now.finished_at_ms == t->finished_at_ms;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static err_t check_transfer(struct fsck *f, const struct transfer *t, struct arena *a)
{
    const char *fault;
    bool unchanged;
    if (!t->offset || (t->finished_at_ms && !t->is_part))
        return NULL;
    TRY(find_fault(f, t, a, &fault));
    if (!fault)
        return NULL;
    TRY(is_unchanged(f, t, a, &unchanged));
    if (unchanged)
        fsck_add_finding(f, FSCK_ERROR, fault, arena_printf(a, "transfer:%lld", (long long)t->id), t->file_name, false);
    return NULL;
}

static err_t read_page(struct fsck *f, int64_t after_id, struct arena *a, struct transfer_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(f->core->meta, a, &tx));
    return meta_transfer_list(tx, &(struct id_page){ after_id, FSCK_PAGE }, a, ret);
}

err_t fsck_check_transfers(struct fsck *f)
{
    struct transfer_list page;
    int64_t after_id = 0;
    do {
        SCRATCH(scratch);
        err_t e = read_page(f, after_id, &scratch, &page);
        for (size_t i = 0; !e && i < page.count; i++) {
            SCRATCH(own);
            after_id = page.items[i].id;
            e = err_copy(f->a, check_transfer(f, &page.items[i], &own));
        }
        if (e)
            return err_copy(f->a, e);
    } while (page.count == FSCK_PAGE);
    return NULL;
}
