/* SPDX-License-Identifier: Apache-2.0 */
/* The work of each kind of job. It runs to its end, and ret_items is how many items it removed or ended. It can be
 * interrupted at any instant and run again. */
#ifndef CAIS_JOBS_KINDS_H
#define CAIS_JOBS_KINDS_H

#include "core/core.h"

err_t kind_purge(struct core *, struct arena *a, int64_t *ret_items);
err_t kind_garbage(struct core *, struct arena *a, int64_t *ret_items);
err_t kind_sweep(struct core *, struct arena *a, int64_t *ret_items);
err_t kind_tokens(struct core *, struct arena *a, int64_t *ret_items);

#endif
