/* SPDX-License-Identifier: Apache-2.0 */
/* A DataSnap server without sockets: a world, the API, the fake engine, and a token of each role. */
#ifndef CAIS_TESTS_DATASNAP_FIXTURE_H
#define CAIS_TESTS_DATASNAP_FIXTURE_H

#include "api/datasnap/datasnap.h"
#include "core/records/dataset.h"
#include "fake_http.h"
#include "reply_json.h"
#include "world.h"

/* Who asks: tokens of ana, of each role, and one of the administrator of another account. */
enum datasnap_person { DS_NOBODY, DS_READER, DS_WRITER, DS_ADMIN, DS_OTHER, DS_PERSONS };

struct datasnap_fixture {
    struct world *w;
    struct arena *a;
    struct link_base links;
    struct datasnap datasnap;
    struct http_api http_api;
    struct fake_http http;
    struct principal ana;
    slice tokens[DS_PERSONS]; /* that of DS_NOBODY is empty */
};

struct datasnap_options datasnap_fixture_options(void);
struct datasnap_fixture *
datasnap_fixture_new(const struct datasnap_options *); /* NULL: the defaults of the configuration */
/* A copy of a world that had such a server (world_image), without the tokens. */
struct datasnap_fixture *datasnap_fixture_kept(struct world_kept *);
void datasnap_fixture_free(struct datasnap_fixture *);
static inline void datasnap_fixture_freep(struct datasnap_fixture **f)
{
    datasnap_fixture_free(*f);
}
#define DATASNAP_FIXTURE(name) SCOPED(datasnap_fixture_freep) struct datasnap_fixture *name = datasnap_fixture_new(NULL)

/* Sends a request such as "GET /v1/schemas" to api.datasnap.cloud. The body is JSON; NULL: none. */
struct fake_reply *datasnap_send(struct datasnap_fixture *, enum datasnap_person, const char *request,
                                 const char *body);
struct fake_reply *datasnap_sendf(struct datasnap_fixture *, enum datasnap_person, const char *body, const char *fmt,
                                  ...) PRINTF_LIKE(4, 5);

/* Declares a schema of ana's account: the slug, and the other members as JSON text, such as "\"fields\":{\"id\":\"integer\"}". */
struct dataset datasnap_schema(struct datasnap_fixture *, const char *slug, const char *members);
/* A file that ana sent to a schema under an upload URL: its id. It is processed when the jobs of the world run. */
int64_t datasnap_file(struct datasnap_fixture *, const struct dataset *, const char *name, slice bytes);
/* A form of files for a schema, "name:bytes" each, in parts called files[]; ends with NULL. */
slice datasnap_form(struct datasnap_fixture *, const char *const *files);
struct fake_reply *datasnap_send_form(struct datasnap_fixture *, enum datasnap_person, const char *slug, slice form);

static inline slice datasnap_str(struct datasnap_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_text(f->a, r, path);
}
static inline int64_t datasnap_int(struct datasnap_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_int(f->a, r, path);
}

#endif
