/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of periodic work. Each runs to its end and says how many items it dealt with; each may be cut off anywhere
 * and run again. */
#ifndef CAIS_JOBS_KINDS_H
#define CAIS_JOBS_KINDS_H

#include "core/core.h"

err_t kind_purge(struct core *, struct arena *a, int64_t *ret_done);
err_t kind_garbage(struct core *, struct arena *a, int64_t *ret_done);
err_t kind_sweep(struct core *, struct arena *a, int64_t *ret_done);
err_t kind_tokens(struct core *, struct arena *a, int64_t *ret_done);

#endif
