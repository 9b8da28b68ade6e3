/* SPDX-License-Identifier: Apache-2.0 */
/* A Pyrus server without sockets: a world, the API, and the fake engine. For tests of the API, and of tasks in core. */
#ifndef CAIS_TESTS_PYRUS_FIXTURE_H
#define CAIS_TESTS_PYRUS_FIXTURE_H

#include "api/pyrus/pyrus.h"
#include "base/json.h"
#include "core/task/task.h"
#include "reply_json.h"
#include "world.h"

struct pyrus_fixture {
    struct world *w;
    struct arena *a; /* w->a */
    struct link_base links;
    struct pyrus pyrus;
    struct http_api http_api;
    struct fake_http http;
};

/* Allocated on the heap, because parts of it point to each other. options: NULL for the defaults of the
 * configuration. */
struct pyrus_fixture *pyrus_fixture_new(const struct pyrus_options *options);
/* The same over a world with these options. */
struct pyrus_fixture *pyrus_fixture_new_in(const struct pyrus_options *options, const struct world_options *world);
void pyrus_fixture_free(struct pyrus_fixture *);
static inline void pyrus_fixture_freep(struct pyrus_fixture **f)
{
    pyrus_fixture_free(*f);
}
struct pyrus_options pyrus_fixture_options(void);

/* Declares the fixture `name` and the user `ana` in it. */
#define PYRUS_FIXTURE(name)                                                                                            \
    SCOPED(pyrus_fixture_freep) struct pyrus_fixture *name = pyrus_fixture_new(NULL);                                  \
    __attribute__((unused)) struct pyrus_user ana = pyrus_user(name, "ana", "Ana Prado")

/* A user with a key for this API, and its principal in core. */
struct pyrus_user {
    int64_t id;
    slice login, key, token; /* token: of a first login */
    struct principal who;
};
struct pyrus_user pyrus_user(struct pyrus_fixture *, const char *login, const char *name);
struct pyrus_user pyrus_user_of(struct pyrus_fixture *, const char *account, const char *login, const char *name,
                                bool is_admin);

struct fake_reply *pyrus_send(struct pyrus_fixture *, const struct pyrus_user *, const char *method, const char *target,
                              const char *json);
/* Sends POST /v4/files/upload with one file part, and returns the reply. */
struct fake_reply *pyrus_send_file(struct pyrus_fixture *, const struct pyrus_user *, const char *name, slice bytes);
/* The same; expects success, and returns the GUID. */
slice pyrus_upload_file(struct pyrus_fixture *, const struct pyrus_user *, const char *name, slice bytes);
/* The JSON value at a path such as "task.comments.0.attachments.1.id"; NULL when there is none. */
static inline const struct json *pyrus_at(struct pyrus_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_at(f->a, r, path);
}
static inline int64_t pyrus_int(struct pyrus_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_int(f->a, r, path);
}
static inline slice pyrus_text(struct pyrus_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_text(f->a, r, path);
}
static inline size_t pyrus_count(struct pyrus_fixture *f, const struct fake_reply *r, const char *path)
{
    return reply_count(f->a, r, path);
}

#define EXPECT_FAILURE(fixture, reply, want_status, want_code)                                                         \
    do {                                                                                                               \
        const struct fake_reply *reply_ = (reply);                                                                     \
        EXPECT_SLICE(pyrus_text((fixture), reply_, "error_code"), slice_of(want_code));                                \
        EXPECT_EQ(reply_->status, (want_status));                                                                      \
        EXPECT(pyrus_text((fixture), reply_, "error").n > 0);                                                          \
    } while (0)

#endif
