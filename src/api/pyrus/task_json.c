/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/failure_log.h"
#include "api/pyrus/json_priv.h"
#include "api/pyrus/task_json_priv.h"
#include "base/text.h"
#include "core/access/people.h"
#include "core/records/comment.h"
#include "core/records/reference.h"
#include "core/records/task.h"

#include <stdlib.h>

struct task_writer {
    struct http_exchange *x;
    const struct task_view *view;
    const struct user *people; /* those of the view, and those that the details of comments name */
    size_t people_count;
    slice origin; /* of links */
    struct json_out *out;
};

static void put_attachment(struct task_writer *w, const struct reference *r)
{
    struct json_out *o = w->out;
    struct arena *a = &w->x->arena;
    json_open_object(o);
    json_put_int(o, "id", r->id);
    json_put_string(o, "name", r->name);
    json_put_int(o, "size", (int64_t)r->size_bytes);
    if (r->file_id)
        json_put_string(o, "md5", pyrus_md5(pyrus_of(w->x), a, r->md5));
    json_put_string(
        o, "url",
        r->file_id ? arena_printf(a, SLICE_FMT "/services/attachment?Id=%lld", SLICE_ARG(w->origin), (long long)r->id)
                   : r->url);
    json_put_int(o, "version", r->version);
    if (r->version > 1)
        json_put_int(o, "root_id", r->root_id);
    json_close_object(o);
}

/* Writes "attachments": those of a comment, or, when `newest` is given, the newest versions in the task. Writes nothing
 * when there are none. */
static void put_attachments(struct task_writer *w, int64_t comment_id, const bool *newest)
{
    bool open = false;
    for (size_t i = 0; i < w->view->reference_count; i++) {
        const struct reference *r = &w->view->references[i];
        if (newest ? !newest[i] : r->comment_id != comment_id)
            continue;
        if (!open) {
            json_name(w->out, "attachments");
            json_open_array(w->out);
            open = true;
        }
        put_attachment(w, r);
    }
    if (open)
        json_close_array(w->out);
}

/* References are sorted by id, so the last reference with a root is its newest version. */
struct reference_version {
    int64_t root_id;
    size_t at; /* index of the reference */
};

static int compare_by_root(const void *left, const void *right)
{
    const struct reference_version *l = left, *r = right;
    if (l->root_id != r->root_id)
        return l->root_id < r->root_id ? -1 : 1;
    return (l->at > r->at) - (l->at < r->at);
}

/* Marks the newest version of each document. The first version of a document may be deleted already. */
static const bool *mark_newest(struct task_writer *w)
{
    const struct task_view *v = w->view;
    bool *newest = arena_array(&w->x->arena, bool, v->reference_count + 1);
    struct reference_version *versions = arena_array(&w->x->arena, struct reference_version, v->reference_count + 1);
    for (size_t i = 0; i < v->reference_count; i++)
        versions[i] = (struct reference_version){ v->references[i].root_id, i };
    qsort(versions, v->reference_count, sizeof *versions, compare_by_root);
    for (size_t i = 0; i < v->reference_count; i++)
        newest[versions[i].at] = i + 1 == v->reference_count || versions[i + 1].root_id != versions[i].root_id;
    return newest;
}

static void put_members(struct task_writer *w, const char *name, int roles)
{
    bool open = false;
    for (size_t i = 0; i < w->view->member_count; i++) {
        const struct task_member *m = &w->view->members[i];
        const struct user *user = people_find(w->people, w->people_count, m->user_id);
        if (!(m->roles & roles) || !user)
            continue;
        if (!open) {
            json_name(w->out, name);
            json_open_array(w->out);
            open = true;
        }
        pyrus_put_person(w->out, NULL, user);
    }
    if (open)
        json_close_array(w->out);
}

static void put_author(struct task_writer *w, int64_t id)
{
    const struct user *user = people_find(w->people, w->people_count, id);
    pyrus_put_person(w->out, "author", user ? user : &(struct user){ .id = id, .state = USER_DELETED });
}

static bool holds_person_ids(const struct json *member)
{
    return slice_eq(member->name, S("reassigned_to")) || slice_eq(member->name, S("participants_added")) ||
           slice_eq(member->name, S("participants_removed"));
}

/* Writes the details that task_request.c stored: ids of people become people, everything else is copied. */
static void put_details(struct task_writer *w, const struct json *details)
{
    JSON_EACH(member, details) {
        const char *name = arena_cstr(&w->x->arena, member->name);
        if (!holds_person_ids(member)) {
            json_name(w->out, name);
            json_add_value(w->out, member);
            continue;
        }
        if (member->type == JS_INT) {
            const struct user *user = people_find(w->people, w->people_count, member->integer);
            if (user)
                pyrus_put_person(w->out, name, user);
            continue;
        }
        bool open = false;
        JSON_EACH(id, member) {
            const struct user *user = people_find(w->people, w->people_count, id->integer);
            if (!user)
                continue;
            if (!open) {
                json_name(w->out, name);
                json_open_array(w->out);
                open = true;
            }
            pyrus_put_person(w->out, NULL, user);
        }
        if (open)
            json_close_array(w->out);
    }
}

