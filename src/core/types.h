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
 * cannot be guessed and finds its row by index. */
enum credential_form { CREDENTIAL_KEY, CREDENTIAL_TOKEN };

struct credential {
    int64_t id, account_id, user_id;
    slice purpose; /* which way in it opens: a name given by the dialect */
    enum credential_form form;
    unsigned char secret_hash[SHA256_SIZE];
    int64_t parent_id; /* the key a token was made from; 0: none */
    int64_t created_at_ms, expires_at_ms, revoked_at_ms;
};

/* Immutable bytes. Either inline, in the same row store as its metadata, or under blob_key in the blob store. */
struct object {
    int64_t id, account_id;
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE];
    slice blob_key;     /* empty: inline */
    slice inline_bytes; /* only where a call says that it reads them */
    int64_t created_at_ms;
};

/*      file_store (direct)            file_hold | none needed
 * ─────────────────────────► STORED ───────────────────────────► READY
 *                              │  ▲ file_release, last reference     │ file_delete
 *                              │  └──────────────────────────────────┤
 *                              ▼ purge_due                           ▼
 *                             (gone: row first, bytes after)        (gone)
 * ISSUED and EXPIRED belong to tickets that are handed out before the bytes come. */
enum file_state { FILE_ISSUED, FILE_STORED, FILE_READY, FILE_EXPIRED };

/* The record people see. */
struct file {
    int64_t id;
    unsigned char uuid[16]; /* random, version 4: what clients may guess at */
    int64_t account_id, owner_id;
    slice owner_login; /* filled by reads */
    slice way;         /* how it came in: name of the dialect */
    slice name, content_type;
    enum file_state state;
    int64_t object_id; /* 0 while there are no bytes */
    uint64_t size_bytes;
    unsigned char md5[MD5_SIZE];
    int64_t created_at_ms, stored_at_ms;
    int64_t purge_at_ms; /* gone from then on; 0: never */
};

/* Work that people talk about and hang files on. `details` is a JSON object that core keeps but does not read. */
struct task {
    int64_t id, account_id, author_id;
    slice text, subject, details;
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
