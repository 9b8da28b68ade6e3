/* SPDX-License-Identifier: Apache-2.0 */
/* The record store keeps sets of records, JSON objects that are found by a key, and changes them in batches. src/record implements it
 * over src/sql, in files and in memory, and tests/conformance/record.c holds both to this contract.
 *
 * Ids      Core chooses the id of a set, above 0. The store gives each record an id of RECORD_ID_LENGTH lower-case hex digits when
 *          its key is inserted. No other record of the set ever gets the same; a key that was deleted and is inserted again gets a
 *          new one. Ids rise in the order of insertion.
 * Keys     1 to RECORD_KEY_MAX bytes of any kind, compared as bytes.
 * Batches  are transactions. A batch ends with a text of the caller's, the position: whoever reads it back knows which batches were
 *          committed, after a crash, too. Nobody sees a part of a batch; its writer reads its own rows.
 * Order    A batch is committed as DURABLE, on stable storage when commit returns, or only as ORDERED: it survives the end of the
 *          process, but a power failure, or a flush that fails, may undo it with all the batches after it. What is left is the state that
 *          some batch left, records and position together, and no batch before the last that was durable or flushed is undone. So an
 *          import that goes on at the position it finds loses nothing. It may find an earlier one than it knows, also while it runs,
 *          because a set is closed and opened again meanwhile: therefore its batches say which position they follow (`after`), and its
 *          work is done when flush returns its last position.
 * Files    of different sets have nothing in common: when one is damaged, the others work. Any number may exist; the store opens
 *          them when they are needed, and closes some when many are open.
 * Flushes  When one fails, the commit or flush is UNAVAILABLE, and the batches since the last flush may have been kept or not (ask the
 *          position). The set takes no more batches until nobody reads it. Then it is closed, and the next open moves what is good to
 *          new blocks before anything is written, as for the database (src/sql/sqlite/distrust.h).
 * Cost     Besides what the caller holds, a put takes about four times the larger one of the stored object and the new one, at most
 *          about 100 MiB, which no account counts. It writes the whole record again, up to RECORD_OBJECT_MAX, however little
 *          changes. So one batch of small rows can write gigabytes if the records are large: the caller commits when written_bytes
 *          of the writer is above RECORD_BATCH_BYTES. Then the log takes at most that, one record, and what the index changes,
 *          and the set as much again.
 * Memory   Results and errors live in the arena of the call.
 * Errors of every call: NO_SPACE; UNAVAILABLE it may be retried; CORRUPT the set is damaged, and the text names its file. Calls
 *          that use a set: NOT_FOUND when there is none. arena_check, where objects are copied.
 * Thread   Any. A writer belongs to one thread at a time. One writer for a set at a time: open returns CONFLICT while there is
 *          another. Readers see what was committed when they began. */
#ifndef CAIS_CORE_STORE_RECORD_STORE_H
#define CAIS_CORE_STORE_RECORD_STORE_H

#include "base/err.h"
#include "core/records/record.h"

#define RECORD_KEY_MAX ((size_t)16 << 10)
#define RECORD_OBJECT_MAX ((size_t)21 << 20)
#define RECORD_MEMBERS_MAX 10000 /* of an object; rows of many files may add to one record */
#define RECORD_KEY_FIELDS_MAX 8
#define RECORD_FILE_MAX 128
#define RECORD_POSITION_MAX 1024
#define RECORD_BATCH_BYTES ((size_t)16 << 20)

struct record_store {
    const struct record_ops *ops;
};

struct record_fields { /* the names of the fields of the key */
    const slice *items;
    size_t count;
};

enum record_outcome {
    RECORD_INSERTED,
    RECORD_UPDATED,
    RECORD_DELETED,
    RECORD_ABSENT,    /* nothing to delete */
    RECORD_TOO_LARGE, /* nothing was done: the key, the object, or what it would become with the members that are there */
};

struct record_batch { /* borrowed until the writer ends */
    slice file;       /* at most RECORD_FILE_MAX bytes of UTF-8 */
    int64_t now_ms;
    const slice *after; /* the position that it follows; NULL: any */
};

enum record_commit { RECORD_COMMIT_ORDERED, RECORD_COMMIT_DURABLE }; /* see "Order" */

struct record_writer {
    const struct record_ops *ops;
    uint64_t inserted, updated, deleted; /* by this batch so far */
    uint64_t written_bytes;              /* of keys and objects, so far */
};

enum record_order { RECORD_BY_KEY, RECORD_BY_ID };

struct record_scan {
    enum record_order order;
    slice after;  /* a key, or an id; empty: from the first one on */
    size_t limit; /* 1 to RECORD_PAGE_MAX */
};

struct record_page {
    struct record *items;
    size_t count;
    bool has_more; /* after the last of these */
};

struct record_ops {
    const char *name;
    /* Makes the set, or compares the fields of its key with those that it was made with. Durable when it returns.
     * Errors: INVALID they differ, or are not 1 to RECORD_KEY_FIELDS_MAX. */
    MUST_USE err_t (*define)(struct record_store *, int64_t set_id, const struct record_fields *, struct arena *a);
    MUST_USE err_t (*fields)(struct record_store *, int64_t set_id, struct arena *a, struct record_fields *ret);
    /* Removes the set, durably. It is no error when there is none. CONFLICT while it has a writer. */
    MUST_USE err_t (*remove)(struct record_store *, int64_t set_id, struct arena *a);

