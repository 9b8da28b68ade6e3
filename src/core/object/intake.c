/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants
 *   bytes        are either all in `staging` (there is no writer) or all given to the writer. At most inline_limit bytes are
 *                in memory
 *   blob key     the intake is in core->flights from before the writer exists until the outcome is known. So if a key has
 *                no row and is not in flight, no row will come (sweep.h)
 *   outcome      after a failed write, `applied` says whether the transaction may have been committed all the same. Only
 *                if apply_intake never reached its end is it certain that it was not, and the bytes may be removed at once
 * A small upload ends on the committer's thread and blocks no other. A large one waits in intake_finish: it waits for a
 * disk anyway, and after a failure its bytes have to be removed. */
#include "core/object/intake.h"

#include "base/buf.h"
#include "base/helper.h"
#include "core/event.h"
#include "core/free_space.h"
#include "core/object/checksums.h"
#include "core/object/digest.h"
#include "core/object/inline_limit.h"
#include "core/object/piece.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/blob_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/transaction.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_DIGITS = 32,       /* hex: 128 bits */
    OWN_MEMORY = 512,      /* of the arena, in struct intake itself */
    SMALL_BODY = 32 * 1024 /* bytes up to which a body may be hashed on a loop */
};

/* One digest besides MD5 that the request asked for. */
struct running_digest {
    struct digester *digester; /* once there is a writer, like md5 below */
    struct digest wanted;      /* kind DIGEST_NONE: any value */
};

struct intake {
    struct core *core;
    struct intake_request request;
    uint64_t received;
    struct buf staging;
    struct hash *md5;           /* exists once there is a writer; hashes the bytes as they arrive */
    struct checksums checksums; /* likewise */
    struct running_digest *running;
    struct digest *digests; /* one for each of running; their bytes are known at the end */
    size_t digest_count;
    bool contradicted; /* two different values were declared for one digest: no bytes have both */
    struct blob_writer *writer;
    slice blob_key;
    struct intake *next; /* in core->flights */

    /* from intake_finish on */
    struct object object;
    struct file file;
    bool applied;
    struct meta_write write;
    intake_done_fn *done;
    void *done_arg;

    struct arena arena;
    char memory[OWN_MEMORY]; /* that the arena uses first */
};

/* ---- in flight ---- */

static void flight_begin(struct intake *in)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&in->core->flights_mutex);
    in->next = in->core->flights;
    in->core->flights = in;
    piece_body_begins(in->core);
}

static void flight_end(struct intake *in)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&in->core->flights_mutex);
    struct intake **at = &in->core->flights;
    while (*at && *at != in)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = in->next;
    piece_body_ends(in->core);
}

bool intake_in_flight(struct core *core, slice blob_key)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&core->flights_mutex);
    for (struct intake *in = core->flights; in; in = in->next)
        if (slice_eq(in->blob_key, blob_key))
            return true;
    return false;
}

/* ---- bytes ---- */

static void intake_free(struct intake *in)
{
    if (in->blob_key.n)
        flight_end(in);
    if (in->writer)
        in->core->blob->ops->discard(in->writer);
    hash_free(in->md5);
    checksums_release(&in->checksums);
    for (size_t i = 0; i < in->digest_count; i++)
        digester_free(in->running[i].digester);
    buf_release(&in->staging);
    arena_release(&in->arena);
    free(in);
}

static void update_digests(struct intake *in, slice bytes)
{
    for (size_t i = 0; i < in->digest_count; i++)
        digester_update(in->running[i].digester, bytes);
}

static void hash_piece(void *arg, slice bytes)
{
    struct intake *in = arg;
    if (in->received + bytes.n > SMALL_BODY)
        hash_update_in(in->core->crew, in->md5, bytes);
    else
        hash_update(in->md5, bytes); /* perhaps on a loop, which must not wait for other uploads */
    checksums_add(&in->checksums, bytes);
    update_digests(in, bytes);
}

static err_t write_through(struct intake *in, slice bytes, struct arena *a)
{
    TRY(free_space_take(in->core, bytes.n, a));
    return piece_write(in->core, in->writer, bytes, hash_piece, in, a);
}

/* Move from memory to the blob store, beginning with the bytes that came so far. */
static err_t start_blob(struct intake *in, struct arena *a)
{
    in->blob_key = random_hex(in->core->random, &in->arena, KEY_DIGITS);
    flight_begin(in);
    uint64_t hint = in->request.exact_bytes > 0 ? (uint64_t)in->request.exact_bytes : 0;
    TRY(in->core->blob->ops->create(in->core->blob, in->blob_key, hint, a, &in->writer));
    in->md5 = hash_new(HASH_MD5);
    checksums_init(&in->checksums);
    for (size_t i = 0; i < in->digest_count; i++)
        in->running[i].digester = digester_new(in->digests[i].kind);
    if (in->staging.n)
        TRY(write_through(in, buf_slice(&in->staging), a));
    buf_release(&in->staging);
    return NULL;
}

