/* SPDX-License-Identifier: Apache-2.0 */
/* What a kind of holders does. Each kind of core/records/holders.def defines one struct holder_rules, in the room of its
 * noun; core->holders lists all of them, so that files know nothing of the things that hold them. */
#ifndef CAIS_CORE_FILE_HOLDER_H
#define CAIS_CORE_FILE_HOLDER_H

#include "core/core.h"
#include "core/records/holder.h"

struct holder_rules {
    int kind;         /* an enum holder_kind */
    const char *name; /* for messages: "task" */
    /* When a holder of this kind ends, files that came by ticket and that nothing else holds are removed at once, kept or
     * not. Otherwise they get a purge time, like all other files. */
    bool removes_ticket_files;
};

/* NULL: no such kind. */
const struct holder_rules *holder_rules_of(const struct core *, int kind);

#endif
