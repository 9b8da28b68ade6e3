/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/datasnap.md 4: upload tokens. Issuing one stays on the loop: it hands its write to the committer and replies on
 * the loop again. */
#include "api/datasnap/datasnap_priv.h"
#include "api/datasnap/handlers_priv.h"
#include "api/kit/upload_url.h"
#include "core/access/access.h"
#include "core/dataset/prefix.h"

enum { MINUTES_MAX = 60 };

struct issuing {
    struct prefix_request request;
    slice origin;
    struct upload_prefix prefix;
    slice secret, slug;
};

static err_t reply_issued(struct http_exchange *x)
{
    const struct issuing *i = x->work;
    struct arena *a = &x->arena;
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_int(&reply.out, "id", i->prefix.id);
    slice url[] = { i->origin, upload_url_path(i->secret, &i->prefix, i->slug, a) };
    json_put_string(&reply.out, "upload_url", arena_join(a, url, LENGTH_OF(url)));
    json_put_string(&reply.out, "expires_at", datasnap_time(a, i->prefix.expires_at_ms));
    json_put_bool(&reply.out, "success", true);
    json_close_object(&reply.out);
    datasnap_reply(&reply, 200);
    return NULL;
}

/* Runs on the committer's thread: it only copies. */
static void take_issued(void *arg, err_t e, const struct prefix_issued *issued)
{
    struct http_exchange *x = arg;
    struct issuing *i = x->work;
    if (e) {
        http_fail(x, e);
        return;
    }
    i->prefix = issued->prefix;
    i->secret = arena_copy(&x->arena, issued->secret);
    i->slug = arena_copy(&x->arena, issued->slug);
    http_on_loop(x, reply_issued);
}

static err_t read_minutes(struct http_exchange *x, int64_t *ret)
{
    const struct json *body;
    struct field_errors errors;
    int64_t minutes = 0;
    TRY(datasnap_read_body(x, &body));
    field_errors_init(&errors, &x->arena);
    const struct json *member = json_get(body, "minutes");
    if (json_absent(member))
        field_error_add(&errors, S("O campo minutes é obrigatório."), "minutes");
    else if (!json_to_i64(member, &minutes))
        field_error_add(&errors, S("O campo minutes deve ser um número inteiro."), "minutes");
    else if (minutes < 1 || minutes > MINUTES_MAX)
        field_error_add(&errors, S("O campo minutes deve estar entre 1 e 60."), "minutes");
    TRY(datasnap_refuse_fields(x, &errors));
    *ret = minutes;
    return NULL;
}

err_t datasnap_token_issue(struct http_exchange *x)
{
    struct datasnap *d = datasnap_of(x);
    int64_t minutes;
    TRY(datasnap_need(x, KEY_WRITER));
    TRY(read_minutes(x, &minutes));
    struct issuing *i = arena_new(&x->arena, struct issuing);
    i->request = (struct prefix_request){ x->req.params[0], minutes * 60000 };
    slice unused;
    i->origin = link_storage_origin(d->links, d->options.upload_url, &x->req, &x->arena, &unused);
    x->work = i;
    prefix_issue(d->core, datasnap_caller(x), &i->request, take_issued, x);
    return NULL;
}

err_t datasnap_token_validate(struct http_exchange *x)
{
    struct prefix_info info;
    TRY(datasnap_need(x, KEY_READER));
    TRY(prefix_info(datasnap_of(x)->core, datasnap_caller(x), datasnap_path_id(x, 0), &x->arena, &info));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    json_open_object(&reply.out);
    json_put_int(&reply.out, "id", info.prefix.id);
    json_put_bool(&reply.out, "valid", info.is_valid);
    json_put_string(&reply.out, "schema_slug", info.slug);
    json_put_string(&reply.out, "expires_at", datasnap_time(&x->arena, info.prefix.expires_at_ms));
    json_put_int(&reply.out, "files", info.files);
    json_close_object(&reply.out);
    datasnap_reply(&reply, 200);
    return NULL;
}

err_t datasnap_token_revoke(struct http_exchange *x)
{
    TRY(datasnap_need(x, KEY_WRITER));
    TRY(prefix_revoke(datasnap_of(x)->core, datasnap_caller(x), datasnap_path_id(x, 0), &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}
