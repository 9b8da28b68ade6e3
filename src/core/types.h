/* SPDX-License-Identifier: Apache-2.0 */
/* The records of the product, as the metadata store keeps them. Plain values: slices live in the arena they were read
 * into. Times are milliseconds since 1970 UTC; 0 means "not set". Ids are row ids, never reused, below 2^31 for users,
 * tasks and references. */
#ifndef CAIS_CORE_TYPES_H
#define CAIS_CORE_TYPES_H

#include "base/hash.h"
#include "base/slice.h"

/* A tenant: everything else belongs to exactly one. */
struct account {
    int64_t id;
    slice name;
    int64_t created_at_ms;
    int64_t max_bytes, max_files;   /* 0: none of its own, core_options count */
    int64_t used_bytes, used_files; /* of files that hold bytes */
};

enum user_kind { USER_PERSON, USER_BOT, USER_SYSTEM };
enum user_state { USER_ACTIVE, USER_DISABLED, USER_DELETED };

struct user {
    int64_t id, account_id;
    slice login; /* unique among users that are not deleted */
    slice name, email;
    enum user_kind kind;
    enum user_state state;
    bool is_admin; /* of its account */
    int64_t created_at_ms;
};

/* What somebody proves itself with. Only a SHA-256 of the secret is kept: secrets are random and long, so a plain hash
 * cannot be guessed and finds its row by index.
 * Of a key pair that signs, the hash is an HMAC of its public half, which is no secret and must not pass for one; both
 * halves are kept sealed under the server's master key, since a signature can only be checked by who knows the other
 * (meta_secret_put). */
enum credential_form { CREDENTIAL_KEY, CREDENTIAL_TOKEN };

struct credential {
    int64_t id, account_id, user_id;
    slice purpose; /* which way in it opens: a name given by the API */
    enum credential_form form;
    unsigned char secret_hash[SHA256_SIZE];
    int64_t parent_id; /* the key a token was made from; 0: none */
    int64_t created_at_ms, expires_at_ms, revoked_at_ms;
};

/* Immutable bytes. Inline, in the same row store as its metadata; or under blob_key in the blob store; or put together
 * from parts, which are objects themselves. */
struct object {
    int64_t id, account_id;
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE]; /* put together: of the MD5s of its parts */
    slice blob_key;              /* empty: inline, or put together */
    slice inline_bytes;          /* only where a call says that it reads them */
    int64_t part_count;          /* 0: whole */
    int64_t created_at_ms;
};

/* One of the parts of an object, in their order. */
struct object_part {
    struct object object; /* never put together itself */
    uint64_t offset;      /* of its first byte in the whole */
};

/* A digest that a sender declared or asked for besides the MD5 that every object has. */
enum digest_kind {
    DIGEST_NONE,
    DIGEST_CRC32,
    DIGEST_CRC32C,
    DIGEST_CRC64NVME,
    DIGEST_SHA1,
    DIGEST_SHA256,
    DIGEST_KINDS
};
/* Of an object put together from parts: of all its bytes, or of the digests of its parts. */
enum digest_form { DIGEST_WHOLE, DIGEST_OF_PARTS };
#define DIGEST_SIZE_MAX 32
struct digest {
    enum digest_kind kind;
    enum digest_form form;
    unsigned char bytes[DIGEST_SIZE_MAX]; /* digest_size(kind) of them; CRCs most significant byte first */
};

/* ARCHITECTURE.md, "The states of a file", draws who moves a file from one to another. EXPIRED is kept for tickets that
 * leave a trace behind when their time is over; nothing makes one yet. */
enum file_state { FILE_ISSUED, FILE_STORED, FILE_READY, FILE_EXPIRED };

/* The record people see. */
struct file {
    int64_t id;
    unsigned char uuid[16]; /* random, version 4: what clients may guess at */
    int64_t account_id, owner_id;
    slice owner_login; /* filled by reads */
    slice way;         /* how it came in: name of the API */
    slice name, content_type;
    enum file_state state;
    int64_t object_id;   /* 0 while there are no bytes */
    uint64_t size_bytes; /* of the bytes that are there: 0 while ISSUED, whatever the ticket declares */
    unsigned char md5[MD5_SIZE];
    int64_t created_at_ms, stored_at_ms;
    int64_t purge_at_ms; /* gone from then on; 0: never */
    bool is_pending;     /* by a ticket that is not confirmed: only its owner knows of it; filled by reads */
};

