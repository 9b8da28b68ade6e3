/* SPDX-License-Identifier: Apache-2.0 */
#include "core/dataset/dataset_file.h"

#include "core/dataset/dataset_write_priv.h"
#include "core/dataset/ingest.h"
#include "core/dataset/schedule.h"
#include "core/file/file_name.h"
#include "core/file/hold.h"
#include "core/grant.h"
#include "core/job.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/account_store.h"
#include "core/store/job_store.h"

#include <string.h>

enum { PIECE = 100 /* files that are queued in one write */ };

/* ---- starting to read ---- */

static err_t add_ingestion(struct core *core, struct meta_tx *tx, const struct dataset_file *f, struct arena *a,
                           int64_t *ret_job_id)
{
    struct job_request job = { .kind = S(DATASET_INGEST_JOB),
                               .subject = arena_printf(a, "file:%lld", (long long)f->id),
                               .account_id = f->account_id,
                               .group = arena_printf(a, "dataset:%lld", (long long)f->dataset_id),
                               .payload = arena_printf(a, "%lld", (long long)f->id) };
    return job_add(core, tx, &job, a, ret_job_id);
}

/* The group of the jobs that take what waits. */
static slice processing_group(int64_t dataset_id, struct arena *a)
{
    return arena_printf(a, "process:%lld", (long long)dataset_id);
}

/* The files that wait. Those of a processing that was cancelled wait again, though the dataset does not count them. */
static err_t count_waiting(struct meta_tx *tx, const struct dataset *d, slice group, struct arena *a,
                           struct dataset_waiting *ret)
{
    bool is_processing;
    *ret = (struct dataset_waiting){ d->waiting_files, d->waiting_bytes };
    if (ret->files)
        return NULL;
    TRY(meta_job_has_group(tx, group, a, &is_processing));
    return is_processing ? NULL : meta_dataset_file_count_pending(tx, d->id, a, ret);
}

/* Everything that waits now is taken by a job. */
static err_t start_processing(struct core *core, struct meta_tx *tx, const struct dataset *d, struct arena *a,
                              struct dataset_processing_started *ret)
{
    int64_t newest, unused;
    struct dataset_waiting waiting;
    slice group = processing_group(d->id, a);
    *ret = (struct dataset_processing_started){ 0 };
    TRY(meta_dataset_file_newest(tx, d->id, a, &newest));
    TRY(count_waiting(tx, d, group, a, &waiting));
    if (!waiting.files || !newest)
        return NULL;
    struct job_request job = { .kind = S(DATASET_QUEUE_JOB),
                               .subject = arena_printf(a, "dataset:" SLICE_FMT, SLICE_ARG(d->slug)),
                               .account_id = d->account_id,
                               .group = group,
                               .payload = arena_printf(a, "%lld %lld", (long long)d->id, (long long)newest) };
    *ret = (struct dataset_processing_started){ .files = waiting.files, .bytes = waiting.bytes };
    TRY(dataset_gone(meta_dataset_wait(tx, d->id, -d->waiting_files, -d->waiting_bytes, a, &unused), a));
    return job_add(core, tx, &job, a, &ret->job_id);
}

struct processing {
    struct dataset_write w;
    int64_t dataset_id;
    struct dataset_processing_started started;
};

static err_t read_held(struct meta_tx *tx, int64_t id, struct arena *a, struct dataset *ret)
{
    bool there;
    TRY(meta_dataset_hold(tx, id, a, &there));
    return dataset_gone(meta_dataset_get(tx, id, a, ret), a);
}

static err_t apply_process(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct processing *p = arg;
    struct dataset d;
    TRY(grant_recheck_maker_in(p->w.core, tx, p->w.who, a));
    TRY(read_held(tx, p->dataset_id, a, &d));
    TRY(start_processing(p->w.core, tx, &d, a, &p->started));
    return p->started.job_id ? dataset_write_event(tx, &p->w, &d, S("dataset.process"), a) : NULL;
}

err_t dataset_process(struct core *core, const struct principal *who, const struct dataset *d, struct arena *a,
                      struct dataset_processing_started *ret)
{
    struct processing p = { .w = { core, who, core_now_ms(core) }, .dataset_id = d->id };
    TRY(meta_write(core->meta, apply_process, &p, a));
    *ret = p.started;
    return NULL;
}

/* ---- the job that queues ---- */

struct queueing {
    struct core *core;
    int64_t dataset_id, up_to_id, queued;
};

