/* SPDX-License-Identifier: Apache-2.0 */
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/items_priv.h"
#include "api/runrun/page_priv.h"
#include "api/runrun/reply_priv.h"
#include "api/runrun/runrun_priv.h"
#include "core/access/people.h"

static void put_user(struct json_reply *reply, const struct user *u)
{
    struct json_out *o = &reply->out;
    json_open_object(o);
    json_put_string(o, "id", u->login);
    json_put_string(o, "name", runrun_user_name(u));
    runrun_put_text(o, "email", u->email);
    runrun_put_null(o, "avatar_url");
    runrun_put_null(o, "avatar_large_url");
    json_put_bool(o, "is_master", u->is_admin);
    json_put_bool(o, "is_manager", u->is_admin);
    json_put_string(o, "time_zone", slice_from(runrun_date(runrun_of(reply->x), reply->a, u->created_at_ms), 19));
    json_put_string(o, "language", S("pt-BR"));
    json_name(o, "team_ids");
    json_add_raw(o, S("[]"));
    runrun_put_date(reply, "created_at", u->created_at_ms);
    json_close_object(o);
}

static void reply_user(struct http_exchange *x, const struct user *u)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    put_user(&reply, u);
    runrun_reply_send(&reply, 200);
}

err_t runrun_user_me(struct http_exchange *x)
{
    struct user me;
    TRY(person_by_id(runrun_of(x)->core, runrun_caller(x), runrun_caller(x)->user_id, &x->arena, &me));
    reply_user(x, &me);
    return NULL;
}

/* Whoever is in the account may be named in a task, and so be seen. An e-mail address is no id. */
err_t runrun_user_get(struct http_exchange *x)
{
    struct user user;
    slice id = x->req.params[0];
    TRY(person_by_address(runrun_of(x)->core, runrun_caller(x), id, &x->arena, &user));
    if (!slice_eq_nocase(user.login, id))
        return err_make(&x->arena, ERR_NOT_FOUND, "no such user");
    reply_user(x, &user);
    return NULL;
}

static err_t write_user(struct runrun_items *items, int64_t id, struct buf *out, struct arena *a, bool *ret_done)
{
    struct http_exchange *x = items->pieces.pieces.x;
    struct user user;
    TRY(person_by_id(runrun_of(x)->core, runrun_caller(x), id, a, &user));
    put_user(json_item_begin(&items->pieces, a), &user);
    return json_item_end(&items->pieces, out, ret_done);
}

err_t runrun_user_list(struct http_exchange *x)
{
    struct page page;
    struct people_page people;
    TRY(runrun_read_page(x, &page));
    do
        TRY(people_page_read(runrun_of(x)->core, runrun_caller(x), page.offset, page.limit, &x->arena, &people));
    while (page_restart(&page, people.total));
    runrun_page_headers(x, &page, people.count, people.total);
    return runrun_reply_list(runrun_items_new(x, write_user, people.ids, people.count));
}
