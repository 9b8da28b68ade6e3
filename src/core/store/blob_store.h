/* SPDX-License-Identifier: Apache-2.0 */
/* The blob store keeps the bytes of larger objects, each under a key. disk and mem implement it, and fault wraps any
 * blob store to make it fail; tests/conformance/blob.c holds all of them to this contract.
 *
 * Keys     2 to 128 characters of [0-9a-z.-]. The first two are random hexadecimal digits, by which stores distribute
 *          keys over folders. Core chooses every key, a client never does, so creating an invalid one is a bug (assert).
 *          A record that somebody else made may name one; there is no such blob. The bytes under a key never change.
 * Growing  A growing blob is written piece by piece, over many requests and restarts, until it is settled. It has a key
 *          like a blob, and is none: open, remove and each do not see it.
 * Memory   Errors live in the arena of the call. Writers and readers do not: each writer must end by commit or discard,
 *          and each reader by close.
 * Errors of every call: NO_SPACE; UNAVAILABLE: it is not known whether the key exists, and the call may be retried.
 * Thread   Any. A writer or reader belongs to one thread at a time; another thread may make the next call. */
#ifndef CAIS_CORE_STORE_BLOB_STORE_H
#define CAIS_CORE_STORE_BLOB_STORE_H

#include "core/store/write_watch.h"

#define BLOB_KEY_MAX 128

struct blob_store {
    const struct blob_ops *ops;
    /* Learns of each commit, flush and settle, and of each other change of the store that failed. Set before the first call. */
    struct write_watch watch;
};
struct blob_writer {
    const struct blob_ops *ops;
};
struct blob_reader {
    const struct blob_ops *ops;
    uint64_t size_bytes;
    int fd; /* for sendfile; it belongs to the reader; -1 when the store has no descriptor: use read_at */
};

