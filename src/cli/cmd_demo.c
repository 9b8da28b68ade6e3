/* SPDX-License-Identifier: Apache-2.0 */
/* cais demo: make a user with keys, a task and a course, and print commands that try the APIs with them. */
#include "api/pyrus/pyrus.h"
#include "api/s3/s3.h"
#include "cli/admin.h"
#include "cli/commands.h"
#include "cli/demo_remove.h"
#include "cli/demo_sync.h"
#include "cli/json_line.h"

#include "base/json.h"
#include "core/access/application.h"
#include "core/bucket/bucket.h"
#include "core/care/data_dir.h"
#include "core/dataset/dataset.h"
#include "core/records/space.h"
#include "core/records/user.h"
#include "core/space/course.h"
#include "core/space/environment.h"
#include "core/space/folder.h"
#include "core/space/space.h"
#include "core/task/task.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_FILE_MAX = 8192 };

/* The first address of a listener that a running server wrote to run.json; empty: there is none. */
static slice running_address(struct cli *cli, const struct config *config, const char *listener)
{
    struct arena *a = cli->arena;
    const char *path = arena_printf(a, SLICE_FMT "/" DATA_DIR_RUN, SLICE_ARG(config->server.data)).p;
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = arena_alloc(a, RUN_FILE_MAX);
    ssize_t n = fd < 0 ? 0 : read(fd, text, RUN_FILE_MAX);
    const struct json *j = NULL;
    if (n <= 0 || json_parse(a, (slice){ text, (size_t)n }, &j))
        return S("");
    const struct json *addresses = json_get(j, listener);
    return addresses && addresses->child ? addresses->child->string : S("");
}

/* The address that --url or the configuration names, or that of a running server, or the default. */
static slice server_url(struct cli *cli, const struct config *config)
{
    const char *given = option_value(cli->options, "url");
    struct arena *a = cli->arena;
    if (given)
        return slice_of(given);
    if (config->server.public_url.n)
        return config->server.public_url;
    slice http = running_address(cli, config, "listen");
    slice https = http.n ? S("") : running_address(cli, config, "tls_listen");
    if (https.n)
        return arena_printf(a, "https://" SLICE_FMT, SLICE_ARG(https));
    return http.n ? arena_printf(a, "http://" SLICE_FMT, SLICE_ARG(http)) : S("http://127.0.0.1:8080");
}

struct demo {
    slice login, security_key, pyrus_token, native_token;
    slice app_key, user_token;                /* of Runrun.it */
    slice access_key, secret, bucket, region; /* of S3 */
    slice redu_token;
    slice datasnap_token, schema; /* empty: there is no store for rows */
    struct demo_sync sync;
    slice sftp; /* the address of a running server; empty: it has none */
    int64_t task_id, space_id, folder_id;
};

/* A course of an environment of its own, and a folder in its space. The user administers them. */
static err_t make_course(struct core *core, const struct principal *who, struct arena *a, struct demo *d)
{
    slice path = demo_environment_path(who->user_id, a);
    struct environment_request environment = { path, path, S("DEMO"), S("") };
    struct course_request course = { .name = S("Demo"), .path = path };
    struct names_taken taken;
    struct space space;
    int64_t course_id;
    TRY(environment_create(core, who, &environment, a, &course.environment_id, &taken));
    TRY(course_create(core, who, &course, a, &course_id, &taken));
    TRY(space_create(core, who, course_id, &(struct space_request){ S("Demo"), S("") }, a, &d->space_id));
    TRY(space_find(core, who, PLACE_SEE, d->space_id, a, &space));
    return folder_create(core, who, space.root_id, S("Demo"), a, &d->folder_id);
}

/* A program that was built without a store for rows has none. */
static err_t make_schema(struct cli *cli, struct admin *admin, const struct principal *who, struct demo *d)
{
    struct core *core = &admin->store->core;
    static const struct column columns[] = { { { "id", 2 }, COLUMN_INT64, true },
                                             { { "produto", 7 }, COLUMN_STRING, false },
                                             { { "valor", 5 }, COLUMN_DECIMAL, false },
                                             { { "data_venda", 10 }, COLUMN_DATETIME, false } };
    struct dataset_request request = { .name = S("Vendas"), .slug = demo_dataset_slug(who->user_id, cli->arena) };
    struct column_list list = { arena_array(cli->arena, struct column, LENGTH_OF(columns)), LENGTH_OF(columns) };
    memcpy(list.items, columns, sizeof columns);
    request.columns = list;
    struct minted_key key;
    struct dataset dataset;
    err_t e = dataset_create(core, who, &request, cli->arena, &dataset);
    if (err_is(e, ERR_UNSUPPORTED))
        return NULL;
    TRY(e);
    TRY(key_mint(core, &admin->who, &(struct key_request){ .login = d->login, .purpose = S("datasnap") }, cli->arena,
                 &key));
    d->datasnap_token = key.key;
    d->schema = dataset.slug;
    return NULL;
}

