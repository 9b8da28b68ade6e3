/* SPDX-License-Identifier: Apache-2.0 */
/* An Appfile server without sockets, and beside it an S3 server, both over one world with a sync_fixture: workspace "W" with the
 * sections "B" and "other". */
#ifndef CAIS_TESTS_APPFILE_FIXTURE_H
#define CAIS_TESTS_APPFILE_FIXTURE_H

#include "api/appfile/appfile.h"
#include "api/s3/s3.h"
#include "fake_http.h"
#include "reply_json.h"
#include "sync_fixture.h"

/* Keys of ana, of each role, for W and its section B; and one of another workspace. */
enum appfile_person { AF_NOBODY, AF_VIEWER, AF_UPLOADER, AF_ADMIN, AF_OTHER, AF_PERSONS };

struct appfile_fixture {
    struct world *w;
    struct arena *a;
    struct sync_fixture sync;
    struct link_base links;
    struct appfile appfile;
    struct s3 s3;
    struct http_api http_api, s3_http_api;
    struct fake_http http, s3_http;
    slice keys[AF_PERSONS]; /* that of AF_NOBODY is empty */
};

struct appfile_options appfile_fixture_options(void);
struct appfile_fixture *appfile_fixture_new(const struct appfile_options *); /* NULL: appfile_fixture_options */
/* A copy of a world that had such a server (world_image), without the keys. */
struct appfile_fixture *appfile_fixture_kept(struct world_kept *);
void appfile_fixture_free(struct appfile_fixture *);
static inline void appfile_fixture_freep(struct appfile_fixture **f)
{
    appfile_fixture_free(*f);
}
#define APPFILE_FIXTURE(name) SCOPED(appfile_fixture_freep) struct appfile_fixture *name = appfile_fixture_new(NULL)

/* Sends a request such as "GET /appfile/file/1" with the key in x-api-key. body NULL: none. */
struct fake_reply *appfile_send(struct appfile_fixture *, enum appfile_person, const char *request, const char *body);
struct fake_reply *appfile_sendf(struct appfile_fixture *, enum appfile_person, const char *body, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Follows a link: to the S3 server, without any headers but Host. */
struct fake_reply *appfile_follow(struct appfile_fixture *, const char *method, slice url, slice body);
/* Asks for a file called a.txt: the reply, which is 200. */
struct fake_reply *appfile_issue(struct appfile_fixture *);

static inline slice appfile_str(struct appfile_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_text(f->a, r, path);
}
/* The value of a header of the reply; empty: it has none. */
slice appfile_header(const struct fake_reply *, const char *name);

#endif
