/* SPDX-License-Identifier: Apache-2.0 */
#include "api/redu/json_priv.h"

#include "api/kit/json_reply.h"
#include "api/kit/zone.h"
#include "base/live.h"
#include "base/text.h"

#include <string.h>

void redu_writer_init(struct redu_writer *w, struct http_exchange *x)
{
    struct redu *r = redu_of(x);
    *w = (struct redu_writer){ .r = r, .who = redu_caller(x), .now_ms = core_now_ms(r->core) };
    w->origin = link_origin(r->links, &x->req, &x->arena);
    w->storage = link_storage_origin(r->links, r->options.storage_url, &x->req, &x->arena, &w->storage_host);
}

/* ---- values ---- */

/* Rounded half up to two decimals, with a comma, and a point before every three digits. */
slice redu_size(uint64_t bytes, struct arena *a)
{
    static const char *const units[] = { "KB", "MB", "GB", "TB" };
    if (bytes == 1)
        return S("1 Byte");
    if (bytes < 1024)
        return arena_printf(a, "%llu Bytes", (unsigned long long)bytes);
    size_t unit = 0;
    uint64_t size = 1024;
    while (unit + 1 < LENGTH_OF(units) && bytes / size >= 1024) {
        size *= 1024;
        unit++;
    }
    uint64_t whole = bytes / size, hundredths = ((bytes % size) * 100 + size / 2) / size;
    whole += hundredths / 100;
    hundredths %= 100;
    if (whole >= 1000)
        return arena_printf(a, "%llu.%03llu,%02llu %s", (unsigned long long)(whole / 1000),
                            (unsigned long long)(whole % 1000), (unsigned long long)hundredths, units[unit]);
    return arena_printf(a, "%llu,%02llu %s", (unsigned long long)whole, (unsigned long long)hundredths, units[unit]);
}

slice redu_path_of(const char *collection, int64_t id, struct arena *a)
{
    return arena_printf(a, "/api/%s/%lld", collection, (long long)id);
}

static void put_date(const struct redu_writer *w, struct json_out *o, const char *name, int64_t ms, struct arena *a)
{
    if (ms)
        json_put_string(o, name, zone_format(w->r->options.zone_minutes, ms, a));
}

/* ---- links ---- */

static void put_link(struct json_out *o, const char *rel, slice href)
{
    json_open_object(o);
    json_put_string(o, "rel", slice_of(rel));
    json_put_string(o, "href", href);
    json_close_object(o);
}

/* origin + "/api/COLLECTION/KEY" + rest. The key is a number, or is encoded: nothing in it needs quoting. */
static void put_link_to(const struct redu_writer *w, struct json_out *o, const char *rel, const char *collection,
                        slice key_and_rest)
{
    SCRATCH(scratch);
    const slice parts[] = { w->origin, S("/api/"), slice_of(collection), S("/"), key_and_rest };
    put_link(o, rel, arena_join(&scratch, parts, LENGTH_OF(parts)));
}

static slice number(int64_t id, const char *rest, struct arena *a)
{
    return arena_printf(a, "%lld%s", (long long)id, rest);
}

/* A path or a login that would be read as an id, such as "2026", or without its end, gives way to the id. */
static slice key_with(slice name, int64_t id, const char *rest, struct arena *a)
{
    if (!redu_is_name(name) || slice_ends(name, S(REDU_PATH_SUFFIX)))
        return number(id, rest, a);
    return arena_printf(a, SLICE_FMT "%s", SLICE_ARG(percent_encode(a, name, "")), rest);
}

static void put_user_link(const struct redu_writer *w, struct json_out *o, slice login, int64_t id, struct arena *a)
{
    if (login.n)
        put_link_to(w, o, "user", "users", key_with(login, id, "", a));
}

slice redu_path_of_environment(const struct environment *e, struct arena *a)
{
    return arena_printf(a, "/api/environments/" SLICE_FMT, SLICE_ARG(key_with(e->path, e->id, "", a)));
}

slice redu_path_of_course(const struct course *c, struct arena *a)
{
    return arena_printf(a, "/api/courses/" SLICE_FMT, SLICE_ARG(key_with(c->path, c->id, "", a)));
}