static err_t make_demo(struct cli *cli, struct admin *admin, struct demo *d)
{
    struct core *core = &admin->store->core;
    struct arena *a = cli->arena;
    /* Each demo makes a new user, so that the command can be repeated. */
    d->login = arena_printf(a, DEMO_LOGIN_BEGIN SLICE_FMT DEMO_LOGIN_END, SLICE_ARG(random_hex(cli->random, a, 6)));
    struct user_request request = { .login = d->login, .name = S(DEMO_USER_NAME), .email = d->login };
    struct user user;
    TRY(user_create(core, &admin->who, &request, a, &user));
    struct minted_key pyrus, native, runrun, s3;
    TRY(key_mint(core, &admin->who, &(struct key_request){ d->login, S("pyrus") }, a, &pyrus));
    TRY(key_mint(core, &admin->who, &(struct key_request){ d->login, S("native") }, a, &native));
    TRY(key_mint_pair(core, &admin->who, &(struct key_request){ d->login, S("runrun") }, a, &runrun));
    TRY(key_mint_signing(core, &admin->who, &(struct key_request){ d->login, S("s3") }, a, &s3));
    d->security_key = pyrus.key;
    d->native_token = native.key;
    d->app_key = runrun.key;
    d->user_token = runrun.token;
    d->access_key = s3.key;
    d->secret = s3.secret;
    const struct pyrus_options *pyrus_options = config_api_options(admin->config, S("pyrus"));
    struct token_policy policy = { pyrus_options->token_lifetime_ms, pyrus_options->tokens_per_user };
    TRY(token_issue(core, &(struct token_request){ S("pyrus"), d->login, d->security_key, S(""), &policy }, a,
                    &d->pyrus_token));
    struct principal who = { .account_id = user.account_id, .user_id = user.id, .login = user.login };
    d->bucket = arena_printf(a, "demo-" SLICE_FMT, SLICE_ARG(random_hex(cli->random, a, 6)));
    d->region = ((const struct s3_options *)config_api_options(admin->config, S("s3")))->region;
    TRY(bucket_create(core, &who, d->bucket, a));
    struct task_request task = { .text = S("Try cais") };
    TRY(task_create(core, &who, &task, a, &d->task_id));
    struct minted_application application;
    TRY(application_add(core, &admin->who, &(struct application_request){ .login = d->login, .purpose = S("redu") }, a,
                        &application));
    d->redu_token = application.token;
    TRY(make_schema(cli, admin, &who, d));
    TRY(demo_sync_make(cli, admin, d->login, user.id, &d->sync));
    d->sftp = running_address(cli, admin->config, "sftp_listen");
    return make_course(core, &who, a, d);
}

#define URL SLICE_ARG(url)

/* A shell of its own, so that neither its folder nor its variables are those of the user. */
static void print_begin(FILE *out)
{
    fputs("# In a folder of its own, which is removed afterwards. 'cais demo --remove' removes what is on the server.\n"
          "(\n"
          "cd \"$(mktemp -d)\" || exit\n"
          "trap 'HERE=$PWD; cd / && rm -r \"$HERE\"' EXIT\n"
          "trap 'exit 130' INT TERM HUP\n",
          out);
}

static void print_end(FILE *out)
{
    fputs("\n)\n", out);
}

