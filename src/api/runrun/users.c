/* SPDX-License-Identifier: Apache-2.0 */
#include "api/runrun/errors_priv.h"
#include "api/runrun/handlers_priv.h"
#include "api/runrun/reply_priv.h"
#include "api/runrun/runrun_priv.h"
#include "core/access/people.h"

err_t runrun_user_me(struct http_exchange *x)
{
    struct user me;
    TRY(person_by_id(runrun_of(x)->core, runrun_caller(x), runrun_caller(x)->user_id, &x->arena, &me));
    struct json_reply reply;
    struct json_out *o = &reply.out;
    json_reply_begin(&reply, x);
    json_open_object(o);
    json_put_string(o, "id", me.login);
    json_put_string(o, "name", runrun_user_name(&me));
    runrun_put_text(o, "email", me.email);
    runrun_put_null(o, "avatar_url");
    runrun_put_null(o, "avatar_large_url");
    json_put_bool(o, "is_master", me.is_admin);
    json_put_bool(o, "is_manager", me.is_admin);
    json_put_string(o, "time_zone", slice_from(runrun_date(runrun_of(x), &x->arena, me.created_at_ms), 19));
    json_put_string(o, "language", S("pt-BR"));
    json_name(o, "team_ids");
    json_add_raw(o, S("[]"));
    runrun_put_date(&reply, "created_at", me.created_at_ms);
    json_close_object(o);
    runrun_reply_send(&reply, 200);
    return NULL;
}
