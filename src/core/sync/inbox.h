/* SPDX-License-Identifier: Apache-2.0 */
/* What a section of a workspace shows to people and programs that see it as a folder, and what it takes from them. For protocols
 * of files, and for pages on which files are dropped.
 *
 *   /                 read only
 *   /import           files that come, that wait, and those whose import is queued or runs
 *   /import/done      read only: files whose import has ended with rows applied, each with NAME.result.json
 *   /import/failed    read only: the same for imports that have failed
 *
 *   inbox_write ──► being written ── inbox_writer_close ──┬─► taken: a sync file. A name that ends in .cc5txt or .json is queued to
 *     ▲                   │                               │   be imported in the same write; others wait for somebody to ask
 *     │                   │ inbox_writer_cut, a crash     └─► waits, if the name is one of work in progress; inbox_rename to
 *     └── partial ◄───────┘                                   another name takes it
 *
 * A file that is being written, a partial one, and one that waits are transfers (core/transfer/transfer.h): what was acknowledged
 * survives a crash, and it goes INBOX_KEPT_MS after its last bytes. Taking is one write: at any instant a file is partial or taken,
 * never lost and never taken twice. A partial file is taken by nobody: only one that was closed cleanly, with at least one byte. An
 * empty one waits for bytes, whatever its name.
 *
 * Names       One component of 1 to FILE_NAME_MAX_BYTES bytes of UTF-8 without slash and control characters, and neither "." nor
 *             "..". Different in case means different. New files are not called "done" or "failed", nor NAME~HANDLE with 24 hex
 *             digits, nor NAME.result.json: these names are made (below).
 *   in progress  begins with "." or ends in .part, .tmp or .filepart, in any case
 *   imported     ends in .cc5txt or .json, in any case
 * Shown names Several sync files may have one name. In each folder the newest is shown with its name, and the others as
 *             NAME~HANDLE; in /import one that is being written comes before all. What is shown as X in done and failed has the
 *             result X.result.json. inbox_stat and inbox_read also find the newest by NAME~HANDLE.
 *
 * Rights      Every call asks whether the key still holds: it was not revoked, has not expired, and its user is active (REVOKED,
 *             EXPIRED, BLOCKED). All keys of a section share its inbox. Those whose role is KEY_READER change nothing.
 * Errors of every call: these; UNAVAILABLE, NO_SPACE, CORRUPT of the stores.
 * Thread      An inbox: any that may block, several at once. A writer or a reader belongs to one thread at a time. */
#ifndef CAIS_CORE_SYNC_INBOX_H
#define CAIS_CORE_SYNC_INBOX_H

#include "core/core.h"
#include "core/reasons.h"
#include "core/records/sync_file.h"

#define INBOX_KEPT_MS ((int64_t)24 * 3600 * 1000)
#define INBOX_LIST_MAX 1000 /* entries in one call */

struct inbox;

/* The text of NAME.result.json, in `a`, for a sync file whose import has ended. It should be the same in each call for the same
 * revision of the file: its length is shown before it is read. */
typedef err_t inbox_result_fn(void *arg, const struct sync_file *, struct arena *a, slice *ret);

/* All is copied, but `arg`, which must outlive the inbox. */
struct inbox_options {
    slice origin;       /* name of the API or protocol */
    enum sync_way way;  /* SYNC_BY_FOLDER or SYNC_BY_PAGE. The inbox shows files that came in either way */
    int64_t bucket_id;  /* under whose keys the bytes are read: as in struct sync_request */
    slice folder;       /* of these keys; likewise */
    uint64_t max_bytes; /* of a file; 0: no limit */
    int64_t idle_ms;    /* how long a file that was taken and is never imported stays */
    inbox_result_fn *result;
    void *result_arg;
};
/* The inbox of the section that the key of `who` names (key_request.section). Errors: SYNC_NO_ACCESS the key has none. */
MUST_USE err_t inbox_open(struct core *, const struct principal *who, const struct inbox_options *, struct arena *a,
                          struct inbox **ret);
/* Every writer and reader must have ended. NULL is fine. */
void inbox_close(struct inbox *);

/* ---- paths ---- */

enum inbox_folder { INBOX_ROOT, INBOX_IMPORT, INBOX_DONE, INBOX_FAILED };
struct inbox_path {
    enum inbox_folder folder;
    slice name; /* empty: the folder itself */
};
/* Reads a path, from "/" on if it does not begin with a slash. Empty components and "." count for nothing, and ".." is the folder
 * above, at most "/". Whether there is such a file is not asked. Only text: fit for a loop.
 * *ret: its name is in `raw`. Errors: INBOX_NO_FILE it leads into no folder of the tree. */
MUST_USE err_t inbox_path_read(slice raw, struct arena *a, struct inbox_path *ret);
/* "/import/done/NAME", in `a`. */
slice inbox_path_text(const struct inbox_path *, struct arena *a);

/* ---- looking ---- */

struct inbox_entry {
    slice name; /* as it is shown; of a folder its own, of "/" empty */
    bool is_folder;
    bool is_writable; /* by this key: a file can be written, renamed and removed; in a folder files can be made */
    uint64_t
        size_bytes; /* of one that is not taken: the bytes that are on stable storage, at which it goes on; of a folder 0 */
    int64_t modified_at_ms; /* of a folder: when the section was made */
};
/* Errors: INBOX_NO_FILE. */
MUST_USE err_t inbox_stat(struct inbox *, const struct inbox_path *, struct arena *a, struct inbox_entry *ret);

