/* SPDX-License-Identifier: Apache-2.0 */
/* Fail the 1st, 2nd, 3rd … store call of each action that clients rely on, until a run finishes without a failure: once so
 * that the call is not carried out, and once so that it is carried out and only its result is lost. Then what was
 * acknowledged to the client holds; what was not acknowledged is complete or absent; fsck finds nothing but what the sweep
 * removes; and the same action succeeds when it is repeated. */
#include "pyrus_fixture.h"
#include "rounds.h"
#include "test.h"
#include "ticket_fixture.h"

#include "api/native/native.h"

#include <stdlib.h>

enum { SMALL = 100, LARGE = 40000 };

/* Two APIs over one world, and a user. */
struct fault_world {
    struct pyrus_fixture *d;
    struct world *w;
    struct native_api native;
    struct fake_http native_http;
    struct pyrus_user ana;
    slice native_key;
    slice bytes;
    /* the objects of an action, made by `prepare` while nothing fails */
    slice guid, file_path;
    int64_t task;
    struct ticket_fixture tickets;
    int64_t ticket, pending;  /* file ids */
    struct fake_reply *reply; /* to the action */
    slice token;
    int64_t files; /* how many there were before the action */
};

static struct fault_world fault_world_new(size_t size)
{
    struct fault_world p = { .d = pyrus_fixture_new(NULL) };
    p.w = p.d->w;
    p.ana = pyrus_user(p.d, "ana", "Ana");
    p.native_key = world_key(p.w, p.ana.login, S("native"));
    p.bytes = world_bytes(p.w, size);
    return p;
}

static struct fake_reply *native(struct fault_world *p, const char *method, slice target, slice body)
{
    return fake_http_send(
        &p->native_http,
        &(struct fake_request){ .method = method, .target = target, .token = p->native_key, .body = body });
}

static slice stored_path(struct fault_world *p, const struct fake_reply *r)
{
    slice location = fake_reply_header(r, "Location");
    EXPECT(location.p != NULL);
    return arena_copy(p->w->a, location);
}

/* ---- actions ---- */

struct fault_action {
    void (*prepare)(struct fault_world *); /* while nothing fails */
    bool (*act)(struct fault_world *);     /* returns whether the action was acknowledged to the client */
    void (*check)(struct fault_world *, bool acknowledged); /* checks what must hold afterwards */
    size_t size;
    bool once; /* a repetition is refused, also after an action of which only the result was lost */
};

static void nothing(struct fault_world *p)
{
    (void)p;
}

static bool refused_well(const struct fake_reply *r)
{
    EXPECT(r->status == 503 || r->status == 200 || r->status == 201 || r->status == 204);
    return r->status == 503;
}

static bool put(struct fault_world *p)
{
    p->reply = native(p, "PUT", S("/v1/native/files/a"), p->bytes);
    return !refused_well(p->reply);
}

static void check_put(struct fault_world *p, bool acknowledged)
{
    if (acknowledged)
        EXPECT_SLICE(native(p, "GET", stored_path(p, p->reply), S(""))->body, p->bytes);
    EXPECT(acknowledged ? world_file_count(p->w) == p->files + 1 : world_file_count(p->w) <= p->files + 1);
}

static bool upload(struct fault_world *p)
{
    p->reply = pyrus_send_file(p->d, &p->ana, "a", p->bytes);
    return !refused_well(p->reply);
}

static slice download(struct fault_world *p, slice guid)
{
    const char *path = arena_printf(p->w->a, "/v4/files/download/" SLICE_FMT, SLICE_ARG(guid)).p;
    struct fake_reply *r = pyrus_send(p->d, &p->ana, "GET", path, NULL);
    EXPECT_EQ(r->status, 200);
    return r->body;
}

static void check_upload(struct fault_world *p, bool acknowledged)
{
    if (acknowledged)
        EXPECT_SLICE(download(p, pyrus_text(p->d, p->reply, "guid")), p->bytes);
    EXPECT(acknowledged ? world_file_count(p->w) == p->files + 1 : world_file_count(p->w) <= p->files + 1);
}

