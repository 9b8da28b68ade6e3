/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "core/records/reference.h"
#include "core/task/task_attach.h"
#include "dataset/fault/fault.h"
#include "dataset/mem/mem.h"

#include "test.h"
#include "tmpdir.h"

#include "blob/disk/disk.h"
#include "blob/fault/fault.h"
#include "blob/mem/mem.h"
#include "core/records/event.h"
#include "core/store/account_store.h"
#include "core/store/event_store.h"
#include "core/store/file_store.h"
#include "core/store/user_store.h"
#include "meta/store_priv.h"
#include "record/fault/fault.h"
#include "record/record.h"
#include "sql/fault/fault.h"
#include "sql/sqlite/sqlite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that contains what is in the store. The caller frees it. */
static slice image_of(struct meta_store *meta, struct arena *a)
{
    char path[96];
    snprintf(path, sizeof path, "%s/cais-image-XXXXXX", tmpdir_base());
    struct stat st;
    int fd = mkstemp(path);
    EXPECT(fd >= 0 && unlink(path) == 0);
    close(fd);
    EXPECT_OK(meta_backup(meta, path, a));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    EXPECT(fd >= 0 && unlink(path) == 0 && fstat(fd, &st) == 0);
    char *bytes = must_malloc((size_t)st.st_size);
    EXPECT(read(fd, bytes, (size_t)st.st_size) == st.st_size);
    close(fd);
    return (slice){ bytes, (size_t)st.st_size };
}

slice world_image(struct world *w)
{
    tmpdir_use_memory();
    return image_of(w->core.meta, w->a);
}

/* An empty store, with which worlds begin. To make the schema was two fifths of the time of the tests that need a world for each call
 * that fails. */
static slice empty_image;

static void free_empty_image(void)
{
    free((char *)empty_image.p);
}

static void make_empty_image(void)
{
    SCRATCH(scratch);
    struct sql_db *db;
    struct meta_store *meta;
    EXPECT_OK(sqlite_open(&(struct sqlite_options){ 0 }, &scratch, &db));
    EXPECT_OK(meta_open(db, &(struct meta_options){ .inline_writes = true }, &scratch, &meta));
    empty_image = image_of(meta, &scratch);
    meta_close(meta);
    atexit(free_empty_image);
}

static void open_database(struct world *w, const struct world_options *options, struct meta_store **ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!options->database && !w->kept)
        pthread_once(&once, make_empty_image);
    const struct sqlite_options sqlite = { .path = options->database, .image = w->kept ? w->kept->image : empty_image };
    EXPECT_OK(sqlite_open(&sqlite, w->a, &w->db));
    if (!w->kept)
        w->db = sql_fault_wrap(w->db, &w->faults);
    EXPECT_OK(meta_open(w->db, &(struct meta_options){ .inline_writes = !options->threaded }, w->a, ret));
}

static void use_kept_database(struct world *w, struct meta_store **ret)
{
    struct world_kept *kept = w->kept;
    w->db = kept->db;
    *ret = kept->meta;
    kept->meta = NULL;
    sqlite_rewind(w->db, kept->image);
    forget_ids(*ret);
}

static void release_database(struct world *w)
{
    struct world_kept *kept = w->kept;
    if (kept && ++kept->worlds % WORLDS_MAX) {
        kept->db = w->db;
        kept->meta = w->core.meta;
    } else {
        meta_close(w->core.meta);
    }
}

void world_kept_release(struct world_kept *kept)
{
    meta_close(kept->meta);
    free((char *)kept->image.p);
}

static void open_blobs(struct world *w, const struct world_options *options, struct blob_store **ret)
{
    if (options->blobs)
        EXPECT_OK(blob_disk_open(options->blobs, true, w->a, ret));
    else
        *ret = blob_mem_open(&w->clock.clock, options->blob_capacity);
}