/* Permission to put the bytes of one file under one key, handed out before they come (the file is ISSUED until then).
 * The row stays as long as the file: the key goes on naming its bytes. */
struct ticket {
    int64_t file_id, bucket_id;
    slice key;
    uint64_t declared_bytes; /* exactly so many must come */
    int64_t expires_at_ms;   /* no bytes from then on */
    int64_t confirmed_at_ms; /* 0: pending, and only its owner knows of it */
    int64_t task_id;         /* what the file is hung on when it is confirmed; 0: nothing */
    int64_t comment_id;      /* of that task; 0: the task itself */
};

/* A named space of keys. */
enum bucket_kind {
    BUCKET_OPEN,   /* of an account: its keys put, get and list as they like */
    BUCKET_GUARDED /* of the server: keys are handed out one by one (entry_guard.h); nobody lists it */
};
struct bucket {
    int64_t id;
    int64_t account_id; /* 0: of the server */
    int64_t owner_id;   /* who made it; of the server's own: whose key signs for it */
    slice name;
    enum bucket_kind kind;
    slice cors; /* which web pages may use it, in the words of the API; empty: none */
    int64_t created_at_ms;
};

/* A key in a bucket and the object it names. */
struct entry {
    int64_t bucket_id;
    slice key; /* 1..1024 bytes of UTF-8 */
    int64_t owner_id, object_id;
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE]; /* the object's */
    int64_t part_count;          /* the object's */
    struct digest digest;        /* kind DIGEST_NONE: none was asked for */
    slice upload;                /* name of the upload that put it together; empty: put whole */
    slice headers, tags;         /* kept for the API, which alone reads them */
    int64_t modified_at_ms;
};

/* An upload in parts that is not complete yet. */
struct upload {
    int64_t id;
    slice name; /* what the client knows it by: random */
    int64_t bucket_id;
    slice key;
    int64_t account_id, owner_id;
    slice headers, tags; /* of the entry to be */
    enum digest_kind digest;
    enum digest_form digest_form;
    int64_t created_at_ms;
    int64_t expires_at_ms; /* forgotten from then on, with its parts */
};

struct upload_part {
    int64_t upload_id, number; /* 1..10000 */
    int64_t object_id;
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE];
    struct digest digest;
    int64_t stored_at_ms;
};

/* Work that people talk about and hang files on. `details` is a JSON object that core keeps but does not read. */
struct task {
    int64_t id, account_id, author_id;
    slice text, subject, details;
    bool is_shared; /* everybody of the account sees it */
    int64_t created_at_ms, modified_at_ms;
    int64_t closed_at_ms; /* 0: open */
};

/* Who else may see a task, and as what; roles may be combined. */
enum { TASK_PARTICIPANT = 1, TASK_SUBSCRIBER = 2, TASK_RESPONSIBLE = 4 };
struct task_member {
    int64_t user_id;
    int roles;
};

struct comment {
    int64_t id, task_id, author_id;
    int64_t file_id; /* the file of the task that it is about; 0: the task */
    slice text, details;
    int64_t created_at_ms, edited_at_ms;
};

/* A task (through one of its comments) that holds on to a file; a file nobody holds is purged after its time.
 * A chain of versions shares root_id, the id of version 1. A link has a url and no file. */
struct reference {
    int64_t id, account_id, task_id, comment_id;
    int64_t file_id; /* 0: a link */
    int64_t root_id; /* own id for version 1 */
    int64_t version;
    slice url;
    slice name;          /* of the file, or of the link */
    uint64_t size_bytes; /* of the file; filled by reads, like md5 */
    unsigned char md5[MD5_SIZE];
    int64_t created_at_ms;
};

/* A fact, written in the transaction of the change it tells of, never changed or removed: the audit log. */
struct event {
    int64_t id, at_ms, account_id;
    int64_t actor_id; /* 0: the server itself, or an operator at the command line */
    slice actor;      /* login, filled by reads */
    slice action;     /* "file.store", "file.delete", "user.disable", … */
    slice subject;    /* "file:UUID", "user:LOGIN", "key:ID" */
    slice detail;     /* short, without secrets */
    slice request_id;
};

/* Durable background work. A periodic job goes back to QUEUED with a later run_at_ms when it is done. */
enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_FAILED };
struct job {
    int64_t id;
    slice kind, subject;
    enum job_state state;
    int64_t run_at_ms, started_at_ms, finished_at_ms;
    int64_t attempts, progress, total;
    slice error;
};

#endif