static void print_pyrus(FILE *out, slice url, const struct demo *d)
{
    fprintf(out, "\necho '== Pyrus: log in, upload, attach to task %lld, list, download'\n", (long long)d->task_id);
    fprintf(out,
            "curl -sS -w '\\n' -X POST " SLICE_FMT "/v4/auth -H 'Content-Type: application/json' "
            "-d '{\"login\":\"" SLICE_FMT "\",\"security_key\":\"" SLICE_FMT "\"}'\n",
            URL, SLICE_ARG(d->login), SLICE_ARG(d->security_key));
    fprintf(out, "echo 'file content' > test.txt\n");
    fprintf(out,
            "GUID=$(curl -sS -X POST " SLICE_FMT "/v4/files/upload -H 'Authorization: Bearer " SLICE_FMT
            "' -F 'test.txt=@test.txt' | sed 's/.*\"guid\":\"\\([^\"]*\\)\".*/\\1/') && echo $GUID\n",
            URL, SLICE_ARG(d->pyrus_token));
    fprintf(out,
            "FILE=$(curl -sS -X POST " SLICE_FMT "/v4/tasks/%lld/comments -H 'Authorization: Bearer " SLICE_FMT
            "' -H 'Content-Type: application/json' -d \"{\\\"attachments\\\":[\\\"$GUID\\\"]}\" "
            "| sed 's/.*\"attachments\":\\[{\"id\":\\([0-9]*\\).*/\\1/') && echo $FILE\n",
            URL, (long long)d->task_id, SLICE_ARG(d->pyrus_token));
    fprintf(out,
            "curl -sS -w '\\n' " SLICE_FMT "/v4/tasks/%lld -H 'Authorization: Bearer " SLICE_FMT
            "' -H 'Content-Type: application/json'\n",
            URL, (long long)d->task_id, SLICE_ARG(d->pyrus_token));
    fprintf(out,
            "curl -sS -X GET " SLICE_FMT "/v4/files/download/$FILE -H 'Authorization: Bearer " SLICE_FMT
            "' -H 'Content-Type: application/json'\n",
            URL, SLICE_ARG(d->pyrus_token));
}

static void print_native(FILE *out, slice url, const struct demo *d)
{
    fprintf(out, "\necho '== The API of cais itself: put, list'\n");
    fprintf(out,
            "curl -sS -w '\\n' -H 'Authorization: Bearer " SLICE_FMT "' -T test.txt " SLICE_FMT "/v1/native/files/\n",
            SLICE_ARG(d->native_token), URL);
    fprintf(out, "curl -sS -w '\\n' -H 'Authorization: Bearer " SLICE_FMT "' " SLICE_FMT "/v1/native/files\n",
            SLICE_ARG(d->native_token), URL);
}

/* The printed commands take the fields of the form out of the ticket by name, as a client does with its JSON. */
static void print_runrun(FILE *out, slice url, const struct demo *d)
{
    fprintf(out, "\necho '== Runrun.it: ticket, form, confirm, list, download (task %lld)'\n", (long long)d->task_id);
    fprintf(out, "runrun() { curl -sS -H 'App-Key: " SLICE_FMT "' -H 'User-Token: " SLICE_FMT "' \"$@\"; }\n",
            SLICE_ARG(d->app_key), SLICE_ARG(d->user_token));
    fprintf(out, "echo 'file content' > test.txt\n");
    fprintf(out,
            "TICKET=$(runrun -X POST '" SLICE_FMT
            "/api/v1.0/documents?task_id=%lld' -H 'Content-Type: application/json' "
            "-d '{\"document\":{\"data_file_name\":\"test.txt\",\"data_file_size\":13}}')\n",
            URL, (long long)d->task_id);
    fprintf(out, "field() { printf '%%s' \"$TICKET\" | sed 's/.*\"'\"$1\"'\":\"\\([^\"]*\\)\".*/\\1/'; }\n");
    fprintf(out, "DOCUMENT=$(printf '%%s' \"$TICKET\" | sed 's/^{\"id\":\\([0-9]*\\).*/\\1/') && echo $DOCUMENT\n");
    fprintf(out, "curl -sS \"$(field upload_url)\"");
    static const char *const fields[] = { "key",        "Policy",          "X-Amz-Algorithm",      "X-Amz-Credential",
                                          "X-Amz-Date", "X-Amz-Signature", "success_action_status" };
    for (size_t i = 0; i < LENGTH_OF(fields); i++)
        fprintf(out, " -F \"%s=$(field %s)\"", fields[i], fields[i]);
    fprintf(out, " -F file=@test.txt && echo\n");
    fprintf(out, "runrun -X POST " SLICE_FMT "/api/v1.0/documents/$DOCUMENT/mark_as_uploaded && echo\n", URL);
    fprintf(out, "runrun " SLICE_FMT "/api/v1.0/tasks/%lld/documents && echo\n", URL, (long long)d->task_id);
    fprintf(out, "runrun -L " SLICE_FMT "/api/v1.0/documents/$DOCUMENT/download\n", URL);
}