struct blob_ops {
    const char *name; /* as in the configuration */
    /* Starts to write a blob. Readers see nothing of it before the commit. A writer that is discarded before the
     * commit, or a crash, leaves nothing behind.
     * size_hint  how many bytes are expected; 0: unknown */
    MUST_USE err_t (*create)(struct blob_store *, slice key, uint64_t size_hint, struct arena *a,
                             struct blob_writer **ret_writer);
    /* After an error of write the writer must be discarded; a commit fails with UNAVAILABLE. */
    MUST_USE err_t (*write)(struct blob_writer *, slice bytes, struct arena *a);
    /* Brings the bytes, their name and every directory above it to stable storage, and then makes the blob visible.
     * Ends the writer, whatever the result. After an error the blob does not exist; only after UNAVAILABLE it may
     * exist, and then it is complete. Errors: also CONFLICT when the key exists; its bytes stay as they are. */
    MUST_USE err_t (*commit)(struct blob_writer *, struct arena *a);
    void (*discard)(struct blob_writer *); /* NULL is fine */
    /* Opens a blob for reading. Errors: also NOT_FOUND; CORRUPT when the store finds something else under that
     * name, or when the key is invalid. */
    MUST_USE err_t (*open)(struct blob_store *, slice key, struct arena *a, struct blob_reader **ret_reader);
    /* Reads `size` bytes from `offset` into `to`; fewer only at the end of the blob. Errors: also CORRUPT when bytes
     * are missing. */
    MUST_USE err_t (*read_at)(struct blob_reader *, uint64_t offset, char *to, size_t size, struct arena *a,
                              size_t *ret_read);
    void (*close)(struct blob_reader *); /* NULL is fine */
    /* Removes a blob durably. It is no error when the key does not exist, or is invalid. Open readers can still read. */
    MUST_USE err_t (*remove)(struct blob_store *, slice key, struct arena *a);
    /* Calls `visit` for each committed key, in no particular order. A key that is committed or removed meanwhile may or
     * may not be visited. Stops at the first error of `visit` and returns it. `visit` may call the store, and may
     * remove the key that it is called with.
     * modified_ms  when the blob was committed, by the store's clock; never earlier: a sweep removes old blobs */
    MUST_USE err_t (*each)(struct blob_store *, struct arena *a,
                           err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms), void *arg);
    /* ---- growing blobs ---- */

    /* Opens the growing blob of the key, to append at `offset`; makes it when offset is 0 and there is none.
     * offset  how many bytes the caller acknowledged. Never more than a flush has returned for: neither the size that
     *         open_growing or each_growing reports, nor what was written counts. Bytes beyond it are cut off durably
     *         before the writer can write, and their space is given back; so after a failed flush the same bytes may
     *         be written again.
     * The writer knows write, flush and discard. It ends every other writer of the key: their calls fail with
     * UNAVAILABLE from then on, and one that is running has ended. So a writer that was left behind never changes what
     * a later one wrote, nor can its flush succeed. The caller must see to it that nobody acknowledges more bytes of
     * the key from when it reads `offset` until grow has returned, or they would be cut off.
     * Errors: also NOT_FOUND there is none, and offset is not 0; CORRUPT it holds fewer bytes than offset, is no file,
     * or the key is invalid; CONFLICT it is settled. */
    MUST_USE err_t (*grow)(struct blob_store *, slice key, uint64_t offset, struct arena *a,
                           struct blob_writer **ret_writer);
    /* Brings all that was written, the name of the growing blob and every directory above it to stable storage. Only
     * then may these bytes be acknowledged. After an error the writer must be discarded, and nothing that was written
     * since the last flush that succeeded counts as written. Only for writers that grow made; discard keeps the
     * growing blob, with the bytes that were flushed. */
    MUST_USE err_t (*flush)(struct blob_writer *, struct arena *a);
    /* Makes the growing blob a blob under its key, durably, and without a copy. Ends every writer of the key. At any
     * instant of a crash, the growing blob or the blob is there, with all its bytes; when both names are, the next call
     * finishes, and drop removes the name of the growing one alone. Succeeds also when it is settled already.
     * size    how many bytes were acknowledged; what is beyond is cut off
     * As before a commit, the sweep must know that a record of the key will come.
     * Errors: also NOT_FOUND there is neither; CORRUPT it has fewer bytes, or the blob has another size, or the key is
     * invalid; CONFLICT another blob has the key. After UNAVAILABLE, the call may be repeated. */
    MUST_USE err_t (*settle)(struct blob_store *, slice key, uint64_t size_bytes, struct arena *a);
    /* Opens a growing blob for reading, also while it is written; its size is that of now. Bytes that were not flushed
     * may be read, and may become others or vanish (CORRUPT). Errors: those of open. */
    MUST_USE err_t (*open_growing)(struct blob_store *, slice key, struct arena *a, struct blob_reader **ret_reader);
    /* Removes a growing blob durably, and ends every writer of it. It is no error when there is none, or when the key
     * is invalid. A blob of that key stays. Open readers can still read. */
    MUST_USE err_t (*drop)(struct blob_store *, slice key, struct arena *a);
    /* Calls `visit` for each growing blob, as `each` does for blobs. `visit` may drop the one that it is called with.
     * size_bytes   counts also what was not flushed
     * modified_ms  when it was last written, by the store's clock; never earlier */
    MUST_USE err_t (*each_growing)(struct blob_store *, struct arena *a,
                                   err_t (*visit)(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms),
                                   void *arg);

    /* How many bytes can still be written, as far as the store knows; UINT64_MAX when there is no limit. */
    MUST_USE err_t (*free_bytes)(struct blob_store *, struct arena *a, uint64_t *ret_bytes);
    /* Can nothing be changed, as on a file system that is mounted, or was made, read-only? Does not block long. */
    bool (*is_read_only)(struct blob_store *);
    /* Writes a page to stable storage and lets it go, to see whether that is possible; the watch learns of it. */
    MUST_USE err_t (*probe)(struct blob_store *, struct arena *a);
    void (*close_store)(struct blob_store *); /* every writer and reader must have ended */
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

/* Commits and sets *w to NULL, so that SCOPED(blob_writer_discardp) does not discard the writer afterwards. */
MUST_USE static inline err_t blob_writer_commit(struct blob_writer **w, struct arena *a)
{
    struct blob_writer *writer = *w;
    *w = NULL;
    return writer->ops->commit(writer, a);
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
