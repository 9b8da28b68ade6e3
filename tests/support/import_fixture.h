/* SPDX-License-Identifier: Apache-2.0 */
/* Imports in the world of sync_fixture.h. Texts and results live in the arena of the world. */
#ifndef CAIS_TESTS_IMPORT_FIXTURE_H
#define CAIS_TESTS_IMPORT_FIXTURE_H

#include "core/sync/sync_import.h"
#include "core/sync/sync_report.h"
#include "sync_fixture.h"

/* Of a file with the fields entityId, its key, name and size, an int. */
#define IMPORT_HEAD                                                                                                    \
    "00|C|F|20261121033000|REF-17\n01|wks_family|W|B|cc-family|SYNC\n02|entityId\n"                                    \
    "03|entityId|name|size:int\n"

/* A file with these bytes, uploaded by ana. */
struct sync_file import_upload(const struct sync_fixture *, const char *name, slice bytes);
/* Ask for its import. */
struct sync_file import_start_as(const struct sync_fixture *, const struct principal *who, const struct sync_file *,
                                 enum sync_form form, const char *action);
struct sync_file import_start(const struct sync_fixture *, const struct sync_file *, const char *action);
/* Uploads, imports, runs what is due, and says how it ended. */
struct sync_file import_text(const struct sync_fixture *, slice bytes);

struct sync_report import_report(const struct sync_fixture *, const struct sync_file *);
/* "BadValue 6 2 size 'x' is no int of F-1; …" */
slice import_errors(const struct sync_fixture *, const struct sync_file *);
/* "began, reads, …" */
slice import_notes(const struct sync_fixture *, const struct sync_file *);
/* The objects of a data source in section B, by key, a line each; the first RECORD_PAGE_MAX. "none": there is no set. */
slice import_records(const struct sync_fixture *, const char *data_source);
/* All rows were done. */
void import_expect_rows(const struct sync_file *, int64_t total, int64_t inserted, int64_t updated, int64_t deleted,
                        int64_t failed);

#endif
