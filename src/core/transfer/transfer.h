/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads whose bytes come in several requests, over lost connections and restarts of the server.
 *
 *   transfer_create ──► open ──┬── transfer_open ──► transfer_write* ──► transfer_close ──┬──► open, at a higher offset
 *                              │                                                          └──► finished: a file, if all bytes came
 *                              ├── transfer_remove ──► gone
 *                              └── expires_at_ms ────► gone (transfer_purge_due)
 *
 * The offset is the number of bytes that are on stable storage. It rises only after a flush, and never falls: what was
 * acknowledged survives a crash at any instant, and what was not is sent again. The bytes are a growing blob
 * (core/store/blob_store.h); its digest is kept in the record, so a restart reads nothing again.
 *
 * One request writes at a time. It claims the record for LEASE_MS, longer with every flush; another is refused with
 * TRANSFER_BUSY, or takes over (enum transfer_rivalry), and then the first one can neither acknowledge nor change anything any
 * more.
 *
 * Room in the account is taken for the bytes that are there, and for the record. A transfer is visible to the user who made it, and
 * to nobody else; one that belongs to a section of a workspace, to the keys of that section alone; one that comes by a link
 * (core/access/drop_link.h), to that link alone, where it counts until it is removed unfinished.
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the stores. Thread: any that may block, unless stated
 * otherwise; a writer belongs to one thread at a time. */
#ifndef CAIS_CORE_TRANSFER_TRANSFER_H
#define CAIS_CORE_TRANSFER_TRANSFER_H

#include "core/core.h"
#include "core/grant.h"
#include "core/reasons.h"
#include "core/records/file.h"
#include "core/records/record_ids.h"
#include "core/records/transfer.h"

struct job_run;

#define TRANSFER_METADATA_MAX 8192 /* bytes */
#define TRANSFER_PARTS_MAX 1000
#define TRANSFER_SECTION_MAX 1000                   /* in one section */
#define TRANSFER_COMPOSITION_MAX ((size_t)64 << 10) /* bytes */
#define TRANSFER_COMPOSE_JOB "compose"
#define TRANSFER_KEPT_MS ((int64_t)24 * 3600 * 1000) /* how long the record of one that is a file stays */

struct transfer_request {
    slice origin;
    slice file_name, content_type; /* cleaned (core/file/file_name.h) */
    slice metadata;                /* at most TRANSFER_METADATA_MAX bytes */
    int64_t length;                /* -1: not known yet */
    uint64_t max_bytes;            /* TOO_LARGE above it; 0: no limit */
    int64_t lifetime_ms;           /* from the last bytes that came */
    struct holder holder;
    int64_t section_id; /* of `who`: it is a file in the inbox of that section; 0: it is none */
    bool is_part;
    /* Names of finished parts of the user, in their order, when it is to be composed of them; the same one may be there several
     * times. Then `length` is not used. A job copies them, at most TRANSFER_PARTS_MAX. */
    const slice *parts;
    size_t part_count;
    slice composition; /* how the sender named the parts; at most TRANSFER_COMPOSITION_MAX bytes */
    /* A digest of the whole: HASH_SHA256 or HASH_SHA512. */
    bool has_digest;
    enum hash_kind digest_kind;
    slice expected_digest; /* empty: it is only computed */
};
/* Errors: TOO_LARGE the length, the metadata, or the parts; QUOTA; NO_SPACE; TRANSFER_NOT_THERE a part; TRANSFER_NO_PART; of one in
 * a section INBOX_TOO_MANY, INBOX_EXISTS; by a link the reasons TRANSFER_LINK_…, REVOKED, BLOCKED. A
 * transfer of 0 bytes is not finished by this: transfer_complete does it, or the job. */
MUST_USE err_t transfer_create(struct core *, const struct principal *who, const struct transfer_request *,
                               struct arena *a, struct transfer *ret);
/* Only reads: fit for a loop. Errors: TRANSFER_NOT_THERE; TRANSFER_EXPIRED. */
MUST_USE err_t transfer_find(struct core *, const struct principal *who, slice name, struct arena *a,
                             struct transfer *ret);
/* Those of the user that have not expired and are in no section, by id, also those that are finished. Only reads. */
MUST_USE err_t transfer_list(struct core *, const struct principal *who, const struct id_page *, struct arena *a,
                             struct transfer_list *ret);
/* Ends the request that writes, if there is one; what it has brought since its last flush is sent again. *ret: as it is now, so
 * its offset stays until the next request writes. Errors: as transfer_find. */
MUST_USE err_t transfer_end_writer(struct core *, const struct principal *who, slice name, struct arena *a,
                                   struct transfer *ret);
/* Removes it with its bytes; a request that writes meanwhile fails. A file that it has become stays. While a backup runs it only
 * expires, and goes later. Errors: as transfer_find,
 * but one that expired can be removed; TRANSFER_IN_USE. */
MUST_USE err_t transfer_remove(struct core *, const struct principal *who, slice name, struct arena *a);
/* The same, unless another request writes and is not silent (TRANSFER_ENDS_SILENT): TRANSFER_BUSY. */
MUST_USE err_t transfer_remove_idle(struct core *, const struct principal *who, slice name, struct arena *a);

/* ---- writing ---- */

/* What happens to a request that writes already. */
enum transfer_rivalry {
    TRANSFER_YIELDS,      /* it goes on; this one is refused: TRANSFER_BUSY */
    TRANSFER_ENDS_SILENT, /* it ends if it has brought no byte for TRANSFER_SILENCE_MS, as one does whose client is gone */
    TRANSFER_ENDS_ANOTHER, /* it ends */
};
#define TRANSFER_SILENCE_MS 5000