/* Have the account and the owner of the file room for it? */
static err_t check_quota(struct core *core, int64_t account_id, int64_t owner_id, int64_t bytes, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct account_use more = { .bytes = bytes, .files = 1, .owner_id = owner_id };
    return quota_check(core, tx, account_id, &more, a);
}

static err_t check_disk(struct core *core, int64_t account_id, int64_t bytes, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return quota_check_disk(core, tx, account_id, bytes, a);
}

err_t intake_check_room(struct core *core, const struct principal *who, uint64_t min_bytes, struct arena *a)
{
    TRY(free_space_check(core, min_bytes, a));
    int64_t bytes = min_bytes < INT64_MAX ? (int64_t)min_bytes : INT64_MAX;
    return check_quota(core, who->account_id, who->user_id, bytes, a);
}

static err_t check_intake_request(struct core *core, const struct intake_request *request, struct arena *a)
{
    if (request->max_bytes && request->exact_bytes > 0 && (uint64_t)request->exact_bytes > request->max_bytes)
        return err_make(a, ERR_TOO_LARGE, "%lld bytes are more than the limit of %llu", (long long)request->exact_bytes,
                        (unsigned long long)request->max_bytes);
    TRY(free_space_check(core, request->exact_bytes > 0 ? (uint64_t)request->exact_bytes : 0, a));
    if (!object_will_be_blob(core, request->exact_bytes))
        return NULL; /* a small object arrives soon, and is checked at its end */
    TRY(check_disk(core, request->account_id, request->exact_bytes, a));
    if (request->place)
        return NULL; /* it checks the quota */
    return check_quota(core, request->account_id, request->owner_id, request->exact_bytes, a);
}

/* Most requests ask for none: then nothing is allocated. */
static void prepare_digests(struct intake *in)
{
    for (enum digest_kind kind = DIGEST_NONE + 1; kind < DIGEST_KINDS; kind++) {
        if (!(in->request.digests & 1u << kind))
            continue;
        if (!in->digests) {
            in->digests = arena_array(&in->arena, struct digest, DIGEST_KINDS);
            in->running = arena_array(&in->arena, struct running_digest, DIGEST_KINDS);
        }
        in->digests[in->digest_count++].kind = kind;
    }
}

err_t intake_open(struct core *core, const struct intake_request *request, struct arena *a, struct intake **ret_intake)
{
    assert(request->md5.n == 0 || request->md5.n == MD5_SIZE);
    assert(!(request->digests & ~(((1u << DIGEST_KINDS) - 1) ^ 1u << DIGEST_NONE)));
    TRY(arena_check(a)); /* what the record would say may be incomplete */
    TRY(check_intake_request(core, request, a));
    struct intake *in = must_malloc(sizeof *in);
    arena_init_with(&in->arena, in->memory, sizeof in->memory);
    in->core = core;
    in->request = *request;
    in->request.owner_login = arena_copy(&in->arena, request->owner_login);
    in->request.origin = arena_copy(&in->arena, request->origin);
    in->request.name = arena_copy(&in->arena, request->name);
    in->request.content_type = arena_copy(&in->arena, request->content_type);
    in->request.request_id = arena_copy(&in->arena, request->request_id);
    in->request.md5 = arena_copy(&in->arena, request->md5);
    prepare_digests(in);
    buf_init(&in->staging, inline_limit(core));
    if (object_will_be_blob(core, request->exact_bytes)) {
        err_t e = start_blob(in, a);
        if (e) {
            intake_free(in);
            return e;
        }
    }
    *ret_intake = in;
    return NULL;
}

err_t intake_write(struct intake *in, slice bytes, struct arena *a)
{
    uint64_t max = in->request.max_bytes ? in->request.max_bytes : UINT64_MAX;
    if (in->request.exact_bytes >= 0 && (uint64_t)in->request.exact_bytes < max)
        max = (uint64_t)in->request.exact_bytes;
    if (bytes.n > max - in->received)
        return err_make(a, ERR_TOO_LARGE, "more than the %llu bytes that were allowed", (unsigned long long)max);
    if (!in->writer && !object_is_inline(in->core, in->received + bytes.n))
        TRY(start_blob(in, a));
    if (in->writer) {
        TRY(write_through(in, bytes, a));
    } else {
        if (in->request.exact_bytes > 0 && !in->staging.cap)
            (void)buf_reserve(&in->staging, (size_t)in->request.exact_bytes); /* all of it will come: allocate once */
        buf_add(&in->staging, bytes);
    }
    in->received += bytes.n;
    return NULL;
}

