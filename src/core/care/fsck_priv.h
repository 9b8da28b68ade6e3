/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of fsck. */
#ifndef CAIS_CORE_CARE_FSCK_PRIV_H
#define CAIS_CORE_CARE_FSCK_PRIV_H

#include "core/care/fsck.h"

enum { FSCK_PAGE = 500 /* rows in one snapshot */ };

/* A file for which repair finds no holder is not removed at once: its owner has this long to find and attach it. */
#define FSCK_UNHELD_MS (30 * 24 * 3600 * INT64_C(1000))

struct fsck {
    struct core *core;
    const struct fsck_options *options;
    struct arena *a; /* of the report */
    struct fsck_finding *list;
    struct fsck_report *report;
};

void fsck_add_finding(struct fsck *, enum fsck_severity, const char *what, slice subject, slice detail, bool repaired);

/* Compare holds with what the records of their holders say, in both directions. Repairs come before the files are checked:
 * then a file that nothing holds is one to which nothing refers. */
MUST_USE err_t fsck_check_holds(struct fsck *);

/* Is there a job that removes what is left of tasks that were removed? Repair adds it. */
MUST_USE err_t fsck_check_removed_tasks(struct fsck *);

/* Compare the rows of datasets with what the records of their files say, in both directions. */
MUST_USE err_t fsck_check_datasets(struct fsck *);

/* Have sync files the files that their states say? Whether the files are held is checked by fsck_check_holds. */
MUST_USE err_t fsck_check_sync_files(struct fsck *);

/* Compare the bytes of transfers with what their records acknowledge. */
MUST_USE err_t fsck_check_transfers(struct fsck *);

#endif
