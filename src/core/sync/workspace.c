/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/workspace.h"

#include "core/event.h"
#include "core/file/file_name.h"
#include "core/quota.h"
#include "core/records/record_size.h"
#include "core/store/transaction.h"
#include "core/store/workspace_store.h"

bool sync_name_is_valid(slice name)
{
    return name.n && slice_is_utf8(name) && slice_characters(name, SYNC_NAME_MAX).n == name.n &&
           !file_name_has_control(name) && slice_find_byte(name, '/') == SLICE_NONE && !slice_eq(name, S(".")) &&
           !slice_eq(name, S(".."));
}

slice sync_name_new(struct core *core, struct arena *a)
{
    return random_hex(core->random, a, 24);
}

/* A workspace or a section that is being made. */
struct making {
    struct core *core;
    const struct principal *who;
    int64_t now_ms;
    slice workspace_name; /* of a section */
    struct workspace workspace;
    struct section section;
};

static err_t write_event(struct meta_tx *tx, const struct making *m, slice action, slice subject, struct arena *a)
{
    struct event_params event = { .at_ms = m->now_ms, .who = m->who, .action = action, .subject = subject };
    return event_write(tx, &event, a);
}

static err_t apply_workspace_add(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct making *m = arg;
    struct workspace *w = &m->workspace;
    TRY(quota_change_records(m->core, tx, w->account_id, workspace_record_size(w), a));
    err_t e = meta_workspace_add(tx, w, a, &w->id);
    if (err_is(e, ERR_CONFLICT))
        return core_refuse(a, REASON_SYNC_WORKSPACE_TAKEN);
    TRY(e);
    return write_event(tx, m, S("workspace.create"), arena_printf(a, "workspace:" SLICE_FMT, SLICE_ARG(w->name)), a);
}

err_t workspace_add(struct core *core, const struct principal *who, slice name, struct arena *a, struct workspace *ret)
{
    struct making m = { .core = core, .who = who, .now_ms = core_now_ms(core) };
    m.workspace = (struct workspace){ .account_id = who->account_id,
                                      .name = name.n ? name : sync_name_new(core, a),
                                      .created_at_ms = m.now_ms };
    if (!sync_name_is_valid(m.workspace.name))
        return core_refuse(a, REASON_SYNC_BAD_NAME);
    TRY(meta_write(core->meta, apply_workspace_add, &m, a));
    *ret = m.workspace;
    return NULL;
}

static err_t find_in(struct meta_tx *tx, int64_t account_id, slice name, struct arena *a, struct workspace *ret)
{
    err_t e = meta_workspace_by_name(tx, account_id, name, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_SYNC_NO_WORKSPACE) : e;
}

err_t workspace_find(struct core *core, int64_t account_id, slice name, struct arena *a, struct workspace *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return find_in(tx, account_id, name, a, ret);
}

err_t workspace_list(struct core *core, int64_t account_id, const struct id_page *page, struct arena *a,
                     struct workspace_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_workspace_list(tx, account_id, page, a, ret);
}

static err_t apply_section_add(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct making *m = arg;
    struct workspace w;
    TRY(find_in(tx, m->who->account_id, m->workspace_name, a, &w));
    m->section.workspace_id = w.id;
    TRY(quota_change_records(m->core, tx, w.account_id, section_record_size(&m->section), a));
    err_t e = meta_section_add(tx, &m->section, a, &m->section.id);
    if (err_is(e, ERR_CONFLICT))
        return core_refuse(a, REASON_SYNC_SECTION_TAKEN);
    TRY(e);
    return write_event(
        tx, m, S("section.create"),
        arena_printf(a, "section:" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(w.name), SLICE_ARG(m->section.name)), a);
}

err_t section_add(struct core *core, const struct principal *who, const struct section_request *request,
                  struct arena *a, struct section *ret)
{
    struct making m = { .core = core, .who = who, .now_ms = core_now_ms(core), .workspace_name = request->workspace };
    m.section = (struct section){ .name = request->name.n ? request->name : sync_name_new(core, a),
                                  .refuses_deletes = request->refuses_deletes,
                                  .created_at_ms = m.now_ms };
    if (!sync_name_is_valid(m.section.name))
        return core_refuse(a, REASON_SYNC_BAD_NAME);
    TRY(meta_write(core->meta, apply_section_add, &m, a));
    *ret = m.section;
    return NULL;
}

err_t section_list(struct core *core, int64_t workspace_id, const struct id_page *page, struct arena *a,
                   struct section_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_section_list(tx, workspace_id, page, a, ret);
}

/* ---- of a key ---- */

static err_t no_access(err_t e, struct arena *a)
{
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_SYNC_NO_ACCESS) : e;
}

err_t section_of_names(struct meta_tx *tx, const struct principal *who, const struct section_names *names,
                       struct arena *a, struct workspace *ret_workspace, struct section *ret_section)
{
    TRY(no_access(meta_workspace_get(tx, who->workspace_id, a, ret_workspace), a));
    if (names->workspace.n && !slice_eq(names->workspace, ret_workspace->name))
        return core_refuse(a, REASON_SYNC_NO_ACCESS);
    err_t e = names->section.n ? meta_section_by_name(tx, ret_workspace->id, names->section, a, ret_section)
                               : meta_section_get(tx, who->section_id, a, ret_section);
    return no_access(e, a);
}
