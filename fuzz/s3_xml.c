/* SPDX-License-Identifier: Apache-2.0 */
/* XML bodies. Input: the body, which is sent to every operation that reads XML. Every reply is XML or empty, no body
 * causes an internal error, and the objects of the bucket stay whole. */
#include "fuzz.h"

#include "../tests/support/s3_fixture.h"

static void check(struct s3_fixture *f, const struct fake_reply *r)
{
    const struct xml *root;
    HOLDS(r->status == 200 || (r->status >= 400 && r->status <= 501 && r->status != 500));
    if (r->body.n == 0)
        return;
    /* Only a key in a path can contain a control character, so the reply is well-formed. */
    HOLDS(!xml_parse(r->body, f->a, &root));
    HOLDS(r->status == 200 || xml_child_text(root, "Code").n);
}

static struct s3_fixture *origin; /* it stays: the keys point into it */
static struct world_kept kept;    /* the world of a server with one user, an object and an upload */
static struct s3_user ana;
static const char *upload; /* its target */

static void set_up(void)
{
    struct s3_fixture *f = origin = s3_fixture_new(NULL);
    ana = s3_user(f, "ana");
    HOLDS(s3_send(f, &ana, "PUT", "/photos", "")->status == 200);
    s3_put_object(f, &ana, "/photos/a", "hello");
    struct fake_reply *r = s3_send(f, &ana, "POST", "/photos/b?uploads", "");
    slice id = s3_text(f, r, "InitiateMultipartUploadResult.UploadId");
    upload = arena_printf(f->a, "/photos/b?uploadId=" SLICE_FMT, SLICE_ARG(id)).p;
    const char *part = arena_printf(f->a, "/photos/b?partNumber=1&uploadId=" SLICE_FMT, SLICE_ARG(id)).p;
    s3_put_object(f, &ana, part, "hello");
    kept.image = world_image(f->w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    static const char *const targets[][2] = {
        { "POST", "/photos?delete" },   { "PUT", "/photos?cors" },      { "GET", "/photos?cors" },
        { "PUT", "/photos/a?tagging" }, { "GET", "/photos/a?tagging" }, { "PUT", "/photos?versioning" },
        { "PUT", "/another" },
    };
    struct s3_fixture *f = s3_fixture_new_in(NULL, &(struct world_options){ .kept = &kept });
    bool changed = false;
    for (size_t i = 0; i < LENGTH_OF(targets); i++) {
        bool puts = targets[i][0][0] == 'P';
        struct fake_reply *r = s3_send_request(f, &ana,
                                               &(struct fake_request){ .method = targets[i][0],
                                                                       .target = slice_of(targets[i][1]),
                                                                       .body = puts ? fuzz_slice(data, size) : S("") });
        check(f, r);
        changed |= puts && r->status == 200;
        if (i == 0 && changed) /* it may have been deleted */
            s3_put_object(f, &ana, "/photos/a", "hello");
    }
    struct fake_reply *r = s3_send_request(
        f, &ana,
        &(struct fake_request){ .method = "POST", .target = slice_of(upload), .body = fuzz_slice(data, size) });
    check(f, r);
    changed |= r->status == 200;
    HOLDS(!changed || world_fsck(f->w, true) == 0);
    s3_fixture_free(f);
    return 0;
}