static void open_links(struct json_out *o)
{
    json_name(o, "links");
    json_open_array(o);
}

static void close_links(struct json_out *o)
{
    json_close_array(o);
    json_close_object(o);
}

/* ---- folders and files ---- */

void redu_put_folder(const struct redu_writer *w, struct json_out *o, const struct folder *f, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", f->id);
    json_put_string(o, "name", f->name);
    put_date(w, o, "created_at", f->created_at_ms, a);
    put_date(w, o, "date_modified", f->modified_at_ms, a); /* the root has none */
    open_links(o);
    put_link_to(w, o, "self", "folders", number(f->id, "", a));
    if (f->parent_id)
        put_link_to(w, o, "folder", "folders", number(f->parent_id, "", a));
    put_link_to(w, o, "files", "folders", number(f->id, "/files", a));
    put_link_to(w, o, "folders", "folders", number(f->id, "/folders", a));
    put_link_to(w, o, "space", "spaces", number(f->space_id, "", a));
    if (f->parent_id)
        put_user_link(w, o, f->creator_login, f->creator_id, a);
    close_links(o);
}

void redu_put_file(const struct redu_writer *w, struct json_out *o, const struct folder_file *f, struct arena *a)
{
    slice bytes = arena_printf(a, "%llu", (unsigned long long)f->file.size_bytes);
    json_open_object(o);
    json_put_int(o, "id", f->file.id);
    json_put_string(o, "name", f->file.name);
    json_put_string(o, "mimetype", f->file.content_type);
    json_put_string(o, "size", redu_size(f->file.size_bytes, a));
    if (LIVE(w->r->options.byte_as_number))
        json_put_int(o, "byte", (int64_t)f->file.size_bytes);
    else
        json_put_string(o, "byte", bytes);
    put_date(w, o, "created_at", f->file.stored_at_ms, a);
    open_links(o);
    put_link_to(w, o, "self", "files", number(f->file.id, "", a));
    put_link_to(w, o, "folder", "folders", number(f->folder_id, "", a));
    put_link_to(w, o, "space", "spaces", number(f->space_id, "", a));
    put_user_link(w, o, f->file.owner_login, f->file.owner_id, a);
    put_link(o, "raw", redu_raw_link(w, &f->file, a));
    close_links(o);
}

/* ---- structure ---- */

void redu_put_environment(const struct redu_writer *w, struct json_out *o, const struct environment *e, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", e->id);
    json_put_string(o, "name", e->name);
    json_put_known_text(o, "description", e->description);
    put_date(w, o, "created_at", e->created_at_ms, a);
    put_date(w, o, "updated_at", e->modified_at_ms, a);
    json_put_string(o, "path", e->path);
    json_put_known_text(o, "initials", e->initials);
    json_put_int(o, "courses_count", e->course_count);
    json_name(o, "thumbnails");
    json_add_raw(o, S("[]"));
    open_links(o);
    put_link_to(w, o, "self", "environments", key_with(e->path, e->id, "", a));
    put_link_to(w, o, "courses", "environments", key_with(e->path, e->id, "/courses", a));
    put_user_link(w, o, e->creator_login, e->creator_id, a);
    close_links(o);
}

void redu_put_course(const struct redu_writer *w, struct json_out *o, const struct course *c, struct arena *a)
{
    json_open_object(o);
    json_put_int(o, "id", c->id);
    json_put_string(o, "name", c->name);
    json_put_known_text(o, "description", c->description);
    put_date(w, o, "created_at", c->created_at_ms, a);
    put_date(w, o, "updated_at", c->modified_at_ms, a);
    json_put_int(o, "workload", c->workload);
    json_put_string(o, "path", c->path);
    open_links(o);
    put_link_to(w, o, "self", "courses", key_with(c->path, c->id, "", a));
    put_link_to(w, o, "spaces", "courses", key_with(c->path, c->id, "/spaces", a));
    put_link_to(w, o, "environment", "environments", key_with(c->environment_path, c->environment_id, "", a));
    put_link_to(w, o, "enrollments", "courses", key_with(c->path, c->id, "/enrollments", a));
    close_links(o);
}

