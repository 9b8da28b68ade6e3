/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs in the native API, and their streams of events. What happens to a job while its stream is paused is scripted. */
#include "fake_http.h"
#include "test.h"
#include "world.h"

#include "api/native/native.h"
#include "base/json.h"
#include "core/access/access.h"
#include "core/job.h"
#include "core/store/job_store.h"

#include <stdio.h>
#include <stdlib.h>

struct jobs_fixture {
    struct world *w;
    struct native_api api;
    struct fake_http http;
    slice alice, stranger; /* keys of users of two accounts */
    int64_t account_id;    /* alice's */
};

static struct jobs_fixture *jobs_fixture_new(void)
{
    struct jobs_fixture *f = must_malloc(sizeof *f);
    f->w = world_new();
    native_init(&f->api, &f->w->core,
                &(struct native_options){ .max_event_streams = 3, .max_account_event_streams = 2 });
    f->http = fake_http_new(&f->api.http_api);
    f->account_id = world_user(f->w, S("alice")).account_id;
    f->alice = world_key(f->w, S("alice"), S("native"));
    struct account other;
    struct user user;
    struct principal operator;
    EXPECT_OK(access_operator(&f->w->core, S(""), f->w->a, &operator));
    EXPECT_OK(account_create(&f->w->core, &operator, S("other"), f->w->a, &other));
    EXPECT_OK(user_create(&f->w->core,
                          &operator, &(struct user_request){ .account = S("other"), .login = S("stranger") }, f->w->a,
                          &user));
    f->stranger = world_key(f->w, S("stranger"), S("native"));
    return f;
}

static void jobs_fixture_freep(struct jobs_fixture **f)
{
    fake_http_release(&(*f)->http);
    native_release(&(*f)->api);
    world_free((*f)->w);
    free(*f);
}
#define JOBS_FIXTURE(name) SCOPED(jobs_fixture_freep) struct jobs_fixture *name = jobs_fixture_new()

/* ---- changes of jobs ---- */

enum action { ADD, CLAIM, NOTE, FINISH, CANCEL, FORGET };

struct change {
    struct jobs_fixture *f;
    enum action action;
    int64_t id, progress;
    slice error; /* FINISH: it fails */
};

static err_t apply_change(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct change *c = arg;
    struct core *core = &c->f->w->core;
    struct job_wanted wanted = { S("copy"), S("me"), core_now_ms(core), 60000 };
    struct job_claim claim = { c->id, S("me"), 1 };
    struct job job;
    int64_t count;
    switch (c->action) {
    case ADD:
        return job_add(
            core, tx,
            &(struct job_request){ .kind = S("copy"), .subject = S("file:1"), .account_id = c->f->account_id }, a,
            &c->id);
    case CLAIM:
        return meta_job_claim(tx, &wanted, c->id, a, &job);
    case NOTE:
        return meta_job_note(tx, &claim, &(struct job_notes){ .progress = c->progress, .total = 9 }, a);
    case FINISH:
        job = (struct job){ .state = c->error.n ? JOB_FAILED : JOB_DONE,
                            .attempts = 1,
                            .finished_at_ms = core_now_ms(core),
                            .error = c->error };
        return meta_job_finish(tx, &claim, &job, JOB_FINISH_ALWAYS, a);
    case CANCEL:
        return meta_job_cancel(tx, c->id, core_now_ms(core), a);
    case FORGET:
        return meta_job_forget(tx, INT64_MAX, 100, a, &count);
    }
    return NULL;
}

static void change(struct change c)
{
    world_write(c.f->w, apply_change, &c);
}

static int64_t add_copy(struct jobs_fixture *f)
{
    struct change c = { .f = f, .action = ADD };
    world_write(f->w, apply_change, &c);
    return c.id;
}

/* ---- requests ---- */

static struct fake_reply *get(struct jobs_fixture *f, slice token, const char *format, int64_t id)
{
    char target[100];
    snprintf(target, sizeof target, format, (long long)id);
    return fake_http_send(&f->http, &(struct fake_request){ .target = slice_of(target), .token = token });
}
#define JOB "/v1/native/jobs/%lld"
#define EVENTS JOB "/events"