static err_t apply_queue(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct queueing *q = arg;
    struct dataset_file_list files;
    TRY(meta_dataset_file_list_pending(tx, q->dataset_id, q->up_to_id, PIECE, a, &files));
    for (size_t i = 0; i < files.count; i++) {
        bool changed;
        int64_t unused;
        struct dataset_file_step step = { files.items[i].id, DATASET_FILE_PENDING, DATASET_FILE_PENDING,
                                          DATASET_FILE_QUEUED };
        TRY(meta_dataset_file_move(tx, &step, a, &changed));
        if (changed)
            TRY(add_ingestion(q->core, tx, &files.items[i], a, &unused));
    }
    q->queued = (int64_t)files.count;
    return NULL;
}

err_t dataset_queue_files(struct core *core, struct job_run *run, struct arena *a)
{
    slice first, second;
    struct queueing q = { .core = core };
    slice_cut(run->job.payload, ' ', &first, &second);
    if (!slice_to_i64(first, &q.dataset_id) || !slice_to_i64(second, &q.up_to_id))
        return err_make(a, ERR_CORRUPT, "the job has a payload that cannot be read");
    return job_write_pieces(core, run, &(struct job_pieces){ apply_queue, &q, &q.queued, PIECE }, a);
}

/* ---- schedules ---- */

static err_t apply_due(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct processing *p = arg;
    struct dataset d;
    err_t e = read_held(tx, p->dataset_id, a, &d);
    if (e || d.due_at_ms == 0 || d.due_at_ms > p->w.now_ms)
        return err_is(e, ERR_NOT_FOUND) ? NULL : e;
    TRY(start_processing(p->w.core, tx, &d, a, &p->started));
    return meta_dataset_set_due(tx, d.id, schedule_next_ms(d.schedule, p->w.now_ms), a);
}

static err_t list_due(struct core *core, int64_t now_ms, struct arena *a, struct dataset_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_dataset_list_due(tx, now_ms, PIECE, a, ret);
}

err_t dataset_process_due(struct core *core, struct job_run *run, struct arena *a)
{
    struct dataset_list due;
    do {
        SCRATCH(scratch);
        int64_t now_ms = core_now_ms(core);
        err_t e = list_due(core, now_ms, &scratch, &due);
        for (size_t i = 0; !e && i < due.count && !job_is_stopping(run); i++) {
            struct processing p = { .w = { core, NULL, now_ms }, .dataset_id = due.items[i].id };
            e = meta_write(core->meta, apply_due, &p, &scratch);
            job_advance(run, 1);
        }
        if (e)
            return err_copy(a, e);
    } while (due.count == PIECE && !job_is_stopping(run));
    return NULL;
}

/* ---- a file comes ---- */

static err_t check_prefix(struct meta_tx *tx, const struct dataset_upload *u, struct arena *a)
{
    struct upload_prefix prefix;
    bool taken;
    if (!u->prefix_id)
        return NULL;
    err_t e = meta_prefix_get(tx, u->prefix_id, a, &prefix);
    if (err_is(e, ERR_NOT_FOUND) || (!e && prefix.revoked_at_ms))
        return core_refuse(a, REASON_DATASET_NO_PREFIX);
    TRY(e);
    if (!u->refuse_name)
        return NULL;
    TRY(meta_dataset_file_has_name(tx, u->prefix_id, u->name, a, &taken));
    return taken ? core_refuse(a, REASON_DATASET_NAME_TAKEN) : NULL;
}

static err_t check_duplicate(struct meta_tx *tx, struct dataset_upload *u, const struct dataset *d,
                             const struct file *file, struct arena *a)
{
    struct dataset_file like = { .dataset_id = d->id };
    if (!u->refuse_duplicate || d->takes_duplicates)
        return NULL;
    memcpy(like.md5, file->md5, MD5_SIZE);
    memcpy(u->md5, file->md5, MD5_SIZE);
    TRY(meta_dataset_file_find_read(tx, &like, a, &u->duplicate_of));
    return u->duplicate_of ? err_make(a, ERR_CONFLICT, "a file with the same bytes was read") : NULL;
}

static err_t admit_upload(struct meta_tx *tx, void *arg, const struct file *file, struct arena *a)
{
    struct dataset_upload *u = arg;
    struct dataset d;
    u->duplicate_of = u->job_id = 0;
    TRY(grant_recheck_maker_in(u->core, tx, u->administrator, a));
    TRY(check_prefix(tx, u, a));
    TRY(dataset_gone(meta_dataset_get(tx, u->dataset_id, a, &d), a));
    return check_duplicate(tx, u, &d, file, a);
}