void redu_put_space(const struct redu_writer *w, struct json_out *o, const struct space *s, struct arena *a)
{
    static const char *const targets[][2] = { { "users", "/users" },       { "subjects", "/subjects" },
                                              { "statuses", "/statuses" }, { "timeline", "/statuses/timeline" },
                                              { "folders", "/folders" },   { "canvas", "/canvas" } };
    json_open_object(o);
    json_put_int(o, "id", s->id);
    json_put_string(o, "name", s->name);
    json_put_known_text(o, "description", s->description);
    put_date(w, o, "created_at", s->created_at_ms, a);
    put_date(w, o, "updated_at", s->modified_at_ms, a);
    open_links(o);
    put_link_to(w, o, "self", "spaces", number(s->id, "", a));
    put_link_to(w, o, "course", "courses", key_with(s->course_path, s->course_id, "", a));
    put_link_to(w, o, "environment", "environments", key_with(s->environment_path, s->environment_id, "", a));
    for (size_t i = 0; i < LENGTH_OF(targets); i++)
        put_link_to(w, o, targets[i][0], "spaces", number(s->id, targets[i][1], a));
    close_links(o);
}

/* ---- people ---- */

static void put_names(struct json_out *o, const struct user *u)
{
    slice first, last;
    slice_cut(slice_trim(u->name), ' ', &first, &last);
    json_put_known_text(o, "first_name", first.n ? first : u->login);
    json_put_known_text(o, "last_name", slice_trim(last));
}

void redu_put_user_names(struct json_out *o, const struct user *u)
{
    json_open_object(o);
    json_put_int(o, "id", u->id);
    put_names(o, u);
    json_close_object(o);
}

void redu_put_user(const struct redu_writer *w, struct json_out *o, const struct user *u, struct arena *a)
{
    static const char *const empty[] = { "interested_areas", "social_networks", "thumbnails" };
    static const char *const targets[][2] = {
        { "enrollments", "/enrollments" }, { "statuses", "/statuses" }, { "timeline", "/statuses/timeline" },
        { "contacts", "/contacts" },       { "chats", "/chats" },       { "connections", "/connections" }
    };
    json_open_object(o);
    json_put_int(o, "id", u->id);
    json_put_string(o, "login", u->login);
    json_put_known_text(o, "email", u->email);
    put_names(o, u);
    json_put_int(o, "friends_count", 0);
    put_date(w, o, "created_at", u->created_at_ms, a);
    put_date(w, o, "updated_at", u->created_at_ms, a);
    for (size_t i = 0; i < LENGTH_OF(empty); i++) {
        json_name(o, empty[i]);
        json_add_raw(o, S("[]"));
    }
    open_links(o);
    put_link_to(w, o, "self", "users", key_with(u->login, u->id, "", a));
    for (size_t i = 0; i < LENGTH_OF(targets); i++)
        put_link_to(w, o, targets[i][0], "users", key_with(u->login, u->id, targets[i][1], a));
    close_links(o);
}

/* ---- enrolments ---- */

static const char *const roles[] = { [ROLE_MEMBER] = "member",
                                     [ROLE_TUTOR] = "tutor",
                                     [ROLE_TEACHER] = "teacher",
                                     [ROLE_ADMINISTRATOR] = "environment_admin" };
static const char *const states[] = { [ENROLMENT_WAITING] = "waiting",
                                      [ENROLMENT_INVITED_UNKNOWN] = "redu_invited",
                                      [ENROLMENT_INVITED] = "invited",
                                      [ENROLMENT_APPROVED] = "approved",
                                      [ENROLMENT_REJECTED] = "rejected" };

bool redu_role_parse(slice text, enum course_role *ret)
{
    for (size_t i = ROLE_MEMBER; i < LENGTH_OF(roles); i++)
        if (slice_eq(text, slice_of(roles[i]))) {
            *ret = (enum course_role)i;
            return true;
        }
    return false;
}

bool redu_state_parse(slice text, enum enrolment_state *ret)
{
    for (size_t i = ENROLMENT_WAITING; i < LENGTH_OF(states); i++)
        if (slice_eq(text, slice_of(states[i]))) {
            *ret = (enum enrolment_state)i;
            return true;
        }
    return false;
}

