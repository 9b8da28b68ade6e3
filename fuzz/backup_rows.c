/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a database that somebody else made. Input: a line with one letter, who reads the rows: s (S3), r (Runrun.it), p (Pyrus), n
 * (the native API), c (fsck, then the jobs, then repair). Then on each line "TABLE.COLUMN N VALUE", which puts the value into that
 * column of the Nth row, whatever the constraints say; VALUE is i and a number, t and text, b and bytes (both with %XX), or n for
 * NULL. A column that does not exist stands for one of all columns. Any refusal is right; what must not happen is that the
 * process ends. */
#include "fuzz.h"

#include "../tests/support/pyrus_fixture.h"
#include "../tests/support/runrun_fixture.h"
#include "../tests/support/s3_fixture.h"
#include "api/native/native.h"
#include "base/text.h"
#include "core/records/credential.h"
#include "meta/store_priv.h"
#include "sql/sqlite/sqlite.h"

#include <string.h>

#define COLUMNS_MAX 600
#define CHANGES_MAX 8

static struct world_kept kept; /* a world with what set_up makes */
static struct s3_user ana;
static struct runrun_user runrun_ana;
static slice pyrus_token, native_key, upload, guid;
static char *columns[COLUMNS_MAX]; /* "TABLE.COLUMN" */
static size_t column_count;
/* Changes the rows in a copy: to switch the constraints off makes SQLite prepare each statement of a connection again. */
static struct sql_db *editor;
static struct sql_conn *editing;

/* ---- four APIs over one world ---- */

struct apis {
    struct s3_fixture *s3;
    struct runrun_fixture runrun;
    struct pyrus_fixture pyrus;
    bool has_pyrus;
    struct native_api native;
    struct fake_http native_http;
};

/* One reader needs one API; 0: all of them. */
static bool needs_api(char reader, char letter)
{
    return !reader || reader == letter;
}

static void apis_open(struct apis *s, char reader, const struct world_options *options)
{
    struct s3_fixture *f = s->s3 = s3_fixture_new_in(NULL, options);
    struct runrun_options runrun = runrun_fixture_options();
    struct pyrus_options pyrus = pyrus_fixture_options();
    runrun.rate_limit = pyrus.rate_limit = 0;
    s->runrun.w = s->pyrus.w = f->w;
    s->runrun.a = s->pyrus.a = f->a;
    s->pyrus.http_api = pyrus_api(&s->pyrus.pyrus);
    if (needs_api(reader, 'r'))
        HOLDS(!runrun_open(&s->runrun.runrun, &f->w->core, &runrun, &f->links, NULL, f->a));
    s->runrun.http_api = runrun_api(&s->runrun.runrun);
    s->runrun.http = fake_http_new(&s->runrun.http_api);
    s->has_pyrus = needs_api(reader, 'p');
    if (s->has_pyrus)
        pyrus_init(&s->pyrus.pyrus, &f->w->core, &pyrus, &f->links, NULL);
    s->pyrus.http = fake_http_new(&s->pyrus.http_api);
    native_init(&s->native, &f->w->core, &(struct native_options){ .max_file_bytes = 10000 });
    s->native_http = fake_http_new(&s->native.http_api);
}

static void apis_close(struct apis *s)
{
    fake_http_release(&s->native_http);
    fake_http_release(&s->pyrus.http);
    fake_http_release(&s->runrun.http);
    if (s->has_pyrus)
        pyrus_release(&s->pyrus.pyrus);
    runrun_close(&s->runrun.runrun);
    s3_fixture_free(s->s3);
}

/* ---- the records ---- */