static void expect_error(struct jobs_fixture *f, const struct fake_reply *r, int status, slice code)
{
    const struct json *j;
    EXPECT_EQ(r->status, status);
    EXPECT_OK(json_parse(f->w->a, r->body, &j));
    EXPECT_SLICE(json_str(json_get(j, "error"), "code"), code);
}

#define EXPECT_HAS(text, part) EXPECT(slice_find((text), S(part)) != SLICE_NONE)

TEST(a_job_is_shown_to_its_account_and_to_the_operator)
{
    JOBS_FIXTURE(f);
    int64_t id = add_copy(f);
    const struct json *j;
    struct fake_reply *r = get(f, f->alice, JOB, id);
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-store"));
    EXPECT_OK(json_parse(f->w->a, r->body, &j));
    EXPECT_EQ(json_get(j, "id")->integer, id);
    EXPECT_SLICE(json_str(j, "kind"), S("copy"));
    EXPECT_SLICE(json_str(j, "subject"), S("file:1"));
    EXPECT_SLICE(json_str(j, "state"), S("queued"));
    EXPECT_SLICE(json_str(j, "error"), S(""));
    EXPECT_SLICE(json_str(j, "created_at"), S("2026-11-21T14:04:09Z"));
    EXPECT(json_get(j, "run_at") && !json_get(j, "started_at") && !json_get(j, "finished_at"));
    EXPECT(json_get(j, "progress") && json_get(j, "total") && json_get(j, "attempts"));
    expect_error(f, get(f, f->stranger, JOB, id), 404, S("not_found"));
    expect_error(f, get(f, f->stranger, EVENTS, id), 404, S("not_found"));
    expect_error(f, get(f, S("x"), EVENTS, id), 401, S("unauthenticated"));
    expect_error(f, get(f, f->alice, JOB, 99999), 404, S("not_found"));
    expect_error(f, get(f, f->alice, JOB "x", id), 404, S("not_found"));
    expect_error(f, get(f, f->alice, "/v1/native/jobs/-%lld", id), 404, S("not_found"));
    char target[60];
    snprintf(target, sizeof target, JOB "?account=other", (long long)id);
    r = fake_http_send(&f->http, &(struct fake_request){ .target = slice_of(target), .local = true });
    EXPECT_EQ(r->status, 200);
}

static const struct json *list_of(struct jobs_fixture *f, slice token, const char *format, int64_t after)
{
    const struct json *j;
    struct fake_reply *r = get(f, token, format, after);
    EXPECT_EQ(r->status, 200);
    EXPECT_OK(json_parse(f->w->a, r->body, &j));
    return j;
}

TEST(the_jobs_of_an_account_are_listed_newest_first_in_pages)
{
    JOBS_FIXTURE(f);
    enum { JOBS = 205 };
    int64_t ids[JOBS], seen = JOBS;
    for (int i = 0; i < JOBS; i++)
        ids[i] = add_copy(f);
    slice next = S("");
    for (int page = 0; page < 3; page++) {
        int64_t after;
        bool has_after = slice_to_i64(next, &after);
        const struct json *j = has_after ? list_of(f, f->alice, "/v1/native/jobs?after=%lld", after)
                                         : list_of(f, f->alice, "/v1/native/jobs?limit=%lld", 100);
        const struct json *jobs = json_get(j, "jobs");
        for (const struct json *job = jobs->child; job; job = job->next)
            EXPECT_EQ(json_get(job, "id")->integer, ids[--seen]);
        EXPECT_EQ(json_count(jobs), page < 2 ? 100 : JOBS - 200);
        EXPECT_EQ(json_get(j, "next") != NULL, page < 2);
        next = json_str(j, "next");
    }
    EXPECT_EQ(seen, 0);
    EXPECT_EQ(json_count(json_get(list_of(f, f->stranger, "/v1/native/jobs?x=%lld", 1), "jobs")), 0);
    change((struct change){ .f = f, .action = CANCEL, .id = ids[7] });
    const struct json *cancelled = json_get(list_of(f, f->alice, "/v1/native/jobs?state=cancelled&x=%lld", 1), "jobs");
    EXPECT_EQ(json_count(cancelled), 1);
    EXPECT_EQ(json_get(cancelled->child, "id")->integer, ids[7]);
    expect_error(f, get(f, f->alice, "/v1/native/jobs?state=%lld", 1), 400, S("invalid"));
    expect_error(f, get(f, f->alice, "/v1/native/jobs?after=-%lld", 1), 400, S("invalid"));
    expect_error(f, get(f, f->alice, "/v1/native/jobs?limit=100%lld", 1), 400, S("invalid"));
}

