/* SPDX-License-Identifier: Apache-2.0 */
/* A task as clients see it, by the rules of json.c. */
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/json_priv.h"
#include "api/pyrus/task_json_priv.h"
#include "base/text.h"
#include "core/access/people.h"
#include "core/records/comment.h"
#include "core/records/reference.h"
#include "core/records/task.h"

#include <stdlib.h>

struct drawing {
    struct http_exchange *x;
    const struct task_view *view;
    const struct user *people; /* of the view, and whoever the comments' details name */
    size_t people_count;
    slice origin; /* of links */
    struct json_out *out;
};

static void put_file(struct drawing *d, const struct reference *r)
{
    struct json_out *o = d->out;
    struct arena *a = &d->x->arena;
    json_open_object(o);
    json_put_int(o, "id", r->id);
    json_put_string(o, "name", r->name);
    json_put_int(o, "size", (int64_t)r->size_bytes);
    if (r->file_id)
        json_put_string(o, "md5", pyrus_md5(pyrus_of(d->x), a, r->md5));
    json_put_string(
        o, "url",
        r->file_id ? arena_printf(a, SLICE_FMT "/services/attachment?Id=%lld", SLICE_ARG(d->origin), (long long)r->id)
                   : r->url);
    json_put_int(o, "version", r->version);
    if (r->version > 1)
        json_put_int(o, "root_id", r->root_id);
    json_close_object(o);
}

/* "attachments": of a comment, or (newest given) of the task; nothing when there are none. */
static void put_files(struct drawing *d, int64_t comment_id, const bool *newest)
{
    bool open = false;
    for (size_t i = 0; i < d->view->reference_count; i++) {
        const struct reference *r = &d->view->references[i];
        if (newest ? !newest[i] : r->comment_id != comment_id)
            continue;
        if (!open) {
            json_name(d->out, "attachments");
            json_open_array(d->out);
            open = true;
        }
        put_file(d, r);
    }
    if (open)
        json_close_array(d->out);
}

struct version {
    int64_t root_id;
    size_t at; /* among the references, which are sorted by id: the newest version of a root is its last */
};

static int by_root(const void *left, const void *right)
{
    const struct version *l = left, *r = right;
    if (l->root_id != r->root_id)
        return l->root_id < r->root_id ? -1 : 1;
    return (l->at > r->at) - (l->at < r->at);
}

/* Marks the newest version of each document. The first one of a chain need not be there any more. */
static const bool *find_newest(struct drawing *d)
{
    const struct task_view *v = d->view;
    bool *newest = arena_array(&d->x->arena, bool, v->reference_count + 1);
    struct version *versions = arena_array(&d->x->arena, struct version, v->reference_count + 1);
    for (size_t i = 0; i < v->reference_count; i++)
        versions[i] = (struct version){ v->references[i].root_id, i };
    qsort(versions, v->reference_count, sizeof *versions, by_root);
    for (size_t i = 0; i < v->reference_count; i++)
        newest[versions[i].at] = i + 1 == v->reference_count || versions[i + 1].root_id != versions[i].root_id;
    return newest;
}

static void put_people(struct drawing *d, const char *name, int roles)
{
    bool open = false;
    for (size_t i = 0; i < d->view->member_count; i++) {
        const struct task_member *m = &d->view->members[i];
        const struct user *user = people_find(d->people, d->people_count, m->user_id);
        if (!(m->roles & roles) || !user)
            continue;
        if (!open) {
            json_name(d->out, name);
            json_open_array(d->out);
            open = true;
        }
        pyrus_put_person(d->out, NULL, user);
    }
    if (open)
        json_close_array(d->out);
}

static void put_author(struct drawing *d, int64_t id)
{
    const struct user *user = people_find(d->people, d->people_count, id);
    pyrus_put_person(d->out, "author", user ? user : &(struct user){ .id = id, .state = USER_DELETED });
}

/* What a comment changed, as tasks.c kept it: ids of people become people again, everything else is as it was. */
static bool names_people(const struct json *member)
{
    return slice_eq(member->name, S("reassigned_to")) || slice_eq(member->name, S("participants_added")) ||
           slice_eq(member->name, S("participants_removed"));
}

static void put_details(struct drawing *d, const struct json *details)
{
    JSON_EACH(member, details) {
        const char *name = arena_cstr(&d->x->arena, member->name);
        if (!names_people(member)) {
            json_name(d->out, name);
            json_add_value(d->out, member);
            continue;
        }
        if (member->type == JS_INT) {
            const struct user *user = people_find(d->people, d->people_count, member->integer);
            if (user)
                pyrus_put_person(d->out, name, user);
            continue;
        }
        bool open = false;
        JSON_EACH(id, member) {
            const struct user *user = people_find(d->people, d->people_count, id->integer);
            if (!user)
                continue;
            if (!open) {
                json_name(d->out, name);
                json_open_array(d->out);
                open = true;
            }
            pyrus_put_person(d->out, NULL, user);
        }
        if (open)
            json_close_array(d->out);
    }
}

