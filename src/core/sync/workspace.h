/* SPDX-License-Identifier: Apache-2.0 */
/* Workspaces and their sections. An administrator makes them. A key for sync files belongs to one workspace (struct key_request),
 * may use every section of it, and has a section of its own, for files whose sender names none.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store. Thread: any that may block. */
#ifndef CAIS_CORE_SYNC_WORKSPACE_H
#define CAIS_CORE_SYNC_WORKSPACE_H

#include "core/core.h"
#include "core/reasons.h"
#include "core/records/record_ids.h"
#include "core/records/workspace.h"

#define SYNC_NAME_MAX 128 /* characters */

/* May a workspace or a section have this name, or an action, by which a sender follows a file? 1 to SYNC_NAME_MAX characters of UTF-8
 * without control characters and slashes, and neither "." nor "..", which programs take out of URLs. */
bool sync_name_is_valid(slice name);
/* A name for what its maker gave none: 24 hex digits, in `a`. */
slice sync_name_new(struct core *, struct arena *a);

/* In the account of `who`. name: empty: a new one. Errors: SYNC_BAD_NAME; SYNC_WORKSPACE_TAKEN; QUOTA. */
MUST_USE err_t workspace_add(struct core *, const struct principal *who, slice name, struct arena *a,
                             struct workspace *ret);
/* Errors: SYNC_NO_WORKSPACE. */
MUST_USE err_t workspace_find(struct core *, int64_t account_id, slice name, struct arena *a, struct workspace *ret);
/* Removes a workspace of the account of `who` with its sections, its files, what was imported into it, and its keys, in short writes. Whoever
 * may do that is the caller's business. After an error it may be called again, and goes on. Errors: SYNC_NO_WORKSPACE; CONFLICT a
 * file is being sent to it, or imported. */
MUST_USE err_t workspace_remove(struct core *, const struct principal *who, slice name, struct arena *a);
/* Those of an account, by id. */
MUST_USE err_t workspace_list(struct core *, int64_t account_id, const struct id_page *, struct arena *a,
                              struct workspace_list *ret);

/* As a sender names a section; empty: that of the key. */
struct section_names {
    slice workspace, section;
};

struct section_request {
    slice workspace, name; /* name: empty: a new one */
    bool refuses_deletes;
};
/* Errors: SYNC_NO_WORKSPACE; SYNC_BAD_NAME; SYNC_SECTION_TAKEN; QUOTA. */
MUST_USE err_t section_add(struct core *, const struct principal *who, const struct section_request *, struct arena *a,
                           struct section *ret);
/* Those of a workspace, by id. */
MUST_USE err_t section_list(struct core *, int64_t workspace_id, const struct id_page *, struct arena *a,
                            struct section_list *ret);
/* The section that a sender names, if `who` may use it; in a snapshot or a write. Errors: SYNC_NO_ACCESS. */
MUST_USE err_t section_of_names(struct meta_tx *, const struct principal *who, const struct section_names *,
                                struct arena *a, struct workspace *ret_workspace, struct section *ret_section);

#endif
