/* SPDX-License-Identifier: Apache-2.0 */
/* struct core: the stores, the clock, the random source, the limits and the caches that every function of core works
 * with. main makes one and passes it down; there are no mutable globals. Functions of core may be called on any thread
 * unless their header says otherwise. */
#ifndef CAIS_CORE_CORE_H
#define CAIS_CORE_CORE_H

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "core/login_limit.h"
#include "core/records/credential.h"
#include "core/unverified.h"

#include <pthread.h>

struct access_cache;
struct key_uses;
struct blob_store;
struct check_memory;
struct dataset_gate;
struct dataset_store;
struct bucket_cache;
struct entry_guard;
struct file_cache;
struct helper;
struct holder_rules;
struct intake;
struct job_signal;
struct md5_crew;
struct meta_store;
struct meta_tx;
struct part_map_cache;
struct record_store;
struct seal;
struct transfer_shards;
struct user;
struct free_space;
struct webhooks;
struct writes;

/* How long a login of a person lasts: core/access/session.h. */
struct session_policy {
    int64_t lifetime_ms; /* at exactly begun + lifetime it has ended, however much it is used; 0: 12 hours */
    int64_t idle_ms;     /* … and at the latest so long after its last use; 0: one hour */
    int64_t per_user;    /* how many a user may have for one purpose; a new one ends the oldest; 0: 10 */
};

struct core_options {
    uint64_t inline_max_bytes;     /* core/object/inline_limit.h; 0: the default */
    uint64_t reserve_bytes;        /* free space that uploads leave alone: core/free_space.h */
    int64_t purge_grace_ms;        /* how long bytes outlive their record: core/object/garbage.h */
    int64_t account_max_bytes;     /* for accounts without a limit of their own (quota.h); 0: none */
    int64_t account_max_files;     /* the same */
    int64_t account_max_buckets;   /* of each account; 0: no limit; and so on */
    int64_t account_max_uploads;   /* in parts, that were neither completed nor ended */
    int64_t account_max_pending;   /* files that were issued and have no bytes yet */
    int64_t account_max_users;     /* that were not removed */
    int64_t user_max_keys;         /* of each user, that were not revoked; 0: no limit */
    uint64_t unverified_max_bytes; /* core/unverified.h; 0: the default */
    int64_t finished_jobs_kept_ms; /* core/job.h */
    int64_t scrub_period_ms;       /* in which all bytes are read once: core/object/scrub.h; 0: never */
    int64_t events_kept_ms;        /* how long events stay in the audit log: core/event_prune.h; 0: for ever */
    struct login_limits logins;    /* core/login_limit.h; all 0: none */
    struct session_policy sessions;
    uint64_t file_cache_bytes; /* for small files kept in memory for reads; 0: none */
    /* A person went on without the end of a damaged log: no sweep unless a person confirms it. */
    bool records_were_lost;
};

/* Runs inside the write that adds a user: what waited for that person is the user's. */
typedef err_t user_added_fn(struct meta_tx *, const struct user *, int64_t now_ms, struct arena *a);

/* The stores whose writes are watched (core/writes.h). */
enum core_store { CORE_METADATA, CORE_BLOBS, CORE_STORES };

/* Who wants to know how the stores are. Each may be NULL; any thread; it must not block, nor call core. */
struct store_watch {
    /* Writes to the store begin to fail, and e says why; or succeed again, and e is NULL. Once for each change. */
    void (*writes_changed)(void *arg, enum core_store which, err_t e);
    /* How many bytes are free, when the blob store was asked (at most once a second), and whether uploads are refused. */
    void (*space_seen)(void *arg, uint64_t free_bytes, bool is_full);
    void *arg;
};

