/* SPDX-License-Identifier: Apache-2.0 */
/* An S3 server without sockets: a world, the API, the fake engine in front of it, and users who sign requests. */
#ifndef CAIS_TESTS_S3_FIXTURE_H
#define CAIS_TESTS_S3_FIXTURE_H

#include "api/s3/s3.h"
#include "base/xml.h"
#include "fake_http.h"
#include "world.h"

struct s3_fixture {
    struct world *w;
    struct arena *a; /* w->a */
    struct link_base links;
    struct s3 s3;
    struct http_api http_api;
    struct fake_http http;
};

/* On the heap, because parts of it point to each other. */
struct s3_fixture *s3_fixture_new(const struct s3_options *options /* NULL: those of s3_fixture_options */);
/* The same over a world with these options. */
struct s3_fixture *s3_fixture_new_in(const struct s3_options *options, const struct world_options *world);
void s3_fixture_free(struct s3_fixture *);
static inline void s3_fixture_freep(struct s3_fixture **f)
{
    s3_fixture_free(*f);
}
struct s3_options s3_fixture_options(void); /* region us-east-1, parts of at least 8 bytes */

/* A user with a key pair. */
struct s3_user {
    slice login, access_key, secret;
    struct principal who;
};
struct s3_user s3_user_of(struct s3_fixture *, const char *account, const char *login);
struct s3_user s3_user(struct s3_fixture *, const char *login); /* of the account default */

/* Declares the fixture `name` and the user `ana` in it, without a bucket. */
#define S3_EMPTY_FIXTURE(name)                                                                                         \
    SCOPED(s3_fixture_freep) struct s3_fixture *name = s3_fixture_new(NULL);                                           \
    __attribute__((unused)) struct s3_user ana = s3_user(name, "ana")
/* The same, with ana's bucket "photos". */
#define S3_FIXTURE(name)                                                                                               \
    S3_EMPTY_FIXTURE(name);                                                                                            \
    EXPECT_STATUS(s3_send(name, &ana, "PUT", "/photos", ""), 200)

/* Sends a request as this user, signed by header; with the digest of the body, unless x-amz-content-sha256 is among the
 * headers. NULL: unsigned. */
struct fake_reply *s3_send_request(struct s3_fixture *, const struct s3_user *, const struct fake_request *);
struct fake_reply *s3_send(struct s3_fixture *, const struct s3_user *, const char *method, const char *target,
                           const char *body);
/* Puts an object; expects 200. */
void s3_put_object(struct s3_fixture *, const struct s3_user *, const char *target, const char *bytes);
slice s3_etag_of(struct s3_fixture *, const char *bytes); /* with quotes */

/* The element at a path like "ListBucketResult.Contents#2.Key": the first name is that of the root, #2 is the third
 * element of that name. NULL: there is no such element. Fails the test when the reply is not XML. */
const struct xml *s3_at(struct s3_fixture *, const struct fake_reply *, const char *path);
slice s3_text(struct s3_fixture *, const struct fake_reply *,
              const char *path); /* fails the test when there is no such element */
/* How many children with this name the element at this path has. */
size_t s3_count(struct s3_fixture *, const struct fake_reply *, const char *path, const char *name);

#define EXPECT_STATUS(reply, want)                                                                                     \
    do {                                                                                                               \
        const struct fake_reply *status_reply_ = (reply);                                                              \
        if (status_reply_->status != (want))                                                                           \
            fail_msg("status %d, expected %d: %.*s", status_reply_->status, (want), SLICE_ARG(status_reply_->body));   \
    } while (0)
#define EXPECT_S3_ERROR(fixture, reply, want_status, want_code)                                                        \
    do {                                                                                                               \
        const struct fake_reply *error_reply_ = (reply);                                                               \
        EXPECT_STATUS(error_reply_, want_status);                                                                      \
        EXPECT_SLICE(s3_text((fixture), error_reply_, "Error.Code"), slice_of(want_code));                             \
    } while (0)

#endif
