/* SPDX-License-Identifier: Apache-2.0 */
/* Everything but the workspace is removed in the name of the user of the demo, who can remove nothing else; the user comes last, so that what an
 * interrupted call left is found by the next one. */
#include "cli/demo_remove.h"

#include "core/access/access.h"
#include "core/bucket/bucket.h"
#include "core/bucket/entry.h"
#include "core/dataset/dataset.h"
#include "core/file/file.h"
#include "core/records/user.h"
#include "core/space/environment.h"
#include "core/sync/workspace.h"
#include "core/task/task.h"

enum { PAGE = 100 };

slice demo_environment_path(int64_t user_id, struct arena *a)
{
    return arena_printf(a, "demo-%lld", (long long)user_id);
}

slice demo_workspace_name(int64_t user_id, struct arena *a)
{
    return arena_printf(a, "demo-%lld", (long long)user_id);
}

slice demo_dataset_slug(int64_t user_id, struct arena *a)
{
    return arena_printf(a, "vendas-%lld", (long long)user_id);
}

static bool is_of_demo(const struct user *user)
{
    enum { DIGITS = 6 };
    slice begin = S(DEMO_LOGIN_BEGIN), end = S(DEMO_LOGIN_END);
    if (user->state == USER_DELETED || !slice_eq(user->name, S(DEMO_USER_NAME)) ||
        user->login.n != begin.n + DIGITS + end.n || !slice_starts(user->login, begin) || !slice_ends(user->login, end))
        return false;
    for (size_t i = 0; i < DIGITS; i++) {
        char c = user->login.p[begin.n + i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

static err_t unless_gone(err_t e)
{
    return err_is(e, ERR_NOT_FOUND) ? NULL : e;
}

static err_t remove_environment(struct core *core, const struct principal *who, struct arena *a)
{
    struct environment environment;
    slice path = demo_environment_path(who->user_id, a);
    err_t e = environment_find_path(core, who, PLACE_ADMINISTER, path, a, &environment);
    if (!e)
        e = environment_remove(core, who, environment.id, a);
    return unless_gone(e);
}

/* A program that was built without a store for rows has none. */
static err_t remove_dataset(struct core *core, const struct principal *who, struct arena *a)
{
    err_t e = unless_gone(dataset_remove(core, who, demo_dataset_slug(who->user_id, a), a));
    return err_is(e, ERR_UNSUPPORTED) ? NULL : e;
}

static err_t remove_tasks(struct core *core, const struct principal *who, struct arena *a)
{
    struct task_list_request request = { .author_id = who->user_id, .closed = -1, .limit = PAGE };
    struct task_page page;
    do {
        TRY(task_list(core, who, &request, a, &page));
        for (size_t i = 0; i < page.count; i++)
            TRY(unless_gone(task_remove(core, who, page.ids[i], 0, a)));
    } while (page.count == PAGE);
    return NULL;
}

/* Keys, as they are visited. */
struct key_page {
    struct arena *a;
    slice keys[PAGE];
    size_t count;
};

static err_t take_key(void *arg, const struct entry *entry, slice common_prefix, bool *ret_full)
{
    struct key_page *page = arg;
    (void)common_prefix, (void)ret_full;
    page->keys[page->count++] = arena_copy(page->a, entry->key);
    return NULL;
}

static err_t empty_bucket(struct core *core, const struct principal *who, const struct bucket *bucket, struct arena *a)
{
    struct entry_list_end end;
    do {
        struct key_page page = { .a = a };
        struct entry_list_request request = { .limit = PAGE, .visit = take_key, .arg = &page };
        TRY(entry_list(core, bucket, &request, a, &end));
        for (size_t i = 0; i < page.count; i++) {
            bool existed;
            TRY(entry_remove(core, who, bucket, &(struct entry_removal){ .key = page.keys[i] }, a, &existed));
        }
    } while (end.more);
    return NULL;
}

static err_t remove_buckets(struct core *core, const struct principal *who, struct arena *a)
{
    struct bucket_range range = { .from = S(DEMO_LOGIN_BEGIN), .limit = PAGE };
    struct bucket_list list;
    do {
        TRY(bucket_list(core, who, &range, a, &list));
        for (size_t i = 0; i < list.count; i++) {
            const struct bucket *bucket = &list.items[i];
            range.after = bucket->name;
            if (bucket->owner_id != who->user_id || bucket->kind != BUCKET_OPEN)
                continue;
            TRY(empty_bucket(core, who, bucket, a));
            TRY(unless_gone(bucket_remove(core, who, bucket->name, a)));
        }
    } while (list.count == PAGE);
    return NULL;
}

/* What something holds is left: it goes with its holder. What was imported stays. */
static err_t remove_files(struct core *core, const struct principal *who, struct arena *a)
{
    struct file_list_request request = { .state = -1, .limit = PAGE };
    struct file_page page;
    do {
        TRY(file_list(core, who, &request, a, &page));
        for (size_t i = 0; i < page.count; i++) {
            err_t e = unless_gone(file_delete(core, who, page.items[i].uuid, a));
            if (e && !err_is(e, ERR_CONFLICT))
                return e;
        }
        request.before_id = page.next_before_id;
    } while (request.before_id);
    return NULL;
}

static err_t remove_demo(struct core *core, const struct principal *operator_, const struct user *user, struct arena *a)
{
    struct principal who = {
        .account_id = user->account_id, .user_id = user->id, .login = user->login, .request_id = operator_->request_id
    };
    TRY(unless_gone(workspace_remove(core, operator_, demo_workspace_name(user->id, a), a)));
    TRY(remove_environment(core, &who, a));
    TRY(remove_dataset(core, &who, a));
    TRY(remove_tasks(core, &who, a));
    TRY(remove_buckets(core, &who, a));
    TRY(remove_files(core, &who, a));
    return user_set_state(core, operator_, user->login, USER_DELETED, a);
}

err_t demo_remove_all(struct cli *cli, struct admin *admin, int64_t *ret_count)
{
    struct core *core = &admin->store->core;
    struct id_page page = { 0, PAGE };
    struct user_list users;
    *ret_count = 0;
    do {
        SCRATCH(a);
        err_t e = user_list(core, S("default"), &page, &a, &users);
        for (size_t i = 0; !e && i < users.count; i++) {
            page.after_id = users.items[i].id;
            if (!is_of_demo(&users.items[i]))
                continue;
            e = remove_demo(core, &admin->who, &users.items[i], &a);
            *ret_count += e ? 0 : 1;
        }
        if (e)
            return err_copy(cli->arena, e);
    } while (users.count == PAGE);
    return NULL;
}
