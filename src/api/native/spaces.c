/* SPDX-License-Identifier: Apache-2.0 */
/* Spaces and their members. What a caller may not see is not there (404); what it sees and may not change is refused (403). */
#include "api/kit/list_reply.h"
#include "api/kit/record_id.h"
#include "api/native/errors_priv.h"
#include "api/native/folders_priv.h"
#include "api/native/routes_priv.h"
#include "base/text.h"
#include "core/reasons.h"
#include "core/space/enrolment.h"
#include "core/space/folder.h"
#include "core/space/folder_file.h"
#include "core/space/standalone.h"

#define SPACES_AT_ONCE 50 /* that are read for one piece of a list; one has up to 5 KiB */

/* ---- roles ---- */

static const slice role_names[] = { [ROLE_NONE] = { "", 0 },
                                    [ROLE_MEMBER] = { "viewer", 6 },
                                    [ROLE_TUTOR] = { "editor", 6 },
                                    [ROLE_TEACHER] = { "manager", 7 },
                                    [ROLE_ADMINISTRATOR] = { "administrator", 13 } };

slice native_role_name(enum course_role role)
{
    return role_names[role];
}

static bool parse_role(slice name, enum course_role *ret)
{
    for (int role = ROLE_MEMBER; role <= ROLE_ADMINISTRATOR; role++)
        if (slice_eq(name, role_names[role])) {
            *ret = (enum course_role)role;
            return true;
        }
    return false;
}

/* ---- one space ---- */

static err_t find_path_space(struct http_exchange *x, struct space *ret)
{
    int64_t id = record_id(x->req.params[0], INT64_MAX);
    err_t e = id ? space_find(native_of(x)->core, native_caller(x), PLACE_SEE, id, &x->arena, ret) : NULL;
    return !id || err_reason(e) == REASON_PLACE_ROLE_TOO_LOW ? native_refuse(&x->arena, NATIVE_NO_SPACE_THERE) : e;
}

static void put_space(struct json_out *o, const struct space *s, enum course_role role, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", s->id);
    json_put_string(o, "name", s->name);
    json_put_string(o, "description", s->description);
    json_put_int(o, "root", s->root_id);
    json_put_string(o, "role", native_role_name(role));
    json_put_string(o, "created_at", time_format_utc(a, s->created_at_ms));
    json_put_string(o, "modified_at", time_format_utc(a, s->modified_at_ms));
    json_close_object(o);
}

static err_t reply_space(struct http_exchange *x, int status, int64_t id)
{
    struct native_api *api = native_of(x);
    struct space s;
    enum course_role role;
    TRY(space_find(api->core, native_caller(x), PLACE_SEE, id, &x->arena, &s));
    TRY(space_role(api->core, native_caller(x), &s, &x->arena, &role));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    put_space(&reply.out, &s, role, &x->arena);
    json_reply_send(&reply, status, JSON_REPLY_TYPE);
    return NULL;
}

static err_t show_space(struct http_exchange *x)
{
    struct space s;
    TRY(find_path_space(x, &s));
    return reply_space(x, 200, s.id);
}

/* Texts that are not there stay as they are in *ret. */
static err_t read_space_request(struct http_exchange *x, struct space_request *ret)
{
    const struct json *body;
    TRY(json_parse(&x->arena, x->req.body, &body));
    const struct json *name = json_get(body, "name"), *description = json_get(body, "description");
    if (!json_is(body, JS_OBJECT) || (!name && !description) || (name && !json_is(name, JS_STRING)) ||
        (description && !json_is(description, JS_STRING)))
        return native_refuse(&x->arena, NATIVE_BAD_SPACE);
    ret->name = name ? name->string : ret->name;
    ret->description = description ? description->string : ret->description;
    return NULL;
}

static err_t create_space(struct http_exchange *x)
{
    struct space_request request = { S(""), S("") };
    int64_t id;
    TRY(read_space_request(x, &request));
    TRY(standalone_create(native_of(x)->core, native_caller(x), &request, &x->arena, &id));
    http_reply_header(x, "Location", arena_printf(&x->arena, "/v1/native/spaces/%lld", (long long)id));
    return reply_space(x, 201, id);
}

