/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_CORE_RECORDS_REPORT_H
#define CAIS_CORE_RECORDS_REPORT_H

#include "base/slice.h"

#include <stdint.h>

/* A program of a client that reports what it does. */
struct reporter {
    int64_t id, account_id;
    slice name; /* unique in the account */
    slice version, host, system;
    int64_t last_seen_ms, created_at_ms;
};

/* The numbers stand in the database. */
enum report_run_state { REPORT_RUN_OPEN, REPORT_RUN_ENDED, REPORT_RUN_FAILED };

/* One run of such a program, as it reported it. */
struct report_run {
    int64_t id, account_id;
    int64_t reporter_id; /* who may have been forgotten */
    slice key; /* chosen by the sender of the report that made the record, unique in the account; empty: none */
    enum report_run_state state;
    slice details;                      /* what the last report said, a JSON object */
    int64_t started_at_ms, ended_at_ms; /* 0: not yet */
};

#endif
