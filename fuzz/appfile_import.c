/* SPDX-License-Identifier: Apache-2.0 */
/* The input is a request for an import, a request with rows, the rows of such a request, and a file that is imported as lines. Each reply has
 * the envelope and is no server error; what was accepted ends as imported or failed, and then the status says why. */
#include "fuzz.h"

#include "../tests/support/appfile_fixture.h"

static struct appfile_fixture *origin; /* it stays: the keys point into it */
static struct world_kept kept;

static void set_up(void)
{
    origin = appfile_fixture_new(NULL);
    kept.image = world_image(origin->w);
}

static bool let_jobs_run(void *arg)
{
    struct appfile_fixture *f = arg;
    world_wait(f->w, 500);
    return jobs_run_due(f->w->jobs, f->a) == NULL;
}

static struct fake_reply *ask(struct appfile_fixture *f, const char *method, slice target, slice body)
{
    f->http.while_paused = let_jobs_run;
    f->http.while_paused_arg = f;
    struct fake_reply *r =
        fake_http_send(&f->http, &(struct fake_request){ .method = method,
                                                         .target = target,
                                                         .headers = { { S("x-api-key"), origin->keys[AF_UPLOADER] } },
                                                         .host = S("files.example.org"),
                                                         .body = body,
                                                         .piece = 1 + body.n % 7 });
    HOLDS(r->status == 200 || (r->status >= 400 && r->status <= 413));
    HOLDS(r->status == 200 || !reply_bool(f->a, r, "IsSuccess"));
    HOLDS(reply_at(f->a, r, "ResponseStatus.Errors") != NULL);
    return r;
}

/* The import has ended, and the reply says how. */
static void check_ended(struct appfile_fixture *f, const struct fake_reply *r)
{
    slice status = appfile_str(f, r, "Data.File.Status");
    bool has_failed = slice_eq(status, S("failed"));
    HOLDS(has_failed || slice_eq(status, S("imported")) || slice_eq(status, S("importedwitherrors")));
    HOLDS(reply_bool(f->a, r, "IsSuccess") == !has_failed);
    HOLDS((reply_count(f->a, r, "Data.File.Errors") > 0) == !slice_eq(status, S("imported")));
    HOLDS(reply_count(f->a, r, "Data.File.Logs") >= 3);
    HOLDS(reply_count(f->a, r, "ResponseStatus.Errors") == reply_count(f->a, r, "Data.File.Errors"));
    slice id = appfile_str(f, r, "Data.FileId");
    struct fake_reply *shown = ask(f, "GET", arena_printf(f->a, "/appfile/file/" SLICE_FMT, SLICE_ARG(id)), S(""));
    HOLDS(slice_eq(appfile_str(f, shown, "Data.File.Status"), status));
}

static void import_lines(struct appfile_fixture *f, slice bytes)
{
    struct fake_reply *issued = ask(f, "POST", S("/appfile/file/path"), S("{\"FileName\":\"a\"}"));
    HOLDS(appfile_follow(f, "PUT", appfile_str(f, issued, "Data.Url"), bytes)->status == 200);
    slice body = arena_printf(f->a, "{\"FileType\":\"cc5\",\"FileId\":\"" SLICE_FMT "\"}",
                              SLICE_ARG(appfile_str(f, issued, "Data.FileId")));
    struct fake_reply *r = ask(f, "POST", S("/appfile/file/import"), body);
    HOLDS(r->status == 200);
    check_ended(f, r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice input = fuzz_slice(data, size);
    if (!origin)
        set_up();
    struct appfile_fixture *f = appfile_fixture_kept(&kept);
    ask(f, "POST", S("/appfile/file/import"), input);
    ask(f, "POST", S("/appfile/file/import/async"), input);
    struct fake_reply *r = ask(f, "POST", S("/appfile/file/import/data"), input);
    if (r->status == 200)
        check_ended(f, r);
    slice parts[] = { S("{\"ImportData\":"), input, S("}") };
    r = ask(f, "POST", S("/appfile/file/import/data"), arena_join(f->a, parts, 3));
    if (r->status == 200)
        check_ended(f, r);
    if (size < 90000)
        import_lines(f, input);
    appfile_fixture_free(f);
    return 0;
}
