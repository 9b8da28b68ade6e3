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
    const struct fsck_options *options; /* own_options */
    struct fsck_options own_options; /* those of the caller, without repair once the database is known to be damaged */
    struct arena *a;                 /* of the report */
    struct fsck_finding *list;
    struct fsck_report *report;
    uint64_t total_bytes; /* about so many are to be read; 0: it is not known, or nothing is read */
    bool is_damaged;      /* rows of the database cannot be read */
};

void fsck_add_finding(struct fsck *, enum fsck_severity, const char *what, slice subject, slice detail, bool repaired);

/* The detail of a finding about bytes, in words and as members. */
struct fsck_named {
    slice detail;
    struct fsck_about about;
};
/* A finding about bytes that is not repaired. */
void fsck_add_named(struct fsck *, enum fsck_severity, const char *what, slice subject, const struct fsck_named *);

struct file;
struct object;
/* "NAME" of LOGIN, and what holds the file, in `a`. What cannot be read is said. */
struct fsck_named fsck_name_file(struct fsck *, struct meta_tx *, const struct file *, struct arena *a);
/* The detail, and after it the blob of the object and the files and entries that refer to it. */
struct fsck_named fsck_name_object(struct fsck *, const struct object *, slice detail, struct arena *a);
/* Of a damaged database: each file whose row can be read, and where rows cannot. */
MUST_USE err_t fsck_list_savable(struct fsck *);

/* Compare holds with what the records of their holders say, in both directions. Repairs come before the files are checked:
 * then a file that nothing holds is one to which nothing refers. */
MUST_USE err_t fsck_check_holds(struct fsck *);

/* Is there a job that removes what is left of tasks that were removed? Repair adds it. */
MUST_USE err_t fsck_check_removed_tasks(struct fsck *);

/* Compare the rows of datasets with what the records of their files say, in both directions. */
MUST_USE err_t fsck_check_datasets(struct fsck *);

/* Are the sets of records there that their rows name, whole and no others? */
MUST_USE err_t fsck_check_record_sets(struct fsck *);

/* Have sync files the files that their states say? Whether the files are held is checked by fsck_check_holds. Are their imports on
 * the way, or have they ended with numbers and a report that say how? */
MUST_USE err_t fsck_check_sync_files(struct fsck *);

/* Compare the bytes of transfers with what their records acknowledge. */
MUST_USE err_t fsck_check_transfers(struct fsck *);

#endif
