/* SPDX-License-Identifier: Apache-2.0 */
/* A condition that the first field of the key is a text is also one on the keys (core/sync/sync_row.h): the key of a record that passes it
 * begins with this text, because the record has the text there; or with a bracket, if it has an array with that text. A key of one
 * field is nothing but it; in others a NUL follows. So few records are looked at, where otherwise all of them are. */
#include "core/sync/records.h"

#include "core/store/record_store.h"
#include "core/sync/entity.h"
#include "core/sync/record_set.h"

#define TEXTS_MAX 100 /* of one condition, that are looked up */

err_t records_find_set(struct core *core, const struct principal *who, const struct section_names *names, slice entity,
                       struct arena *a, struct record_set *ret)
{
    struct entity found;
    TRY(entity_find(core, who->account_id, entity, a, &found));
    return record_set_find(core, who, names, found.data_source, a, ret);
}

/* ---- conditions on keys ---- */

/* Does the record pass it only if the field is one of these texts? */
static bool names_texts(const struct row_condition *c, slice field)
{
    bool is_equality = c->test == ROW_EQ || c->test == ROW_IN;
    if (!is_equality || c->expr->function != ROW_MEMBER || c->expr->name_count != 1 ||
        !slice_eq(c->expr->names[0], field) || c->value_count > TEXTS_MAX)
        return false;
    for (size_t i = 0; i < c->value_count; i++)
        if (c->values[i].is_null || c->values[i].kind != COLUMN_STRING)
            return false;
    return true;
}

/* The condition itself, or one of those that must all be true for it. NULL: there is none. */
static const struct row_condition *find_texts(const struct row_condition *c, slice field)
{
    const struct row_condition *found = NULL;
    if (c->test != ROW_ALL)
        return names_texts(c, field) ? c : NULL;
    for (size_t i = 0; i < c->child_count && !found; i++)
        found = find_texts(&c->children[i], field);
    return found;
}

static struct record_keys keys_of_text(slice text, bool is_whole, struct arena *a)
{
    if (is_whole && text.n) /* no key is empty */
        return (struct record_keys){ text, S("") };
    return (struct record_keys){ arena_join(a, (slice[]){ text, S("\0") }, 2),
                                 arena_join(a, (slice[]){ text, S("\1") }, 2) };
}

/* What the condition says of the keys; *ret_count 0: nothing. */
static err_t find_keys(struct record_store *store, int64_t set_id, const struct row_condition *where, struct arena *a,
                       struct record_query *q)
{
    struct record_fields fields;
    if (!where)
        return NULL;
    TRY(store->ops->fields(store, set_id, a, &fields));
    const struct row_condition *texts = find_texts(where, fields.items[0]);
    if (!texts)
        return NULL;
    struct record_keys *keys = arena_array(a, struct record_keys, texts->value_count + 1);
    for (size_t i = 0; i < texts->value_count; i++)
        keys[i] = keys_of_text(texts->values[i].text, fields.count == 1, a);
    keys[texts->value_count] = (struct record_keys){ S("["), S("\\") }; /* the byte after it */
    q->keys = keys;
    q->key_count = texts->value_count + 1;
    return NULL;
}

/* ---- reading ---- */

err_t records_query(struct core *core, const struct record_set *set, const struct record_query *asked, struct arena *a,
                    struct record_result *ret)
{
    struct record_store *store = core->records;
    struct record_query q = *asked;
    *ret = (struct record_result){ 0 };
    if (!set->id)
        return NULL;
    err_t e = find_keys(store, set->id, q.rows->where, a, &q);
    if (!e)
        e = store->ops->query(store, set->id, &q, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? NULL : e; /* the import that made the set has not got that far */
}

err_t records_more(struct core *core, const struct record_set *set, const struct record_query *q,
                   const struct record_id_list *ids, struct arena *a, struct record_rest *ret)
{
    return core->records->ops->more(core->records, set->id, q, ids, a, ret);
}

err_t record_find(struct core *core, const struct record_set *set, slice id, struct arena *a, struct record *ret)
{
    err_t e = set->id ? core->records->ops->get(core->records, set->id, id, a, ret)
                      : err_make(a, ERR_NOT_FOUND, "nothing was imported yet");
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_SYNC_NO_RECORD) : e;
}
