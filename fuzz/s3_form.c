/* SPDX-License-Identifier: Apache-2.0 */
/* Signed forms. Input: the conditions as JSON on the first line, then a field name=value on each line, then an empty
 * line and the file. An accepted form has stored an object, a refused one has not, and no form causes an internal error.
 * Each input gets a copy of one server, so that a finding can be replayed alone. */
#include "fuzz.h"

#include "../tests/support/s3_fixture.h"
#include "base/text.h"
#include "sign/form_policy.h"

static void add_field(struct buf *b, slice name, slice value)
{
    buf_add(b, S("--b1\r\nContent-Disposition: form-data; name=\""));
    buf_add(b, name);
    buf_add(b, S("\"\r\n\r\n"));
    buf_add(b, value);
    buf_add(b, S("\r\n"));
}

/* Signed by version 2, which signs only the policy. */
static void make_form(struct s3_fixture *f, const struct s3_user *p, slice in, struct buf *b)
{
    slice conditions, line, name, value;
    slice_cut(in, '\n', &conditions, &in);
    slice until = time_format_utc(f->a, core_now_ms(&f->w->core) + hours(1));
    slice text =
        base64_encode(f->a, arena_printf(f->a, "{\"expiration\":\"" SLICE_FMT "\",\"conditions\":" SLICE_FMT "}",
                                         SLICE_ARG(until), SLICE_ARG(conditions)));
    add_field(b, S("policy"), text);
    add_field(b, S("AWSAccessKeyId"), p->access_key);
    add_field(b, S("signature"), policy_v2_sign(f->a, p->secret, text));
    while (in.n) {
        slice_cut(in, '\n', &line, &in);
        if (line.n == 0)
            break;
        slice_cut(line, '=', &name, &value);
        add_field(b, name, value);
    }
    buf_add(b, S("--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\\\"b\"\r\n\r\n"));
    buf_add(b, in);
    buf_add(b, S("\r\n--b1--\r\n"));
}

static struct s3_fixture *origin; /* it stays: the keys point into it */
static struct world_kept kept;    /* the world of a server with one user and one bucket */
static struct s3_user ana;

static void set_up(void)
{
    struct s3_fixture *f = origin = s3_fixture_new(NULL);
    ana = s3_user(f, "ana");
    HOLDS(s3_send(f, &ana, "PUT", "/photos", "")->status == 200);
    kept.image = world_image(f->w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    struct s3_fixture *f = s3_fixture_new_in(NULL, &(struct world_options){ .kept = &kept });
    struct buf body;
    buf_init(&body, 0);
    make_form(f, &ana, fuzz_slice(data, size), &body);
    struct fake_request post = { .method = "POST",
                                 .target = S("/photos"),
                                 .headers = { { S("Content-Type"), S("multipart/form-data; boundary=b1") } },
                                 .body = buf_slice(&body) };
    struct fake_reply *r = fake_http_send(&f->http, &post);
    buf_release(&body);
    bool accepted = r->status == 200 || r->status == 201 || r->status == 204 || r->status == 303;
    HOLDS(accepted || (r->status >= 400 && r->status < 500) || r->status == 501);
    struct fake_reply *list = s3_send(f, &ana, "GET", "/photos?encoding-type=url", "");
    HOLDS(s3_count(f, list, "ListBucketResult", "Contents") == (accepted ? 1 : 0));
    s3_fixture_free(f);
    return 0;
}
