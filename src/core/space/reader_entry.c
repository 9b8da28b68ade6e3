/* SPDX-License-Identifier: Apache-2.0 */
/* The guard of the keys by which one user reads one file (reader_entry.h): they can be read, and not put.
 *
 * The key alone gives no right: whether the user may see the file is asked each time, so an enrolment that ended, a removed file and
 * a user who is no administrator any more end what was handed out. That the user is active, and the key or session that asked was not
 * ended, is asked by whoever checks the signature (access_act_for). */
#include "core/space/reader_entry.h"

#include "base/text.h"
#include "core/bucket/entry_guard.h"
#include "core/file/file.h"
#include "core/space/place.h"
#include "core/store/file_store.h"
#include "core/store/folder_store.h"
#include "core/store/user_store.h"

/* Keys of other guards have a number or a word behind each slash, and never exactly these three parts. */
#define KEY_BEGIN S("reader/")

slice reader_entry_key(int64_t user_id, const unsigned char uuid[16], struct arena *a)
{
    return arena_printf(a, SLICE_FMT "%lld/" SLICE_FMT, SLICE_ARG(KEY_BEGIN), (long long)user_id,
                        SLICE_ARG(uuid_format(a, uuid)));
}

static bool parse_key(slice key, int64_t *ret_user_id, unsigned char ret_uuid[16])
{
    slice user, uuid;
    return slice_starts(key, KEY_BEGIN) && slice_cut(slice_from(key, KEY_BEGIN.n), '/', &user, &uuid) &&
           slice_to_i64(user, ret_user_id) && uuid_parse(uuid, ret_uuid);
}

static err_t not_visible(struct arena *a)
{
    return err_make(a, ERR_NOT_FOUND, "the user sees no such file");
}

/* May the user see it in the folder that has it? Errors: NOT_FOUND. */
static err_t check_folder(struct meta_tx *tx, const struct principal *who, const struct file *f, struct arena *a)
{
    struct folder_file placed;
    TRY(meta_folder_file_get(tx, f->id, a, &placed));
    const struct place place = { f->account_id, placed.environment_id, placed.course_id };
    err_t e = place_may(tx, who, PLACE_SEE, &place, a);
    return err_is(e, ERR_FORBIDDEN) ? not_visible(a) : e;
}

static err_t find_file(struct core *core, struct meta_tx *tx, slice key, struct arena *a, struct file *ret)
{
    int64_t user_id;
    unsigned char uuid[16];
    struct user user;
    if (!parse_key(key, &user_id, uuid))
        return err_make(a, ERR_NOT_FOUND, "that is no key of a reader");
    TRY(meta_user_get(tx, user_id, a, &user));
    TRY(meta_file_by_uuid(tx, uuid, a, ret));
    const struct principal who = { .account_id = user.account_id, .user_id = user.id, .is_admin = user.is_admin };
    if (user.state != USER_ACTIVE || ret->account_id != user.account_id)
        return not_visible(a);
    if (!file_is_visible(&who, ret, core_now_ms(core)))
        TRY(check_folder(tx, &who, ret, a));
    return ret->object_id ? NULL : not_visible(a);
}

static err_t find_reader_entry(struct core *core, struct meta_tx *tx, const struct bucket *bucket, slice key,
                               struct arena *a, struct entry *ret)
{
    struct file f;
    TRY(find_file(core, tx, key, a, &f));
    *ret = entry_of_file(bucket, key, &f, a);
    return NULL;
}

static err_t open_reader_entry(struct core *core, const struct bucket *bucket, slice key, struct arena *a,
                               struct entry *ret, struct content *ret_content)
{
    struct file f;
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(find_file(core, tx, key, a, &f));
    }
    TRY(file_open_record(core, &f, a, ret_content));
    *ret = entry_of_file(bucket, key, &f, a);
    return NULL;
}

const struct entry_guard reader_entry_guard = { .find = find_reader_entry, .open = open_reader_entry };
