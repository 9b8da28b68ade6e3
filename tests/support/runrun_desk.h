/* SPDX-License-Identifier: Apache-2.0 */
/* A Runrun.it server without sockets: a world, the dialect, and the fake engine in front; the bytes of forms go
 * straight into core, as the S3 dialect puts them there. */
#ifndef CAIS_TESTS_RUNRUN_DESK_H
#define CAIS_TESTS_RUNRUN_DESK_H

#include "api/runrun/runrun.h"
#include "base/json.h"
#include "core/bucket/entry.h"
#include "core/task/task.h"
#include "reply_json.h"
#include "world.h"

struct runrun_desk {
    struct world *w;
    struct arena *a; /* w->a */
    struct link_base links;
    struct runrun runrun;
    struct http_dialect dialect;
    struct fake_http http;
};

/* On the heap: parts of it point to each other. */
struct runrun_desk *runrun_desk_new(const struct runrun_options *options /* NULL: as configured by default */);
void runrun_desk_free(struct runrun_desk *);
static inline void runrun_desk_freep(struct runrun_desk **d)
{
    runrun_desk_free(*d);
}
struct runrun_options runrun_desk_options(void);

#define RUNRUN_DESK(name)                                                                                              \
    SCOPED(runrun_desk_freep) struct runrun_desk *name = runrun_desk_new(NULL);                                        \
    __attribute__((unused)) struct runrun_user ana = runrun_user(name, "ana-prado", "Ana Prado")

struct runrun_user {
    int64_t id, key_id;
    slice login, key, token;
    struct principal who;
};
struct runrun_user runrun_user(struct runrun_desk *, const char *login, const char *name);
struct runrun_user runrun_user_of(struct runrun_desk *, const char *account, const char *login, const char *name,
                                  bool is_admin);

/* "GET /api/v1.0/tasks/7"; the path may also be given without /api/v1.0: it is put in front of what does not begin with
 * /api. body: JSON, or a form when it does not begin like JSON. */
struct fake_reply *runrun_send(struct runrun_desk *, const struct runrun_user *, const char *request, const char *body);
struct fake_reply *runrun_sendf(struct runrun_desk *, const struct runrun_user *, const char *body, const char *fmt,
                                ...) PRINTF_LIKE(4, 5);
char *runrun_text(struct runrun_desk *, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* reply_json.h, in the memory of the desk. */
static inline const struct json *runrun_at(struct runrun_desk *d, const struct fake_reply *r, const char *path)
{
    return reply_at(d->a, r, path);
}
static inline int64_t runrun_int(struct runrun_desk *d, const struct fake_reply *r, const char *path)
{
    return reply_int(d->a, r, path);
}
static inline slice runrun_str(struct runrun_desk *d, const struct fake_reply *r, const char *path)
{
    return reply_text(d->a, r, path);
}
static inline bool runrun_is_null(struct runrun_desk *d, const struct fake_reply *r, const char *path)
{
    return json_is(reply_at(d->a, r, path), JS_NULL); /* there, and null */
}
static inline bool runrun_is_set(struct runrun_desk *d, const struct fake_reply *r, const char *path)
{
    return reply_bool(d->a, r, path);
}
static inline size_t runrun_count(struct runrun_desk *d, const struct fake_reply *r, const char *path)
{
    return reply_count(d->a, r, path);
}

int64_t runrun_task(struct runrun_desk *, const struct runrun_user *, const char *title);
/* A ticket for a task (0: none); the reply, 201. */
struct fake_reply *runrun_ask(struct runrun_desk *, const struct runrun_user *, int64_t task_id, slice name,
                              uint64_t size);
/* Bytes under a key of the bucket, as if a good form had brought them. */
err_t runrun_put(struct runrun_desk *, slice key, slice bytes);
/* A ticket, its bytes, its confirmation: the number of the document. */
int64_t runrun_document(struct runrun_desk *, const struct runrun_user *, int64_t task_id, slice name, slice bytes);

#define EXPECT_ERROR(desk, reply, want_status)                                                                         \
    do {                                                                                                               \
        const struct fake_reply *reply_ = (reply);                                                                     \
        EXPECT_EQ(reply_->status, (want_status));                                                                      \
        EXPECT(runrun_str((desk), reply_, "error").n > 0);                                                             \
    } while (0)
#define EXPECT_FIELD(desk, reply, field, text)                                                                         \
    do {                                                                                                               \
        const struct fake_reply *reply_ = (reply);                                                                     \
        EXPECT_SLICE(runrun_str((desk), reply_, "errors." field ".0"), S(text));                                       \
        EXPECT_EQ(reply_->status, 422);                                                                                \
    } while (0)

#endif
