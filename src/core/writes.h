/* SPDX-License-Identifier: Apache-2.0 */
/* How writing to the stores goes: the outcome of the last commit of records and of the last one of a blob, with their times. The
 * stores note each outcome where it happens (store/write_watch.h), so nothing is written to find it out; only after some time
 * without a write, health_check makes a small one.
 *
 *   ok ──► failing    writes_note with NO_SPACE or UNAVAILABLE. Other errors are those of a request, not of the disk
 *   failing ──► ok    writes_note without an error, a second or more after the last failure: on a disk that takes some writes and
 *                     refuses others, the state changes once a second at most
 *
 * Each change is reported once (core_params.watch). Thread: any. */
#ifndef CAIS_CORE_WRITES_H
#define CAIS_CORE_WRITES_H

#include "core/core.h"

#define WRITES_PROBE_AFTER_MS 10000 /* without a write, while writes succeed */
#define WRITES_RETRY_AFTER_MS 1000  /* the same, while they fail */

struct write_state {
    bool is_failing;
    enum err_code code;   /* of the last failure, while failing: NO_SPACE or UNAVAILABLE */
    int64_t succeeded_ms; /* wall clock, of the last success; 0: none since the start */
    int64_t failed_ms;    /* the same, of the last failure */
    uint64_t failures;    /* since the start */
};

void writes_state(struct core *, enum core_store which, struct write_state *ret);
/* True for one caller when the store was not written for so long that somebody should try: that caller then writes. */
bool writes_want_probe(struct core *, enum core_store which);

#endif