uint64_t intake_received(const struct intake *in)
{
    return in->received;
}

void intake_expect(struct intake *in, const struct digest *digest)
{
    size_t i = 0;
    while (i < in->digest_count && in->digests[i].kind != digest->kind)
        i++;
    assert(i < in->digest_count && digest->form == DIGEST_WHOLE);
    struct digest *wanted = &in->running[i].wanted;
    if (wanted->kind != DIGEST_NONE && !digest_eq(wanted, digest))
        in->contradicted = true;
    *wanted = *digest;
}

void intake_expect_md5(struct intake *in, const unsigned char md5[MD5_SIZE])
{
    slice wanted = { (const char *)md5, MD5_SIZE };
    if (in->request.md5.n && !slice_eq_secret(in->request.md5, wanted))
        in->contradicted = true;
    in->request.md5 = arena_copy(&in->arena, wanted);
}

bool intake_blocks(const struct intake *in)
{
    return in->writer != NULL;
}

void intake_discard(struct intake *in)
{
    if (in)
        intake_free(in);
}

static void finish_md5(struct intake *in, unsigned char ret_md5[MD5_SIZE])
{
    if (in->md5)
        hash_final(in->md5, ret_md5);
    else
        hash_md5(buf_slice(&in->staging), ret_md5);
}

void intake_discard_with_md5(struct intake *in, unsigned char ret_md5[MD5_SIZE])
{
    finish_md5(in, ret_md5);
    intake_free(in);
}

/* ---- the end ---- */

/* Record the object as a file. */
static err_t place_file(struct meta_tx *tx, struct intake *in, struct arena *a)
{
    struct account_use more = { .bytes = (int64_t)in->received,
                                .files = 1,
                                .records = file_record_size(&in->file),
                                .owner_id = in->request.owner_id };
    if (in->request.admit)
        TRY(in->request.admit(tx, in->request.attach_arg, &in->file, a));
    TRY(quota_take(in->core, tx, in->request.account_id, &more, a));
    TRY(meta_object_add(tx, &in->object, a, &in->object.id));
    in->file.object_id = in->object.id;
    TRY(meta_file_add(tx, &in->file, a, &in->file.id));
    if (in->request.attach)
        TRY(in->request.attach(tx, in->request.attach_arg, &in->file, a));
    struct principal owner = { .account_id = in->request.account_id,
                               .user_id = in->request.owner_id,
                               .login = in->request.owner_login,
                               .request_id = in->request.request_id };
    struct event_params event = { .at_ms = in->file.stored_at_ms,
                                  .who = &owner,
                                  .action = S("file.store"),
                                  .subject = event_file(a, &in->file),
                                  .detail = in->request.name };
    return event_write(tx, &event, a);
}

static err_t call_place(struct meta_tx *tx, struct intake *in, struct arena *a)
{
    struct intake_result result = { .object = in->object,
                                    .digests = in->digests,
                                    .digest_count = in->digest_count,
                                    .at_ms = in->object.created_at_ms };
    return in->request.place(tx, in->request.place_arg, &result, a);
}

/* Runs on the committer's thread, perhaps twice. */
static err_t apply_intake(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct intake *in = arg;
    in->applied = false;
    TRY(grant_recheck_in(in->core, tx, &in->request.grant, a));
    TRY(in->request.place ? call_place(tx, in, a) : place_file(tx, in, a));
    if (in->object.blob_key.n)
        TRY(quota_check_disk(in->core, tx, in->request.account_id, 0, a));
    in->applied = true;
    return NULL;
}

static void intake_end(struct intake *in, err_t e)
{
    in->done(in->done_arg, e, e || in->request.place ? NULL : &in->file);
    intake_free(in);
}

static void intake_committed(struct meta_write *write, err_t e)
{
    intake_end(CONTAINER_OF(write, struct intake, write), e);
}

static err_t check_digests(struct intake *in, struct arena *a)
{
    for (size_t i = 0; i < in->digest_count; i++) {
        struct running_digest *r = &in->running[i];
        if (r->digester)
            digester_final(r->digester, &in->digests[i]);
        else
            digest_of(in->digests[i].kind, buf_slice(&in->staging), &in->digests[i]);
        if (r->wanted.kind != DIGEST_NONE && !digest_eq(&r->wanted, &in->digests[i]))
            return err_make(a, ERR_DIGEST, "the bytes do not have the " SLICE_FMT " that was declared",
                            SLICE_ARG(digest_name(r->wanted.kind)));
    }
    return in->contradicted ? err_make(a, ERR_DIGEST, "two different digests of one kind were declared") : NULL;
}