struct world *world_new_with(const struct world_options *options)
{
    struct world *w = must_malloc(sizeof *w);
    w->kept = options->kept;
    arena_init(&w->arena);
    arena_set_limit(&w->arena, WORLD_ARENA_MAX, NULL);
    w->a = &w->arena;
    clock_manual_init(&w->clock, WORLD_START_MS);
    random_seeded_init(&w->random, w->kept ? 2 : 1); /* a copy must not draw the ids that it has already */
    w->faults = (struct fault_plan){ .code = ERR_UNAVAILABLE };
    struct meta_store *meta;
    if (w->kept && w->kept->meta)
        use_kept_database(w, &meta);
    else
        open_database(w, options, &meta);
    struct blob_store *blob;
    open_blobs(w, options, &blob);
    struct record_store *records;
    struct record_options record_options = { .dir = options->records,
                                             .random = &w->random.random,
                                             .clock = &w->clock.clock };
    EXPECT_OK(record_open(&record_options, w->a, &records));
    struct core_options core_options = { .inline_max_bytes = WORLD_INLINE_MAX,
                                         .reserve_bytes = options->reserve_bytes,
                                         .unverified_max_bytes = options->unverified_bytes,
                                         .purge_grace_ms = WORLD_GRACE_MS,
                                         .finished_jobs_kept_ms = WORLD_JOBS_KEPT_MS,
                                         .file_cache_bytes = WORLD_CACHE_BYTES };
    unsigned char master_key[SEAL_KEY_SIZE] = { 1 };
    w->seal = seal_new(master_key, &w->random.random);
    core_init(&w->core,
              &(struct core_params){ .meta = meta,
                                     .blob = blob_fault_wrap(blob, &w->faults),
                                     .datasets = dataset_fault_wrap(dataset_mem_new(&w->clock.clock), &w->faults),
                                     .records = record_fault_wrap(records, &w->faults),
                                     .clock = &w->clock.clock,
                                     .random = &w->random.random,
                                     .seal = w->seal,
                                     .options = core_options });
    EXPECT_OK(access_bootstrap(&w->core, w->a));
    EXPECT_OK(access_operator(&w->core, S(""), w->a, &w->operator_));
    EXPECT_OK(jobs_new(&w->core, &(struct jobs_options){ 0 }, w->a, &w->jobs));
    return w;
}

struct world *world_new(void)
{
    return world_new_with(&(struct world_options){ 0 });
}

void world_free(struct world *w)
{
    jobs_free(w->jobs);
    release_database(w);
    w->core.blob->ops->close_store(w->core.blob);
    w->core.datasets->ops->close_store(w->core.datasets);
    w->core.records->ops->close_store(w->core.records);
    core_release(&w->core);
    seal_free(w->seal);
    arena_release(&w->arena);
    free(w);
}

/* ---- users ---- */

struct principal world_principal(struct world *w, slice login)
{
    struct user user;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_user_by_login(tx, login, w->a, &user));
    meta_read_end(tx);
    return (struct principal){ .account_id = user.account_id,
                               .user_id = user.id,
                               .login = user.login,
                               .is_admin = user.is_admin,
                               .request_id = S("test") };
}

static struct principal make_user(struct world *w, slice login, bool is_admin)
{
    struct user_request request = {
        .account = S(""), .login = login, .name = login, .email = S(""), .is_admin = is_admin
    };
    struct user user;
    EXPECT_OK(user_create(&w->core, &w->operator_, &request, w->a, &user));
    return world_principal(w, login);
}

struct principal world_user(struct world *w, slice login)
{
    return make_user(w, login, false);
}

struct principal world_admin(struct world *w, slice login)
{
    return make_user(w, login, true);
}

slice world_key(struct world *w, slice login, slice purpose)
{
    struct minted_key minted;
    EXPECT_OK(key_mint(&w->core, &w->operator_, &(struct key_request){ login, purpose }, w->a, &minted));
    return minted.key;
}

/* ---- files ---- */

struct intake_request world_request(const struct principal *who, slice name)
{
    return (struct intake_request){ .account_id = who->account_id,
                                    .owner_id = who->user_id,
                                    .owner_login = who->login,
                                    .origin = S("test"),
                                    .name = name,
                                    .content_type = S("text/plain"),
                                    .request_id = S("test"),
                                    .exact_bytes = -1,
                                    .md5 = S("") };
}

struct outcome {
    struct world *w;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int calls;
    err_t e;
    struct file file;
};

static void outcome_done(void *arg, err_t e, const struct file *file)
{
    struct outcome *o = arg;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&o->mutex);
    o->calls++;
    o->e = err_copy(o->w->a, e);
    if (file) {
        o->file = *file;
        o->file.owner_login = arena_copy(o->w->a, file->owner_login);
        o->file.origin = arena_copy(o->w->a, file->origin);
        o->file.name = arena_copy(o->w->a, file->name);
        o->file.content_type = arena_copy(o->w->a, file->content_type);
    }
    pthread_cond_signal(&o->changed);
}

