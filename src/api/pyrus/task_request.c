/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about tasks, read into what core takes.
 *
 * What the vendor stores with a task beyond core's words (dates, lists, parent) and what a comment changed go into the
 * opaque details, already checked and in the form in which task_json.c gives them back. */
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/json_priv.h"
#include "api/pyrus/task_request_priv.h"
#include "base/text.h"
#include "core/access/people.h"
#include "core/file/file_name.h"
#include "core/records/task.h"

#define URL_MAX_BYTES 2048

/* A request being read. The first thing that is wrong sticks; later reads then do nothing worth having. */
struct reading {
    struct http_exchange *x;
    struct arena *a;
    enum pyrus_error error;
    bool failed; /* a store failed instead: the reply was made */
};

static void wrong(struct reading *r, enum pyrus_error error)
{
    if (!r->error)
        r->error = error;
}

static bool replied_with_error(struct reading *r)
{
    if (r->error && !r->failed)
        pyrus_fail(r->x, r->error);
    return r->error || r->failed;
}

static slice read_string(struct reading *r, const struct json *body, const char *name, bool *ret_given)
{
    const struct json *j = json_get(body, name);
    *ret_given = !json_absent(j);
    if (*ret_given && j->type != JS_STRING)
        wrong(r, PYRUS_INVALID_VALUE_FORMAT);
    return *ret_given ? j->string : S("");
}

/* An id: digits as number or text, in 31 bits. False when absent (or wrong). */
static bool read_id(struct reading *r, const struct json *j, int64_t *ret)
{
    if (json_absent(j))
        return false;
    if (json_to_i64(j, ret) && *ret > 0 && *ret <= PYRUS_ID_MAX)
        return true;
    wrong(r, PYRUS_INVALID_VALUE_FORMAT);
    return false;
}

/* The elements of an array member; NULL when absent. */
static const struct json *read_array(struct reading *r, const struct json *body, const char *name)
{
    const struct json *j = json_get(body, name);
    if (json_absent(j))
        return NULL;
    if (j->type != JS_ARRAY)
        wrong(r, PYRUS_INVALID_VALUE_FORMAT);
    return j->type == JS_ARRAY ? j : NULL;
}

static slice read_text(struct reading *r, const struct json *body)
{
    bool given;
    slice text = read_string(r, body, "text", &given);
    if (text.n == 0)
        text = read_string(r, body, "formatted_text", &given);
    return text;
}

/* ---- people ---- */

/* {"id": 1731} or {"email": "…"}; 0 when it is wrong. */
static int64_t read_person(struct reading *r, const struct json *j)
{
    struct pyrus *p = pyrus_of(r->x);
    struct user user;
    int64_t id;
    bool has_email;
    if (!json_is(j, JS_OBJECT)) {
        wrong(r, PYRUS_INVALID_VALUE_FORMAT);
        return 0;
    }
    slice email = read_string(r, j, "email", &has_email);
    bool has_id = !json_absent(json_get(j, "id"));
    if (!has_id && !has_email)
        wrong(r, PYRUS_REQUIRED_PARAMETER_MISSING);
    if (r->error)
        return 0;
    err_t e;
    if (!has_id) {
        e = person_by_address(p->core, pyrus_caller(r->x), email, r->a, &user);
    } else if (!json_to_i64(json_get(j, "id"), &id)) {
        wrong(r, PYRUS_INVALID_VALUE_FORMAT);
        return 0;
    } else {
        e = person_by_id(p->core, pyrus_caller(r->x), id, r->a, &user);
    }
    if (!e)
        return user.id;
    if (err_is(e, ERR_NOT_FOUND)) {
        wrong(r, has_id ? PYRUS_INVALID_PERSON_ID : PYRUS_INVALID_EMAIL);
    } else if (!r->failed) {
        r->failed = true;
        pyrus_fail_err(r->x, e);
    }
    return 0;
}

struct ids {
    int64_t *items;
    size_t count;
};

static void ids_add(struct ids *ids, int64_t id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (ids->items[i] == id)
            return;
    ids->items[ids->count++] = id;
}

/* Each person once, however often they are named: a comment shows them all again, in full, to every reader. */
static struct ids read_people(struct reading *r, const struct json *body, const char *name)
{
    const struct json *array = read_array(r, body, name);
    struct ids ids = { arena_array(r->a, int64_t, json_count(array) + 1), 0 };
    JSON_EACH(person, array) {
        if (r->error || r->failed)
            break;
        ids_add(&ids, read_person(r, person));
    }
    return ids;
}

static void add_members(struct task_member *members, size_t *count, const struct ids *ids, int roles)
{
    for (size_t i = 0; i < ids->count; i++)
        members[(*count)++] = (struct task_member){ ids->items[i], roles };
}

/* ---- attachments ---- */