/* Did every byte come, and do the bytes have the digests that the sender declared? */
static err_t check_bytes(struct intake *in, struct arena *a)
{
    if (in->request.exact_bytes >= 0 && in->received < (uint64_t)in->request.exact_bytes)
        return err_make(a, ERR_TRUNCATED, "%llu bytes came, %lld were announced", (unsigned long long)in->received,
                        (long long)in->request.exact_bytes);
    finish_md5(in, in->object.md5);
    if (in->request.md5.n && memcmp(in->request.md5.p, in->object.md5, MD5_SIZE) != 0)
        return err_make(a, ERR_DIGEST, "the bytes do not have the MD5 that was declared");
    return check_digests(in, a);
}

static void fill_object_record(struct intake *in, int64_t now_ms)
{
    in->object.account_id = in->request.account_id;
    in->object.size_bytes = in->received;
    in->object.blob_key = in->blob_key;
    in->object.inline_bytes = in->blob_key.n ? S("") : buf_slice(&in->staging);
    in->object.checksums =
        in->blob_key.n ? buf_slice(&in->checksums.list) : checksums_of(in->object.inline_bytes, &in->arena);
    in->object.created_at_ms = now_ms;
}

static void fill_file_record(struct intake *in, int64_t now_ms)
{
    in->file = (struct file){
        .account_id = in->request.account_id,
        .owner_id = in->request.owner_id,
        .owner_login = in->request.owner_login,
        .origin = in->request.origin,
        .name = in->request.name,
        .content_type = in->request.content_type,
        .state = in->request.purge_after_ms > 0 ? FILE_STORED : FILE_READY,
        .is_kept = in->request.purge_after_ms <= 0,
        .size_bytes = in->received,
        .created_at_ms = now_ms,
        .stored_at_ms = now_ms,
        .purge_at_ms = in->request.purge_after_ms > 0 ? now_ms + in->request.purge_after_ms : 0,
    };
    memcpy(in->file.md5, in->object.md5, MD5_SIZE);
    random_uuid(in->core->random, in->file.uuid);
}

static void fill_records(struct intake *in)
{
    int64_t now_ms = core_now_ms(in->core);
    fill_object_record(in, now_ms);
    if (!in->request.place)
        fill_file_record(in, now_ms);
}

static err_t finish_blob(struct intake *in, struct arena *a)
{
    struct blob_store *blob = in->core->blob;
    struct blob_writer *writer = in->writer;
    in->writer = NULL; /* commit frees it, whatever the result */
    err_t e = writer->ops->commit(writer, a);
    if (err_is(e, ERR_CONFLICT))
        return e; /* the bytes under this key are those of another upload */
    if (!e)
        e = meta_write(in->core->meta, apply_intake, in, a);
    if (e && !in->applied) {
        /* Nothing refers to the bytes, and nothing will. If they cannot be removed now, the sweep finds them. */
        SCRATCH(scratch);
        (void)!blob->ops->remove(blob, in->blob_key, &scratch);
    }
    return e;
}

void intake_finish(struct intake *in, intake_done_fn *done, void *arg)
{
    in->done = done;
    in->done_arg = arg;
    SCRATCH(scratch);
    err_t e = check_bytes(in, &scratch);
    if (!e)
        fill_records(in);
    if (!e && !in->writer) {
        in->write = (struct meta_write){ .apply = apply_intake, .arg = in, .done = intake_committed };
        if (meta_submit(in->core->meta, &in->write))
            return; /* `in` may be gone already */
        e = &core_queue_full;
    } else if (!e) {
        e = finish_blob(in, &scratch);
    }
    intake_end(in, e);
}

static void copy_file(const struct intake *in, struct arena *a, struct file *ret)
{
    *ret = in->file;
    ret->owner_login = arena_copy(a, in->file.owner_login);
    ret->origin = arena_copy(a, in->file.origin);
    ret->name = arena_copy(a, in->file.name);
    ret->content_type = arena_copy(a, in->file.content_type);
}

err_t intake_finish_and_wait(struct intake *in, struct arena *a, struct file *ret_file)
{
    struct file file = { 0 };
    err_t e = check_bytes(in, a);
    if (!e) {
        fill_records(in);
        e = in->writer ? finish_blob(in, a) : meta_write(in->core->meta, apply_intake, in, a);
    }
    if (!e && !in->request.place)
        copy_file(in, a, &file);
    intake_free(in);
    if (!e)
        *ret_file = file;
    return e;
}