static err_t file_waits(struct meta_tx *tx, const struct dataset_upload *u, const struct dataset *d,
                        const struct dataset_file *f, struct arena *a)
{
    int64_t bytes;
    struct dataset_processing_started unused;
    TRY(dataset_gone(meta_dataset_wait(tx, d->id, 1, (int64_t)f->size_bytes, a, &bytes), a));
    if (d->processing != DATASET_BY_VOLUME || bytes < d->volume_bytes || u->waits)
        return NULL;
    struct dataset now;
    TRY(dataset_gone(meta_dataset_get(tx, d->id, a, &now), a));
    return start_processing(u->core, tx, &now, a, &unused);
}

static err_t attach_upload(struct meta_tx *tx, void *arg, const struct file *file, struct arena *a)
{
    struct dataset_upload *u = arg;
    struct dataset d;
    TRY(read_held(tx, u->dataset_id, a, &d));
    TRY(check_prefix(tx, u, a)); /* again: another file of that name may have come before the dataset was held */
    bool at_once = d.processing == DATASET_ON_UPLOAD && !u->waits;
    struct dataset_file f = { .id = file->id,
                              .dataset_id = d.id,
                              .account_id = file->account_id,
                              .prefix_id = u->prefix_id,
                              .name = u->name,
                              .headers = u->headers,
                              .version = d.version,
                              .size_bytes = file->size_bytes,
                              .state = at_once ? DATASET_FILE_QUEUED : DATASET_FILE_PENDING,
                              .created_at_ms = file->stored_at_ms };
    memcpy(f.md5, file->md5, MD5_SIZE);
    TRY(quota_change_records(u->core, tx, f.account_id, dataset_file_record_size(&f), a));
    TRY(meta_dataset_file_add(tx, &f, a));
    TRY(hold_add(tx, file->id, dataset_holder_of(d.id), file->stored_at_ms, a));
    return at_once ? add_ingestion(u->core, tx, &f, a, &u->job_id) : file_waits(tx, u, &d, &f, a);
}

/* STORED until the dataset holds it, which happens in the same write; so the purge time never comes. */
void dataset_upload_into(struct dataset_upload *u, struct intake_request *request)
{
    request->admit = admit_upload;
    request->attach = attach_upload;
    request->attach_arg = u;
    request->purge_after_ms = 1;
}

/* ---- reading and removing ---- */

err_t dataset_file_was_sent(struct core *core, int64_t prefix_id, slice name, struct arena *a, bool *ret_was)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_dataset_file_has_name(tx, prefix_id, name, a, ret_was);
}

err_t dataset_file_find(struct core *core, int64_t dataset_id, int64_t id, struct arena *a, struct dataset_file *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct dataset_file found;
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = meta_dataset_file_get(tx, id, a, &found);
    if (err_is(e, ERR_NOT_FOUND) || (!e && found.dataset_id != dataset_id))
        return core_refuse(a, REASON_DATASET_NO_FILE);
    TRY(e);
    *ret = found;
    return NULL;
}

err_t dataset_file_of_account(struct core *core, int64_t account_id, int64_t id, struct arena *a,
                              struct dataset_file *ret, struct dataset *ret_dataset)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct dataset_file found;
    struct dataset d = { .id = 0 };
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = meta_dataset_file_get(tx, id, a, &found);
    if (!e && ret_dataset)
        e = meta_dataset_get(tx, found.dataset_id, a, &d);
    if (err_is(e, ERR_NOT_FOUND) || (!e && found.account_id != account_id))
        return core_refuse(a, REASON_DATASET_NO_FILE);
    TRY(e);
    *ret = found;
    if (ret_dataset)
        *ret_dataset = d;
    return NULL;
}

err_t dataset_file_list(struct core *core, const struct dataset_file_query *query, struct arena *a,
                        struct dataset_file_list *ret, int64_t *ret_total)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_dataset_file_list(tx, query, a, ret, ret_total);
}

struct file_removal {
    struct dataset_write w;
    const struct dataset *dataset;
    int64_t id;
};

/* A job that takes what waits may have counted the file already, or not: nothing in the records says it. */
static err_t stop_waiting(struct meta_tx *tx, const struct dataset_file *f, struct arena *a)
{
    bool is_processing;
    int64_t unused;
    TRY(meta_job_has_group(tx, processing_group(f->dataset_id, a), a, &is_processing));
    if (is_processing)
        return err_make(a, ERR_CONFLICT, "the files that wait are being queued");
    return dataset_gone(meta_dataset_wait(tx, f->dataset_id, -1, -(int64_t)f->size_bytes, a, &unused), a);
}

