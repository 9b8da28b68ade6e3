/* SPDX-License-Identifier: Apache-2.0 */
#include "core/access/people.h"

#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <stdlib.h>

err_t person_by_id(struct core *core, const struct principal *who, int64_t id, struct arena *a, struct user *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct user user;
    TRY(meta_user_get(tx, id, a, &user));
    if (user.account_id != who->account_id || user.state == USER_DELETED)
        return err_make(a, ERR_NOT_FOUND, "no such person");
    *ret = user;
    return NULL;
}

err_t person_by_address(struct core *core, const struct principal *who, slice address, struct arena *a,
                        struct user *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    /* Users without an e-mail address have an empty one, and no address holds a NUL. */
    if (!address.n || slice_find_byte(address, '\0') != SLICE_NONE)
        return err_make(a, ERR_NOT_FOUND, "no such person");
    return meta_user_by_address(tx, who->account_id, address, a, ret);
}

err_t people_page_read(struct core *core, const struct principal *who, size_t offset, size_t limit, struct arena *a,
                       struct people_page *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    const struct user_page_query q = { who->account_id, who->is_admin ? 0 : who->user_id, offset, limit };
    struct record_ids ids;
    int64_t total;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(meta_user_page(tx, &q, a, &ids, &total));
    *ret = (struct people_page){ ids.items, ids.count, total };
    return NULL;
}

static int compare_user_ids(const void *left, const void *right)
{
    int64_t l = *(const int64_t *)left, r = *(const int64_t *)right;
    return (l > r) - (l < r);
}

err_t people_list(struct core *core, const struct principal *who, const int64_t *ids, size_t count, struct arena *a,
                  struct user_list *ret)
{
    int64_t *sorted = arena_array(a, int64_t, count + 1);
    for (size_t i = 0; i < count; i++)
        sorted[i] = ids[i];
    qsort(sorted, count, sizeof *sorted, compare_user_ids);

    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct user *people = arena_array(a, struct user, count + 1);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && sorted[i] == sorted[i - 1])
            continue;
        err_t e = meta_user_get(tx, sorted[i], a, &people[found]);
        if (err_is(e, ERR_NOT_FOUND))
            continue;
        TRY(e);
        if (people[found].account_id == who->account_id)
            found++;
    }
    *ret = (struct user_list){ people, found };
    return NULL;
}

static int compare_id_with_user(const void *key, const void *user)
{
    int64_t id = *(const int64_t *)key, other = ((const struct user *)user)->id;
    return (id > other) - (id < other);
}

const struct user *people_find(const struct user *people, size_t count, int64_t id)
{
    return count ? bsearch(&id, people, count, sizeof *people, compare_id_with_user) : NULL;
}
