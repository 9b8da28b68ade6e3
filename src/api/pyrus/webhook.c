/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks of bots (docs/apis/pyrus.md): a task that reaches a bot is sent to it whole, with a token by which it may answer. Nothing of it is
 * kept in the outbox: the task and the token are those of the attempt. */
#include "api/pyrus/json_priv.h"
#include "api/pyrus/task_json_priv.h"
#include "api/pyrus/task_request_priv.h"
#include "api/pyrus/webhook_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "core/access/access.h"

#include <string.h>

enum { SECOND = 1000, ATTEMPTS = 3 };
static const int64_t pauses_ms[] = { 61 * SECOND, 122 * SECOND };

/* What the vendor calls the event; NULL: bots are not told of it. */
static const char *event_name(slice action)
{
    static const char *const names[][2] = { { "task.create", "task_created" },
                                            { "task.comment", "comment" },
                                            { "task.close", "close" } };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        if (slice_eq(action, slice_of(names[i][0])))
            return names[i][1];
    return NULL;
}

static int64_t task_of(const struct webhook_delivery *d)
{
    int64_t id;
    return slice_starts(d->subject, S("task:")) && slice_to_i64(slice_from(d->subject, 5), &id) ? id : 0;
}

/* The bot, logged in with the key that is also the secret of its webhook: when the key is revoked, the messages end. */
struct bot {
    struct http_api api;
    struct http_exchange x; /* as of a request of the bot, for the functions that read and write JSON */
    struct principal who;
    slice token;
};

static void release_bot(void *arg)
{
    struct bot *bot = arg;
    arena_release(&bot->x.arena);
}

static err_t log_bot_in(const struct webhook_call *call, struct arena *a, struct bot **ret)
{
    struct pyrus *p = call->arg;
    struct bot *bot = arena_new(a, struct bot);
    struct user user;
    const struct token_policy tokens = { LIVE(p->tokens.lifetime_ms), LIVE(p->tokens.per_user) };
    bot->api.context = p;
    bot->x.api = &bot->api;
    bot->x.principal = &bot->who;
    arena_init(&bot->x.arena);
    arena_defer(a, release_bot, bot);
    TRY(user_get(p->core, call->hook->user_id, a, &user));
    struct token_request request = { S("pyrus"), user.login, call->secret, S(""), &tokens };
    TRY(token_issue(p->core, &request, a, &bot->token));
    TRY(access_check(p->core, S("pyrus"), CREDENTIAL_TOKEN, bot->token, a, &bot->who));
    *ret = bot;
    return NULL;
}

/* A task reaches those whom it names. */
static err_t is_reached(const struct bot *bot, struct core *core, int64_t task_id, struct arena *a, bool *ret)
{
    struct task_view v;
    err_t e = task_read(core, &bot->who, task_id, a, &v);
    *ret = false;
    if (err_is(e, ERR_NOT_FOUND))
        return NULL;
    TRY(e);
    for (size_t i = 0; i < v.member_count; i++)
        *ret |= v.members[i].user_id == bot->who.user_id && v.members[i].roles;
    return NULL;
}

static err_t write_body(struct bot *bot, const char *event, int64_t task_id, struct arena *a, slice *ret)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    struct json_out o;
    slice task;
    TRY(pyrus_task_text(&bot->x, task_id, a, &task));
    json_out_init(&o, &b);
    json_open_object(&o);
    json_put_string(&o, "event", slice_of(event));
    json_put_string(&o, "access_token", bot->token);
    json_put_int(&o, "task_id", task_id);
    json_put_int(&o, "user_id", bot->who.user_id);
    json_put_string(&o, "bot_settings", S(""));
    json_close_object(&o);
    b.n--; /* the brace: the members of {"task": …} follow */
    buf_add_byte(&b, ',');
    buf_add(&b, slice_from(task, 1));
    *ret = arena_copy(a, buf_slice(&b));
    return NULL;
}

static err_t write_pyrus_message(const struct webhook_call *call, struct arena *a, struct webhook_message *ret)
{
    const struct webhook_delivery *d = call->delivery;
    const char *event = event_name(d->action);
    struct bot *bot;
    bool reached;
    ret->is_unwanted = !event || d->actor_id == call->hook->user_id; /* its own comments are no news to it */
    if (ret->is_unwanted)
        return NULL;
    TRY(log_bot_in(call, a, &bot));
    TRY(is_reached(bot, call->core, task_of(d), a, &reached));
    ret->is_unwanted = !reached;
    if (!reached)
        return NULL;
    TRY(write_body(bot, event, task_of(d), a, &ret->body));
    unsigned char mac[SHA1_SIZE];
    hash_hmac_sha1(call->secret, ret->body, mac);
    slice hex = hex_encode(a, (slice){ (const char *)mac, sizeof mac });
    ret->headers = arena_array(a, const char *, 4);
    ret->headers[0] = arena_printf(a, "X-Pyrus-Sig: " SLICE_FMT, SLICE_ARG(hex)).p;
    ret->headers[1] = arena_printf(a, "X-Pyrus-Retry: %lld/%d", (long long)d->attempts + 1, ATTEMPTS).p;
    ret->headers[2] = "User-Agent: Pyrus-Bot-4";
    return NULL;
}

/* An answer is a comment of the bot. */
static err_t read_pyrus_answer(const struct webhook_call *call, slice body, struct arena *a)
{
    struct pyrus_comment_request request;
    struct bot *bot;
    int64_t id;
    if (!slice_trim(body).n)
        return NULL;
    TRY(log_bot_in(call, a, &bot));
    bot->x.req.body = body;
    TRY(pyrus_read_comment(&bot->x, &request));
    request.comment.task_id = task_of(call->delivery);
    return task_comment_add(call->core, &bot->who, &request.comment, a, &id);
}

const struct webhook_format pyrus_webhook = { .name = "pyrus",
                                              .events = "task.create task.comment task.close",
                                              .needs_user = true,
                                              .pauses_ms = pauses_ms,
                                              .pause_count = LENGTH_OF(pauses_ms),
                                              .timeout_ms = 60 * SECOND,
                                              .write = write_pyrus_message,
                                              .read_answer = read_pyrus_answer };
_Static_assert(LENGTH_OF(pauses_ms) == ATTEMPTS - 1, "a pause before each attempt but the first");