static err_t apply_file_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct file_removal *r = arg;
    struct dataset held;
    struct dataset_file f;
    bool there;
    TRY(grant_recheck_maker_in(r->w.core, tx, r->w.who, a));
    TRY(read_held(tx, r->dataset->id, a, &held));
    TRY(meta_dataset_file_hold(tx, r->id, a, &there)); /* nobody begins to read it meanwhile */
    err_t e = meta_dataset_file_get(tx, r->id, a, &f);
    if (err_is(e, ERR_NOT_FOUND) || (!e && f.dataset_id != r->dataset->id))
        return core_refuse(a, REASON_DATASET_NO_FILE);
    TRY(e);
    if (f.state == DATASET_FILE_RUNNING)
        return err_make(a, ERR_CONFLICT, "the file is being read");
    if (f.state == DATASET_FILE_PENDING)
        TRY(stop_waiting(tx, &f, a));
    TRY(hold_remove(tx, f.id, dataset_holder_of(f.dataset_id), r->w.now_ms, a));
    TRY(dataset_write_event(tx, &r->w, r->dataset, S("dataset.remove_file"), a));
    if (f.state == DATASET_FILE_DONE && !f.duplicate_of)
        return meta_dataset_file_end(tx, f.id, r->w.now_ms, a); /* its rows stay */
    struct account_use less = { .records = -dataset_file_record_size(&f) };
    TRY(meta_dataset_file_remove(tx, f.id, a));
    return meta_account_use(tx, f.account_id, &less, a);
}

err_t dataset_file_remove(struct core *core, const struct principal *who, const struct dataset *d, int64_t id,
                          struct arena *a)
{
    struct file_removal r = { .w = { core, who, core_now_ms(core) }, .dataset = d, .id = id };
    return meta_write(core->meta, apply_file_remove, &r, a);
}

/* ---- the holder ---- */

/* A transfer ends: its user sent files when it began, and may be no administrator any more. */
static err_t admit(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a, slice *ret_text)
{
    struct dataset d;
    TRY(dataset_gone(meta_dataset_get(tx, id, a, &d), a));
    if (d.account_id != who->account_id)
        return core_refuse(a, REASON_DATASET_NOT_THERE);
    if (!who->is_admin && !who->is_system)
        return err_make(a, ERR_FORBIDDEN, "only administrators of the account send files to its datasets");
    *ret_text = d.name;
    return NULL;
}

static err_t find_named(struct meta_tx *tx, int64_t id, slice name, struct arena *a, int64_t *ret_file_id)
{
    (void)tx, (void)id, (void)name, (void)ret_file_id;
    return err_make(a, ERR_NOT_FOUND, "files come to a dataset without tickets");
}

/* As by dataset_upload_into: the file keeps its name, and is queued if the dataset says so. */
static err_t attach(struct core *core, struct meta_tx *tx, int64_t id, const struct file *file, int64_t now_ms,
                    struct arena *a)
{
    struct dataset_upload u = { .core = core, .dataset_id = id, .name = file->name, .headers = S("") };
    (void)now_ms;
    return attach_upload(tx, &u, file, a);
}

static err_t refers(struct meta_tx *tx, int64_t id, int64_t file_id, struct arena *a, bool *ret_refers)
{
    struct dataset_file f;
    err_t e = meta_dataset_file_get(tx, file_id, a, &f);
    *ret_refers = !e && f.dataset_id == id;
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static err_t list_files(struct meta_tx *tx, int64_t *after, size_t limit, struct arena *a, struct hold_list *ret)
{
    struct dataset_file_list files;
    TRY(meta_dataset_file_all(tx, &(struct id_page){ *after, limit }, a, &files));
    *ret = (struct hold_list){ arena_array(a, struct hold, limit), 0 };
    for (size_t i = 0; i < files.count; i++) {
        *after = files.items[i].id;
        ret->items[ret->count++] = (struct hold){ *after, dataset_holder_of(files.items[i].dataset_id) };
    }
    return NULL;
}

const struct holder_rules dataset_holder = { .kind = HOLDER_DATASET,
                                             .name = "dataset",
                                             .admit = admit,
                                             .find_named = find_named,
                                             .attach = attach,
                                             .refers = refers,
                                             .list_files = list_files };