static void set_up_objects(struct s3_fixture *f)
{
    ana = s3_user(f, "ana");
    HOLDS(s3_send(f, &ana, "PUT", "/photos", "")->status == 200);
    struct fake_request put = { .method = "PUT",
                                .target = S("/photos/a"),
                                .headers = { { S("x-amz-checksum-crc32"), S("NhCmhg==") },
                                             { S("x-amz-meta-color"), S("blue") },
                                             { S("Content-Type"), S("text/plain") },
                                             { S("x-amz-tagging"), S("a=1") } },
                                .body = S("hello") };
    HOLDS(s3_send_request(f, &ana, &put)->status == 200);
    HOLDS(s3_send(f, &ana, "PUT", "/photos?cors",
                  "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>"
                  "</CORSRule></CORSConfiguration>")
              ->status == 200);
    for (int i = 0; i < 2; i++) { /* the first is completed, the second stays open */
        upload =
            s3_text(f, s3_send(f, &ana, "POST", "/photos/whole?uploads", ""), "InitiateMultipartUploadResult.UploadId");
        s3_put_object(f, &ana,
                      arena_printf(f->a, "/photos/whole?partNumber=1&uploadId=" SLICE_FMT, SLICE_ARG(upload)).p,
                      "12345678");
        const char *done = arena_printf(f->a,
                                        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" SLICE_FMT
                                        "</ETag></Part></CompleteMultipartUpload>",
                                        SLICE_ARG(s3_etag_of(f, "12345678")))
                               .p;
        if (i == 0)
            HOLDS(s3_send(f, &ana, "POST", arena_printf(f->a, "/photos/whole?uploadId=" SLICE_FMT, SLICE_ARG(upload)).p,
                          done)
                      ->status == 200);
    }
}

static void set_up_documents(struct apis *s)
{
    struct s3_fixture *f = s->s3;
    struct minted_key minted;
    int64_t key_id;
    struct key_request wanted = { S("ana"), S("runrun") };
    HOLDS(!key_mint_pair(&f->w->core, &f->w->operator_, &wanted, f->a, &minted));
    runrun_ana = (struct runrun_user){ .login = S("ana"), .key = minted.key, .token = minted.token };
    HOLDS(!access_check_pair(&f->w->core, S("runrun"), &(struct key_and_token){ minted.key, minted.token }, f->a,
                             &runrun_ana.who, &key_id));
    int64_t task = runrun_new_task(&s->runrun, &runrun_ana, "t");
    HOLDS(task == 1);
    runrun_new_document(&s->runrun, &runrun_ana, task, S("a.txt"), S("hello"));
    runrun_request_ticket(&s->runrun, &runrun_ana, task, S("pending.txt"), 5);
    HOLDS(runrun_send(&s->runrun, &runrun_ana, "POST /comments", "{\"comment\":{\"task_id\":1,\"text\":\"c\"}}")
              ->status == 201);
    slice pyrus_key = world_key(f->w, S("ana"), S("pyrus"));
    HOLDS(!token_issue(&f->w->core,
                       &(struct token_request){ S("pyrus"), S("ana"), pyrus_key, S(""), &s->pyrus.pyrus.tokens }, f->a,
                       &pyrus_token));
    struct pyrus_user p = { .token = pyrus_token };
    guid = pyrus_upload_file(&s->pyrus, &p, "p.txt", S("hello"));
    slice json = arena_printf(f->a, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid));
    HOLDS(pyrus_send(&s->pyrus, &p, "POST", "/v4/tasks", arena_cstr(f->a, json))->status == 200);
    guid = pyrus_upload_file(&s->pyrus, &p, "q.txt", S("hello"));
    native_key = world_key(f->w, S("ana"), S("native"));
}

static void list_columns(struct world *w)
{
    static const char text[] = "SELECT m.name || '.' || p.name FROM sqlite_schema m, pragma_table_info(m.name) p"
                               " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY 1";
    struct sql_conn *conn;
    struct sql_cursor *c;
    bool row;
    HOLDS(!sql_connect(w->db, SQL_WRITE, w->a, &conn));
    HOLDS(!conn->driver->query(conn, text, SQL_NO_VALUES, w->a, &c));
    while (!sql_next(c, w->a, &row) && row) {
        HOLDS(column_count < COLUMNS_MAX);
        columns[column_count++] = arena_cstr(w->a, sql_column(c, 0).bytes);
    }
    sql_close(c);
    sql_disconnect(conn);
}

static void open_editor(struct arena *a)
{
    HOLDS(!sqlite_open(&(struct sqlite_options){ .image = kept.image }, a, &editor));
    HOLDS(!sql_connect(editor, SQL_WRITE, a, &editing));
    HOLDS(!sql_script(editing, "PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON", a));
}

static struct apis *origin; /* it stays: the keys and tokens point into it */