/* When the upload is complete. */
enum transfer_end {
    TRANSFER_ENDS_AT_LENGTH, /* when as many bytes are there as its length says */
    TRANSFER_STAYS_OPEN,     /* not by this request */
    TRANSFER_ENDS_HERE, /* when all bytes of this request are there; they must be as many as its length says, if it is known */
    TRANSFER_WAITS_HERE, /* likewise, but it becomes no file before transfer_take */
};

struct transfer_writer;
struct transfer_opening {
    slice name;
    int64_t offset; /* that the sender goes on at */
    bool has_length;
    int64_t length;     /* of the upload, as the sender says now */
    uint64_t max_bytes; /* of the upload; TOO_LARGE above it, also of a length; 0: no limit */
    enum transfer_rivalry rivalry;
    enum transfer_end end;
    bool is_unverified; /* the bytes of this request are acknowledged together, by transfer_close, or none of them */
    bool *ended;   /* set, atomically, once another request has ended this one; must outlive the writer; NULL is fine */
    bool composes; /* from parts: for transfer_compose alone */
    bool reopens;  /* goes on with one that waits: with the first bytes, its length is not known any more */
    int64_t lifetime_ms; /* as in transfer_request */
};
/* Errors: as transfer_find; TRANSFER_BUSY another request writes; TRANSFER_OFFSET the offset is another one; TRANSFER_FINISHED;
 * TRANSFER_LENGTH another length is known, or it is less than what came; of a new length also TOO_LARGE, QUOTA, NO_SPACE;
 * TRANSFER_COMPOSED. */
MUST_USE err_t transfer_open(struct core *, const struct principal *who, const struct transfer_opening *,
                             struct arena *a, struct transfer_writer **ret_writer);
/* Errors: TRANSFER_OVERLONG more than its length; TOO_LARGE; QUOTA; TRANSFER_BUSY another request has taken over. After an error only
 * transfer_cut or transfer_drop may follow. */
MUST_USE err_t transfer_write(struct transfer_writer *, slice bytes, struct arena *a);
/* The bytes that this request has brought so far. */
int64_t transfer_received(const struct transfer_writer *);
/* The bytes of the upload that are on stable storage. */
int64_t transfer_acknowledged(const struct transfer_writer *);
/* All that was written is acknowledged. Not for an unverified request. Errors: as transfer_write. */
MUST_USE err_t transfer_flush(struct transfer_writer *, struct arena *a);
/* Ends the writing: what came is acknowledged, and when all bytes are there it becomes a file. Frees the writer, whatever the
 * result. *ret: as it is now. Errors: as transfer_write; TRANSFER_LENGTH (TRANSFER_ENDS_HERE), then nothing since the last flush
 * counts; DIGEST the whole is not what was announced, and the transfer is removed; those of the holder. */
MUST_USE err_t transfer_close(struct transfer_writer *, struct arena *a, struct transfer *ret);
/* Ends the writing without acknowledging what came since the last flush; its space is given back. NULL is fine. */
void transfer_drop(struct transfer_writer *);
/* Ends the writing of a request that was cut, or refused in the middle: what came before is acknowledged unless it is unverified.
 * Frees the writer. */
void transfer_cut(struct transfer_writer *);

/* When all bytes are there but it has not become a file yet, because the server ended in between, or there are none: it does now.
 * Else nothing happens. *ret: as it is now. Errors: as transfer_find; DIGEST; those of the holder. */
MUST_USE err_t transfer_complete(struct core *, const struct principal *who, slice name, struct arena *a,
                                 struct transfer *ret);

/* ---- one in a section ---- */

/* By its file_name, in the section of `who`. Only reads. Errors: TRANSFER_NOT_THERE, also when it has expired. */
MUST_USE err_t transfer_find_file(struct core *, const struct principal *who, slice file_name, struct arena *a,
                                  struct transfer *ret);

struct transfer_renaming {
    slice name, file_name; /* file_name: the new one */
    slice replaced;        /* name of the one in the section that had it, and goes; empty: none has it */
};
/* In one write. Errors: as transfer_find; TRANSFER_BUSY somebody writes to one of them; INBOX_EXISTS. */
MUST_USE err_t transfer_rename(struct core *, const struct principal *who, const struct transfer_renaming *,
                               struct arena *a);

/* Inside the write that makes the file, which is STORED and due to be purged: something must hold it (hold_add). */
typedef err_t transfer_place_fn(struct meta_tx *, void *arg, const struct file *, struct arena *a);
struct transfer_taking {
    slice name, file_name; /* file_name: of the file */
    transfer_place_fn *place;
    void *arg;
};
/* One that waits becomes a file, and its record goes, in one write. Errors: as transfer_find; TRANSFER_BUSY; TRANSFER_LENGTH it was
 * not closed by TRANSFER_WAITS_HERE; QUOTA; those of `place`. */
MUST_USE err_t transfer_take(struct core *, const struct principal *who, const struct transfer_taking *,
                             struct arena *a);

/* ---- care ---- */

/* A run of TRANSFER_COMPOSE_JOB, whose payload is the id: appends the parts that are missing. It goes on where the run before it
 * was ended. */
MUST_USE err_t transfer_compose(struct core *, struct job_run *, struct arena *a);

/* Removes what has expired, until the run is stopping (core/job.h; may be NULL). */
MUST_USE err_t transfer_purge_due(struct core *, struct job_run *, struct arena *a);
/* At the start of the only process: nobody writes. */
MUST_USE err_t transfer_release_all(struct core *, struct arena *a);

#endif