static void prepare_guid(struct fault_world *p)
{
    p->guid = pyrus_upload_file(p->d, &p->ana, "a", p->bytes);
    struct fake_reply *r = pyrus_send(p->d, &p->ana, "POST", "/v4/tasks", "{\"text\":\"t\"}");
    p->task = pyrus_int(p->d, r, "task.id");
}

static bool attach(struct fault_world *p)
{
    struct arena *a = p->w->a;
    p->reply = pyrus_send(p->d, &p->ana, "POST", arena_printf(a, "/v4/tasks/%lld/comments", (long long)p->task).p,
                          arena_printf(a, "{\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(p->guid)).p);
    return !refused_well(p->reply);
}

/* The reference, the state of the file and the event: all of them or none. */
static void check_attach(struct fault_world *p, bool acknowledged)
{
    struct fake_reply *r =
        pyrus_send(p->d, &p->ana, "GET", arena_printf(p->w->a, "/v4/tasks/%lld", (long long)p->task).p, NULL);
    size_t attached = pyrus_count(p->d, r, "task.attachments");
    EXPECT(acknowledged ? attached == 1 : attached <= 1);
    EXPECT_SLICE(download(p, p->guid), p->bytes);
    world_wait(p->w, hours(24));
    world_run_jobs(p->w);
    if (!attached)
        return; /* the file was purged */
    int64_t id = pyrus_int(p->d, r, "task.attachments.0.id");
    EXPECT_OK(token_issue(&p->w->core,
                          &(struct token_request){ S("pyrus"), p->ana.login, p->ana.key, S(""), &p->d->pyrus.tokens },
                          p->w->a, &p->ana.token));
    r = pyrus_send(p->d, &p->ana, "GET", arena_printf(p->w->a, "/v4/files/download/%lld", (long long)id).p, NULL);
    EXPECT_EQ(r->status, 200);
    EXPECT_SLICE(r->body, p->bytes);
}

static void prepare_file(struct fault_world *p)
{
    p->file_path = stored_path(p, native(p, "PUT", S("/v1/native/files/a"), p->bytes));
}

static bool delete_file(struct fault_world *p)
{
    p->reply = native(p, "DELETE", p->file_path, S(""));
    return !refused_well(p->reply);
}

static void check_deleted_file(struct fault_world *p, bool acknowledged)
{
    struct fake_reply *r = native(p, "GET", p->file_path, S(""));
    EXPECT(r->status == 404 || (!acknowledged && r->status == 200));
    if (r->status == 200)
        EXPECT_SLICE(r->body, p->bytes);
}

static void prepare_task(struct fault_world *p)
{
    prepare_guid(p);
    EXPECT(attach(p));
}

static bool delete_task(struct fault_world *p)
{
    p->reply = pyrus_send(p->d, &p->ana, "DELETE", arena_printf(p->w->a, "/v4/tasks/%lld", (long long)p->task).p, NULL);
    return !refused_well(p->reply);
}

static void check_deleted_task(struct fault_world *p, bool acknowledged)
{
    struct fake_reply *r =
        pyrus_send(p->d, &p->ana, "GET", arena_printf(p->w->a, "/v4/tasks/%lld", (long long)p->task).p, NULL);
    EXPECT(r->status == 403 || (!acknowledged && r->status == 200));
    EXPECT_SLICE(download(p, p->guid), p->bytes); /* the file stays for a day, so that it can be attached elsewhere */
}

static bool log_in(struct fault_world *p)
{
    slice json = arena_printf(p->w->a, "{\"login\":\"" SLICE_FMT "\",\"security_key\":\"" SLICE_FMT "\"}",
                              SLICE_ARG(p->ana.login), SLICE_ARG(p->ana.key));
    p->reply = pyrus_send(p->d, NULL, "POST", "/v4/auth", json.p);
    return !refused_well(p->reply);
}

static void check_token(struct fault_world *p, bool acknowledged)
{
    if (!acknowledged)
        return;
    struct pyrus_user again = p->ana;
    again.token = pyrus_text(p->d, p->reply, "access_token");
    EXPECT_EQ(pyrus_send(p->d, &again, "GET", "/v4/profile", NULL)->status, 200);
}

/* ---- tickets, by calls of core ---- */

static bool done_well(err_t e)
{
    EXPECT(!e || e->code == ERR_UNAVAILABLE);
    return !e;
}

static void prepare_tickets(struct fault_world *p)
{
    p->tickets = ticket_fixture_new(p->w);
    p->task = ticket_fixture_task(&p->tickets, &p->ana.who);
}

static bool issue(struct fault_world *p)
{
    struct ticket_request request = ticket_fixture_request(&p->tickets, p->task, S("a"), p->bytes.n);
    struct ticket_fixture_issued issued;
    bool acknowledged = done_well(ticket_fixture_try(&p->tickets, &p->ana.who, &request, &issued));
    p->ticket = acknowledged ? issued.document.file.id : 0;
    return acknowledged;
}

static void check_issue(struct fault_world *p, bool acknowledged)
{
    EXPECT(acknowledged ? world_file_count(p->w) == p->files + 1 : world_file_count(p->w) <= p->files + 1);
    if (!acknowledged)
        return;
    EXPECT_OK(ticket_fixture_put(&p->tickets, p->ticket, p->bytes));
    EXPECT_OK(ticket_fixture_confirm(&p->tickets, &p->ana.who, p->ticket));
}

static void prepare_ticket(struct fault_world *p)
{
    prepare_tickets(p);
    p->ticket = ticket_fixture_issue(&p->tickets, &p->ana.who, p->task, S("a"), p->bytes.n);
    EXPECT_OK(ticket_fixture_put(&p->tickets, p->ticket, p->bytes));
}

static bool confirm(struct fault_world *p)
{
    err_t e = ticket_fixture_confirm(&p->tickets, &p->ana.who, p->ticket);
    EXPECT_EQ(err_reason(e), REASON_NONE);
    return done_well(e);
}

/* State, purge time, reference and event agree. */
static void check_confirm(struct fault_world *p, bool acknowledged)
{
    struct document d;
    EXPECT_OK(document_get(&p->w->core, &p->ana.who, p->ticket, p->w->a, &d));
    bool confirmed = d.ticket.confirmed_at_ms != 0;
    EXPECT(confirmed || !acknowledged);
    EXPECT_EQ(d.file.state, confirmed ? FILE_READY : FILE_STORED);
    EXPECT_EQ(d.file.purge_at_ms == 0, confirmed);
    EXPECT_EQ(d.reference_id != 0, confirmed);
    EXPECT_EQ(world_event_count(p->w, S("file.confirm")), confirmed);
}

static void prepare_document(struct fault_world *p)
{
    prepare_ticket(p);
    EXPECT(confirm(p));
    p->pending = ticket_fixture_issue(&p->tickets, &p->ana.who, p->task, S("b"), 1);
}

static bool delete_document(struct fault_world *p)
{
    return done_well(document_delete(&p->w->core, &p->ana.who, p->ticket, hours(1), p->w->a));
}

static void check_deleted_document(struct fault_world *p, bool acknowledged)
{
    bool there = ticket_fixture_has_file(&p->tickets, p->ticket);
    EXPECT(!there || !acknowledged);
    if (there)
        check_confirm(p, true);
    EXPECT(ticket_fixture_has_file(&p->tickets, p->pending));
}

static bool delete_task_of_documents(struct fault_world *p)
{
    return done_well(task_remove(&p->w->core, &p->ana.who, p->task, hours(1), p->w->a));
}

static void check_deleted_task_of_documents(struct fault_world *p, bool acknowledged)
{
    struct task task;
    err_t e = task_get_visible(&p->w->core, &p->ana.who, p->task, p->w->a, &task);
    EXPECT(e || !acknowledged);
    EXPECT_EQ(ticket_fixture_has_file(&p->tickets, p->ticket), !e);
    EXPECT_EQ(ticket_fixture_has_file(&p->tickets, p->pending), !e);
}

/* ---- failing the store calls ---- */

/* Runs the action in a fresh world, so that nothing is left from the run before, with call number nth failing. Returns true
 * when the action makes fewer calls. */
static bool fail_nth(const struct fault_action *action, int64_t nth, bool answer_lost)
{
    struct fault_world p = fault_world_new(action->size);
    native_init(&p.native, &p.w->core, &(struct native_options){ 0 });
    p.native_http = fake_http_new(&p.native.http_api);
    action->prepare(&p);
    p.files = world_file_count(p.w);
    world_wait(p.w, seconds(1)); /* so that free space is asked for again */
    p.w->faults =
        (struct fault_plan){ .fail_at = nth, .fail_count = 1, .code = ERR_UNAVAILABLE, .answer_lost = answer_lost };
    bool acknowledged = action->act(&p);
    bool reached = p.w->faults.calls >= nth;
    p.w->faults.fail_at = 0;
    EXPECT(reached || acknowledged);
    EXPECT_EQ(world_fsck(p.w, false), 0);
    action->check(&p, acknowledged);
    if (!reached) {
        EXPECT(nth > 3);
    } else if (!acknowledged && !action->once) {
        p.files = world_file_count(p.w);
        EXPECT(action->act(&p)); /* repeat the action */
        action->check(&p, true);
    }
    world_wait(p.w, WORLD_GRACE_MS + hours(6));
    world_run_jobs(p.w);
    world_wait(p.w, WORLD_GRACE_MS + hours(6));
    world_run_jobs(p.w);
    EXPECT_EQ(world_fsck(p.w, true), 0);
    fake_http_release(&p.native_http);
    pyrus_fixture_free(p.d);
    return !reached;
}

static void fail_each(const struct fault_action *action)
{
    for (int lost = 0; lost < 2; lost++)
        for (int64_t nth = fault_first(); !fail_nth(action, nth, lost); nth += fault_step())
            assert_true(nth < 1000);
}

TEST(small_native_upload_is_whole_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ nothing, put, check_put, SMALL });
}
TEST(large_native_upload_is_whole_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ nothing, put, check_put, LARGE });
}
TEST(small_pyrus_upload_is_whole_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ nothing, upload, check_upload, SMALL });
}
TEST(large_pyrus_upload_is_whole_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ nothing, upload, check_upload, LARGE });
}
TEST(attachment_is_complete_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ prepare_guid, attach, check_attach, SMALL, true });
    fail_each(&(struct fault_action){ prepare_guid, attach, check_attach, LARGE, true });
}
TEST(deletion_of_a_file_is_complete_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ prepare_file, delete_file, check_deleted_file, SMALL, true });
    fail_each(&(struct fault_action){ prepare_file, delete_file, check_deleted_file, LARGE, true });
}
TEST(removal_of_a_task_is_complete_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ prepare_task, delete_task, check_deleted_task, LARGE, true });
}
TEST(issued_token_is_valid_after_any_fault)
{
    fail_each(&(struct fault_action){ nothing, log_in, check_token, SMALL });
}