static void set_up(void)
{
    struct apis *s = origin = must_malloc(sizeof *s);
    apis_open(s, 0, &(struct world_options){ 0 });
    set_up_objects(s->s3);
    set_up_documents(s);
    list_columns(s->s3->w);
    kept.image = world_image(s->s3->w);
    open_editor(s->s3->a);
}

/* ---- changing rows ---- */

static const char *column_named(slice name)
{
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < column_count; i++)
        if (slice_eq(name, slice_of(columns[i])))
            return columns[i];
    for (size_t i = 0; i < name.n; i++)
        sum = (sum ^ (unsigned char)name.p[i]) * 16777619u;
    return columns[sum % column_count];
}

/* The value as an SQL literal; empty when it is none. */
static slice literal_of(slice value, struct arena *a)
{
    int64_t number;
    slice bytes;
    char type = value.n ? value.p[0] : 'n';
    value = slice_from(value, value.n ? 1 : 0);
    if (type == 'i')
        return slice_to_i64(value, &number) ? value : S("");
    if ((type != 't' && type != 'b') || !percent_decode(a, value, false, &bytes))
        return S("NULL");
    slice hex = hex_encode(a, bytes);
    return type == 'b' ? arena_printf(a, "x'" SLICE_FMT "'", SLICE_ARG(hex))
                       : arena_printf(a, "CAST(x'" SLICE_FMT "' AS TEXT)", SLICE_ARG(hex));
}

static void change_row(slice line, struct arena *a)
{
    slice name, row, value, table, column;
    int64_t n;
    slice_cut(line, ' ', &name, &value);
    slice_cut(value, ' ', &row, &value);
    slice_cut(slice_of(column_named(name)), '.', &table, &column);
    value = literal_of(value, a);
    if (!value.n || !slice_to_i64(row, &n))
        return;
    slice script = arena_printf(a,
                                "UPDATE OR IGNORE " SLICE_FMT " SET " SLICE_FMT " = " SLICE_FMT " WHERE " SLICE_FMT
                                " IS (SELECT " SLICE_FMT " FROM " SLICE_FMT " LIMIT 1 OFFSET %d)",
                                SLICE_ARG(table), SLICE_ARG(column), SLICE_ARG(value), SLICE_ARG(column),
                                SLICE_ARG(column), SLICE_ARG(table), (int)((uint64_t)n % 16));
    err_t e = sql_script(editing, arena_cstr(a, script), a);
    (void)e; /* a trigger may refuse it */
}

static void change_rows(struct world *w, slice input)
{
    slice line;
    sqlite_rewind(editor, sqlite_content(w->db));
    for (int i = 0; i < CHANGES_MAX && input.n; i++) {
        slice_cut(input, '\n', &line, &input);
        change_row(line, w->a);
    }
    sqlite_rewind(w->db, sqlite_content(editor));
}

/* ---- reading them ---- */

static void ask_s3(struct s3_fixture *f)
{
    static const char *const requests[][2] = {
        { "GET", "/" },
        { "GET", "/photos?list-type=2&fetch-owner=true" },
        { "GET", "/photos?uploads" },
        { "GET", "/photos?cors" },
        { "GET", "/photos/a" },
        { "GET", "/photos/a?tagging" },
        { "GET", "/photos/whole" },
        { "HEAD", "/photos/whole?partNumber=1" },
        { "GET", "/photos/whole?uploadId=%s" },
        { "POST", "/photos/whole?uploadId=%s" },
        { "DELETE", "/photos/a" },
    };
    for (size_t i = 0; i < LENGTH_OF(requests); i++) {
        slice head, tail, target = slice_of(requests[i][1]);
        size_t at = slice_find(target, S("%s"));
        head = slice_part(target, 0, at == SLICE_NONE ? target.n : at);
        tail = at == SLICE_NONE ? S("") : upload;
        slice parts[] = { head, tail };
        struct fake_request r = { .method = requests[i][0],
                                  .target = arena_join(f->a, parts, 2),
                                  .headers = { { S("x-amz-checksum-mode"), S("ENABLED") },
                                               { S("Origin"), S("http://x") } } };
        if (requests[i][0][0] == 'P')
            r.body = S("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>"
                       "</CompleteMultipartUpload>");
        s3_send_request(f, &ana, &r);
    }
    struct fake_request attributes = { .target = S("/photos/whole?attributes"),
                                       .headers = { { S("x-amz-object-attributes"),
                                                      S("ETag,Checksum,ObjectParts,StorageClass,ObjectSize") } } };
    s3_send_request(f, &ana, &attributes);
}