static void print_redu(FILE *out, slice url, const struct demo *d)
{
    static const char json[] = "-H 'Content-Type: application/json'";
    fprintf(out, "\necho '== Redu: create a folder, upload, list, follow the link, rename, delete (space %lld)'\n",
            (long long)d->space_id);
    fprintf(out, "redu() { curl -sS -H 'Authorization: OAuth " SLICE_FMT "' \"$@\"; }\n", SLICE_ARG(d->redu_token));
    fprintf(out, "echo 'file content' > test.txt\n");
    fprintf(out,
            "FOLDER=$(redu " SLICE_FMT "/api/folders/%lld/folders %s -d '{\"folder\":{\"name\":\"Listas\"}}' "
            "| sed 's/^{\"id\":\\([0-9]*\\).*/\\1/') && echo $FOLDER\n",
            URL, (long long)d->folder_id, json);
    fprintf(out,
            "STORED=$(redu " SLICE_FMT "/api/folders/$FOLDER/files -F 'file[content]=@test.txt;type=text/plain') "
            "&& printf '%%s\\n' \"$STORED\"\n",
            URL);
    fprintf(out, "redu " SLICE_FMT "/api/folders/$FOLDER/files && echo\n", URL);
    fprintf(out,
            "curl -sS \"$(printf '%%s' \"$STORED\" | sed 's/.*\"rel\":\"raw\",\"href\":\"\\([^\"]*\\)\".*/\\1/')\"\n");
    fprintf(out, "redu -X PUT " SLICE_FMT "/api/folders/$FOLDER %s -d '{\"folder\":{\"name\":\"Provas\"}}'\n", URL,
            json);
    fprintf(out, "redu " SLICE_FMT "/api/folders/%lld/folders && echo\n", URL, (long long)d->folder_id);
    fprintf(out, "redu -X DELETE " SLICE_FMT "/api/folders/$FOLDER\n", URL);
    fprintf(out, "redu " SLICE_FMT "/api/folders/%lld/folders && echo\n", URL, (long long)d->folder_id);
}

static void print_datasnap(FILE *out, slice url, const struct demo *d)
{
    static const char json[] = "-H 'Content-Type: application/json'";
    if (!d->schema.n)
        return;
    fprintf(out, "\necho '== DataSnap: an upload token, a file of JSON lines, and a question about its rows'\n");
    fprintf(out, "datasnap() { curl -sS -H 'Authorization: Bearer " SLICE_FMT "' %s \"$@\"; }\n",
            SLICE_ARG(d->datasnap_token), json);
    fprintf(out, "printf '%%s\\n'");
    static const char *const lines[] = {
        "{\"id\":1,\"produto\":\"lápis\",\"valor\":1.5,\"data_venda\":\"2026-11-21 10:00:00\"}",
        "{\"id\":2,\"produto\":\"livro\",\"valor\":39.9,\"data_venda\":\"2026-11-22 11:00:00\"}",
        "{\"id\":3,\"produto\":\"lápis\",\"valor\":1.5,\"data_venda\":\"2026-11-23 12:00:00\"}"
    };
    for (size_t i = 0; i < LENGTH_OF(lines); i++)
        fprintf(out, " '%s'", lines[i]);
    fprintf(out, " > dados.jsonl\n");
    fprintf(out,
            "UPLOAD=$(datasnap -X POST " SLICE_FMT "/api/v1/schemas/" SLICE_FMT
            "/generate-upload-token -d '{\"minutes\": 15}' | sed 's/.*\"upload_url\":\"\\([^\"]*\\)\".*/\\1/')\n",
            URL, SLICE_ARG(d->schema));
    fprintf(out, "curl -sS -X PUT \"$UPLOAD/dados.jsonl\" -H 'Content-Type: application/octet-stream' "
                 "--data-binary @dados.jsonl\n");
    fprintf(out,
            "until datasnap " SLICE_FMT "/api/v1/schemas/" SLICE_FMT
            "/files | grep -q '\"processing_status\":\"completed\"'; do sleep 1; done\n",
            URL, SLICE_ARG(d->schema));
    fprintf(out,
            "datasnap " SLICE_FMT "/api/v1/schemas/" SLICE_FMT
            "/query -d '{\"select\":[\"produto\",\"count(*) as vendas\",\"sum(valor) as total\"],"
            "\"where\":[{\"field\":\"valor\",\"op\":\">\",\"value\":1}],\"group_by\":[\"produto\"],"
            "\"order_by\":[{\"field\":\"total\",\"direction\":\"desc\"}],\"format\":\"json\",\"include_meta\":false}' "
            "&& echo\n",
            URL, SLICE_ARG(d->schema));
}

