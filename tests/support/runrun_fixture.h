/* SPDX-License-Identifier: Apache-2.0 */
/* A Runrun.it server without sockets: a world, the API, and the fake engine. The bytes of forms go straight into core,
 * as the S3 API would put them there. */
#ifndef CAIS_TESTS_RUNRUN_FIXTURE_H
#define CAIS_TESTS_RUNRUN_FIXTURE_H

#include "api/runrun/runrun.h"
#include "base/json.h"
#include "core/bucket/entry.h"
#include "core/task/task.h"
#include "reply_json.h"
#include "world.h"

struct runrun_fixture {
    struct world *w;
    struct arena *a; /* w->a */
    struct link_base links;
    struct runrun runrun;
    struct http_api http_api;
    struct fake_http http;
};

/* Allocated on the heap, because parts of it point to each other. options: NULL for the defaults of the
 * configuration. */
struct runrun_fixture *runrun_fixture_new(const struct runrun_options *options);
/* The same over a world with these options. */
struct runrun_fixture *runrun_fixture_new_in(const struct runrun_options *options, const struct world_options *world);
void runrun_fixture_free(struct runrun_fixture *);
static inline void runrun_fixture_freep(struct runrun_fixture **f)
{
    runrun_fixture_free(*f);
}
struct runrun_options runrun_fixture_options(void);

/* Declares the fixture `name` and the user `ana` in it. */
#define RUNRUN_FIXTURE_WITH(name, options)                                                                             \
    SCOPED(runrun_fixture_freep) struct runrun_fixture *name = runrun_fixture_new(options);                            \
    __attribute__((unused)) struct runrun_user ana = runrun_user(name, "ana-prado", "Ana Prado")
#define RUNRUN_FIXTURE(name) RUNRUN_FIXTURE_WITH(name, NULL)

struct runrun_user {
    int64_t id, key_id;
    slice login, key, token;
    struct principal who;
};
struct runrun_user runrun_user(struct runrun_fixture *, const char *login, const char *name);
struct runrun_user runrun_user_of(struct runrun_fixture *, const char *account, const char *login, const char *name,
                                  bool is_admin);

/* Sends a request such as "GET /api/v1.0/tasks/7". A path that does not begin with /api gets the prefix /api/v1.0. The
 * body is sent as JSON when it begins like JSON, else as a form. */
struct fake_reply *runrun_send(struct runrun_fixture *, const struct runrun_user *, const char *request,
                               const char *body);
struct fake_reply *runrun_sendf(struct runrun_fixture *, const struct runrun_user *, const char *body, const char *fmt,
                                ...) PRINTF_LIKE(4, 5);
char *runrun_format(struct runrun_fixture *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The functions of reply_json.h, with the arena of the fixture. */
static inline const struct json *runrun_at(struct runrun_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_at(f->a, r, path);
}
static inline int64_t runrun_int(struct runrun_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_int(f->a, r, path);
}
static inline slice runrun_str(struct runrun_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_text(f->a, r, path);
}
static inline bool runrun_is_null(struct runrun_fixture *f, const struct fake_reply *r, const char *path)
{
    return json_is(reply_at(f->a, r, path), JS_NULL); /* present, and null */
}
static inline bool runrun_is_set(struct runrun_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_bool(f->a, r, path);
}
static inline size_t runrun_count(struct runrun_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_count(f->a, r, path);
}

int64_t runrun_new_task(struct runrun_fixture *, const struct runrun_user *, const char *title);
/* Requests a ticket for a task (0: for none), expects 201, and returns the reply. */
struct fake_reply *runrun_request_ticket(struct runrun_fixture *, const struct runrun_user *, int64_t task_id,
                                         slice name, uint64_t size);
/* Puts bytes under a key of the bucket, as a valid form would. */
err_t runrun_put_bytes(struct runrun_fixture *, slice key, slice bytes);
/* Requests a ticket, puts the bytes and confirms. Returns the id of the document. */
int64_t runrun_new_document(struct runrun_fixture *, const struct runrun_user *, int64_t task_id, slice name,
                            slice bytes);

#define EXPECT_ERROR(fixture, reply, want_status)                                                                      \
    do {                                                                                                               \
        const struct fake_reply *reply_ = (reply);                                                                     \
        EXPECT_EQ(reply_->status, (want_status));                                                                      \
        EXPECT(runrun_str((fixture), reply_, "error").n > 0);                                                          \
    } while (0)
#define EXPECT_FIELD(fixture, reply, field, text)                                                                      \
    do {                                                                                                               \
        const struct fake_reply *reply_ = (reply);                                                                     \
        EXPECT_SLICE(runrun_str((fixture), reply_, "errors." field ".0"), S(text));                                    \
        EXPECT_EQ(reply_->status, 422);                                                                                \
    } while (0)

#endif