static err_t change_space(struct http_exchange *x)
{
    struct space s;
    TRY(find_path_space(x, &s));
    struct space_request request = { s.name, s.description };
    TRY(read_space_request(x, &request));
    TRY(space_change(native_of(x)->core, native_caller(x), s.id, &request, &x->arena));
    return reply_space(x, 200, s.id);
}

static err_t delete_space(struct http_exchange *x)
{
    struct space s;
    TRY(find_path_space(x, &s));
    TRY(standalone_remove(native_of(x)->core, native_caller(x), s.id, &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- the list ---- */

/* A cursor is that of core, as four numbers; a forged one gives nothing that a walk through all pages would not give. */
struct space_list_reply {
    struct list_reply list;
    struct space_cursor after;
};

static bool parse_cursor(slice text, struct space_cursor *ret)
{
    int64_t *numbers[] = { &ret->enrolment_id, &ret->environment_id, &ret->course_id, &ret->space_id };
    for (size_t i = 0; i < LENGTH_OF(numbers); i++) {
        slice number;
        bool is_last = !slice_cut(text, '.', &number, &text);
        if (!slice_to_i64(number, numbers[i]) || *numbers[i] < 0 || is_last != (i + 1 == LENGTH_OF(numbers)))
            return false;
    }
    return true;
}

static slice format_cursor(const struct list_reply *list, struct arena *a)
{
    const struct space_cursor *c = &CONTAINER_OF(list, const struct space_list_reply, list)->after;
    return arena_printf(a, "%lld.%lld.%lld.%lld", (long long)c->enrolment_id, (long long)c->environment_id,
                        (long long)c->course_id, (long long)c->space_id);
}

static err_t find_spaces(const struct list_reply *list, const struct id_page *page, struct arena *a,
                         struct list_items *ret)
{
    const struct http_exchange *x = list_exchange(list);
    const struct space_cursor *after = &CONTAINER_OF(list, const struct space_list_reply, list)->after;
    struct visible_space_list found;
    TRY(space_list_visible(native_of(x)->core, native_caller(x), after, page->limit, a, &found));
    *ret = (struct list_items){ found.items, found.count, sizeof *found.items, 0 };
    return NULL;
}

static void put_found_space(const struct list_reply *list, struct json_out *o, const void *item, struct arena *a)
{
    const struct visible_space *s = item;
    (void)list;
    put_space(o, &s->space, s->role, a);
}

static void pass_space(struct list_reply *list, const void *item, struct arena *a)
{
    (void)a;
    const struct space *s = &((const struct visible_space *)item)->space;
    CONTAINER_OF(list, struct space_list_reply, list)->after =
        (struct space_cursor){ s->enrolment_id, s->environment_id, s->course_id, s->id };
}

static const struct list_kind spaces_kind = { SPACES_AT_ONCE, find_spaces, put_found_space, pass_space, format_cursor };

static err_t list_spaces(struct http_exchange *x)
{
    struct space_list_reply *reply = arena_new(&x->arena, struct space_list_reply);
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    slice after = native_query_value(&q, S("after"));
    TRY(native_read_limit(&q, &x->arena, &reply->list.page.limit));
    if (after.n && !parse_cursor(after, &reply->after))
        return native_refuse(&x->arena, NATIVE_BAD_AFTER);
    return list_reply_send(&reply->list, x, native_of(x)->log, &spaces_kind, S("{\"spaces\":["));
}

/* ---- members ---- */

static slice state_name(enum enrolment_state state)
{
    switch (state) {
    case ENROLMENT_WAITING:
        return S("waiting");
    case ENROLMENT_INVITED_UNKNOWN:
    case ENROLMENT_INVITED:
        return S("invited");
    case ENROLMENT_APPROVED:
        return S("approved");
    case ENROLMENT_REJECTED:
        break;
    }
    return S("rejected");
}

static void put_member(struct json_out *o, const struct enrolment *n)
{
    json_open_object(o);
    json_put_string(o, "login", n->login);
    json_put_string(o, "role", native_role_name(n->role));
    json_put_string(o, "state", state_name(n->state));
    json_close_object(o);
}

struct member_list_reply {
    struct list_reply list;
    int64_t course_id;
};

static err_t find_members(const struct list_reply *list, const struct id_page *page, struct arena *a,
                          struct list_items *ret)
{
    int64_t course_id = CONTAINER_OF(list, const struct member_list_reply, list)->course_id;
    struct enrolment_list found;
    TRY(enrolment_list(native_of(list_exchange(list))->core, course_id, page, a, &found));
    *ret = LIST_ITEMS(found, struct enrolment);
    return NULL;
}

/* Invitations to addresses that nobody has are left out, and count. */
static void put_found_member(const struct list_reply *list, struct json_out *o, const void *item, struct arena *a)
{
    const struct enrolment *n = item;
    (void)list, (void)a;
    if (n->user_id)
        put_member(o, n);
}

static const struct list_kind members_kind = { SPACES_AT_ONCE, find_members, put_found_member, NULL, NULL };

static err_t list_members(struct http_exchange *x)
{
    struct member_list_reply *reply = arena_new(&x->arena, struct member_list_reply);
    struct space s;
    TRY(find_path_space(x, &s));
    TRY(native_read_list(x, &reply->list));
    reply->course_id = s.course_id;
    return list_reply_send(&reply->list, x, native_of(x)->log, &members_kind, S("{\"members\":["));
}

static err_t read_role(struct http_exchange *x, enum course_role *ret)
{
    const struct json *body;
    TRY(json_parse(&x->arena, x->req.body, &body));
    const struct json *role = json_get(body, "role");
    if (!json_is(body, JS_OBJECT) || !role || !json_is(role, JS_STRING) || !parse_role(role->string, ret))
        return native_refuse(&x->arena, NATIVE_BAD_ROLE);
    return NULL;
}

static err_t set_member(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    struct space s;
    struct enrolment_request request = { .login = x->req.params[1] };
    struct enrolment n;
    int64_t id;
    TRY(find_path_space(x, &s));
    TRY(read_role(x, &request.role));
    request.course_id = s.course_id;
    err_t e = enrolment_grant(core, native_caller(x), &request, &x->arena, &id);
    if (err_is(e, ERR_NOT_FOUND) && !err_reason(e))
        return native_refuse(&x->arena, NATIVE_NO_USER);
    TRY(e);
    TRY(enrolment_find_login(core, s.course_id, request.login, &x->arena, &n));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    put_member(&reply.out, &n);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
    return NULL;
}

static err_t remove_member(struct http_exchange *x)
{
    struct core *core = native_of(x)->core;
    struct space s;
    struct enrolment n;
    TRY(find_path_space(x, &s));
    TRY(enrolment_find_login(core, s.course_id, x->req.params[1], &x->arena, &n));
    TRY(enrolment_remove(core, native_caller(x), n.id, &x->arena));
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- searching ---- */

static err_t read_search(struct http_exchange *x, struct folder_search_request *ret)
{
    struct query q;
    TRY(query_parse(x->req.query, &x->arena, &q));
    slice after = native_query_value(&q, S("after")), kind = native_query_value(&q, S("kind"));
    ret->part = native_query_value(&q, S("name"));
    ret->files = !slice_eq(kind, S("folders"));
    TRY(native_read_limit(&q, &x->arena, &ret->limit));
    if (ret->limit > NATIVE_HITS_MAX)
        ret->limit = NATIVE_HITS_MAX;
    if (after.n && (!slice_to_i64(after, &ret->after_id) || ret->after_id < 1))
        return native_refuse(&x->arena, NATIVE_BAD_AFTER);
    if (!ret->part.n || !slice_is_utf8(ret->part) || (kind.n && ret->files && !slice_eq(kind, S("files"))))
        return native_refuse(&x->arena, NATIVE_BAD_SEARCH);
    return NULL;
}

/* What a search found; what has gone since is left out. */
struct found {
    struct folder folder;
    struct folder_file file;
};

static err_t read_hits(struct http_exchange *x, const struct folder_hit_list *hits, struct found *found,
                       size_t *ret_count)
{
    struct core *core = native_of(x)->core;
    *ret_count = 0;
    for (size_t i = 0; i < hits->count; i++) {
        struct found *f = &found[*ret_count];
        err_t e = hits->items[i].is_file
                      ? folder_file_find(core, native_caller(x), PLACE_SEE, hits->items[i].id, &x->arena, &f->file)
                      : folder_find(core, native_caller(x), PLACE_SEE, hits->items[i].id, &x->arena, &f->folder);
        if (e && e->code != ERR_NOT_FOUND)
            return e;
        *ret_count += !e;
    }
    return NULL;
}

static void reply_found(struct http_exchange *x, bool files, const struct found *found, size_t count, int64_t after_id)
{
    struct json_reply reply;
    json_reply_begin(&reply, x);
    struct json_out *o = &reply.out;
    json_open_object(o);
    json_name(o, files ? "files" : "folders");
    json_open_array(o);
    for (size_t i = 0; i < count; i++)
        if (files)
            put_folder_file(o, &found[i].file, &x->arena);
        else
            put_folder(o, &found[i].folder, &x->arena);
    json_close_array(o);
    if (after_id)
        json_put_string(o, "next", arena_printf(&x->arena, "%lld", (long long)after_id));
    json_close_object(o);
    json_reply_send(&reply, 200, JSON_REPLY_TYPE);
}

/* One search of core for each request, so a page may be short although more follows. */
static err_t search_space(struct http_exchange *x)
{
    struct space s;
    struct folder_search_request request = { 0 };
    struct folder_hit_list hits;
    int64_t after_id;
    size_t count;
    TRY(find_path_space(x, &s));
    TRY(read_search(x, &request));
    request.space_id = s.id;
    TRY(folder_search(native_of(x)->core, &request, &x->arena, &hits, &after_id));
    struct found *found = arena_array(&x->arena, struct found, hits.count + 1);
    TRY(read_hits(x, &hits, found, &count));
    reply_found(x, request.files, found, count, after_id);
    return NULL;
}

/* ---- routes ---- */

static const struct http_route routes[] = {
    { "GET", "/v1/native/spaces", list_spaces, HTTP_NO_BODY, 0, "GET /v1/native/spaces" },
    { "POST", "/v1/native/spaces", create_space, 0, NATIVE_SMALL_BODY_MAX, "POST /v1/native/spaces" },
    { "GET", "/v1/native/spaces/{id}", show_space, HTTP_NO_BODY, 0, "GET /v1/native/spaces/{id}" },
    { "PATCH", "/v1/native/spaces/{id}", change_space, 0, NATIVE_SMALL_BODY_MAX,
      "PATCH and DELETE /v1/native/spaces/{id}" },
    { "DELETE", "/v1/native/spaces/{id}", delete_space, HTTP_NO_BODY, 0, "PATCH and DELETE /v1/native/spaces/{id}" },
    { "GET", "/v1/native/spaces/{id}/members", list_members, HTTP_NO_BODY, 0, "GET /v1/native/spaces/{id}/members" },
    { "PUT", "/v1/native/spaces/{id}/members/{login}", set_member, 0, NATIVE_SMALL_BODY_MAX,
      "PUT and DELETE /v1/native/spaces/{id}/members/{login}" },
    { "DELETE", "/v1/native/spaces/{id}/members/{login}", remove_member, HTTP_NO_BODY, 0,
      "PUT and DELETE /v1/native/spaces/{id}/members/{login}" },
    { "GET", "/v1/native/spaces/{id}/search", search_space, HTTP_NO_BODY, 0, "GET /v1/native/spaces/{id}/search" },
};
const struct native_routes native_space_routes = NATIVE_ROUTES(routes);
