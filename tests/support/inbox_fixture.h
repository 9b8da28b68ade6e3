/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox of section B of a sync_fixture, as ana's key opens it. The text of each result is "STATE of NAME". */
#ifndef CAIS_TESTS_INBOX_FIXTURE_H
#define CAIS_TESTS_INBOX_FIXTURE_H

#include "core/sync/inbox.h"
#include "sync_fixture.h"

#define INBOX_SAMPLE                                                                                                   \
    S("00|C|F|20261121033000|REF-17\n01|wks_family|W|B|cc-family|SYNC\n02|entityId\n03|entityId|name\n"                \
      "10|F-1|Silva|\n99|1\n")

struct inbox_fixture {
    struct sync_fixture f;
    struct world *w;
    struct inbox_options options;
    struct inbox *inbox;
    int result_calls;
};
/* Its address is kept: release it by inbox_fixture_release. */
void inbox_fixture_init(struct inbox_fixture *, struct world *);
void inbox_fixture_release(struct inbox_fixture *);
#define INBOX(name, w)                                                                                                 \
    SCOPED(inbox_fixture_release) struct inbox_fixture name;                                                           \
    inbox_fixture_init(&name, w)

/* Another inbox of a new key of that user; the caller closes it. */
struct inbox *inbox_fixture_open(struct inbox_fixture *, const struct principal *who);

/* A path as text; fails the test when it leads nowhere. */
struct inbox_path inbox_path_of(struct inbox_fixture *, const char *text);
/* Writes a file of /import from its beginning and closes it, or goes on with it. */
err_t inbox_put(struct inbox_fixture *, const char *name, slice bytes);
err_t inbox_append(struct inbox_fixture *, const char *name, slice bytes);
/* The same, but the connection is lost. */
void inbox_put_cut(struct inbox_fixture *, const char *name, slice bytes);
err_t inbox_rename_to(struct inbox_fixture *, const char *from, const char *to, bool replaces);

/* "*" what can be written, name, ":", size; of a folder name and "/". Sorted by name, blanks between. */
slice inbox_shown(struct inbox_fixture *, const char *folder, size_t limit);
/* The bytes of a file, or the error. */
err_t inbox_bytes(struct inbox_fixture *, const char *path, slice *ret);
/* The newest sync file that came through the inbox under that name. */
struct sync_file inbox_newest(struct inbox_fixture *, const char *name);
void inbox_run_jobs(struct inbox_fixture *);

#endif