static struct fake_reply *post(struct jobs_fixture *f, slice token, const char *format, int64_t id)
{
    char target[100];
    snprintf(target, sizeof target, format, (long long)id);
    return fake_http_send(&f->http,
                          &(struct fake_request){ .method = "POST", .target = slice_of(target), .token = token });
}

TEST(an_administrator_cancels_a_job_and_makes_it_run_again)
{
    JOBS_FIXTURE(f);
    world_admin(f->w, S("boss"));
    slice boss = world_key(f->w, S("boss"), S("native"));
    int64_t id = add_copy(f);
    expect_error(f, post(f, f->alice, JOB "/cancel", id), 403, S("forbidden"));
    expect_error(f, post(f, f->alice, JOB "/retry", id), 403, S("forbidden"));
    expect_error(f, post(f, f->stranger, JOB "/cancel", id), 404, S("not_found"));
    struct fake_reply *r = post(f, boss, JOB "/cancel", id);
    EXPECT_EQ(r->status, 200);
    EXPECT_HAS(r->body, "\"state\":\"cancelled\"");
    expect_error(f, post(f, boss, JOB "/cancel", id), 409, S("conflict"));
    r = post(f, boss, JOB "/retry", id);
    EXPECT_EQ(r->status, 200);
    EXPECT_HAS(r->body, "\"state\":\"queued\"");
    EXPECT_EQ(world_event_count(f->w, S("job.cancel")), 1);
    EXPECT_EQ(world_event_count(f->w, S("job.retry")), 1);
}

/* What happens each time when the producer is asked in vain: a change, or only time that passes. */
struct story {
    struct jobs_fixture *f;
    const struct change *changes;
    size_t count, at;
    int64_t step_ms;
};

static bool go_on(void *arg)
{
    struct story *s = arg;
    if (s->at == s->count)
        return false;
    struct change c = s->changes[s->at++];
    if (c.f)
        change(c);
    world_wait(s->f->w, s->step_ms);
    return true;
}

static struct fake_reply *tell(struct jobs_fixture *f, int64_t id, struct story s)
{
    s.f = f;
    f->http.while_paused = go_on;
    f->http.while_paused_arg = &s;
    struct fake_reply *r = get(f, f->alice, EVENTS, id);
    f->http.while_paused = NULL;
    EXPECT_EQ(r->status, 200);
    EXPECT(!r->cut);
    EXPECT(!f->api.streams.first); /* its place was given back */
    return r;
}

static size_t count_of(slice text, slice what)
{
    size_t n = 0, at;
    while ((at = slice_find(text, what)) != SLICE_NONE) {
        n++;
        text = slice_from(text, at + what.n);
    }
    return n;
}