err_t world_put(struct world *w, const struct intake_request *request, slice bytes, struct file *ret)
{
    struct intake *in;
    TRY(intake_open(&w->core, request, w->a, &in));
    for (slice left = bytes; left.n; left = slice_from(left, 1000)) {
        err_t e = intake_write(in, slice_part(left, 0, 1000), w->a);
        if (e) {
            intake_discard(in);
            return e;
        }
    }
    struct outcome o = { .w = w, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    intake_finish(in, outcome_done, &o);
    pthread_mutex_lock(&o.mutex);
    while (!o.calls)
        pthread_cond_wait(&o.changed, &o.mutex);
    pthread_mutex_unlock(&o.mutex);
    EXPECT_EQ(o.calls, 1);
    TRY(o.e);
    *ret = o.file;
    return NULL;
}

struct file world_store(struct world *w, const struct principal *who, slice name, slice bytes, int64_t purge_after_ms)
{
    struct file f;
    struct intake_request request = world_request(who, name);
    request.purge_after_ms = purge_after_ms;
    EXPECT_OK(world_put(w, &request, bytes, &f));
    return f;
}

slice world_bytes(struct world *w, size_t n)
{
    char *p = arena_alloc(w->a, n + 1);
    random_fill(&w->random.random, p, n);
    return (slice){ p, n };
}

err_t world_read(struct world *w, const struct principal *who, const struct file *f, slice *ret)
{
    struct file opened;
    struct content content;
    TRY(file_open(&w->core, who, f->uuid, w->a, &opened, &content));
    err_t e = NULL;
    if (content.bytes.p) {
        *ret = arena_copy(w->a, content.bytes);
    } else {
        size_t n = (size_t)content.reader->size_bytes, got = 0;
        char *to = arena_alloc(w->a, n + 1);
        e = content.reader->ops->read_at(content.reader, 0, to, n, w->a, &got);
        *ret = (slice){ to, got };
    }
    content_close(&content);
    return e;
}

/* ---- time ---- */

void world_wait(struct world *w, int64_t ms)
{
    clock_manual_advance(&w->clock, ms);
}

void world_run_jobs(struct world *w)
{
    EXPECT_OK(jobs_run_due(w->jobs, w->a));
}

/* ---- the state of the store ---- */

struct meta_tx *world_tx(struct world *w)
{
    struct meta_tx *tx;
    EXPECT_OK(meta_read_begin(w->core.meta, w->a, &tx));
    return tx;
}

struct world_attachment {
    int64_t task_id, now_ms;
    const struct file *file;
};

static err_t apply_world_attach(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct world_attachment *at = arg;
    struct reference reference = { .account_id = at->file->account_id,
                                   .task_id = at->task_id,
                                   .file_id = at->file->id,
                                   .name = at->file->name,
                                   .created_at_ms = at->now_ms };
    return task_attach_file(tx, &reference, at->now_ms, a);
}

void world_attach(struct world *w, int64_t task_id, const struct file *f)
{
    world_write(w, apply_world_attach, &(struct world_attachment){ task_id, core_now_ms(&w->core), f });
}

void world_write(struct world *w, meta_apply_fn *apply, void *arg)
{
    EXPECT_OK(meta_write(w->core.meta, apply, arg, w->a));
}

struct blob_look {
    struct arena *a;
    int64_t count;
    slice key;
};

static err_t look_at_blob(void *arg, slice key, uint64_t size_bytes, int64_t modified_ms)
{
    struct blob_look *look = arg;
    (void)size_bytes, (void)modified_ms;
    look->count++;
    look->key = arena_copy(look->a, key);
    return NULL;
}

static struct blob_look look_at_blobs(struct world *w)
{
    struct blob_look look = { .a = w->a };
    EXPECT_OK(w->core.blob->ops->each(w->core.blob, w->a, look_at_blob, &look));
    return look;
}

int64_t world_blob_count(struct world *w)
{
    return look_at_blobs(w).count;
}

slice world_only_blob(struct world *w)
{
    struct blob_look look = look_at_blobs(w);
    EXPECT_EQ(look.count, 1);
    return look.key;
}

int64_t world_file_count(struct world *w)
{
    struct file_list files;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_file_list(tx, &(struct file_query){ .state = -1, .limit = 100000 }, w->a, &files));
    meta_read_end(tx);
    return (int64_t)files.count;
}

int64_t world_event_count(struct world *w, slice action)
{
    struct event_list events;
    int64_t found = 0;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_event_list(tx, 0, 100000, w->a, &events));
    meta_read_end(tx);
    for (size_t i = 0; i < events.count; i++)
        found += slice_eq(events.items[i].action, action);
    return found;
}

struct account world_account(struct world *w)
{
    struct account account;
    struct meta_tx *tx = world_tx(w);
    EXPECT_OK(meta_account_by_name(tx, S("default"), w->a, &account));
    meta_read_end(tx);
    return account;
}

void world_set_room(struct world *w, int64_t bytes, int64_t files)
{
    struct account account = world_account(w);
    int64_t max_bytes = account.used_bytes + account.record_bytes + bytes;
    EXPECT_OK(account_set_limits(&w->core, &w->operator_, S("default"), max_bytes, files, w->a));
}

int64_t world_fsck(struct world *w, bool with_notes)
{
    struct fsck_report report;
    EXPECT_OK(fsck_run(&w->core, &(struct fsck_options){ 0 }, w->a, &report));
    return report.count[FSCK_ERROR] + report.count[FSCK_WARNING] + (with_notes ? report.count[FSCK_NOTE] : 0);
}
