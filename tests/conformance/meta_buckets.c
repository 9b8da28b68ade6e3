/* SPDX-License-Identifier: Apache-2.0 */
/* Holds every database to the headers of core/store/: buckets, entries, composites, and uploads in parts. */
#include "core/records/bucket.h"
#include "core/records/digest.h"
#include "core/records/entry.h"
#include "core/records/ticket.h"
#include "core/records/upload.h"
#include "core/store/bucket_store.h"
#include "core/store/entry_store.h"
#include "core/store/ticket_store.h"
#include "core/store/upload_store.h"
#include "meta_suite.h"

static void make_bucket(struct bucket *b, struct meta_world *w, slice name)
{
    *b = (struct bucket){ .account_id = w->account, .owner_id = w->user, .name = name, .created_at_ms = 3 };
}

/* Bucket 1 belongs to the account, bucket 2 to the server. */
IN_WRITE(add_two_buckets)
{
    struct meta_world *w = arg;
    struct bucket b;
    int64_t id;
    make_bucket(&b, w, S("photos"));
    TRY(meta_bucket_add(tx, &b, a, &id));
    EXPECT_EQ(id, 1);
    TRY(meta_account_use(tx, w->account, &(struct account_use){ .records = bucket_record_size(&b) }, a));
    b = (struct bucket){ .owner_id = w->user, .name = S("docs"), .kind = BUCKET_GUARDED, .cors = S("x") };
    return meta_bucket_add(tx, &b, a, &id);
}

static void world_with_buckets(struct meta_world *w, enum database_kind kind)
{
    meta_world_init(w, kind, INLINE);
    RUN_WRITE(w, add_two_buckets);
}

static struct entry entry_of(struct meta_world *w, slice key, const struct object *o)
{
    struct entry e = { .bucket_id = 1,
                       .key = key,
                       .owner_id = w->user,
                       .object_id = o->id,
                       .size_bytes = o->size_bytes,
                       .part_count = o->part_count,
                       .modified_at_ms = 7 };
    memcpy(e.md5, o->md5, MD5_SIZE);
    return e;
}

/* What core does: adds the object and the entry, counts the usage, and releases the object that was replaced. */
static err_t put_entry(struct meta_tx *tx, struct meta_world *w, slice key, slice bytes, struct arena *a)
{
    struct object o;
    TRY(add_object(tx, w, bytes, a, &o));
    struct entry e = entry_of(w, key, &o);
    struct replaced_entry old;
    TRY(meta_entry_put(tx, &e, a, &old));
    struct account_use more = { .bytes = (int64_t)bytes.n - (int64_t)old.size_bytes,
                                .files = old.object_id ? 0 : 1,
                                .records = entry_record_size(&e) - old.record_size,
                                .owner_id = w->user };
    TRY(meta_account_use(tx, w->account, &more, a));
    return old.object_id ? meta_object_release(tx, old.object_id, 9, a) : NULL;
}

static int64_t usage_wrong(struct meta_world *w)
{
    struct meta_tx *tx = snapshot(w);
    int64_t wrong;
    EXPECT_OK(meta_usage_check(tx, false, w->a, &wrong));
    meta_read_end(tx);
    return wrong;
}

/* ---- buckets ---- */