static void read_link(struct reading *r, const struct json *j, struct attachment *ret)
{
    bool has_name;
    slice url = json_str(j, "url");
    slice name = read_string(r, j, "name", &has_name);
    bool is_web = slice_starts(url, S("https://")) || slice_starts(url, S("http://"));
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 127)
            is_web = false;
    if (!is_web || url.n > URL_MAX_BYTES) {
        wrong(r, PYRUS_INVALID_VALUE_FORMAT); /* other schemes run in the reader's browser */
        return;
    }
    err_t e = file_name_clean(has_name ? name : url, r->a, &ret->name);
    if (e)
        wrong(r, err_is(e, ERR_TOO_LARGE) ? PYRUS_MAX_FILE_NAME_LENGTH_EXCEEDED : PYRUS_INVALID_VALUE_FORMAT);
    ret->kind = ATTACH_LINK;
    ret->url = url;
}

static void read_upload(struct reading *r, slice guid, const struct json *root, struct attachment *ret)
{
    ret->kind = ATTACH_UPLOAD;
    if (!uuid_parse(guid, ret->uuid))
        wrong(r, PYRUS_UNRECOGNIZED_ATTACHMENT_ID);
    if (json_absent(root))
        return;
    if (!json_to_i64(root, &ret->root_id))
        wrong(r, PYRUS_INVALID_VALUE_FORMAT);
    else if (ret->root_id <= 0)
        wrong(r, PYRUS_UNRECOGNIZED_ATTACHMENT_ID);
}

static void read_attachment(struct reading *r, const struct json *j, struct attachment *ret)
{
    if (j->type == JS_STRING) {
        read_upload(r, j->string, NULL, ret);
        return;
    }
    const struct json *guid = json_get(j, "guid"), *id = json_get(j, "attachment_id"), *url = json_get(j, "url");
    const struct json *root = json_get(j, "root_id");
    if (!json_absent(guid) + !json_absent(id) + !json_absent(url) != 1)
        wrong(r, PYRUS_INVALID_VALUE_FORMAT);
    else if (json_is(guid, JS_STRING))
        read_upload(r, guid->string, root, ret);
    else if (!json_absent(root))
        wrong(r, PYRUS_INVALID_VALUE_FORMAT);
    else if (json_is(url, JS_STRING))
        read_link(r, j, ret);
    else if (json_absent(id) || !json_to_i64(id, &ret->reference_id))
        wrong(r, PYRUS_INVALID_VALUE_FORMAT);
    else
        ret->kind = ATTACH_REFERENCE;
}

static const struct attachment *read_attachments(struct reading *r, const struct json *body, size_t *ret_count)
{
    const struct json *array = read_array(r, body, "attachments");
    struct attachment *attachments = arena_array(r->a, struct attachment, json_count(array) + 1);
    size_t count = 0;
    JSON_EACH(item, array)
        read_attachment(r, item, &attachments[count++]);
    *ret_count = count;
    return attachments;
}

/* ---- details ---- */

/* due_date, or due with its duration. A patch also says null for what is taken away: one kind replaces the other.
 * False when nothing changes. */
static bool read_due(struct reading *r, const struct json *body, struct json_out *out, bool patches)
{
    bool has_date, has_due;
    slice date = read_string(r, body, "due_date", &has_date), due = read_string(r, body, "due", &has_due);
    const struct json *duration = json_get(body, "duration");
    int64_t due_ms, minutes = 0;
    bool has_minutes = has_due && !json_absent(duration);
    if ((has_date && has_due) || (has_date && !date_is_valid(date)) || (has_due && !time_parse_utc(due, &due_ms)) ||
        (has_minutes && (!json_to_i64(duration, &minutes) || minutes < 0 || minutes > INT32_MAX))) {
        wrong(r, PYRUS_INVALID_VALUE_FORMAT);
        return false;
    }
    bool cancels = patches && !has_date && !has_due && json_flag(body, "cancel_due");
    bool changes = has_date || has_due || cancels;
    if (has_date)
        json_put_string(out, "due_date", date);
    if (has_due)
        json_put_string(out, "due", time_format_utc(r->a, due_ms));
    if (has_minutes)
        json_put_int(out, "duration", minutes);
    static const char *const names[] = { "due_date", "due", "duration" };
    const bool given[] = { has_date, has_due, has_minutes };
    for (size_t i = 0; patches && changes && i < LENGTH_OF(names); i++) {
        if (given[i])
            continue;
        json_name(out, names[i]);
        json_add_null(out);
    }
    return changes;
}

static slice object_of(struct reading *r, struct buf *text)
{
    slice object = buf_slice(text);
    return object.n > 2 ? arena_copy(r->a, object) : S(""); /* "{}" is nothing */
}

static slice read_task_details(struct reading *r, const struct json *body)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out out;
    json_out_init(&out, &text);
    json_open_object(&out);
    read_due(r, body, &out, false);
    int64_t id;
    if (read_id(r, json_get(body, "parent_task_id"), &id))
        json_put_int(&out, "parent_task_id", id);
    const struct json *lists = read_array(r, body, "list_ids");
    if (json_count(lists)) {
        json_name(&out, "list_ids");
        json_open_array(&out);
        JSON_EACH(list, lists) {
            if (read_id(r, list, &id))
                json_add_int(&out, id);
            else
                wrong(r, PYRUS_INVALID_VALUE_FORMAT);
        }
        json_close_array(&out);
    }
    json_close_object(&out);
    return object_of(r, &text);
}