/* Where a listing is. Begins as zeros; the caller keeps it, and reads is_end alone. */
struct inbox_cursor {
    bool is_end; /* there are no more entries */
    int stage;
    int64_t id;
    size_t name_size;
    char name[255];
};
struct inbox_entry_list {
    struct inbox_entry *items;
    size_t count;
};
/* The next entries of a folder, in no particular order, at most `limit` (2 to INBOX_LIST_MAX); may be none although others follow.
 * A file that is there all the time is listed exactly once, but for one whose folder changes meanwhile. */
MUST_USE err_t inbox_list(struct inbox *, enum inbox_folder, struct inbox_cursor *, size_t limit, struct arena *a,
                          struct inbox_entry_list *ret);

/* As statvfs shows it. */
struct inbox_space {
    uint64_t total_bytes; /* the limit of the account, or else what is used and what is free */
    uint64_t free_bytes;  /* that the account may still use, of what the disk has above its reserve */
};
MUST_USE err_t inbox_space(struct inbox *, struct arena *a, struct inbox_space *ret);

/* ---- reading ---- */

struct inbox_reader;
/* Errors: INBOX_NO_FILE; INBOX_IS_FOLDER; INBOX_NOT_WHOLE it is not taken yet. */
MUST_USE err_t inbox_read(struct inbox *, const struct inbox_path *, struct arena *a, struct inbox_reader **ret);
/* Reads up to `size` bytes from `offset`, fewer only at the end. */
MUST_USE err_t inbox_reader_read(struct inbox_reader *, uint64_t offset, char *to, size_t size, struct arena *a,
                                 size_t *ret_read);
/* As the file was when it was opened; the name lives as long as the reader. */
const struct inbox_entry *inbox_reader_entry(const struct inbox_reader *);
/* Bytes of memory that it holds: of a small file, which readers may share, or of a result, all of its text. */
size_t inbox_reader_memory(const struct inbox_reader *);
void inbox_reader_close(struct inbox_reader *); /* NULL is fine */

/* ---- writing ---- */

enum inbox_write_flag {
    INBOX_CREATES = 1,   /* else INBOX_NO_FILE when there is none */
    INBOX_EXCLUSIVE = 2, /* INBOX_EXISTS when there is one */
    INBOX_TRUNCATES = 4, /* begins anew: a partial file goes now; one that is taken, when the new one is */
};
struct inbox_writer;
/* flags: of enum inbox_write_flag. Without INBOX_TRUNCATES it goes on behind what is there.
 *
 * Errors: INBOX_BAD_NAME; INBOX_READ_ONLY another folder, the role of the key, or a file whose import is queued or runs; INBOX_IS_FOLDER;
 * INBOX_NO_FILE; INBOX_EXISTS; INBOX_BUSY another writer has brought bytes within the last TRANSFER_SILENCE_MS: one that is silent
 * for longer is ended; INBOX_TAKEN the file is taken, and can only be truncated; INBOX_TOO_MANY the section has TRANSFER_SECTION_MAX files that
 * are not taken; UPLOAD_TOO_MANY; QUOTA. */
MUST_USE err_t inbox_write(struct inbox *, const struct inbox_path *, unsigned flags, struct arena *a,
                           struct inbox_writer **ret);
/* Where the next byte belongs: how many came, whether they are on stable storage or not. */
uint64_t inbox_writer_size(const struct inbox_writer *);
/* offset: inbox_writer_size. After an error, also INBOX_OFFSET, the file is not taken by this writer any more: what follows is
 * INBOX_INCOMPLETE. Errors: INBOX_OFFSET; TOO_LARGE; QUOTA; INBOX_BUSY another writer has taken over. */
MUST_USE err_t inbox_writer_write(struct inbox_writer *, uint64_t offset, slice bytes, struct arena *a);
/* All that was written is on stable storage, and survives a crash. Errors: as inbox_writer_write; INBOX_INCOMPLETE. */
MUST_USE err_t inbox_writer_flush(struct inbox_writer *, struct arena *a);
/* The file is whole: it is on stable storage, and taken unless it waits. Frees the writer, whatever the result; after an error
 * the file stays partial, with what was acknowledged. Errors: as inbox_writer_flush; QUOTA; INBOX_READ_ONLY a file of that name was
 * queued meanwhile. */
MUST_USE err_t inbox_writer_close(struct inbox_writer *, struct arena *a);
/* The sender is gone, or has not sent all: what came stays as a partial file. Frees the writer; NULL is fine. */
void inbox_writer_cut(struct inbox_writer *);

/* ---- names ---- */

/* Within /import, of a file that is not taken, or taken and never imported. To a name that is not in progress, takes one that was
 * closed cleanly; to one that is imported, also queues one that is taken. A file of the new name is replaced, if it could be removed.
 * replaces: false: INBOX_EXISTS when there is one.
 * Errors: INBOX_NO_FILE; INBOX_BAD_NAME; INBOX_EXISTS; INBOX_BUSY somebody writes to one of them; INBOX_READ_ONLY; INBOX_IS_FOLDER; QUOTA. */
MUST_USE err_t inbox_rename(struct inbox *, const struct inbox_path *from, const struct inbox_path *to, bool replaces,
                            struct arena *a);
/* The same files. Errors: INBOX_NO_FILE; INBOX_BUSY; INBOX_READ_ONLY; INBOX_IS_FOLDER. */
MUST_USE err_t inbox_remove(struct inbox *, const struct inbox_path *, struct arena *a);

#endif