TEST(a_stream_shows_each_change_and_ends_with_the_final_state)
{
    JOBS_FIXTURE(f);
    int64_t id = add_copy(f);
    const struct change changes[] = { { f, CLAIM, id, 0, S("") },
                                      { f, NOTE, id, 4, S("") },
                                      { f, FINISH, id, 0, S("the disk\nis full") } };
    struct fake_reply *r = tell(f, id, (struct story){ .changes = changes, .count = 3, .step_ms = 500 });
    EXPECT(!r->gone);
    EXPECT_SLICE(r->content_type, S("text/event-stream"));
    EXPECT_SLICE(fake_reply_header(r, "Cache-Control"), S("no-store"));
    EXPECT(slice_starts(r->body, S("retry: 3000\nevent: state\nid: 1\ndata: {\"id\":")));
    EXPECT_EQ(count_of(r->body, S("event: state\n")), 4);
    EXPECT_HAS(r->body, "\n\nevent: state\nid: 2\ndata: {");
    EXPECT_HAS(r->body, "\"state\":\"running\",\"progress\":0,");
    EXPECT_HAS(r->body, "\"state\":\"running\",\"progress\":4,\"total\":9,");
    EXPECT_HAS(r->body, "id: 4\n");
    EXPECT_HAS(r->body, "\"state\":\"failed\"");
    EXPECT_HAS(r->body, "the disk\\nis full"); /* an event is one line */
    EXPECT(slice_eq(slice_from(r->body, r->body.n - 3), S("}\n\n")));
}

TEST(a_stream_of_a_job_that_has_ended_is_one_event)
{
    JOBS_FIXTURE(f);
    int64_t id = add_copy(f);
    change((struct change){ f, CANCEL, id, 0, S("") });
    struct fake_reply *r = tell(f, id, (struct story){ .count = 0 });
    EXPECT(!r->gone && r->pauses == 0);
    EXPECT_EQ(count_of(r->body, S("event: ")), 1);
    EXPECT_HAS(r->body, "\"state\":\"cancelled\"");
}

TEST(a_stream_has_at_most_two_events_a_second_and_the_last_state_is_shown)
{
    JOBS_FIXTURE(f);
    int64_t id = add_copy(f);
    struct change changes[50] = { { f, CLAIM, id, 0, S("") } };
    for (int i = 1; i < 20; i++)
        changes[i] = (struct change){ f, NOTE, id, i, S("") }; /* the rest is time */
    struct fake_reply *r = tell(f, id, (struct story){ .changes = changes, .count = 50, .step_ms = 100 });
    EXPECT(r->gone);
    EXPECT_EQ(count_of(r->body, S("event: ")), 5); /* at 0, 500, 1000, 1500 and 2000 ms */
    EXPECT_HAS(r->body, "\"progress\":19,");
}

TEST(a_comment_comes_every_15_seconds)
{
    JOBS_FIXTURE(f);
    int64_t id = add_copy(f);
    struct change changes[59] = { { 0 } }; /* 29.5 s */
    struct fake_reply *r = tell(f, id, (struct story){ .changes = changes, .count = 59, .step_ms = 500 });
    EXPECT_EQ(count_of(r->body, S("\n: \n\n")), 1);
    changes[31] = (struct change){ f, CLAIM, id, 0, S("") }; /* an event is not a comment */
    r = tell(f, id, (struct story){ .changes = changes, .count = 30, .step_ms = 500 });
    EXPECT_EQ(count_of(r->body, S("\n: \n\n")), 1);
    r = tell(f, id, (struct story){ .changes = changes + 30, .count = 29, .step_ms = 500 });
    EXPECT_EQ(count_of(r->body, S("\n: \n\n")), 0);
    EXPECT_EQ(count_of(r->body, S("event: ")), 2);
}

TEST(a_stream_reads_nothing_while_nothing_happens_to_its_job)
{
    JOBS_FIXTURE(f);
    int64_t id = add_copy(f), other = add_copy(f), alike = 0;
    while (alike % 64 != id % 64)
        alike = add_copy(f);
    struct change changes[20] = { { 0 } };
    struct fake_reply *quiet = tell(f, id, (struct story){ .changes = changes, .count = 20, .step_ms = 500 });
    changes[3] = (struct change){ f, CANCEL, other, 0, S("") };
    struct fake_reply *r = tell(f, id, (struct story){ .changes = changes, .count = 20, .step_ms = 500 });
    EXPECT_EQ(r->pieces, quiet->pieces); /* `more` did not run */
    changes[3].id = alike;               /* shares the number: the row is read, and nothing is sent */
    r = tell(f, id, (struct story){ .changes = changes, .count = 20, .step_ms = 500 });
    EXPECT_EQ(r->pieces, quiet->pieces + 1);
    EXPECT_SLICE(r->body, quiet->body);
}

