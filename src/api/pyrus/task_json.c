/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/failure_log.h"
#include "api/kit/json_pieces.h"
#include "api/pyrus/json_priv.h"
#include "api/pyrus/task_json_priv.h"
#include "base/text.h"
#include "core/access/people.h"
#include "core/records/comment.h"
#include "core/records/reference.h"
#include "core/records/task.h"
#include "core/task/task.h"

enum task_stage { WRITE_HEAD, WRITE_ATTACHMENTS, WRITE_MIDDLE, WRITE_COMMENTS };

/* {"task": {…, "attachments": […], …, "comments": […]}}, item after item: everything before the attachments, each
 * attachment, what is between them and the comments, each comment. The task itself is read once; comments that are added
 * meanwhile are left out. */
struct task_reply {
    struct json_pieces pieces;
    int64_t task_id, closed_at_ms, last_comment_id;
    slice origin; /* of links */
    enum task_stage stage;
    int64_t after_id; /* the attachment or comment that was written last */
    bool in_array;    /* the array of attachments is open */
};

/* One part of the reply. */
struct task_writer {
    struct task_reply *reply;
    struct http_exchange *x;
    struct arena *a;
    struct json_out *out;
    struct user_list people; /* whom the part names */
};

static void put_attachment(struct task_writer *w, const struct reference *r)
{
    struct json_out *o = w->out;
    struct arena *a = w->a;
    json_open_object(o);
    json_put_int(o, "id", r->id);
    json_put_string(o, "name", r->name);
    json_put_int(o, "size", (int64_t)r->size_bytes);
    if (r->file_id)
        json_put_string(o, "md5", pyrus_md5(pyrus_of(w->x), a, r->md5));
    json_put_string(o, "url",
                    r->file_id ? arena_printf(a, SLICE_FMT "/services/attachment?Id=%lld", SLICE_ARG(w->reply->origin),
                                              (long long)r->id)
                               : r->url);
    json_put_int(o, "version", r->version);
    if (r->version > 1)
        json_put_int(o, "root_id", r->root_id);
    json_close_object(o);
}

/* Writes those of a comment, or nothing when it has none. */
static void put_attachments_of_comment(struct task_writer *w, const struct comment_part *part, int64_t comment_id)
{
    bool open = false;
    for (size_t i = 0; i < part->reference_count; i++) {
        if (part->references[i].comment_id != comment_id)
            continue;
        if (!open) {
            json_name(w->out, "attachments");
            json_open_array(w->out);
            open = true;
        }
        put_attachment(w, &part->references[i]);
    }
    if (open)
        json_close_array(w->out);
}

