/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#ifndef CAIS_CORE_SYNC_SYNC_PRIV_H
#define CAIS_CORE_SYNC_SYNC_PRIV_H

#include "core/records/holder.h"
#include "core/records/sync_file.h"

static inline struct holder sync_holder_of(int64_t id)
{
    return (struct holder){ HOLDER_SYNC_FILE, id };
}

/* "sync:HANDLE" */
slice sync_subject(const struct sync_file *, struct arena *a);

#endif
