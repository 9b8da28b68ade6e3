/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/entity.h"

#include "core/event.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/transaction.h"
#include "core/store/workspace_store.h"
#include "core/sync/workspace.h"

#define TEXT(lit)                                                                                                      \
    {                                                                                                                  \
        "" lit, sizeof(lit) - 1                                                                                        \
    }
const struct entity entities_built_in[] = {
#define ENTITY(name_, type_, data_source_)                                                                             \
    { .name = TEXT(name_), .type = TEXT(type_), .data_source = TEXT(data_source_) },
#include "core/sync/entities.def"
#undef ENTITY
};
const size_t entities_built_in_count = LENGTH_OF(entities_built_in);

static const struct entity *built_in_by_name(slice name)
{
    for (size_t i = 0; i < entities_built_in_count; i++)
        if (slice_eq(entities_built_in[i].name, name))
            return &entities_built_in[i];
    return NULL;
}

static const struct entity *built_in_by_data_source(slice data_source)
{
    for (size_t i = 0; i < entities_built_in_count; i++)
        if (slice_eq(entities_built_in[i].data_source, data_source))
            return &entities_built_in[i];
    return NULL;
}

/* ---- registering ---- */

struct registering {
    struct core *core;
    const struct principal *who;
    struct entity entity;
};

static err_t apply_entity_add(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct registering *r = arg;
    struct entity *entity = &r->entity;
    TRY(quota_change_records(r->core, tx, entity->account_id, entity_record_size(entity), a));
    err_t e = meta_entity_add(tx, entity, a, &entity->id);
    if (err_is(e, ERR_CONFLICT))
        return core_refuse(a, REASON_SYNC_ENTITY_TAKEN);
    TRY(e);
    struct event_params event = { .at_ms = entity->created_at_ms,
                                  .who = r->who,
                                  .action = S("entity.create"),
                                  .subject = arena_printf(a, "entity:" SLICE_FMT, SLICE_ARG(entity->name)) };
    return event_write(tx, &event, a);
}

err_t entity_add(struct core *core, const struct principal *who, const struct entity_request *request, struct arena *a,
                 struct entity *ret)
{
    struct registering r = { .core = core,
                             .who = who,
                             .entity = { .account_id = who->account_id,
                                         .name = request->name,
                                         .type = request->type,
                                         .data_source = request->data_source,
                                         .created_at_ms = core_now_ms(core) } };
    if (!sync_name_is_valid(request->name) || !sync_name_is_valid(request->type) ||
        !sync_name_is_valid(request->data_source))
        return core_refuse(a, REASON_SYNC_BAD_NAME);
    if (built_in_by_name(request->name) || built_in_by_data_source(request->data_source))
        return core_refuse(a, REASON_SYNC_ENTITY_TAKEN);
    TRY(meta_write(core->meta, apply_entity_add, &r, a));
    *ret = r.entity;
    return NULL;
}

/* ---- reading ---- */

typedef err_t find_fn(struct meta_tx *, int64_t account_id, slice text, struct arena *a, struct entity *ret);

static err_t find_registered(struct core *core, find_fn *find, int64_t account_id, slice text, struct arena *a,
                             struct entity *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = find(tx, account_id, text, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_SYNC_NO_ENTITY) : e;
}

err_t entity_find(struct core *core, int64_t account_id, slice name, struct arena *a, struct entity *ret)
{
    const struct entity *known = built_in_by_name(name);
    if (!known)
        return find_registered(core, meta_entity_by_name, account_id, name, a, ret);
    *ret = *known;
    return NULL;
}

err_t entity_of_data_source(struct core *core, int64_t account_id, slice data_source, struct arena *a,
                            struct entity *ret)
{
    const struct entity *known = built_in_by_data_source(data_source);
    if (!known)
        return find_registered(core, meta_entity_by_data_source, account_id, data_source, a, ret);
    *ret = *known;
    return NULL;
}

err_t entity_list(struct core *core, int64_t account_id, const struct id_page *page, struct arena *a,
                  struct entity_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_entity_list(tx, account_id, page, a, ret);
}
