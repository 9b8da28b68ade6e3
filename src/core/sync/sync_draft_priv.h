/* SPDX-License-Identifier: Apache-2.0 */
/* A header while it is read. All slices are in an arena that outlives the header. */
#ifndef CAIS_CORE_SYNC_DRAFT_PRIV_H
#define CAIS_CORE_SYNC_DRAFT_PRIV_H

#include "core/sync/sync_header.h"

struct sync_draft {
    struct sync_header header;
    slice keys[SYNC_KEYS_MAX]; /* codes */
    size_t key_count;
    struct sync_field *fields; /* with code, name and type; room for SYNC_FIELDS_MAX */
    size_t field_count;
    bool keys_must_begin; /* the fields; else those of the key are moved there */
};

void sync_draft_init(struct sync_draft *, struct arena *a);
/* Add a key. False: there are too many, or it is no code. */
bool sync_draft_add_key(struct sync_draft *, slice code);
/* Check what was added, and set the fields and the key of the header. *ret_bad: of SYNC_BAD_FIELD the code or name that is to
 * blame; it may be empty. */
enum sync_fault sync_draft_end(struct sync_draft *, struct arena *a, slice *ret_bad);

#endif