TEST(ticket_is_complete_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ prepare_tickets, issue, check_issue, SMALL });
}
TEST(confirmation_is_complete_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ prepare_ticket, confirm, check_confirm, SMALL });
}
TEST(deletion_of_a_document_is_complete_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ prepare_document, delete_document, check_deleted_document, SMALL, true });
}
TEST(removal_of_a_task_with_documents_is_complete_or_absent_after_any_fault)
{
    fail_each(&(struct fault_action){ prepare_document, delete_task_of_documents, check_deleted_task_of_documents,
                                      SMALL, true });
}

RUN_TESTS(cmocka_unit_test(small_native_upload_is_whole_or_absent_after_any_fault),
          cmocka_unit_test(large_native_upload_is_whole_or_absent_after_any_fault),
          cmocka_unit_test(small_pyrus_upload_is_whole_or_absent_after_any_fault),
          cmocka_unit_test(large_pyrus_upload_is_whole_or_absent_after_any_fault),
          cmocka_unit_test(attachment_is_complete_or_absent_after_any_fault),
          cmocka_unit_test(deletion_of_a_file_is_complete_or_absent_after_any_fault),
          cmocka_unit_test(removal_of_a_task_is_complete_or_absent_after_any_fault),
          cmocka_unit_test(issued_token_is_valid_after_any_fault),
          cmocka_unit_test(ticket_is_complete_or_absent_after_any_fault),
          cmocka_unit_test(confirmation_is_complete_or_absent_after_any_fault),
          cmocka_unit_test(deletion_of_a_document_is_complete_or_absent_after_any_fault),
          cmocka_unit_test(removal_of_a_task_with_documents_is_complete_or_absent_after_any_fault))