static void put_members(struct task_writer *w, const struct task_view *v, const char *name, int roles)
{
    bool open = false;
    for (size_t i = 0; i < v->member_count; i++) {
        const struct task_member *m = &v->members[i];
        const struct user *user = people_find(w->people.items, w->people.count, m->user_id);
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
    const struct user *user = people_find(w->people.items, w->people.count, id);
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
        const char *name = arena_cstr(w->a, member->name);
        if (!holds_person_ids(member)) {
            json_name(w->out, name);
            json_add_value(w->out, member);
            continue;
        }
        if (member->type == JS_INT) {
            const struct user *user = people_find(w->people.items, w->people.count, member->integer);
            if (user)
                pyrus_put_person(w->out, name, user);
            continue;
        }
        bool open = false;
        JSON_EACH(id, member) {
            const struct user *user = people_find(w->people.items, w->people.count, id->integer);
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

static const struct json *parse_details(struct task_writer *w, slice text)
{
    const struct json *details = NULL;
    err_t e = text.n ? json_parse(w->a, text, &details) : NULL;
    if (e)
        log_failure(pyrus_of(w->x)->log, w->x,
                    e); /* of the server, but a task without its details is better than none */
    return e ? NULL : details;
}

/* ---- people ---- */

/* Ids of people whom a part of the reply names. */
struct person_ids {
    int64_t *ids;
    size_t count, room;
};

static void add_person_id(struct person_ids *p, int64_t id, struct arena *a)
{
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 64;
        int64_t *more = arena_array(a, int64_t, p->room);
        for (size_t i = 0; i < p->count; i++)
            more[i] = p->ids[i];
        p->ids = more;
    }
    p->ids[p->count++] = id;
}

/* The people that the details of a comment name. */
static void add_people_of_details(struct person_ids *p, const struct json *details, struct arena *a)
{
    JSON_EACH(member, details) {
        if (!holds_person_ids(member))
            continue;
        if (member->type == JS_INT)
            add_person_id(p, member->integer, a);
        JSON_EACH(id, member)
            add_person_id(p, id->integer, a);
    }
}

static err_t read_people(struct task_writer *w, const struct person_ids *p)
{
    return people_list(pyrus_of(w->x)->core, pyrus_caller(w->x), p->ids, p->count, w->a, &w->people);
}

/* ---- items ---- */

static struct json_out *begin_item(struct task_writer *w)
{
    w->out = &json_item_begin(&w->reply->pieces, w->a)->out;
    return w->out;
}

static err_t write_head(struct task_writer *w, struct buf *out)
{
    struct task_reply *r = w->reply;
    struct task_view v;
    struct person_ids named = { 0 };
    bool whole;
    TRY(task_read(pyrus_of(w->x)->core, pyrus_caller(w->x), r->task_id, w->a, &v));
    const struct task *t = &v.task;
    add_person_id(&named, t->author_id, w->a);
    for (size_t i = 0; i < v.member_count; i++)
        add_person_id(&named, v.members[i].user_id, w->a);
    TRY(read_people(w, &named));
    struct json_out *o = begin_item(w);
    json_open_object(o);
    json_name(o, "task");
    json_open_object(o);
    json_put_int(o, "id", t->id);
    json_put_string(o, "text", t->text);
    if (t->subject.n)
        json_put_string(o, "subject", t->subject);
    json_put_string(o, "create_date", time_format_utc(w->a, t->created_at_ms));
    json_put_string(o, "last_modified_date", time_format_utc(w->a, t->modified_at_ms));
    put_author(w, t->author_id);
    for (size_t i = 0; i < v.member_count; i++) {
        const struct user *user = people_find(w->people.items, w->people.count, v.members[i].user_id);
        if (v.members[i].roles & TASK_RESPONSIBLE && user)
            pyrus_put_person(o, "responsible", user);
    }
    put_members(w, &v, "participants", TASK_PARTICIPANT);
    put_members(w, &v, "subscribers", TASK_SUBSCRIBER);
    put_details(w, parse_details(w, t->details));
    TRY(json_item_end(&r->pieces, out, &whole));
    if (whole) {
        r->closed_at_ms = t->closed_at_ms;
        r->last_comment_id = v.last_comment_id;
        r->stage = WRITE_ATTACHMENTS;
    }
    return NULL;
}

/* The newest versions in the task. Without any there is no array. */
static err_t write_attachments(struct task_writer *w, struct buf *out)
{
    struct task_reply *r = w->reply;
    struct reference_list part;
    bool whole = true;
    TRY(task_read_newest(pyrus_of(w->x)->core, pyrus_caller(w->x), r->task_id, r->after_id, w->a, &part));
    for (size_t i = 0; i < part.count && whole && !piece_is_full(out); i++) {
        struct json_out *o = begin_item(w);
        if (!r->in_array) {
            json_name(o, "attachments");
            json_open_array(o);
        }
        put_attachment(w, &part.items[i]);
        TRY(json_item_end(&r->pieces, out, &whole));
        r->in_array |= whole;
        r->after_id = whole ? part.items[i].id : r->after_id;
    }
    if (part.count == 0)
        r->stage = WRITE_MIDDLE;
    return NULL;
}

static err_t write_middle(struct task_writer *w, struct buf *out)
{
    struct task_reply *r = w->reply;
    bool whole;
    struct json_out *o = begin_item(w);
    if (r->in_array)
        json_close_array(o);
    json_put_bool(o, "is_closed", r->closed_at_ms != 0);
    if (r->closed_at_ms)
        json_put_string(o, "close_date", time_format_utc(w->a, r->closed_at_ms));
    if (r->last_comment_id)
        json_put_int(o, "last_note_id", r->last_comment_id);
    json_name(o, "comments");
    json_open_array(o);
    TRY(json_item_end(&r->pieces, out, &whole));
    if (whole) {
        r->after_id = 0;
        r->stage = WRITE_COMMENTS;
    }
    return NULL;
}

static void put_pyrus_comment(struct task_writer *w, const struct comment *c, const struct json *details,
                              const struct comment_part *part)
{
    struct json_out *o = begin_item(w);
    json_open_object(o);
    json_put_int(o, "id", c->id);
    if (c->text.n)
        json_put_string(o, "text", c->text);
    json_put_string(o, "create_date", time_format_utc(w->a, c->created_at_ms));
    put_author(w, c->author_id);
    put_details(w, details);
    put_attachments_of_comment(w, part, c->id);
    json_close_object(o);
}

static err_t write_some_comments(struct task_writer *w, struct buf *out)
{
    struct task_reply *r = w->reply;
    struct comment_range range = { r->task_id, r->after_id, r->last_comment_id };
    struct comment_part part;
    struct person_ids named = { 0 };
    bool whole = true;
    TRY(task_read_comments(pyrus_of(w->x)->core, pyrus_caller(w->x), &range, w->a, &part));
    const struct json **details = arena_array(w->a, const struct json *, part.comment_count + 1);
    for (size_t i = 0; i < part.comment_count; i++) {
        details[i] = parse_details(w, part.comments[i].details);
        add_person_id(&named, part.comments[i].author_id, w->a);
        add_people_of_details(&named, details[i], w->a);
    }
    TRY(read_people(w, &named));
    for (size_t i = 0; i < part.comment_count && whole && !piece_is_full(out); i++) {
        put_pyrus_comment(w, &part.comments[i], details[i], &part);
        TRY(json_item_end(&r->pieces, out, &whole));
        r->after_id = whole ? part.comments[i].id : r->after_id;
    }
    if (part.comment_count == 0)
        r->after_id = r->last_comment_id;
    return NULL;
}

static err_t write_comments(struct task_writer *w, struct buf *out, bool *ret_end)
{
    struct task_reply *r = w->reply;
    if (r->after_id < r->last_comment_id)
        TRY(write_some_comments(w, out));
    *ret_end = r->after_id >= r->last_comment_id;
    if (*ret_end)
        buf_add(out, S("]}}"));
    return NULL;
}

/* ---- the reply ---- */

static err_t write_part_of_task(struct json_pieces *pieces, struct buf *out, struct arena *a, bool *ret_end)
{
    struct task_reply *r = CONTAINER_OF(pieces, struct task_reply, pieces);
    struct task_writer w = { .reply = r, .x = pieces->pieces.x, .a = a };
    switch (r->stage) {
    case WRITE_HEAD:
        return write_head(&w, out);
    case WRITE_ATTACHMENTS:
        return write_attachments(&w, out);
    case WRITE_MIDDLE:
        return write_middle(&w, out);
    case WRITE_COMMENTS:
        return write_comments(&w, out, ret_end);
    }
    return NULL;
}

err_t pyrus_reply_task(struct http_exchange *x, int64_t task_id)
{
    struct task_reply *r = arena_new(&x->arena, struct task_reply);
    json_pieces_init(&r->pieces, x, pyrus_of(x)->log, write_part_of_task);
    r->task_id = task_id;
    r->origin = link_origin(pyrus_of(x)->links, &x->req, &x->arena);
    return piece_reply_send(&r->pieces.pieces, 200, JSON_REPLY_TYPE_UTF8);
}

err_t pyrus_task_text(struct http_exchange *x, int64_t task_id, struct arena *a, slice *ret)
{
    SCOPED(buf_releasep) struct buf all;
    struct task_reply *r = arena_new(&x->arena, struct task_reply);
    bool end = false;
    err_t e = NULL;
    json_pieces_init(&r->pieces, x, NULL, write_part_of_task);
    r->task_id = task_id;
    r->origin = link_origin(pyrus_of(x)->links, &x->req, &x->arena);
    buf_init(&all, 0);
    while (!e && !end) {
        SCRATCH(scratch);
        SCOPED(buf_releasep) struct buf piece;
        buf_init(&piece, 0);
        e = err_copy(a, write_part_of_task(&r->pieces, &piece, &scratch, &end));
        buf_add(&all, buf_slice(&piece));
    }
    buf_release(&r->pieces.item.body);
    *ret = arena_copy(a, buf_slice(&all));
    return e;
}
