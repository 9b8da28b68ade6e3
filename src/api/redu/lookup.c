/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/record_id.h"
#include "api/redu/redu_priv.h"
#include "core/access/people.h"
#include "core/reasons.h"
#include "core/space/course.h"
#include "core/space/environment.h"
#include "core/space/space.h"
#include "http/target.h"

bool redu_is_name(slice segment)
{
    for (size_t i = 0; i < segment.n; i++) {
        char c = segment.p[i];
        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_')
            return true;
    }
    return false;
}

int64_t redu_path_id(struct http_exchange *x)
{
    return record_id(x->req.params[0], INT64_MAX);
}

err_t redu_find_environment(struct http_exchange *x, enum place_verb verb, struct environment *ret)
{
    struct core *core = redu_of(x)->core;
    slice segment = x->req.params[0];
    return redu_is_name(segment) ? environment_find_path(core, redu_caller(x), verb, segment, &x->arena, ret)
                                 : environment_find(core, redu_caller(x), verb, redu_path_id(x), &x->arena, ret);
}

err_t redu_find_course(struct http_exchange *x, enum place_verb verb, struct course *ret)
{
    struct core *core = redu_of(x)->core;
    slice segment = x->req.params[0];
    return redu_is_name(segment) ? course_find_path(core, redu_caller(x), verb, segment, &x->arena, ret)
                                 : course_find(core, redu_caller(x), verb, redu_path_id(x), &x->arena, ret);
}

err_t redu_find_space(struct http_exchange *x, enum place_verb verb, struct space *ret)
{
    return space_find(redu_of(x)->core, redu_caller(x), verb, redu_path_id(x), &x->arena, ret);
}

err_t redu_find_user(struct http_exchange *x, struct user *ret)
{
    slice segment = x->req.params[0];
    struct core *core = redu_of(x)->core;
    const struct principal *who = redu_caller(x);
    /* Nobody knows the users of no account: without a token every user is as good as there. */
    if (!who)
        return redu_refuse(&x->arena, REDU_NOT_AUTHORIZED);
    return redu_is_name(segment) ? person_by_address(core, who, segment, &x->arena, ret)
                                 : person_by_id(core, who, record_id(segment, INT64_MAX), &x->arena, ret);
}

err_t redu_need_caller(struct http_exchange *x)
{
    return redu_caller(x) ? NULL : redu_refuse(&x->arena, REDU_NOT_AUTHORIZED);
}

slice redu_query(struct http_exchange *x, slice name)
{
    struct query query;
    slice value = S("");
    if (!query_parse(x->req.query, &x->arena, &query))
        query_get(&query, name, QUERY_LAST_WINS, &value);
    return value;
}
