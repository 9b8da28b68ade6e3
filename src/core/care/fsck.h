/* SPDX-License-Identifier: Apache-2.0 */
/* Does the store hold what it says? Works while the server runs: what comes and goes meanwhile is no finding. */
#ifndef CAIS_CORE_CARE_FSCK_H
#define CAIS_CORE_CARE_FSCK_H

#include "core/core.h"

enum fsck_severity {
    FSCK_NOTE,    /* explained by a crash; costs only space */
    FSCK_WARNING, /* wrong, but no bytes are lost */
    FSCK_ERROR    /* something acknowledged is damaged or gone */
};

struct fsck_finding {
    enum fsck_severity severity;
    const char *what; /* "bytes missing", "digest differs", … */
    slice subject;    /* "object:12", "blob:KEY", "file:UUID", "entry:BUCKET/KEY", "upload:NAME", "database" */
    slice detail;
    bool repaired;
};

struct fsck_options {
    bool repair; /* remove proven orphans, correct counters. Never touches what somebody may want back */
    bool quick;  /* sizes instead of digests, no check of the database's pages */
    void (*on_finding)(void *arg, const struct fsck_finding *); /* may be NULL */
    void *arg;
};

#define FSCK_LISTED 1000 /* findings kept in the list; all are counted */

struct fsck_report {
    int64_t objects, blobs, files, entries;
    uint64_t bytes;                /* of objects that hold bytes; those of parts count once */
    int64_t count[FSCK_ERROR + 1]; /* findings by severity */
    int64_t repaired;
    const struct fsck_finding *list; /* in `a` */
    size_t listed;
};

/* The database's own check; every object has its bytes, of the right length and MD5; every blob has a row (or is young,
 * or waits to be removed); something refers to every object; what is put together has its parts, and they add up; every
 * file has its object, and a state and a ticket that fit; every entry and every part of an upload has its object; the
 * accounts' counters; the master key opens every signing key that has not been revoked.
 * Findings are no error. Errors: UNAVAILABLE and the like: the check could not be finished. */
MUST_USE err_t fsck_run(struct core *, const struct fsck_options *, struct arena *a, struct fsck_report *ret);

#endif
