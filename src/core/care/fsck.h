/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the store has everything that its records describe. It works while the server runs; a record that is
 * removed during the check is not reported. */
#ifndef CAIS_CORE_CARE_FSCK_H
#define CAIS_CORE_CARE_FSCK_H

#include "core/core.h"

enum fsck_severity {
    FSCK_NOTE,    /* left behind by a crash; costs only space */
    FSCK_WARNING, /* wrong, but no bytes are lost */
    FSCK_ERROR    /* acknowledged bytes are damaged or missing */
};

/* A file that a finding is about. What cannot be read is empty. */
struct fsck_file {
    slice uuid;        /* as text */
    slice name, owner; /* owner: login */
    slice *holders;    /* "task:12", "comment:7", … */
    size_t holder_count;
};
/* What a finding is about, for programs; the detail says the same in words. */
struct fsck_about {
    slice blob_key; /* empty: no blob */
    struct fsck_file *files;
    size_t file_count;
    slice *entries; /* "BUCKET/KEY" */
    size_t entry_count;
    bool is_cut; /* there are more files or entries than are named */
};

struct fsck_finding {
    enum fsck_severity severity;
    const char *what; /* "bytes missing", "digest differs", … */
    slice
        subject; /* "object:12", "blob:KEY", "file:UUID", "task:12", "entry:BUCKET/KEY", "upload:NAME", "event:12", … */
    slice detail;
    bool repaired;
    struct fsck_about about; /* zeros: it is not about bytes, or nothing is known */
};

struct fsck_options {
    bool
        repair; /* remove proven orphans, correct counters and holds; files and objects with a record are never removed */
    bool force; /* with repair: remove orphans also when they are so many that records may be lost (sweep.h) */
    bool quick; /* compare sizes instead of digests, and do not check the pages of the database */
    void (*on_finding)(void *arg, const struct fsck_finding *); /* may be NULL */
    /* What is checked now, and how many bytes were read of about so many (0: it is not known). May be NULL; it is called often. */
    void (*on_progress)(void *arg, const char *what, uint64_t read_bytes, uint64_t total_bytes);
    void *arg;
};

#define FSCK_LISTED 1000 /* findings that the list holds at most; all are counted */

struct fsck_report {
    int64_t objects, blobs, files, entries;
    uint64_t bytes;                /* of all objects but composites */
    int64_t count[FSCK_ERROR + 1]; /* findings by severity */
    int64_t repaired;
    const struct fsck_finding *list; /* in the arena of the call */
    size_t listed;
};

/* Each finding about bytes names the blob, the files with their owners and holders, and the entries. Of a database with damaged pages, each
 * check goes as far as it can; then each file whose row can be read is a note ("can be saved", by salvage.h), and nothing is repaired.
 *
 * What is checked:
 *   database   its own check of pages, indexes and foreign keys
 *   rows       their values are such as this program writes (meta_check_rows)
 *   objects    each has its bytes, of the right length and MD5, and something refers to it; a composite has its parts,
 *              and they add up
 *   blobs      each has a record, or is young, or waits for its removal
 *   files      each has its object, and a state and a ticket that fit
 *   holds      each is of a holder that refers to the file, each reference has its hold, and each file that is READY and
 *              not kept is held
 *   tasks      there is a job that removes what is left of those that were removed
 *   buckets    each entry and each part of an upload has its object
 *   transfers  the bytes that they have acknowledged are there
 *   datasets   the rows of each are those of the files that were read, and their pages are sound
 *   records    each set has a row, each row its set, whose pages are sound, and as large as the row says unless an import runs
 *   sync files each has the file that its state says; its import has a job, or a report and numbers that say how it ended
 *   accounts   their counters of usage, and those of users
 *   events     none is missing but the oldest, which were removed
 *   keys       the master key opens every signing key that has not been revoked
 * Findings are not an error. Errors: UNAVAILABLE and the like, when the check could not be finished. */
MUST_USE err_t fsck_run(struct core *, const struct fsck_options *, struct arena *a, struct fsck_report *ret);

#endif