static void put_ids(struct json_out *out, const char *name, const struct ids *ids)
{
    if (ids->count == 0)
        return;
    json_name(out, name);
    json_open_array(out);
    for (size_t i = 0; i < ids->count; i++)
        json_add_int(out, ids->items[i]);
    json_close_array(out);
}

/* What the comment changed, to be shown with it for ever. */
static slice write_comment_details(struct reading *r, const struct json *body, const struct task_comment *c,
                                   const struct ids *added, const struct ids *removed, const char *action)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out out;
    json_out_init(&out, &text);
    json_open_object(&out);
    if (action)
        json_put_string(&out, "action", slice_of(action));
    if (c->sets_subject && c->subject.n)
        json_put_string(&out, "subject", c->subject);
    if (c->responsible_id)
        json_put_int(&out, "reassigned_to", c->responsible_id);
    put_ids(&out, "participants_added", added);
    put_ids(&out, "participants_removed", removed);
    read_due(r, body, &out, false);
    json_close_object(&out);
    return object_of(r, &text);
}

static slice read_task_patch(struct reading *r, const struct json *body)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out out;
    json_out_init(&out, &text);
    json_open_object(&out);
    read_due(r, body, &out, true);
    json_close_object(&out);
    return object_of(r, &text);
}

/* ---- tasks and comments ---- */

static void read_task(struct reading *r, const struct json *body, struct task_request *ret)
{
    if (!json_absent(json_get(body, "form_id"))) {
        wrong(r, PYRUS_ACCESS_DENIED_FORM);
        return;
    }
    bool given;
    ret->text = read_text(r, body);
    ret->subject = read_string(r, body, "subject", &given);
    ret->attachments = read_attachments(r, body, &ret->attachment_count);
    ret->details = read_task_details(r, body);
    struct ids participants = read_people(r, body, "participants");
    struct ids subscribers = read_people(r, body, "subscribers");
    const struct json *responsible = json_get(body, "responsible");
    struct task_member *members = arena_array(r->a, struct task_member, participants.count + subscribers.count + 1);
    add_members(members, &ret->member_count, &participants, TASK_PARTICIPANT);
    add_members(members, &ret->member_count, &subscribers, TASK_SUBSCRIBER);
    if (!json_absent(responsible) && !r->error && !r->failed)
        members[ret->member_count++] = (struct task_member){ read_person(r, responsible), TASK_RESPONSIBLE };
    ret->members = members;
}

bool pyrus_read_task(struct http_exchange *x, struct task_request *ret)
{
    struct reading r = { .x = x, .a = &x->arena };
    const struct json *body;
    *ret = (struct task_request){ .text = S("") };
    r.error = pyrus_read_body(x, &body);
    if (!r.error)
        read_task(&r, body, ret);
    return !replied_with_error(&r);
}

static void read_comment(struct reading *r, const struct json *body, struct task_comment *ret)
{
    bool has_action;
    slice action = read_string(r, body, "action", &has_action);
    ret->text = read_text(r, body);
    ret->subject = read_string(r, body, "subject", &ret->sets_subject);
    ret->attachments = read_attachments(r, body, &ret->attachment_count);
    ret->task_details = read_task_patch(r, body);
    ret->reopens = !json_flag(body, "skip_auto_reopen");
    if (has_action && !slice_eq(action, S("finished")) && !slice_eq(action, S("reopened")))
        wrong(r, PYRUS_INVALID_VALUE_FORMAT);
    ret->move = !has_action ? TASK_STAY : slice_eq(action, S("finished")) ? TASK_CLOSE : TASK_REOPEN;
    struct ids added = read_people(r, body, "participants_added");
    struct ids removed = read_people(r, body, "participants_removed");
    const struct json *responsible = json_get(body, "reassign_to");
    if (!json_absent(responsible) && !r->error && !r->failed)
        ret->responsible_id = read_person(r, responsible);
    struct task_member *members = arena_array(r->a, struct task_member, added.count + 1);
    add_members(members, &ret->added_count, &added, TASK_PARTICIPANT);
    ret->added = members;
    ret->removed = removed.items;
    ret->removed_count = removed.count;
    const char *done = ret->move == TASK_CLOSE ? "finished" : ret->move == TASK_REOPEN ? "reopened" : NULL;
    ret->details = write_comment_details(r, body, ret, &added, &removed, done);
    ret->details_reopened = write_comment_details(r, body, ret, &added, &removed, "reopened");
}

bool pyrus_read_comment(struct http_exchange *x, struct pyrus_comment_request *ret)
{
    struct reading r = { .x = x, .a = &x->arena };
    const struct json *body;
    *ret = (struct pyrus_comment_request){ .comment = { .text = S("") } };
    r.error = pyrus_read_body(x, &body);
    if (!r.error)
        read_comment(&r, body, &ret->comment);
    const struct json *edit = r.error ? NULL : json_get(body, "edit_comment_id");
    ret->edits = !json_absent(edit);
    if (ret->edits && !json_to_i64(edit, &ret->comment_id))
        wrong(&r, PYRUS_INVALID_VALUE_FORMAT);
    return !replied_with_error(&r);
}