static void ask_runrun(struct runrun_fixture *f)
{
    static const char *const requests[] = { "GET /tasks",
                                            "GET /tasks/1",
                                            "GET /tasks/1/documents",
                                            "GET /tasks/1/comments",
                                            "GET /documents/1",
                                            "GET /documents/1/download",
                                            "GET /documents/download_zip?ids=1,2,3,4",
                                            "GET /users/me",
                                            "POST /documents/2/mark_as_uploaded",
                                            "DELETE /documents/1",
                                            "DELETE /tasks/1" };
    for (size_t i = 0; i < LENGTH_OF(requests); i++) {
        struct fake_reply *r = runrun_send(f, &runrun_ana, requests[i], "");
        slice link = fake_reply_header(r, "Location");
        size_t at = link.n ? slice_find(link, S("/api/v1.0/documents/")) : SLICE_NONE;
        if (at != SLICE_NONE)
            fake_http_send(&f->http, &(struct fake_request){ .target = slice_from(link, at), .host = S("runrun.it") });
    }
}

static void ask_pyrus(struct pyrus_fixture *f)
{
    static const char *const targets[] = { "/v4/profile",         "/v4/contacts",         "/v4/tasks/2",
                                           "/v4/tasks/1",         "/v4/files/download/1", "/v4/files/download/2",
                                           "/v4/files/download/3" };
    struct pyrus_user p = { .token = pyrus_token };
    for (size_t i = 0; i < LENGTH_OF(targets); i++)
        pyrus_send(f, &p, "GET", targets[i], "");
    slice json = arena_printf(f->a, "{\"text\":\"t\",\"attachments\":[\"" SLICE_FMT "\"]}", SLICE_ARG(guid));
    pyrus_send(f, &p, "POST", "/v4/tasks/2/comments", arena_cstr(f->a, json));
}

static void ask_native(struct apis *s)
{
    struct arena *a = s->s3->a;
    const char *const formats[] = { "/v1/native/files", "/v1/native/files?state=ready&name=a", "/v1/native/files/%s",
                                    "/v1/native/files/%s/info" };
    for (size_t i = 0; i < LENGTH_OF(formats); i++) {
        slice target = slice_of(formats[i]);
        size_t at = slice_find(target, S("%s"));
        slice parts[] = { slice_part(target, 0, at == SLICE_NONE ? target.n : at), at == SLICE_NONE ? S("") : guid,
                          at == SLICE_NONE ? S("") : slice_from(target, at + 2) };
        fake_http_send(&s->native_http,
                       &(struct fake_request){ .target = arena_join(a, parts, 3), .token = native_key });
    }
}

static void run_care(struct world *w, const struct fsck_options *options)
{
    struct fsck_report report;
    err_t e = fsck_run(&w->core, options, w->a, &report);
    (void)e;
}

static void take_care(struct world *w)
{
    run_care(w, &(struct fsck_options){ 0 });
    world_wait(w, hours(24 * 40));
    err_t e = jobs_run_due(w->jobs, w->a);
    (void)e;
    run_care(w, &(struct fsck_options){ .repair = true, .quick = true });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    struct apis s = { 0 };
    slice reader, changes;
    slice_cut(fuzz_slice(data, size), '\n', &reader, &changes);
    char letter = reader.n && reader.p[0] ? reader.p[0] : 'c';
    apis_open(&s, letter, &(struct world_options){ .kept = &kept });
    change_rows(s.s3->w, changes);
    switch (letter) {
    case 's':
        ask_s3(s.s3);
        break;
    case 'r':
        ask_runrun(&s.runrun);
        break;
    case 'p':
        ask_pyrus(&s.pyrus);
        break;
    case 'n':
        ask_native(&s);
        break;
    default:
        take_care(s.s3->w);
    }
    apis_close(&s);
    return 0;
}