    /* Begins a batch. Errors: CONFLICT there is a writer, or the position is not `after`; INVALID the file's name is too long. */
    MUST_USE err_t (*open)(struct record_store *, int64_t set_id, const struct record_batch *, struct arena *a,
                           struct record_writer **ret_writer);
    /* Inserts the record of the key, or updates it: members of the object replace those of the same name as a whole, a null
     * removes the member, and members that it does not have stay. The object has no blanks between its members, is nested at most
     * JSON_SCAN_DEPTH_MAX levels deep, and its names are different and have no escapes. Both are borrowed for the call.
     * Errors: INVALID the object is not such a text, or the key is empty: nothing was done, and the writer can go on. After every
     * other error it must be discarded. */
    MUST_USE err_t (*put)(struct record_writer *, slice key, slice object, struct arena *a, enum record_outcome *ret);
    MUST_USE err_t (*erase)(struct record_writer *, slice key, struct arena *a, enum record_outcome *ret);
    /* Makes the batch and the position, at most RECORD_POSITION_MAX bytes of UTF-8, visible together. Ends the writer, whatever the
     * result. After an error nothing was changed; only after UNAVAILABLE it may have been: the position tells.
     * Errors: INVALID the position is too long. */
    MUST_USE err_t (*commit)(struct record_writer *, slice position, enum record_commit, struct arena *a);
    /* Brings all batches that were committed to stable storage. *ret_position: of the last of them, in `a`.
     * Errors: CONFLICT there is a writer. */
    MUST_USE err_t (*flush)(struct record_store *, int64_t set_id, struct arena *a, slice *ret_position);
    void (*discard)(struct record_writer *); /* NULL is fine */
    /* That of the last batch; empty: there was none. */
    MUST_USE err_t (*position)(struct record_store *, int64_t set_id, struct arena *a, slice *ret);

    /* Errors: NOT_FOUND also when the set has no such record. */
    MUST_USE err_t (*get)(struct record_store *, int64_t set_id, slice id, struct arena *a, struct record *ret);
    /* The next records, at most scan->limit, fewer when they have more than RECORD_PAGE_BYTES, but one at least if there is any.
     * Errors: INVALID `after` is no id, the limit is out of range. */
    MUST_USE err_t (*scan)(struct record_store *, int64_t set_id, const struct record_scan *scan, struct arena *a,
                           struct record_page *ret);
    /* Answers a question, of the state of one moment. What it sorts may be in a file beside the set, which takes at most what the keys of
     * the records take by which they are sorted.
     * The tests of the condition are none of BETWEEN, LIKE and NOT LIKE, and its expressions are members and columns.
     * Errors: EXPIRED it took longer than limit_ms; TOO_LARGE the condition has more tests or joins than the store can take;
     * INVALID the limit is out of range. */
    MUST_USE err_t (*query)(struct record_store *, int64_t set_id, const struct record_query *, struct arena *a,
                            struct record_result *ret);
    /* The records of these ids, as they are now, with what the query says of objects: as many as RECORD_PAGE_BYTES have room for, but one
     * at least if there is any. Those that are not there any more are left out. */
    MUST_USE err_t (*more)(struct record_store *, int64_t set_id, const struct record_query *,
                           const struct record_id_list *, struct arena *a, struct record_rest *ret);
    /* Both without a look at the records. The bytes are those of the set without its log: more than 0, also without records. */
    MUST_USE err_t (*size)(struct record_store *, int64_t set_id, struct arena *a, uint64_t *ret_bytes,
                           uint64_t *ret_records);

    /* Calls `visit` for each set, in no particular order. Stops at its first error and returns it. */
    MUST_USE err_t (*each)(struct record_store *, struct arena *a, err_t (*visit)(void *arg, int64_t set_id),
                           void *arg);
    /* Reads the whole set. CORRUPT: it is damaged. */
    MUST_USE err_t (*verify)(struct record_store *, int64_t set_id, struct arena *a);
    /* Writes a consistent copy of the set to a new file at `path`, flushed, with all batches that are visible; the store may be in use. UNSUPPORTED: the store has
     * no files. CONFLICT: there is a file. restore makes the set from such a file, which may come from anybody; CONFLICT when there
     * is a set. Ids that the set gave away after the copy are not given again, except with a chance of one in a billion. */
    MUST_USE err_t (*backup)(struct record_store *, int64_t set_id, const char *path, struct arena *a);
    MUST_USE err_t (*restore)(struct record_store *, int64_t set_id, const char *path, struct arena *a);
    /* Reads the whole of a file that backup wrote. CORRUPT: it is damaged, or something else. NOT_FOUND: there is none. */
    MUST_USE err_t (*verify_copy)(struct record_store *, const char *path, struct arena *a);
    void (*close_store)(struct record_store *); /* every writer must have ended */
};

static inline void record_writer_discardp(struct record_writer **w)
{
    if (*w)
        (*w)->ops->discard(*w);
}

#endif
