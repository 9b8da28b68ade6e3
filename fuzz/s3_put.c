/* SPDX-License-Identifier: Apache-2.0 */
/* Requests with aws-chunked bodies. Input: the declared length on the first line, then the body, unsigned and with a
 * trailer. An object that is stored has that length; after a refusal there is no object. */
#include "fuzz.h"

#include "../tests/support/s3_fixture.h"
#include "sign/sigv4.h"

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
    slice length, body;
    slice_cut(fuzz_slice(data, size), '\n', &length, &body);
    for (size_t i = 0; i < length.n; i++)
        if (length.p[i] < ' ')
            return 0; /* the engine refuses such a header */
    struct s3_fixture *f = s3_fixture_new_in(NULL, &(struct world_options){ .kept = &kept });
    struct sign_pair headers[] = { { S("host"), S("cais.test") },
                                   { S("x-amz-decoded-content-length"), length },
                                   { S("x-amz-trailer"), S("x-amz-checksum-crc32") } };
    struct sign_request signing = { S("PUT"), S("/photos/a"), NULL, 0, headers, LENGTH_OF(headers) };
    struct sigv4_signed made;
    HOLDS(sigv4_sign(&(struct sigv4_signer){ ana.access_key, ana.secret, S("us-east-1") }, &signing,
                     S("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), core_now_ms(&f->w->core), f->a, &made) == SIGN_OK);
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a"),
                                .headers = { { S("Host"), headers[0].value },
                                             { headers[1].name, length },
                                             { headers[2].name, headers[2].value },
                                             { S("x-amz-date"), made.timestamp },
                                             { S("x-amz-content-sha256"), S("STREAMING-UNSIGNED-PAYLOAD-TRAILER") },
                                             { S("Authorization"), made.authorization } },
                                .body = body,
                                .piece = 7 };
    struct fake_reply *r = fake_http_send(&f->http, &put);
    HOLDS(r->status == 200 || r->status == 400 || r->status == 403 || r->status == 411);
    struct fake_reply *got = s3_send(f, &ana, "GET", "/photos/a", "");
    uint64_t promised;
    if (r->status == 200)
        HOLDS(slice_to_u64(length, &promised) && got->body.n == promised);
    else
        HOLDS(got->status == 404);
    s3_fixture_free(f);
    return 0;
}