struct core {
    struct meta_store *meta;
    struct blob_store *blob;
    struct dataset_store *datasets; /* NULL: the server has none */
    struct record_store *records;
    struct clock *clock;
    struct random *random;
    struct seal *seal; /* of the master key, under which the secrets of signing keys are sealed; may be NULL */
    struct core_options options;
    const struct entry_guard *const *entry_guards; /* core/bucket/entry_guard.h; ends with NULL */
    user_added_fn *user_added;                     /* core/space/enrolment.h */
    const struct holder_rules *const *holders;     /* of each kind of holders (core/file/holder.h); ends with NULL */
    struct access_cache *access;
    struct key_uses *key_uses; /* core/access/key_use.h */
    struct login_limit *logins;
    struct unverified_budget *unverified;
    struct dataset_gate *gate;               /* core/dataset/gate.h */
    struct transfer_shards *transfer_shards; /* core/transfer/transfer_write.c */
    struct bucket_cache *buckets;
    struct file_cache *files;
    struct part_map_cache *part_maps;
    struct check_memory *checks; /* core/object/check_memory.h */
    struct free_space *free_space;
    struct writes *writes; /* core/writes.h */
    struct store_watch watch;
    struct webhooks *webhooks;     /* core/webhook/webhook.h; NULL: nothing is delivered */
    struct job_signal *job_signal; /* wakes the workers of background jobs */
    int64_t purge_holds;           /* backups that run (core/object/garbage.h); atomic */
    int64_t sweep_refused;         /* core/object/sweep.h: orphans that the last sweep refused to remove; atomic */
    int64_t latest_ms;             /* see core_now_ms; atomic */
    uint64_t damage_count;         /* core/object/damage.h; atomic */
    void (*on_damage)(void *arg, err_t e);
    void *on_damage_arg;
    pthread_mutex_t flights_mutex;
    struct intake *flights; /* uploads that write to the blob store: their blob keys may have no row yet */
    int64_t body_count;     /* core/object/piece.h; atomic */
    struct helper *helper;  /* writes the bytes of a single upload while they are hashed */
    struct md5_crew *crew;  /* hashes the bytes of several uploads together */
};

/* The parts of a core. All are borrowed and must outlive the core. */
struct core_params {
    struct meta_store *meta;
    struct blob_store *blob;
    struct dataset_store *datasets; /* NULL: there is none */
    struct record_store *records;
    struct clock *clock;
    struct random *random;
    struct seal *seal; /* NULL: there is no master key, so no signing key can be made or opened */
    struct core_options options;
    struct store_watch watch;
};
void core_init(struct core *, const struct core_params *);
void core_release(struct core *);
/* Take the limits and times of these options: reserve_bytes, purge_grace_ms, those of accounts and users, finished_jobs_kept_ms,
 * scrub_period_ms, events_kept_ms, logins, sessions. The others stay as they are until the next start. Thread: any. */
void core_set_limits(struct core *, const struct core_options *);

/* The time by which things expire, in milliseconds since 1970 UTC: the latest that the wall clock ever showed. When the
 * clock is set back, what has expired stays expired. */
int64_t core_now_ms(struct core *);

/* The user who acts, as the guard of an API has authenticated it. */
struct principal {
    int64_t account_id, user_id;
    slice login;
    bool is_admin;
    int64_t credential_id;      /* the key or token that was used; 0: the admin socket, or the command line */
    enum key_role role;         /* of that key or token; KEY_ADMIN also for a login with a password: see key_may */
    slice request_id;           /* for the events of its changes */
    bool is_system;             /* the server's own user */
    int64_t on_behalf_of;       /* the user whom a signature of the server's own user names: access_act_for; 0: none */
    int64_t link_credential_id; /* the key or token with which that user asked for the link; 0: none is named */
    int64_t expires_at_ms;      /* when that key or token ends; 0: never */
    int64_t workspace_id, section_id; /* of a key for sync files: core/sync/workspace.h; 0: it has none */
    int64_t link_id;     /* the link by which somebody without an account uploads: core/access/drop_link.h; 0: none */
    uint64_t generation; /* of the store, read before the records of the user: core/grant.h */
};

/* UNAVAILABLE: meta_submit took no more. For functions that report an error on the thread that calls them, with no arena for it. */
extern const struct err core_queue_full;

#endif