/* For awscli. Each line sets its own environment, so that the user's own keys stay as they are. */
static void print_s3(FILE *out, slice url, const struct demo *d)
{
    fprintf(out, "\necho '== S3: put, get'\n");
    for (int put = 1; put >= 0; put--)
        fprintf(out,
                "AWS_ACCESS_KEY_ID=" SLICE_FMT " AWS_SECRET_ACCESS_KEY=" SLICE_FMT " AWS_DEFAULT_REGION=" SLICE_FMT
                " aws --endpoint-url " SLICE_FMT " s3 cp %ss3://" SLICE_FMT "/test.txt%s\n",
                SLICE_ARG(d->access_key), SLICE_ARG(d->secret), SLICE_ARG(d->region), URL, put ? "test.txt " : "",
                SLICE_ARG(d->bucket), put ? "" : " -");
}
#undef URL

static int remove_demos(struct cli *cli, struct admin *admin)
{
    int64_t count;
    err_t e = demo_remove_all(cli, admin, &count);
    if (e)
        return command_failed(cli, e);
    if (!option_on(cli->options, "json")) {
        fprintf(cli->out, "removed %lld demo%s\n", (long long)count, count == 1 ? "" : "s");
        return EXIT_DONE;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_int(&line.o, "removed", count);
    json_line_print(&line, cli->out);
    return EXIT_DONE;
}

/* The commands run in another folder. */
static slice absolute_data_dir(const struct cli *cli, const struct config *config)
{
    char *path = realpath(arena_cstr(cli->arena, config->server.data), NULL);
    slice copy = path ? arena_copy(cli->arena, slice_of(path)) : config->server.data;
    free(path);
    return copy;
}

static int demo_work(struct cli *cli, struct admin *admin)
{
    struct demo d = { 0 };
    if (option_on(cli->options, "remove"))
        return remove_demos(cli, admin);
    err_t e = make_demo(cli, admin, &d);
    if (e)
        return command_failed(cli, e);
    slice url = server_url(cli, admin->config);
    if (!option_on(cli->options, "json")) {
        if (!cli->admin)
            fputs("cais demo: no server runs here: start it with 'cais serve' before you run the commands\n", cli->err);
        print_begin(cli->out);
        print_pyrus(cli->out, url, &d);
        print_native(cli->out, url, &d);
        print_runrun(cli->out, url, &d);
        print_redu(cli->out, url, &d);
        print_datasnap(cli->out, url, &d);
        print_s3(cli->out, url, &d);
        demo_sync_print_api(cli->out, url, &d.sync);
        if (d.sftp.n)
            demo_sync_print_sftp(cli->out, d.sftp, absolute_data_dir(cli, admin->config), &d.sync, cli->arena);
        print_end(cli->out);
        return EXIT_DONE;
    }
    struct json_line line;
    json_line_open(&line);
    json_put_string(&line.o, "url", url);
    json_put_string(&line.o, "login", d.login);
    json_put_string(&line.o, "security_key", d.security_key);
    json_put_string(&line.o, "access_token", d.pyrus_token);
    json_put_int(&line.o, "task_id", d.task_id);
    json_put_string(&line.o, "token", d.native_token);
    json_put_string(&line.o, "app_key", d.app_key);
    json_put_string(&line.o, "user_token", d.user_token);
    json_put_string(&line.o, "access_key_id", d.access_key);
    json_put_string(&line.o, "secret_access_key", d.secret);
    json_put_string(&line.o, "bucket", d.bucket);
    json_put_string(&line.o, "redu_token", d.redu_token);
    json_put_string(&line.o, "datasnap_token", d.datasnap_token);
    json_put_string(&line.o, "schema", d.schema);
    json_put_string(&line.o, "api_key", d.sync.key);
    json_put_string(&line.o, "workspace", d.sync.workspace);
    json_put_string(&line.o, "workspace_bucket", d.sync.section);
    json_put_int(&line.o, "space_id", d.space_id);
    json_put_int(&line.o, "folder_id", d.folder_id);
    json_line_print(&line, cli->out);
    return EXIT_DONE;
}

ADMIN_RUN(demo)

const struct command command_demo = {
    .name = "demo",
    .options =
        (const struct option_spec[]){
            { "url", 0, "URL", false, "Address of the server (default: the one that runs)." },
            { "remove", 0, NULL, false,
              "Remove what earlier demos made, with the files that were sent with their keys." },
            ADMIN_OPTIONS,
            { 0 } },
    .summary = "Make a user, keys, a task, a course, a schema and a workspace; print commands that use them.",
    .details =
        "The commands can be run as printed: cais demo | sh. They work in a folder of their own, which they remove.\n"
        "What they make on the server stays until 'cais demo --remove', which removes all of it.\n",
    .run = run_demo,
};
