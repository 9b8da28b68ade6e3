/* SPDX-License-Identifier: Apache-2.0 */
/* Posts the input as a request for a signed URL. The reply must have the envelope, and never be a server error; a URL that is
 * issued takes bytes, whatever the names in it are, and the status shows them. Each input gets a copy of one server, so that a
 * finding can be replayed alone. */
#include "fuzz.h"

#include "../tests/support/appfile_fixture.h"

static struct appfile_fixture *origin; /* it stays: the keys point into it */
static struct world_kept kept;

static void set_up(void)
{
    origin = appfile_fixture_new(NULL);
    kept.image = world_image(origin->w);
}

static struct fake_reply *ask(struct appfile_fixture *f, const char *method, slice target, slice body)
{
    return fake_http_send(&f->http,
                          &(struct fake_request){ .method = method,
                                                  .target = target,
                                                  .headers = { { S("x-api-key"), origin->keys[AF_UPLOADER] } },
                                                  .host = S("files.example.org"),
                                                  .body = body });
}

static void check_issued(struct appfile_fixture *f, const struct fake_reply *issued)
{
    slice url = appfile_str(f, issued, "Data.Url"), id = appfile_str(f, issued, "Data.FileId");
    HOLDS(appfile_follow(f, "PUT", url, S("hello"))->status == 200);
    struct fake_reply *status = ask(f, "GET", arena_printf(f->a, "/appfile/file/" SLICE_FMT, SLICE_ARG(id)), S(""));
    HOLDS(status->status == 200 && slice_eq(appfile_str(f, status, "Data.File.Status"), S("uploaded")));
    HOLDS(slice_eq(appfile_str(f, status, "Data.File.FileName"), appfile_str(f, issued, "Data.File.FileName")));
    struct fake_reply *bytes = appfile_follow(f, "GET", appfile_str(f, status, "Data.Url"), S(""));
    HOLDS(bytes->status == 200 && slice_eq(bytes->body, S("hello")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    struct appfile_fixture *f = appfile_fixture_kept(&kept);
    struct fake_reply *r = ask(f, "POST", S("/appfile/file/path"), fuzz_slice(data, size));
    HOLDS(r->status == 200 || r->status == 400 || r->status == 403 || r->status == 413);
    HOLDS(reply_bool(f->a, r, "IsSuccess") == (r->status == 200));
    if (r->status == 200)
        check_issued(f, r);
    appfile_fixture_free(f);
    return 0;
}
