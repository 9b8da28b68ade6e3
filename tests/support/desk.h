/* SPDX-License-Identifier: Apache-2.0 */
/* A Pyrus server without sockets: a world, the dialect, and the fake engine in front. For tests of tasks and of what is
 * spoken about them. */
#ifndef CAIS_TESTS_DESK_H
#define CAIS_TESTS_DESK_H

#include "api/pyrus/pyrus.h"
#include "base/json.h"
#include "core/task/task.h"
#include "reply_json.h"
#include "world.h"

struct desk {
    struct world *w;
    struct arena *a; /* w->a */
    struct link_base links;
    struct pyrus pyrus;
    struct http_dialect dialect;
    struct fake_http http;
};

/* On the heap: parts of it point to each other. */
struct desk *desk_new(const struct pyrus_options *options /* NULL: the defaults of the configuration */);
void desk_free(struct desk *);
static inline void desk_freep(struct desk **d)
{
    desk_free(*d);
}
struct pyrus_options desk_options(void);

/* A user of the default account, its key, and who it is in core. */
struct desk_user {
    int64_t id;
    slice login, key, token; /* token: of a first login */
    struct principal who;
};
struct desk_user desk_user(struct desk *, const char *login, const char *name);
struct desk_user desk_user_of(struct desk *, const char *account, const char *login, const char *name, bool is_admin);

struct fake_reply *desk_send(struct desk *, const struct desk_user *, const char *method, const char *target,
                             const char *json);
/* POST /v4/files/upload with one file part. */
struct fake_reply *desk_upload_reply(struct desk *, const struct desk_user *, const char *name, slice bytes);
slice desk_upload(struct desk *, const struct desk_user *, const char *name, slice bytes); /* its guid */
/* What a path like "task.comments.0.attachments.1.id" leads to in the reply's JSON; NULL when nothing is there. */
static inline const struct json *desk_at(struct desk *d, const struct fake_reply *r, const char *path)
{
    return reply_at(d->a, r, path);
}
static inline int64_t desk_int(struct desk *d, const struct fake_reply *r, const char *path)
{
    return reply_int(d->a, r, path);
}
static inline slice desk_text(struct desk *d, const struct fake_reply *r, const char *path)
{
    return reply_text(d->a, r, path);
}
static inline size_t desk_count(struct desk *d, const struct fake_reply *r, const char *path)
{
    return reply_count(d->a, r, path);
}

#define EXPECT_FAILURE(desk, reply, want_status, want_code)                                                            \
    do {                                                                                                               \
        const struct fake_reply *reply_ = (reply);                                                                     \
        EXPECT_SLICE(desk_text((desk), reply_, "error_code"), slice_of(want_code));                                    \
        EXPECT_EQ(reply_->status, (want_status));                                                                      \
        EXPECT(desk_text((desk), reply_, "error").n > 0);                                                              \
    } while (0)

#endif