static const struct json *parse_details(struct http_exchange *x, slice text)
{
    const struct json *details = NULL;
    err_t e = text.n ? json_parse(&x->arena, text, &details) : NULL;
    if (e)
        pyrus_log(x, e); /* ours: a record without its details is better than none */
    return e ? NULL : details;
}

static void put_comment(struct drawing *d, const struct comment *c, const struct json *details)
{
    struct arena *a = &d->x->arena;
    json_open_object(d->out);
    json_put_int(d->out, "id", c->id);
    if (c->text.n)
        json_put_string(d->out, "text", c->text);
    json_put_string(d->out, "create_date", time_format_utc(a, c->created_at_ms));
    put_author(d, c->author_id);
    put_details(d, details);
    put_files(d, c->id, NULL);
    json_close_object(d->out);
}

static void put_task(struct drawing *d, const struct json *const *comment_details)
{
    struct json_out *o = d->out;
    struct arena *a = &d->x->arena;
    const struct task_view *v = d->view;
    const struct task *t = &v->task;
    json_open_object(o);
    json_put_int(o, "id", t->id);
    json_put_string(o, "text", t->text);
    if (t->subject.n)
        json_put_string(o, "subject", t->subject);
    json_put_string(o, "create_date", time_format_utc(a, t->created_at_ms));
    json_put_string(o, "last_modified_date", time_format_utc(a, t->modified_at_ms));
    put_author(d, t->author_id);
    for (size_t i = 0; i < v->member_count; i++) {
        const struct user *user = people_find(d->people, d->people_count, v->members[i].user_id);
        if (v->members[i].roles & TASK_RESPONSIBLE && user)
            pyrus_put_person(o, "responsible", user);
    }
    put_people(d, "participants", TASK_PARTICIPANT);
    put_people(d, "subscribers", TASK_SUBSCRIBER);
    put_details(d, parse_details(d->x, t->details));
    put_files(d, 0, find_newest(d));
    json_put_bool(o, "is_closed", t->closed_at_ms != 0);
    if (t->closed_at_ms)
        json_put_string(o, "close_date", time_format_utc(a, t->closed_at_ms));
    if (v->comment_count)
        json_put_int(o, "last_note_id", v->comments[v->comment_count - 1].id);
    json_name(o, "comments");
    json_open_array(o);
    for (size_t i = 0; i < v->comment_count; i++)
        put_comment(d, &v->comments[i], comment_details[i]);
    json_close_array(o);
    json_close_object(o);
}

/* Ids of people that a comment's details name; written behind `ids`, which has room for `most`. */
static size_t people_of(const struct json *details, int64_t *ids, size_t count, size_t most)
{
    JSON_EACH(member, details) {
        if (!names_people(member))
            continue;
        if (member->type == JS_INT && count < most)
            ids[count++] = member->integer;
        JSON_EACH(id, member)
            if (count < most)
                ids[count++] = id->integer;
    }
    return count;
}

void pyrus_reply_task(struct http_exchange *x, const struct task_view *view)
{
    struct arena *a = &x->arena;
    const struct json **details = arena_array(a, const struct json *, view->comment_count + 1);
    size_t most = view->people_count, count = 0;
    for (size_t i = 0; i < view->comment_count; i++) {
        details[i] = parse_details(x, view->comments[i].details);
        JSON_EACH(member, details[i])
            most += 1 + json_count(member);
    }
    int64_t *ids = arena_array(a, int64_t, most + 1);
    for (size_t i = 0; i < view->people_count; i++)
        ids[count++] = view->people[i].id;
    for (size_t i = 0; i < view->comment_count; i++)
        count = people_of(details[i], ids, count, most);
    struct user *people;
    size_t people_count;
    err_t e = people_list(pyrus_of(x)->core, pyrus_caller(x), ids, count, a, &people, &people_count);
    if (e) {
        pyrus_fail_err(x, e);
        return;
    }
    SCOPED(buf_releasep) struct buf body;
    buf_init(&body, 0);
    struct json_out out;
    json_out_init(&out, &body);
    struct drawing d = { x, view, people, people_count, link_origin(pyrus_of(x)->links, &x->req, a), &out };
    json_open_object(&out);
    json_name(&out, "task");
    put_task(&d, details);
    json_close_object(&out);
    pyrus_reply(x, &body);
}