void redu_put_enrolment(const struct redu_writer *w, struct json_out *o, const struct enrolment *n, struct arena *a)
{
    bool has_state = n->state >= ENROLMENT_WAITING && n->state <= ENROLMENT_REJECTED;
    json_open_object(o);
    json_put_int(o, "id", n->id);
    if (has_state)
        json_put_string(o, "state", slice_of(states[n->state]));
    if (!n->user_id) {
        json_put_string(o, "email", n->email);
        json_put_known_text(o, "token", n->token);
    }
    json_name(o, "role");
    if (n->role > ROLE_NONE && n->role <= ROLE_ADMINISTRATOR)
        json_add_string(o, slice_of(roles[n->role]));
    else
        json_add_null(o);
    put_date(w, o, "created_at", n->created_at_ms, a);
    put_date(w, o, "updated_at", n->modified_at_ms, a);
    open_links(o);
    put_link_to(w, o, "self", "enrollments", number(n->id, "", a));
    put_link_to(w, o, "course", "courses", key_with(n->course_path, n->course_id, "", a));
    put_link_to(w, o, "environment", "environments", key_with(n->environment_path, n->environment_id, "", a));
    put_user_link(w, o, n->login, n->user_id, a);
    close_links(o);
}

/* ---- replies ---- */

err_t redu_reply(struct http_exchange *x, int status, slice path, redu_put_fn *put, const void *record)
{
    struct redu_writer w;
    struct json_reply reply;
    redu_writer_init(&w, x);
    if (status == 201)
        http_reply_header(x, "Location",
                          arena_printf(&x->arena, SLICE_FMT SLICE_FMT, SLICE_ARG(w.origin), SLICE_ARG(path)));
    json_reply_begin(&reply, x);
    put(&w, &reply.out, record, &x->arena);
    json_reply_send(&reply, status, JSON_REPLY_TYPE_UTF8);
    return NULL;
}

err_t redu_reply_nothing(struct http_exchange *x)
{
    http_reply(x, 204, NULL, S(""));
    return NULL;
}

/* ---- lists ---- */

enum { PAGE_RECORDS = 50 };

static err_t write_part(struct json_pieces *pieces, struct buf *out, struct arena *a, bool *ret_end)
{
    struct redu_list *list = CONTAINER_OF(pieces, struct redu_list, pieces);
    size_t count;
    list->is_full = false;
    TRY(list->write_page(list, out, a, &count));
    if (list->is_full || count == list->page.limit)
        return NULL;
    buf_add(out, S("]"));
    *ret_end = true;
    return NULL;
}

struct redu_list *redu_list_new(struct http_exchange *x, redu_page_fn *write_page)
{
    struct redu_list *list = arena_new(&x->arena, struct redu_list);
    json_pieces_init(&list->pieces, x, redu_of(x)->log, write_part);
    redu_writer_init(&list->writer, x);
    list->write_page = write_page;
    list->page.limit = PAGE_RECORDS;
    return list;
}

err_t redu_list_add(struct redu_list *list, struct buf *out, struct arena *a, redu_put_fn *put, int64_t id,
                    const void *record)
{
    bool whole;
    if (list->is_full)
        return NULL;
    SCRATCH_OF(scratch, a); /* each record uses the same memory again */
    struct json_reply *item = json_item_begin(&list->pieces, &scratch);
    put(&list->writer, &item->out, record, &scratch);
    TRY(json_item_end(&list->pieces, out, &whole));
    if (whole)
        list->page.after_id = id;
    list->is_full = !whole || piece_is_full(out);
    return NULL;
}

err_t redu_reply_empty_list(struct http_exchange *x)
{
    http_reply(x, 200, JSON_REPLY_TYPE_UTF8, S("[]"));
    return NULL;
}

err_t redu_list_send(struct redu_list *list)
{
    buf_add(&list->pieces.pieces.first, S("["));
    return piece_reply_send(&list->pieces.pieces, 200, JSON_REPLY_TYPE_UTF8);
}
