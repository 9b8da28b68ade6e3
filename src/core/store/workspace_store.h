/* SPDX-License-Identifier: Apache-2.0 */
/* Workspaces, their sections, and the entities that accounts have registered. */
#ifndef CAIS_CORE_STORE_WORKSPACE_STORE_H
#define CAIS_CORE_STORE_WORKSPACE_STORE_H

#include "core/records/entity.h"
#include "core/records/record_ids.h"
#include "core/records/workspace.h"
#include "core/store/transaction.h"

/* CONFLICT when the account has a workspace of that name. */
MUST_USE err_t meta_workspace_add(struct meta_tx *, const struct workspace *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_workspace_get(struct meta_tx *, int64_t id, struct arena *a, struct workspace *ret);
MUST_USE err_t meta_workspace_by_name(struct meta_tx *, int64_t account_id, slice name, struct arena *a,
                                      struct workspace *ret);
/* Those of an account, by id. */
MUST_USE err_t meta_workspace_list(struct meta_tx *, int64_t account_id, const struct id_page *, struct arena *a,
                                   struct workspace_list *ret);

/* CONFLICT when the workspace has a section of that name. */
MUST_USE err_t meta_section_add(struct meta_tx *, const struct section *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_section_get(struct meta_tx *, int64_t id, struct arena *a, struct section *ret);
MUST_USE err_t meta_section_by_name(struct meta_tx *, int64_t workspace_id, slice name, struct arena *a,
                                    struct section *ret);
/* Those of a workspace, by id. */
MUST_USE err_t meta_section_list(struct meta_tx *, int64_t workspace_id, const struct id_page *, struct arena *a,
                                 struct section_list *ret);

/* Nothing may refer to them any more. */
MUST_USE err_t meta_section_remove(struct meta_tx *, int64_t id, struct arena *a);
MUST_USE err_t meta_workspace_remove(struct meta_tx *, int64_t id, struct arena *a);
/* *ret_has: a file of the workspace is QUEUED or PROCESSING, or an upload into one of its sections is not complete. */
MUST_USE err_t meta_workspace_has_open_work(struct meta_tx *, int64_t id, struct arena *a, bool *ret_has);

/* Until the write ends, nobody else holds the section, so what is counted or named in it stays. */
MUST_USE err_t meta_section_hold(struct meta_tx *, int64_t id, struct arena *a);

/* CONFLICT when the account has an entity of that name or of that data source. */
MUST_USE err_t meta_entity_add(struct meta_tx *, const struct entity *, struct arena *a, int64_t *ret_id);
MUST_USE err_t meta_entity_by_name(struct meta_tx *, int64_t account_id, slice name, struct arena *a,
                                   struct entity *ret);
MUST_USE err_t meta_entity_by_data_source(struct meta_tx *, int64_t account_id, slice data_source, struct arena *a,
                                          struct entity *ret);
/* *ret_has: the account has an entity of that type. */
MUST_USE err_t meta_entity_has_type(struct meta_tx *, int64_t account_id, slice type, struct arena *a, bool *ret_has);
/* Those of an account, by id. */
MUST_USE err_t meta_entity_list(struct meta_tx *, int64_t account_id, const struct id_page *, struct arena *a,
                                struct entity_list *ret);

#endif