static const struct json *parse_details(struct http_exchange *x, slice text)
{
    const struct json *details = NULL;
    err_t e = text.n ? json_parse(&x->arena, text, &details) : NULL;
    if (e)
        log_failure(pyrus_of(x)->log, x, e); /* of the server, but a task without its details is better than none */
    return e ? NULL : details;
}

static void put_pyrus_comment(struct task_writer *w, const struct comment *c, const struct json *details)
{
    struct arena *a = &w->x->arena;
    json_open_object(w->out);
    json_put_int(w->out, "id", c->id);
    if (c->text.n)
        json_put_string(w->out, "text", c->text);
    json_put_string(w->out, "create_date", time_format_utc(a, c->created_at_ms));
    put_author(w, c->author_id);
    put_details(w, details);
    put_attachments(w, c->id, NULL);
    json_close_object(w->out);
}

static void put_pyrus_task(struct task_writer *w, const struct json *const *comment_details)
{
    struct json_out *o = w->out;
    struct arena *a = &w->x->arena;
    const struct task_view *v = w->view;
    const struct task *t = &v->task;
    json_open_object(o);
    json_put_int(o, "id", t->id);
    json_put_string(o, "text", t->text);
    if (t->subject.n)
        json_put_string(o, "subject", t->subject);
    json_put_string(o, "create_date", time_format_utc(a, t->created_at_ms));
    json_put_string(o, "last_modified_date", time_format_utc(a, t->modified_at_ms));
    put_author(w, t->author_id);
    for (size_t i = 0; i < v->member_count; i++) {
        const struct user *user = people_find(w->people, w->people_count, v->members[i].user_id);
        if (v->members[i].roles & TASK_RESPONSIBLE && user)
            pyrus_put_person(o, "responsible", user);
    }
    put_members(w, "participants", TASK_PARTICIPANT);
    put_members(w, "subscribers", TASK_SUBSCRIBER);
    put_details(w, parse_details(w->x, t->details));
    put_attachments(w, 0, mark_newest(w));
    json_put_bool(o, "is_closed", t->closed_at_ms != 0);
    if (t->closed_at_ms)
        json_put_string(o, "close_date", time_format_utc(a, t->closed_at_ms));
    if (v->comment_count)
        json_put_int(o, "last_note_id", v->comments[v->comment_count - 1].id);
    json_name(o, "comments");
    json_open_array(o);
    for (size_t i = 0; i < v->comment_count; i++)
        put_pyrus_comment(w, &v->comments[i], comment_details[i]);
    json_close_array(o);
    json_close_object(o);
}

/* Appends the ids of the people that a comment's details name to `ids`, which has room for `max`. Returns the new
 * count. */
static size_t add_person_ids(const struct json *details, int64_t *ids, size_t count, size_t max)
{
    JSON_EACH(member, details) {
        if (!holds_person_ids(member))
            continue;
        if (member->type == JS_INT && count < max)
            ids[count++] = member->integer;
        JSON_EACH(id, member)
            if (count < max)
                ids[count++] = id->integer;
    }
    return count;
}

err_t pyrus_reply_task(struct http_exchange *x, const struct task_view *view)
{
    struct arena *a = &x->arena;
    const struct json **details = arena_array(a, const struct json *, view->comment_count + 1);
    size_t max = view->people_count, count = 0;
    for (size_t i = 0; i < view->comment_count; i++) {
        details[i] = parse_details(x, view->comments[i].details);
        JSON_EACH(member, details[i])
            max += 1 + json_count(member);
    }
    int64_t *ids = arena_array(a, int64_t, max + 1);
    for (size_t i = 0; i < view->people_count; i++)
        ids[count++] = view->people[i].id;
    for (size_t i = 0; i < view->comment_count; i++)
        count = add_person_ids(details[i], ids, count, max);
    struct user_list people;
    TRY(people_list(pyrus_of(x)->core, pyrus_caller(x), ids, count, a, &people));
    struct json_reply reply;
    json_reply_begin(&reply, x);
    struct task_writer w = { x,         view, people.items, people.count, link_origin(pyrus_of(x)->links, &x->req, a),
                             &reply.out };
    json_open_object(&reply.out);
    json_name(&reply.out, "task");
    put_pyrus_task(&w, details);
    json_close_object(&reply.out);
    pyrus_reply(&reply);
    return NULL;
}