TEST(a_stream_of_a_job_that_is_forgotten_ends)
{
    JOBS_FIXTURE(f);
    int64_t id = add_copy(f);
    const struct change changes[] = { { f, CANCEL, id, 0, S("") }, { f, FORGET, id, 0, S("") }, { 0 }, { 0 } };
    struct fake_reply *r = tell(f, id, (struct story){ .changes = changes, .count = 4, .step_ms = 200 });
    EXPECT(!r->gone);
    EXPECT_EQ(count_of(r->body, S("event: ")), 1);
}

/* Opens another stream while one is open, as often as there is a key. */
struct nest {
    struct jobs_fixture *f;
    int64_t id;
    const slice *tokens;
    size_t depth;
    struct fake_reply *innermost;
};

static bool open_one_more(void *arg)
{
    struct nest *n = arg;
    slice token = n->tokens[n->depth];
    if (!token.p)
        return false;
    n->depth++;
    struct fake_reply *r = token.n ? get(n->f, token, EVENTS, n->id) : NULL;
    if (!r) { /* the operator, for another account */
        char target[80];
        snprintf(target, sizeof target, EVENTS "?account=other", (long long)n->id);
        r = fake_http_send(&n->f->http, &(struct fake_request){ .target = slice_of(target), .local = true });
    }
    n->innermost = n->innermost ? n->innermost : r;
    return false;
}

static struct fake_reply *open_nested(struct jobs_fixture *f, const slice *tokens)
{
    struct nest n = { .f = f, .id = add_copy(f), .tokens = tokens };
    f->http.while_paused = open_one_more;
    f->http.while_paused_arg = &n;
    (void)open_one_more(&n);
    f->http.while_paused = NULL;
    EXPECT(!f->api.streams.first);
    return n.innermost;
}

TEST(streams_are_limited_for_each_account_and_in_all)
{
    JOBS_FIXTURE(f);
    const slice two[] = { f->alice, f->alice, { 0 } };
    EXPECT_EQ(open_nested(f, two)->status, 200);
    const slice three[] = { f->alice, f->alice, f->alice, { 0 } };
    struct fake_reply *r = open_nested(f, three);
    expect_error(f, r, 429, S("rate_limited"));
    EXPECT(fake_reply_header(r, "Retry-After").n > 0);
    const slice mixed[] = { f->alice, f->alice, S(""), { 0 } };
    EXPECT_EQ(open_nested(f, mixed)->status, 200);
    f->api.options.max_account_event_streams = 0;
    const slice four[] = { f->alice, f->alice, S(""), f->alice, { 0 } };
    expect_error(f, open_nested(f, four), 503, S("unavailable"));
    f->api.options.max_event_streams = 0;
    EXPECT_EQ(open_nested(f, four)->status, 200);
}

RUN_TESTS(cmocka_unit_test(the_jobs_of_an_account_are_listed_newest_first_in_pages),
          cmocka_unit_test(an_administrator_cancels_a_job_and_makes_it_run_again),
          cmocka_unit_test(a_job_is_shown_to_its_account_and_to_the_operator),
          cmocka_unit_test(a_stream_shows_each_change_and_ends_with_the_final_state),
          cmocka_unit_test(a_stream_of_a_job_that_has_ended_is_one_event),
          cmocka_unit_test(a_stream_has_at_most_two_events_a_second_and_the_last_state_is_shown),
          cmocka_unit_test(a_comment_comes_every_15_seconds),
          cmocka_unit_test(a_stream_reads_nothing_while_nothing_happens_to_its_job),
          cmocka_unit_test(a_stream_of_a_job_that_is_forgotten_ends),
          cmocka_unit_test(streams_are_limited_for_each_account_and_in_all))
