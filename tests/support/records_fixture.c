/* SPDX-License-Identifier: Apache-2.0 */
#include "records_fixture.h"

#include "core/records/bucket.h"
#include "core/records/entry.h"
#include "core/records/ticket.h"
#include "core/records/upload.h"
#include "core/store/account_store.h"
#include "core/store/bucket_store.h"
#include "core/store/entry_store.h"
#include "core/store/file_store.h"
#include "core/store/object_store.h"
#include "core/store/ticket_store.h"
#include "core/store/upload_store.h"
#include "damage.h"
#include "sql/sql.h"
#include "test.h"

#include <string.h>

struct records_setup {
    const struct principal *who;
    slice large;
    struct records_fixture *records;
};

static err_t add_object(struct meta_tx *tx, const struct principal *who, slice bytes, slice blob_key, struct arena *a,
                        struct object *ret)
{
    *ret = (struct object){
        .account_id = who->account_id, .size_bytes = bytes.n, .inline_bytes = bytes, .blob_key = blob_key
    };
    hash_md5(bytes, ret->md5);
    return meta_object_add(tx, ret, a, &ret->id);
}

static err_t add_entry(struct meta_tx *tx, const struct principal *who, int64_t bucket_id, slice key, int64_t object_id,
                       struct arena *a)
{
    struct object o;
    TRY(meta_object_get(tx, object_id, a, &o));
    struct entry e = { .bucket_id = bucket_id,
                       .key = key,
                       .owner_id = who->user_id,
                       .object_id = o.id,
                       .size_bytes = o.size_bytes,
                       .part_count = o.part_count };
    memcpy(e.md5, o.md5, MD5_SIZE);
    struct replaced_entry replaced;
    return meta_entry_put(tx, &e, a, &replaced);
}

static err_t add_whole(struct meta_tx *tx, const struct records_setup *m, struct arena *a)
{
    struct records_fixture *records = m->records;
    struct object small, large, whole = { .account_id = m->who->account_id };
    TRY(add_object(tx, m->who, S("small"), S(""), a, &small));
    TRY(add_object(tx, m->who, m->large, RECORDS_LARGE_KEY, a, &large));
    const struct placed_part parts[] = { { .object_id = small.id },
                                         { .object_id = large.id },
                                         { .object_id = small.id } };
    char md5s[3 * MD5_SIZE];
    memcpy(md5s, small.md5, MD5_SIZE);
    memcpy(md5s + MD5_SIZE, large.md5, MD5_SIZE);
    memcpy(md5s + 2 * MD5_SIZE, small.md5, MD5_SIZE);
    hash_md5((slice){ md5s, sizeof md5s }, whole.md5);
    TRY(meta_object_compose(tx, &whole, parts, 3, a, &records->whole_id));
    records->small_id = small.id;
    records->large_id = large.id;
    return add_entry(tx, m->who, records->bucket_id, S("whole"), records->whole_id, a);
}

static err_t add_upload(struct meta_tx *tx, const struct records_setup *m, struct arena *a)
{
    struct records_fixture *records = m->records;
    struct object o;
    TRY(add_object(tx, m->who, S("part"), S(""), a, &o));
    struct upload u = { .name = S("upload"),
                        .bucket_id = records->bucket_id,
                        .key = S("later"),
                        .account_id = m->who->account_id,
                        .owner_id = m->who->user_id };
    TRY(meta_upload_add(tx, &u, a, &records->upload_id));
    struct upload_part p = { .upload_id = records->upload_id, .number = 1, .object_id = o.id, .size_bytes = 4 };
    memcpy(p.md5, o.md5, MD5_SIZE);
    int64_t old;
    uint64_t old_bytes;
    TRY(meta_part_put(tx, &p, a, &old, &old_bytes));
    records->part_id = o.id;
    return NULL;
}

static err_t add_document(struct meta_tx *tx, const struct records_setup *m, struct arena *a)
{
    struct file *f = &m->records->file;
    struct object o;
    int64_t old;
    *f = (struct file){ .uuid = "0123456789abcdef",
                        .account_id = m->who->account_id,
                        .owner_id = m->who->user_id,
                        .origin = S("test"),
                        .name = S("d.txt"),
                        .state = FILE_ISSUED };
    TRY(meta_file_add(tx, f, a, &f->id));
    struct ticket k = {
        .file_id = f->id, .bucket_id = m->records->bucket_id, .key = S("document"), .declared_bytes = 8
    };
    TRY(meta_ticket_add(tx, &k, a));
    TRY(add_object(tx, m->who, S("document"), S(""), a, &o));
    TRY(meta_file_set_object(tx, f->id, &o, 1, a, &old));
    TRY(meta_ticket_confirm(tx, f->id, 2, a));
    TRY(meta_file_keep(tx, f->id, 1, a));
    return NULL;
}

static err_t apply_records_setup(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct records_setup *m = arg;
    struct bucket b = { .account_id = m->who->account_id, .owner_id = m->who->user_id, .name = S("photos") };
    struct object plain;
    TRY(meta_bucket_add(tx, &b, a, &m->records->bucket_id));
    TRY(add_whole(tx, m, a));
    TRY(add_object(tx, m->who, S("plain"), S(""), a, &plain));
    TRY(add_entry(tx, m->who, m->records->bucket_id, S("plain"), plain.id, a));
    TRY(add_upload(tx, m, a));
    TRY(add_document(tx, m, a));
    int64_t wrong;
    return meta_usage_check(tx, true, a, &wrong); /* counts all of it */
}

void records_fixture_make(struct world *w, const struct principal *who, struct records_fixture *ret)
{
    struct records_setup setup = { .who = who, .large = world_bytes(w, RECORDS_LARGE_BYTES), .records = ret };
    damage_orphan(w, RECORDS_LARGE_KEY, setup.large);
    world_write(w, apply_records_setup, &setup);
}

void corrupt_records(struct world *w, const char *script)
{
    struct sql_conn *conn;
    EXPECT_OK(sql_connect(w->db, SQL_WRITE, w->a, &conn));
    const char *all = arena_printf(w->a, "PRAGMA foreign_keys=OFF; %s; PRAGMA foreign_keys=ON", script).p;
    EXPECT_OK(sql_script(conn, all, w->a));
    sql_disconnect(conn);
}