IN_WRITE(add_and_remove_buckets)
{
    struct meta_world *w = arg;
    struct bucket b;
    int64_t id;
    make_bucket(&b, w, S("photos"));
    EXPECT_ERR(meta_bucket_add(tx, &b, a, &id), ERR_CONFLICT);
    make_bucket(&b, w, S(""));
    EXPECT_ERR(meta_bucket_add(tx, &b, a, &id), ERR_CONFLICT);
    make_bucket(&b, w, S("archive"));
    TRY(meta_bucket_add(tx, &b, a, &id));
    TRY(meta_bucket_set_cors(tx, 1, S(""), S("<all/>"), a));
    EXPECT_ERR(meta_bucket_set_cors(tx, 1, S(""), S("<other/>"), a), ERR_NOT_FOUND); /* it is not what was counted */
    EXPECT_ERR(meta_bucket_set_cors(tx, 99, S(""), S(""), a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_bucket_remove(tx, 99, a), ERR_NOT_FOUND);
    make_bucket(&b, w, S("empty"));
    TRY(meta_bucket_add(tx, &b, a, &id));
    return meta_bucket_remove(tx, id, a);
}

FOR_EACH_DATABASE(a_bucket_name_is_unique_and_its_account_is_optional)
{
    struct meta_world w;
    world_with_buckets(&w, kind);
    RUN_WRITE(&w, add_and_remove_buckets);
    struct meta_tx *tx = snapshot(&w);
    struct bucket b;
    struct bucket_list all;
    const struct bucket_range every = { .limit = 10 };
    EXPECT_OK(meta_bucket_by_name(tx, S("photos"), w.a, &b));
    EXPECT(b.id == 1 && b.account_id == w.account && b.owner_id == w.user && b.kind == BUCKET_OPEN &&
           b.created_at_ms == 3);
    EXPECT_SLICE(b.cors, S("<all/>"));
    EXPECT_OK(meta_bucket_by_name(tx, S("docs"), w.a, &b));
    EXPECT(b.account_id == 0 && b.kind == BUCKET_GUARDED);
    EXPECT_ERR(meta_bucket_by_name(tx, S("Photos"), w.a, &b), ERR_NOT_FOUND);
    EXPECT_ERR(meta_bucket_by_name(tx, S("empty"), w.a, &b), ERR_NOT_FOUND);
    EXPECT_OK(meta_bucket_list(tx, w.account, &every, w.a, &all));
    EXPECT_EQ(all.count, 2);
    EXPECT_SLICE(all.items[0].name, S("archive"));
    EXPECT_SLICE(all.items[1].name, S("photos"));
    EXPECT_OK(meta_bucket_list(tx, 0, &every, w.a, &all));
    EXPECT_EQ(all.count, 3);
    EXPECT_SLICE(all.items[1].name, S("docs"));
    EXPECT_SLICE(all.items[2].cors, S("")); /* no list has the rules */
    for (int64_t account = 0; account <= w.account; account += w.account) {
        EXPECT_OK(meta_bucket_list(tx, account, &(struct bucket_range){ .from = S("b"), .limit = 10 }, w.a, &all));
        EXPECT_SLICE(all.items[all.count - 1].name, S("photos"));
        EXPECT_EQ(all.count, account ? 1 : 2);
        EXPECT_OK(meta_bucket_list(tx, account, &(struct bucket_range){ S("b"), S("photos"), 10 }, w.a, &all));
        EXPECT_EQ(all.count, 0);
        EXPECT_OK(
            meta_bucket_list(tx, account, &(struct bucket_range){ .after = S("archive"), .limit = 1 }, w.a, &all));
        EXPECT_EQ(all.count, 1);
        EXPECT_SLICE(all.items[0].name, account ? S("photos") : S("docs"));
    }
    EXPECT_OK(meta_bucket_list(tx, 99, &every, w.a, &all));
    EXPECT_EQ(all.count, 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(fill_one_bucket_after_another)
{
    struct meta_world *w = arg;
    int64_t ids[3], upload, file_id;
    const slice names[] = { S("with-entry"), S("with-upload"), S("with-ticket") };
    struct object o;
    TRY(add_object(tx, w, S("x"), a, &o));
    for (int i = 0; i < 3; i++) {
        struct bucket b;
        make_bucket(&b, w, names[i]);
        TRY(meta_bucket_add(tx, &b, a, &ids[i]));
    }
    struct entry e = entry_of(w, S("k"), &o);
    e.bucket_id = ids[0];
    struct replaced_entry replaced;
    TRY(meta_entry_put(tx, &e, a, &replaced));
    struct upload u = {
        .name = S("u"), .bucket_id = ids[1], .key = S("k"), .account_id = w->account, .owner_id = w->user
    };
    TRY(meta_upload_add(tx, &u, a, &upload));
    struct file f = { .uuid = { 1 }, .account_id = w->account, .owner_id = w->user, .state = FILE_ISSUED };
    TRY(meta_file_add(tx, &f, a, &file_id));
    TRY(meta_ticket_add(tx, &(struct ticket){ .file_id = file_id, .bucket_id = ids[2], .key = S("k") }, a));
    for (int i = 0; i < 3; i++)
        EXPECT_ERR(meta_bucket_remove(tx, ids[i], a), ERR_CONFLICT);
    TRY(meta_entry_remove(tx, ids[0], S("k"), e.object_id, a));
    TRY(meta_upload_remove(tx, upload, a));
    TRY(meta_file_remove(tx, file_id, a)); /* and its ticket */
    for (int i = 0; i < 3; i++)
        TRY(meta_bucket_remove(tx, ids[i], a));
    return NULL;
}

FOR_EACH_DATABASE(a_bucket_cannot_be_removed_before_its_contents)
{
    struct meta_world w;
    world_with_buckets(&w, kind);
    RUN_WRITE(&w, fill_one_bucket_after_another);
    meta_world_release(&w);
}

/* ---- entries ---- */

IN_WRITE(one_entry_and_its_successor)
{
    struct meta_world *w = arg;
    struct object first, second;
    TRY(add_object(tx, w, S("hello"), a, &first));
    TRY(add_object(tx, w, S("hello again"), a, &second));
    struct entry e = entry_of(w, S("a/\xc3\xa9"), &first);
    struct replaced_entry old = { -1, 1, 1 };
    int64_t first_size = entry_record_size(&e);
    TRY(meta_entry_put(tx, &e, a, &old));
    EXPECT(old.object_id == 0 && old.size_bytes == 0 && old.record_size == 0);
    e.object_id = second.id;
    e.size_bytes = second.size_bytes;
    memcpy(e.md5, second.md5, MD5_SIZE);
    e.part_count = 3;
    e.digest = (struct digest){ .kind = DIGEST_CRC64NVME, .form = DIGEST_OF_PARTS, .bytes = "12345678" };
    e.upload = S("u1");
    e.headers = S("Content-Type: x\n");
    e.tags = S("a=b");
    e.modified_at_ms = 8;
    TRY(meta_entry_put(tx, &e, a, &old));
    EXPECT(old.object_id == first.id && old.size_bytes == 5 && old.record_size == first_size);
    TRY(meta_object_release(tx, second.id, 9, a)); /* does nothing: the entry names it */
    TRY(meta_object_release(tx, old.object_id, 9, a));
    EXPECT_ERR(meta_object_get(tx, first.id, a, &first), ERR_NOT_FOUND);

    e.bucket_id = 99;
    EXPECT_ERR(meta_entry_put(tx, &e, a, &old), ERR_NOT_FOUND);
    e.bucket_id = 1;
    e.key = S("");
    EXPECT_ERR(meta_entry_put(tx, &e, a, &old), ERR_CONFLICT);
    e.key = S("b");
    e.object_id = 99;
    EXPECT_ERR(meta_entry_put(tx, &e, a, &old), ERR_CONFLICT);
    EXPECT_ERR(meta_entry_set_tags(tx, 1, S("none"), S(""), S(""), a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_entry_remove(tx, 1, S("none"), 1, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_entry_remove(tx, 2, S("a/\xc3\xa9"), 1, a), ERR_NOT_FOUND);
    EXPECT_ERR(meta_entry_set_tags(tx, 1, S("a/\xc3\xa9"), S("x=y"), S("c=d"), a), ERR_NOT_FOUND);
    return meta_entry_set_tags(tx, 1, S("a/\xc3\xa9"), S("a=b"), S("c=d"), a);
}

FOR_EACH_DATABASE(an_entry_is_put_replaced_and_read_with_its_bytes)
{
    struct meta_world w;
    world_with_buckets(&w, kind);
    RUN_WRITE(&w, one_entry_and_its_successor);
    struct meta_tx *tx = snapshot(&w);
    struct entry e, again;
    struct object o;
    EXPECT_OK(meta_entry_get(tx, 1, S("a/\xc3\xa9"), w.a, &e));
    EXPECT(e.bucket_id == 1 && e.owner_id == w.user && e.size_bytes == 11 && e.part_count == 3 &&
           e.modified_at_ms == 8);
    EXPECT_SLICE(e.key, S("a/\xc3\xa9"));
    EXPECT(e.digest.kind == DIGEST_CRC64NVME && e.digest.form == DIGEST_OF_PARTS);
    EXPECT_EQ(memcmp(e.digest.bytes, "12345678\0", 9), 0);
    EXPECT_SLICE(e.upload, S("u1"));
    EXPECT_SLICE(e.headers, S("Content-Type: x\n"));
    EXPECT_SLICE(e.tags, S("c=d"));
    EXPECT_OK(meta_entry_with_object(tx, 1, S("a/\xc3\xa9"), w.a, &again, &o));
    EXPECT_SLICE(again.tags, e.tags);
    EXPECT_SLICE(o.inline_bytes, S("hello again"));
    EXPECT(o.id == e.object_id && o.account_id == w.account && o.size_bytes == 11 && o.part_count == 0);
    EXPECT_EQ(memcmp(o.md5, e.md5, MD5_SIZE), 0);
    EXPECT_ERR(meta_entry_get(tx, 1, S("a/"), w.a, &e), ERR_NOT_FOUND);
    EXPECT_ERR(meta_entry_with_object(tx, 2, S("a/\xc3\xa9"), w.a, &again, &o), ERR_NOT_FOUND);
    meta_read_end(tx);
    meta_world_release(&w);
}

/* Removes the entry that has this key now. */
static err_t remove_key(struct meta_tx *tx, slice key, struct arena *a)
{
    struct entry e;
    TRY(meta_entry_get(tx, 1, key, a, &e));
    EXPECT_ERR(meta_entry_remove(tx, 1, key, e.object_id + 1, a), ERR_NOT_FOUND);
    return meta_entry_remove(tx, 1, key, e.object_id, a);
}

IN_WRITE(put_entry_k)
{
    return put_entry(tx, arg, S("k"), S("hello"), a);
}

IN_WRITE(put_entry_l)
{
    return put_entry(tx, arg, S("l"), S("longer"), a);
}

IN_WRITE(remove_entry_k)
{
    (void)arg;
    return remove_key(tx, S("k"), a);
}

FOR_EACH_DATABASE(only_changing_an_existing_entry_raises_the_generation)
{
    struct meta_world w;
    world_with_buckets(&w, kind);
    uint64_t before = meta_generation(w.store);
    RUN_WRITE(&w, put_entry_k);
    RUN_WRITE(&w, put_entry_l);
    EXPECT_EQ(meta_generation(w.store), before);
    RUN_WRITE(&w, put_entry_k);
    EXPECT(meta_generation(w.store) > before);
    before = meta_generation(w.store);
    RUN_WRITE(&w, remove_entry_k);
    EXPECT(meta_generation(w.store) > before);
    meta_world_release(&w);
}

/* ---- ranges of keys ---- */

/* Keys in byte order: UTF-8 sequences of every length, a NUL, and keys whose order by letters or by UTF-16 would
 * differ. */
static const slice ordered[] = {
    { "\0x", 2 },
    { " ", 1 },
    { "A", 1 },
    { "Z", 1 },
    { "a", 1 },
    { "a\0b", 3 },
    { "a/", 2 },
    { "a/b", 3 },
    { "a0", 2 },
    { "b", 1 },
    { "\x7f", 1 },
    { "\xc2\x80", 2 },
    { "\xc3\xa9", 2 },
    { "\xe2\x82\xac", 3 },
    { "\xef\xbf\xbd", 3 },     /* U+FFFD, which UTF-16 sorts above the surrogates … */
    { "\xf0\x9f\x98\x80", 4 }, /* … that encode U+1F600 */
};
enum { ORDERED = LENGTH_OF(ordered) };

IN_WRITE(put_keys_out_of_order)
{
    struct meta_world *w = arg;
    struct object o;
    TRY(add_object(tx, w, S("x"), a, &o));
    for (int i = 0; i < ORDERED; i++) {
        struct entry e = entry_of(w, ordered[(i * 7 + 3) % ORDERED], &o);
        e.digest = (struct digest){ .kind = DIGEST_SHA1, .bytes = "12345678901234567890" };
        struct replaced_entry replaced;
        TRY(meta_entry_put(tx, &e, a, &replaced));
    }
    return NULL;
}

struct walk {
    size_t next, stop_after;
};

static err_t expect_next(void *arg, const struct entry *e, bool *ret_stop)
{
    struct walk *walk = arg;
    EXPECT(walk->next < ORDERED);
    EXPECT_SLICE(e->key, ordered[walk->next]);
    EXPECT(e->size_bytes == 1 && e->bucket_id == 1 && e->object_id > 0 && e->modified_at_ms == 7);
    EXPECT_EQ(memcmp(e->digest.bytes, "12345678901234567890", 20), 0);
    walk->next++;
    *ret_stop = walk->next == walk->stop_after;
    return NULL;
}

static void expect_range(struct meta_tx *tx, struct entry_range range, size_t first, size_t end)
{
    SCRATCH(a);
    struct walk walk = { .next = first };
    range.bucket_id = 1;
    EXPECT_OK(meta_entry_each(tx, &range, &a, expect_next, &walk));
    EXPECT_EQ(walk.next, end);
}

static err_t refuse_entry(void *arg, const struct entry *e, bool *ret_stop)
{
    (void)e, (void)ret_stop;
    return err_make(arg, ERR_INVALID, "no more");
}

FOR_EACH_DATABASE(keys_are_listed_in_byte_order)
{
    struct meta_world w;
    world_with_buckets(&w, kind);
    RUN_WRITE(&w, put_keys_out_of_order);
    struct meta_tx *tx = snapshot(&w);
    expect_range(tx, (struct entry_range){ 0 }, 0, ORDERED);
    for (size_t i = 0; i < ORDERED; i++) {
        expect_range(tx, (struct entry_range){ .from = ordered[i] }, i, ORDERED);
        expect_range(tx, (struct entry_range){ .from = ordered[i], .from_after = true }, i + 1, ORDERED);
        for (size_t k = i; k < ORDERED; k++) {
            expect_range(tx, (struct entry_range){ .from = ordered[i], .before = ordered[k] }, i, k);
            if (k > i)
                expect_range(tx, (struct entry_range){ .from = ordered[i], .from_after = true, .before = ordered[k] },
                             i + 1, k);
        }
    }
    /* All keys with the prefix "a/" are below "a0"; those with the prefix U+20AC end below bytes that are no valid
     * UTF-8. */
    expect_range(tx, (struct entry_range){ .from = S("a/"), .before = S("a0") }, 6, 8);
    expect_range(tx, (struct entry_range){ .from = S("\xe2\x82\xac"), .before = S("\xe2\x82\xad") }, 13, 14);
    expect_range(tx, (struct entry_range){ .from = S("\x80"), .before = S("\xff") }, 11, ORDERED);

    struct walk walk = { .stop_after = 3 };
    EXPECT_OK(meta_entry_each(tx, &(struct entry_range){ .bucket_id = 1 }, w.a, expect_next, &walk));
    EXPECT_EQ(walk.next, 3);
    EXPECT_ERR(meta_entry_each(tx, &(struct entry_range){ .bucket_id = 1 }, w.a, refuse_entry, w.a), ERR_INVALID);
    EXPECT_OK(
        meta_entry_each(tx, &(struct entry_range){ .bucket_id = 2 }, w.a, refuse_entry, w.a)); /* the bucket is empty */
    meta_read_end(tx);
    meta_world_release(&w);
}

/* ---- composites ---- */

IN_WRITE(compose_two_objects)
{
    struct meta_world *w = arg;
    struct object o = { .account_id = w->account, .size_bytes = 5, .blob_key = S("aa/1") };
    struct object inl;
    int64_t id;
    TRY(meta_object_add(tx, &o, a, &id));      /* 1 */
    TRY(add_object(tx, w, S("abc"), a, &inl)); /* 2 */
    TRY(add_object(tx, w, S(""), a, &inl));    /* 3 */
    o.blob_key = S("aa/4");
    TRY(meta_object_add(tx, &o, a, &id)); /* 4 */

    struct object whole = { .account_id = w->account, .md5 = { 9 }, .created_at_ms = 6 };
    const struct placed_part first[] = { { 4, 0, { DIGEST_CRC32, DIGEST_WHOLE, { 1, 2, 3, 4 } } },
                                         { .object_id = 2 },
                                         { .object_id = 3 },
                                         { .object_id = 1 } };
    const struct placed_part second[] = { { .object_id = 1 }, { .object_id = 1 } };
    const struct placed_part of_composed[] = { { .object_id = 1 }, { .object_id = 5 } };
    const struct placed_part lost[] = { { .object_id = 1 }, { .object_id = 99 } };
    TRY(meta_object_compose(tx, &whole, first, 4, a, &id));
    EXPECT_EQ(id, 5);
    TRY(meta_object_compose(tx, &whole, second, 2, a, &id)); /* the same part twice */
    EXPECT_EQ(id, 6);
    EXPECT_ERR(meta_object_compose(tx, &whole, of_composed, 2, a, &id), ERR_INVALID);
    EXPECT_ERR(meta_object_compose(tx, &whole, lost, 2, a, &id), ERR_NOT_FOUND);
    EXPECT_ERR(meta_object_compose(tx, &whole, first, 0, a, &id), ERR_EMPTY);
    struct entry e = entry_of(w, S("whole"), &whole);
    e.object_id = 5;
    struct replaced_entry replaced;
    return meta_entry_put(tx, &e, a, &replaced);
}

static err_t count_objects(void *arg, const struct object *o)
{
    *(int64_t *)arg += o->id == 5 ? o->part_count * 100 : 1;
    return NULL;
}

static bool is_there(struct meta_world *w, int64_t id)
{
    struct meta_tx *tx = snapshot(w);
    struct object o;
    err_t e = meta_object_get(tx, id, w->a, &o);
    meta_read_end(tx);
    EXPECT(!e || e->code == ERR_NOT_FOUND);
    return !e;
}

IN_WRITE(release_parts_in_use)
{
    (void)arg;
    for (int64_t id = 1; id <= 5; id++)
        TRY(meta_object_release(tx, id, 10, a));
    return NULL;
}

IN_WRITE(release_first_composite)
{
    (void)arg;
    TRY(remove_key(tx, S("whole"), a));
    return meta_object_release(tx, 5, 10, a);
}

IN_WRITE(release_second_composite)
{
    (void)arg;
    return meta_object_release(tx, 6, 11, a);
}

FOR_EACH_DATABASE(removing_a_composite_removes_parts_that_nothing_else_refers_to)
{
    struct meta_world w;
    world_with_buckets(&w, kind);
    RUN_WRITE(&w, compose_two_objects);
    struct meta_tx *tx = snapshot(&w);
    struct object o;
    struct object_part_list parts;
    int64_t sum = 0;
    EXPECT_OK(meta_object_get(tx, 5, w.a, &o));
    EXPECT(o.size_bytes == 13 && o.part_count == 4 && o.blob_key.n == 0 && o.inline_bytes.n == 0 &&
           o.created_at_ms == 6 && o.md5[0] == 9);
    EXPECT_OK(meta_object_parts(tx, 5, w.a, &parts));
    EXPECT_EQ(parts.count, 4);
    EXPECT(parts.items[0].object.id == 4 && parts.items[0].offset == 0 && parts.items[1].object.id == 2 &&
           parts.items[1].offset == 5);
    EXPECT(parts.items[2].object.id == 3 && parts.items[2].offset == 8 && parts.items[3].object.id == 1 &&
           parts.items[3].offset == 8);
    EXPECT(parts.items[0].digest.kind == DIGEST_CRC32 && parts.items[0].digest.bytes[3] == 4);
    EXPECT_EQ(parts.items[1].digest.kind, DIGEST_NONE);
    EXPECT_SLICE(parts.items[3].object.blob_key, S("aa/1"));
    EXPECT_EQ(parts.items[1].object.inline_bytes.n, 0);
    EXPECT_OK(meta_object_parts(tx, 1, w.a, &parts));
    EXPECT_EQ(parts.count, 0);
    EXPECT_OK(meta_object_each(tx, 0, w.a, count_objects, &sum));
    EXPECT_EQ(sum, 400 + 5);
    meta_read_end(tx);

    RUN_WRITE(&w, release_parts_in_use);
    for (int64_t id = 1; id <= 6; id++)
        EXPECT(is_there(&w, id));
    RUN_WRITE(&w, release_first_composite);
    EXPECT(!is_there(&w, 5) && !is_there(&w, 4) && !is_there(&w, 3) && !is_there(&w, 2));
    EXPECT(is_there(&w, 1)); /* the other composite refers to it */
    RUN_WRITE(&w, release_second_composite);
    EXPECT(!is_there(&w, 6) && !is_there(&w, 1));
    tx = snapshot(&w);
    struct blob_key_list keys;
    EXPECT_OK(meta_garbage_list(tx, INT64_MAX, 10, w.a, &keys));
    EXPECT_EQ(keys.count, 2);
    EXPECT_SLICE(keys.items[0], S("aa/4"));
    EXPECT_SLICE(keys.items[1], S("aa/1"));
    meta_read_end(tx);
    meta_world_release(&w);
}

IN_WRITE(add_file_of_parts)
{
    struct meta_world *w = arg;
    struct object part;
    TRY(add_object(tx, w, S("part"), a, &part));
    struct file f = { .uuid = { 1 }, .account_id = w->account, .owner_id = w->user, .state = FILE_READY };
    struct object whole = { .account_id = w->account };
    TRY(meta_object_compose(tx, &whole, &(struct placed_part){ .object_id = part.id }, 1, a, &f.object_id));
    f.size_bytes = 4;
    return meta_file_add(tx, &f, a, &f.id);
}

FOR_EACH_DATABASE(a_file_can_have_a_composite_as_its_object)
{
    struct meta_world w;
    meta_world_init(&w, kind, INLINE);
    RUN_WRITE(&w, add_file_of_parts);
    struct meta_tx *tx = snapshot(&w);
    struct file f;
    struct object o;
    unsigned char uuid[16] = { 1 };
    EXPECT_OK(meta_file_with_object(tx, uuid, w.a, &f, &o));
    EXPECT(o.part_count == 1 && o.size_bytes == 4 && o.inline_bytes.n == 0 && o.blob_key.n == 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

/* ---- uploads ---- */

static err_t begin_upload(struct meta_tx *tx, struct meta_world *w, slice name, slice key, struct arena *a)
{
    struct upload u = { .name = name,
                        .bucket_id = 1,
                        .key = key,
                        .account_id = w->account,
                        .owner_id = w->user,
                        .headers = S("h"),
                        .tags = S("t"),
                        .digest = DIGEST_CRC32C,
                        .digest_form = DIGEST_OF_PARTS,
                        .created_at_ms = 4,
                        .expires_at_ms = 100 + (int64_t)name.p[0] };
    int64_t id;
    struct account_use more = { .records = upload_record_size(&u), .uploads = 1 };
    TRY(meta_account_use(tx, w->account, &more, a));
    return meta_upload_add(tx, &u, a, &id);
}

/* The names are the ids 1 … 7. */
IN_WRITE(add_seven_uploads)
{
    const slice keys[] = { S("b/2"), S("a"), S("b/1"), S("b/2"), S("b0"), S("\xc3\xa9"), S("b") };
    for (size_t i = 0; i < LENGTH_OF(keys); i++)
        TRY(begin_upload(tx, arg, slice_part(S("1234567"), i, 1), keys[i], a));
    EXPECT_ERR(begin_upload(tx, arg, S("1"), S("x"), a), ERR_CONFLICT);
    return NULL;
}

/* want: the ids of the uploads in the first bucket that must be found, each as a digit. */
static void expect_uploads(struct meta_world *w, struct meta_tx *tx, struct upload_query query, slice want)
{
    struct upload_list u;
    query.bucket_id = 1;
    EXPECT_OK(meta_upload_list(tx, &query, w->a, &u));
    EXPECT_EQ(u.count, want.n);
    for (size_t i = 0; i < u.count; i++)
        EXPECT_EQ(u.items[i].id, want.p[i] - '0');
}

FOR_EACH_DATABASE(uploads_are_listed_by_key_and_id_and_become_due)
{
    struct meta_world w;
    world_with_buckets(&w, kind);
    RUN_WRITE(&w, add_seven_uploads);
    struct meta_tx *tx = snapshot(&w);
    struct upload u;
    struct upload_list due;
    EXPECT_OK(meta_upload_by_name(tx, S("3"), w.a, &u));
    EXPECT(u.id == 3 && u.bucket_id == 1 && u.account_id == w.account && u.owner_id == w.user &&
           u.digest == DIGEST_CRC32C && u.digest_form == DIGEST_OF_PARTS && u.created_at_ms == 4 &&
           u.expires_at_ms == 100 + '3');
    EXPECT_SLICE(u.name, S("3"));
    EXPECT_SLICE(u.key, S("b/1"));
    EXPECT_SLICE(u.headers, S("h"));
    EXPECT_SLICE(u.tags, S("t"));
    EXPECT_ERR(meta_upload_by_name(tx, S("8"), w.a, &u), ERR_NOT_FOUND);
    expect_uploads(&w, tx, (struct upload_query){ .limit = 100 }, S("2731456"));
    expect_uploads(&w, tx, (struct upload_query){ .limit = 3 }, S("273"));
    expect_uploads(&w, tx, (struct upload_query){ .prefix = S("b/"), .limit = 100 }, S("314"));
    expect_uploads(&w, tx, (struct upload_query){ .prefix = S("b/"), .after_key = S("b/1"), .limit = 100 }, S("14"));
    expect_uploads(&w, tx, (struct upload_query){ .prefix = S("b/"), .after_key = S("b/2"), .limit = 100 }, S(""));
    expect_uploads(
        &w, tx, (struct upload_query){ .prefix = S("b/"), .after_key = S("b/2"), .after_id = 1, .limit = 100 }, S("4"));
    expect_uploads(&w, tx, (struct upload_query){ .prefix = S("b/"), .after_key = S("a"), .after_id = 2, .limit = 100 },
                   S("314"));
    expect_uploads(&w, tx, (struct upload_query){ .prefix = S("b/"), .after_key = S("zz"), .limit = 100 }, S(""));
    expect_uploads(&w, tx, (struct upload_query){ .prefix = S("b"), .after_key = S("b"), .after_id = 7, .limit = 100 },
                   S("3145"));
    expect_uploads(&w, tx, (struct upload_query){ .prefix = S("\xc3"), .limit = 100 }, S("6"));
    expect_uploads(&w, tx, (struct upload_query){ .prefix = S("\xff"), .limit = 100 }, S(""));
    expect_uploads(&w, tx, (struct upload_query){ .after_key = S("b/2"), .after_id = 1, .limit = 100 }, S("456"));
    expect_uploads(&w, tx, (struct upload_query){ .prefix = S("c"), .limit = 100 }, S(""));
    EXPECT_OK(meta_upload_list(tx, &(struct upload_query){ .bucket_id = 2, .limit = 10 }, w.a, &due));
    EXPECT_EQ(due.count, 0);
    EXPECT_OK(meta_upload_due(tx, 100 + '2', 10, w.a, &due));
    EXPECT(due.count == 2 && due.items[0].id == 1 && due.items[1].id == 2);
    EXPECT_OK(meta_upload_due(tx, 100 + '2', 1, w.a, &due));
    EXPECT_EQ(due.count, 1);
    EXPECT_OK(meta_upload_due(tx, 100, 10, w.a, &due));
    EXPECT_EQ(due.count, 0);
    meta_read_end(tx);
    meta_world_release(&w);
}

static err_t put_part(struct meta_tx *tx, struct meta_world *w, int64_t number, slice bytes, struct arena *a,
                      int64_t *ret_old)
{
    struct object o;
    TRY(add_object(tx, w, bytes, a, &o));
    struct upload_part p = { .upload_id = 1,
                             .number = number,
                             .object_id = o.id,
                             .size_bytes = bytes.n,
                             .digest = { .kind = DIGEST_CRC32, .bytes = "1234" },
                             .stored_at_ms = number * 10 };
    memcpy(p.md5, o.md5, MD5_SIZE);
    if (number == 2)
        p.crc64 = (struct digest){ .kind = DIGEST_CRC64NVME, .bytes = "abcdefgh" };
    uint64_t old_bytes;
    TRY(meta_part_put(tx, &p, a, ret_old, &old_bytes));
    EXPECT((*ret_old != 0) == (old_bytes != 0));
    struct account_use more = { .bytes = (int64_t)bytes.n - (int64_t)old_bytes,
                                .records = *ret_old ? 0 : RECORD_BYTES,
                                .owner_id = w->user };
    return meta_account_use(tx, w->account, &more, a);
}

IN_WRITE(put_three_parts)
{
    struct meta_world *w = arg;
    int64_t old;
    TRY(begin_upload(tx, w, S("1"), S("k"), a));
    TRY(put_part(tx, w, 10000, S("last"), a, &old));
    TRY(put_part(tx, w, 2, S("second"), a, &old));
    TRY(put_part(tx, w, 1, S("first"), a, &old));
    EXPECT_EQ(old, 0);
    EXPECT_ERR(put_part(tx, w, 0, S("none"), a, &old), ERR_CONFLICT);
    struct upload_part lost = { .upload_id = 99, .number = 1, .object_id = 1 };
    uint64_t old_bytes;
    EXPECT_ERR(meta_part_put(tx, &lost, a, &old, &old_bytes), ERR_NOT_FOUND);
    return NULL;
}

IN_WRITE(replace_a_part)
{
    int64_t old;
    TRY(put_part(tx, arg, 2, S("better"), a, &old));
    EXPECT_EQ(old, 2);
    TRY(meta_object_release(tx, 1, 5, a)); /* does nothing: part 10000 refers to it */
    return meta_object_release(tx, old, 5, a);
}

IN_WRITE(complete_upload)
{
    struct meta_world *w = arg;
    struct upload_part_list parts;
    TRY(meta_part_list(tx, 1, 0, 100, a, &parts));
    EXPECT_EQ(parts.count, 3);
    EXPECT(parts.items[1].crc64.kind == DIGEST_CRC64NVME && !memcmp(parts.items[1].crc64.bytes, "abcdefgh", 8));
    EXPECT(parts.items[0].crc64.kind == DIGEST_NONE && parts.items[2].digest.kind == DIGEST_CRC32);
    struct placed_part ids[3] = { { .object_id = parts.items[0].object_id },
                                  { .object_id = parts.items[1].object_id },
                                  { .object_id = parts.items[2].object_id } };
    int64_t id;
    struct object whole = { .account_id = w->account, .md5 = { 1 } };
    TRY(meta_object_compose(tx, &whole, ids, 3, a, &id));
    struct upload u = { .name = S("1"), .key = S("k"), .headers = S("h"), .tags = S("t") };
    TRY(meta_upload_remove(tx, 1, a));
    TRY(meta_object_get(tx, id, a, &whole));
    struct entry e = entry_of(w, S("k"), &whole);
    struct replaced_entry replaced;
    TRY(meta_entry_put(tx, &e, a, &replaced));
    for (int i = 0; i < 3; i++)
        TRY(meta_object_release(tx, ids[i].object_id, 6, a)); /* does nothing: the composite refers to them */
    struct account_use more = { .files = 1,                   /* the bytes were counted with the parts */
                                .records = entry_record_size(&e) - upload_record_size(&u) - 3 * RECORD_BYTES,
                                .uploads = -1,
                                .owner_id = w->user };
    return meta_account_use(tx, w->account, &more, a);
}

IN_WRITE(remove_completed_entry)
{
    (void)arg;
    return meta_upload_remove(tx, 1, a);
}

FOR_EACH_DATABASE(a_part_can_be_replaced_and_parts_become_one_object)
{
    struct meta_world w;
    world_with_buckets(&w, kind);
    RUN_WRITE(&w, put_three_parts);
    uint64_t before = meta_generation(w.store);
    EXPECT_EQ(usage_wrong(&w), 0);
    RUN_WRITE(&w, replace_a_part);
    EXPECT(meta_generation(w.store) > before);
    EXPECT_EQ(usage_wrong(&w), 0);
    struct meta_tx *tx = snapshot(&w);
    struct upload_part_list parts;
    EXPECT_OK(meta_part_list(tx, 1, 0, 100, w.a, &parts));
    EXPECT_EQ(parts.count, 3);
    EXPECT(parts.items[0].number == 1 && parts.items[0].size_bytes == 5 && parts.items[0].stored_at_ms == 10 &&
           parts.items[0].upload_id == 1);
    EXPECT(parts.items[1].number == 2 && parts.items[1].object_id > 3 && parts.items[2].number == 10000);
    EXPECT_EQ(memcmp(parts.items[0].digest.bytes, "1234\0", 5), 0);
    EXPECT(parts.items[0].digest.kind == DIGEST_CRC32 && parts.items[0].digest.form == DIGEST_WHOLE);
    EXPECT_OK(meta_part_list(tx, 1, 1, 1, w.a, &parts));
    EXPECT(parts.count == 1 && parts.items[0].number == 2);
    EXPECT_OK(meta_part_list(tx, 1, 10000, 1, w.a, &parts));
    EXPECT_EQ(parts.count, 0);
    EXPECT_OK(meta_part_list(tx, 99, 0, 1, w.a, &parts));
    EXPECT_EQ(parts.count, 0);
    meta_read_end(tx);
    EXPECT(!is_there(&w, 2));
    RUN_WRITE(&w, complete_upload);
    EXPECT_ERR(meta_write(w.store, remove_completed_entry, &w, w.a), ERR_NOT_FOUND);
    EXPECT_EQ(usage_wrong(&w), 0);
    tx = snapshot(&w);
    struct entry e;
    struct object o;
    EXPECT_OK(meta_entry_with_object(tx, 1, S("k"), w.a, &e, &o));
    EXPECT(o.part_count == 3 && e.part_count == 3 && o.size_bytes == 5 + 6 + 4);
    meta_read_end(tx);
    meta_world_release(&w);
}

/* ---- usage ---- */

IN_WRITE(use_all_kinds)
{
    struct meta_world *w = arg;
    int64_t old;
    struct file issued = { .uuid = { 1 }, .account_id = w->account, .owner_id = w->user, .state = FILE_ISSUED };
    TRY(meta_file_add(tx, &issued, a, &old)); /* it has no bytes, but a record */
    struct account_use more = { .records = file_record_size(&issued), .pending = 1 };
    TRY(meta_account_use(tx, w->account, &more, a));
    TRY(put_entry(tx, w, S("k"), S("12345"), a));
    TRY(put_entry(tx, w, S("l"), S("123"), a));
    TRY(put_entry(tx, w, S("k"), S("1234567"), a));
    TRY(begin_upload(tx, w, S("1"), S("m"), a));
    TRY(put_part(tx, w, 1, S("1234"), a, &old));
    return put_part(tx, w, 2, S("1"), a, &old);
}

IN_WRITE(spoil_counters)
{
    struct meta_world *w = arg;
    TRY(meta_account_use(tx, w->account, &(struct account_use){ -1, 1 }, a));
    int64_t wrong;
    TRY(meta_usage_check(tx, true, a, &wrong));
    EXPECT_EQ(wrong, 1);
    struct account account;
    TRY(meta_account_get(tx, w->account, a, &account));
    EXPECT(account.used_bytes == 7 + 3 + 5 && account.used_files == 2);
    EXPECT(account.pending_files == 1 && account.open_uploads == 1);
    /* a bucket, a file, two entries, an upload and its two parts; the texts of bucket and upload, and three keys */
    EXPECT_EQ(account.record_bytes, 7 * RECORD_BYTES + 6 + 1 + 2 + 3);
    return NULL;
}

FOR_EACH_DATABASE(entries_and_parts_count_as_usage)
{
    struct meta_world w;
    world_with_buckets(&w, kind);
    RUN_WRITE(&w, use_all_kinds);
    EXPECT_EQ(usage_wrong(&w), 0);
    RUN_WRITE(&w, spoil_counters);
    EXPECT_EQ(usage_wrong(&w), 0);
    meta_world_release(&w);
}

/* ---- faults ---- */

/* The nth store call of replacing an entry fails, for n = 1, 2, 3 …: the old entry is still there with its bytes. */
TEST(replacing_an_entry_is_atomic_whichever_call_fails)
{
    struct meta_world w;
    world_with_buckets(&w, DATABASE_FAULT);
    RUN_WRITE(&w, put_entry_k);
    for (int64_t nth = 1;; nth++) {
        struct meta_tx *tx = snapshot(&w);
        struct entry before, after;
        struct object o;
        EXPECT_OK(meta_entry_get(tx, 1, S("k"), w.a, &before));
        meta_read_end(tx);
        w.database.plan = (struct fault_plan){ .fail_at = nth, .code = nth % 2 ? ERR_NO_SPACE : ERR_UNAVAILABLE };
        err_t e = meta_write(w.store, put_entry_k, &w, w.a);
        w.database.plan.fail_at = 0;
        tx = snapshot(&w);
        EXPECT_OK(meta_entry_with_object(tx, 1, S("k"), w.a, &after, &o));
        EXPECT_EQ(after.object_id == before.object_id, e != NULL);
        EXPECT_SLICE(o.inline_bytes, S("hello"));
        meta_read_end(tx);
        EXPECT_EQ(usage_wrong(&w), 0);
        if (!e)
            break;
        EXPECT_EQ(e->code, nth % 2 ? ERR_NO_SPACE : ERR_UNAVAILABLE);
    }
    meta_world_release(&w);
}

/* The same for completing an upload: afterwards either the upload has all of its parts, or the entry exists. */
TEST(completing_an_upload_is_atomic_whichever_call_fails)
{
    struct meta_world w;
    world_with_buckets(&w, DATABASE_FAULT);
    RUN_WRITE(&w, put_three_parts);
    for (int64_t nth = 1;; nth++) {
        w.database.plan = (struct fault_plan){ .fail_at = nth, .code = nth % 2 ? ERR_NO_SPACE : ERR_UNAVAILABLE };
        err_t e = meta_write(w.store, complete_upload, &w, w.a);
        w.database.plan.fail_at = 0;
        struct meta_tx *tx = snapshot(&w);
        struct upload_part_list parts;
        struct entry entry;
        EXPECT_OK(meta_part_list(tx, 1, 0, 100, w.a, &parts));
        EXPECT_EQ(parts.count, e ? 3 : 0);
        err_t none = meta_entry_get(tx, 1, S("k"), w.a, &entry);
        EXPECT_EQ(none != NULL, e != NULL);
        meta_read_end(tx);
        EXPECT_EQ(usage_wrong(&w), 0);
        if (!e)
            break;
        EXPECT_EQ(e->code, nth % 2 ? ERR_NO_SPACE : ERR_UNAVAILABLE);
    }
    EXPECT_OK(meta_verify(w.store, w.a));
    meta_world_release(&w);
}

/* ---- query plans ---- */

static bool may_scan(slice sql)
{
    return slice_find(sql, S("WITH counted")) != SLICE_NONE || slice_ends(sql, S("FROM buckets ORDER BY name")) ||
           slice_ends(sql, S("FROM objects o WHERE o.id > $1 ORDER BY o.id"));
}

TEST(no_look_up_in_buckets_reads_a_whole_table)
{
    struct meta_world w;
    spied_world_init(&w);
    RUN_WRITE(&w, add_two_buckets);
    RUN_WRITE(&w, add_and_remove_buckets);
    RUN_WRITE(&w, one_entry_and_its_successor);
    RUN_WRITE(&w, put_keys_out_of_order);
    struct meta_tx *tx = snapshot(&w);
    struct upload_list u;
    struct bucket_list b;
    for (int i = 0; i < 4; i++) {
        struct walk walk = { .next = 0, .stop_after = 1 };
        struct entry_range range = { .bucket_id = 1, .from_after = i & 1, .before = i & 2 ? S("\1") : S("") };
        EXPECT_OK(meta_entry_each(tx, &range, w.a, expect_next, &walk));
    }
    EXPECT_OK(meta_upload_list(tx, &(struct upload_query){ .bucket_id = 1, .limit = 1 }, w.a, &u));
    EXPECT_OK(meta_upload_list(tx, &(struct upload_query){ .bucket_id = 1, .prefix = S("a"), .limit = 1 }, w.a, &u));
    EXPECT_OK(meta_upload_due(tx, 1, 1, w.a, &u));
    EXPECT_OK(meta_bucket_list(tx, w.account, &(struct bucket_range){ .limit = 10 }, w.a, &b));
    meta_read_end(tx);
    RUN_WRITE(&w, put_three_parts);
    RUN_WRITE(&w, complete_upload);
    EXPECT(spy.n > 30);
    spied_check_plans(&w, may_scan);
    meta_world_release(&w);
}

RUN_TESTS(cmocka_unit_test(a_bucket_name_is_unique_and_its_account_is_optional),
          cmocka_unit_test(a_bucket_cannot_be_removed_before_its_contents),
          cmocka_unit_test(an_entry_is_put_replaced_and_read_with_its_bytes),
          cmocka_unit_test(only_changing_an_existing_entry_raises_the_generation),
          cmocka_unit_test(keys_are_listed_in_byte_order),
          cmocka_unit_test(removing_a_composite_removes_parts_that_nothing_else_refers_to),
          cmocka_unit_test(a_file_can_have_a_composite_as_its_object),
          cmocka_unit_test(uploads_are_listed_by_key_and_id_and_become_due),
          cmocka_unit_test(a_part_can_be_replaced_and_parts_become_one_object),
          cmocka_unit_test(entries_and_parts_count_as_usage),
          cmocka_unit_test(replacing_an_entry_is_atomic_whichever_call_fails),
          cmocka_unit_test(completing_an_upload_is_atomic_whichever_call_fails),
          cmocka_unit_test(no_look_up_in_buckets_reads_a_whole_table))
