/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the audit log: the oldest events are removed. */
#ifndef CAIS_CORE_EVENT_PRUNE_H
#define CAIS_CORE_EVENT_PRUNE_H

#include "core/job.h"

struct event_prune_request {
    const struct principal *who; /* NULL: the server itself */
    int64_t before_ms;
    struct job_run *run; /* reports the progress, and may stop the work; may be NULL */
};
/* Remove the oldest events, one after the other, until one is of `before_ms` or later. It is done in several short writes.
 * The first of them records it as the event "event.prune", whose subject has the first and last id; this event stays, so
 * there is always a newest one. When the work was interrupted, a later call removes the rest, and records that.
 * ret_count  how many were removed
 * Errors     INVALID before_ms has not come yet; those of the store. */
MUST_USE err_t event_prune(struct core *, const struct event_prune_request *, struct arena *a, int64_t *ret_count);
/* Remove the events that are older than core_options.events_kept_ms; none if that is 0. Errors: those of the store. */
MUST_USE err_t event_prune_due(struct core *, struct job_run *, struct arena *a);

#endif
