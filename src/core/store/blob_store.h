/* SPDX-License-Identifier: Apache-2.0 */
/* Where large bytes live. Kept by disk and mem; tests/conformance/blob.c holds them all to it; fault wraps any of them.
 * A key is 2..128 characters of [0-9a-z.-], of which the first two are random hex digits: stores spread keys by them.
 * Core chooses it, never a client; anything else is a bug (assert). Bytes under a key never change.
 *
 * Memory   errors live in the arena of the call; writers and readers do not: end each by commit or discard, or close.
 * Errors of every call: NO_SPACE; UNAVAILABLE (nothing is known: try again, never "not found").
 * Thread   any; one writer or reader belongs to one thread at a time, which may change between calls. */
#ifndef CAIS_CORE_STORE_BLOB_STORE_H
#define CAIS_CORE_STORE_BLOB_STORE_H

#include "base/err.h"

#define BLOB_KEY_MAX 128

struct blob_store {
    const struct blob_ops *ops;
};
struct blob_writer {
    const struct blob_ops *ops;
};
struct blob_reader {
    const struct blob_ops *ops;
    uint64_t size_bytes;
    int fd; /* for sendfile; owned by the reader; -1 where the store has none: use read_at */
};

struct blob_ops {
    const char *name; /* as spelled in the configuration */
    /* Start writing key. Readers see nothing until commit; a writer dropped before it, or a crash, leaves no trace.
     * size_hint  bytes expected, 0 when unknown */
    MUST_USE err_t (*create)(struct blob_store *, slice key, uint64_t size_hint, struct arena *a,
                             struct blob_writer **ret_writer);
    /* After an error the writer can only be discarded: a commit would fail with UNAVAILABLE. */
    MUST_USE err_t (*write)(struct blob_writer *, slice bytes, struct arena *a);
    /* Bytes, their name and every directory above it on stable storage, then visible. The writer is gone afterwards,
     * whatever the result; after an error so are its bytes, except that UNAVAILABLE may leave them, whole, under the
     * key. Errors: also CONFLICT when the key exists (its bytes are untouched). */
    MUST_USE err_t (*commit)(struct blob_writer *, struct arena *a);
    void (*discard)(struct blob_writer *); /* NULL is fine */
    /* Errors: also NOT_FOUND; CORRUPT when what has that name is no blob. */
    MUST_USE err_t (*open)(struct blob_store *, slice key, struct arena *a, struct blob_reader **ret_reader);
    /* Fill `to` from offset; reads less only at the end. Errors: also CORRUPT when bytes are missing. */
    MUST_USE err_t (*read_at)(struct blob_reader *, uint64_t offset, char *to, size_t size, struct arena *a,
                              size_t *ret_read);
    void (*close)(struct blob_reader *); /* NULL is fine */
    /* Remove key, durably. Already gone is success. Readers that are open go on reading. */
    MUST_USE err_t (*remove)(struct blob_store *, slice key, struct arena *a);
    /* Every committed key in no particular order. What appears or goes meanwhile may be missed or seen. Stops at the
     * first error that `visit` returns, and returns it. `visit` may call the store, and remove what it is shown.
     * modified_ms: when it was committed, by the store's clock; never earlier, or a sweep would take young blobs. */
    MUST_USE err_t (*each)(struct blob_store *, struct arena *a,
                           err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms), void *arg);
    /* Bytes that can still be written, as far as the store knows; UINT64_MAX when it has no limit. */
    MUST_USE err_t (*free_bytes)(struct blob_store *, struct arena *a, uint64_t *ret_bytes);
    void (*close_store)(struct blob_store *); /* every writer and reader has ended */
};

static inline bool blob_key_is_valid(slice key)
{
    if (key.n < 2 || key.n > BLOB_KEY_MAX)
        return false;
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (!hex && (i < 2 || !((c >= 'g' && c <= 'z') || c == '.' || c == '-')))
            return false;
    }
    return true;
}

/* Commit, and forget the writer, so that SCOPED(blob_writer_discardp) leaves it alone afterwards. */
MUST_USE static inline err_t blob_writer_commit(struct blob_writer **w, struct arena *a)
{
    struct blob_writer *taken = *w;
    *w = NULL;
    return taken->ops->commit(taken, a);
}

static inline void blob_writer_discardp(struct blob_writer **w)
{
    if (*w)
        (*w)->ops->discard(*w);
}

static inline void blob_reader_closep(struct blob_reader **r)
{
    if (*r)
        (*r)->ops->close(*r);
}

#endif
