/* SPDX-License-Identifier: Apache-2.0 */
/* A folder as a holder of files (core/file/hold.h). */
#ifndef CAIS_CORE_SPACE_FOLDER_HOLDER_PRIV_H
#define CAIS_CORE_SPACE_FOLDER_HOLDER_PRIV_H

#include "core/file/holder.h"

extern const struct holder_rules folder_holder;

static inline struct holder folder_holder_of(int64_t folder_id)
{
    return (struct holder){ HOLDER_FOLDER, folder_id };
}

#endif
