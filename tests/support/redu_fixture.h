/* SPDX-License-Identifier: Apache-2.0 */
/* A Redu server without sockets: a school, the API, the fake engine, and a token for each person of the school. */
#ifndef CAIS_TESTS_REDU_FIXTURE_H
#define CAIS_TESTS_REDU_FIXTURE_H

#include "api/redu/redu.h"
#include "fake_http.h"
#include "reply_json.h"
#include "school.h"

/* Who asks. */
enum redu_person { NOBODY, STRANGER, MEMBER, TUTOR, TEACHER, ADMIN, BOSS, PERSONS }; /* BOSS administers the account */

struct redu_fixture {
    struct school *s;
    struct arena *a;
    struct link_base links;
    struct redu redu;
    struct http_api http_api;
    struct fake_http http;
    slice tokens[PERSONS]; /* that of NOBODY is empty */
};

struct redu_options redu_fixture_options(void);
struct redu_fixture *redu_fixture_new(const struct redu_options *); /* NULL: the defaults of the configuration */
/* A copy of a world that had such a server (world_image), without the tokens. */
struct redu_fixture *redu_fixture_kept(struct world_kept *);
void redu_fixture_free(struct redu_fixture *);
static inline void redu_fixture_freep(struct redu_fixture **f)
{
    redu_fixture_free(*f);
}
#define REDU_FIXTURE(name) SCOPED(redu_fixture_freep) struct redu_fixture *name = redu_fixture_new(NULL)

/* Sends a request such as "GET /api/me". The body is sent as JSON when it begins like JSON, else as a form; NULL: none. */
struct fake_reply *redu_send(struct redu_fixture *, enum redu_person, const char *request, const char *body);
struct fake_reply *redu_sendf(struct redu_fixture *, enum redu_person, const char *body, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* Uploads a file into the folder. */
struct fake_reply *redu_upload(struct redu_fixture *, enum redu_person, int64_t folder, const char *name, slice bytes);

static inline slice redu_str(struct redu_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_text(f->a, r, path);
}
static inline int64_t redu_int(struct redu_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_int(f->a, r, path);
}

#endif
