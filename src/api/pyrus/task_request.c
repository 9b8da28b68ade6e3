/* SPDX-License-Identifier: Apache-2.0 */
/* The vendor's task has fields that core does not know: dates, lists, a parent. They are checked here and stored in the
 * opaque `details` of the task, in the JSON that task_json.c writes. The same holds for what a comment changes. */
#include "api/pyrus/errors_priv.h"
#include "api/pyrus/json_priv.h"
#include "api/pyrus/task_request_priv.h"
#include "base/text.h"
#include "core/access/people.h"
#include "core/file/file_name.h"
#include "core/records/task.h"

#define URL_MAX_BYTES 2048

/* A request that is being read. The first error is kept; what is read after it is not used. */
struct task_reader {
    struct http_exchange *x;
    struct arena *a;
    enum pyrus_error error;
    bool failed; /* a store failed, and the reply was sent */
};

static void set_error(struct task_reader *r, enum pyrus_error error)
{
    if (!r->error)
        r->error = error;
}

static bool replied_with_error(struct task_reader *r)
{
    if (r->error && !r->failed)
        pyrus_fail(r->x, r->error);
    return r->error || r->failed;
}

static slice read_string_member(struct task_reader *r, const struct json *body, const char *name, bool *ret_given)
{
    const struct json *j = json_get(body, name);
    *ret_given = !json_absent(j);
    if (*ret_given && j->type != JS_STRING)
        set_error(r, PYRUS_INVALID_VALUE_FORMAT);
    return *ret_given ? j->string : S("");
}

/* An id of 31 bits, as a number or as digits in a string. False when it is absent or wrong. */
static bool read_pyrus_id(struct task_reader *r, const struct json *j, int64_t *ret)
{
    if (json_absent(j))
        return false;
    if (json_to_i64(j, ret) && *ret > 0 && *ret <= PYRUS_ID_MAX)
        return true;
    set_error(r, PYRUS_INVALID_VALUE_FORMAT);
    return false;
}

/* NULL when it is absent or wrong. */
static const struct json *read_array_member(struct task_reader *r, const struct json *body, const char *name)
{
    const struct json *j = json_get(body, name);
    if (json_absent(j))
        return NULL;
    if (j->type != JS_ARRAY)
        set_error(r, PYRUS_INVALID_VALUE_FORMAT);
    return j->type == JS_ARRAY ? j : NULL;
}

static slice read_task_text(struct task_reader *r, const struct json *body)
{
    bool given;
    slice text = read_string_member(r, body, "text", &given);
    if (text.n == 0)
        text = read_string_member(r, body, "formatted_text", &given);
    return text;
}

/* ---- people ---- */

/* The id of {"id": 1731} or {"email": "…"}; 0 when the person is unknown or the value is wrong. */
static int64_t read_person(struct task_reader *r, const struct json *j)
{
    struct pyrus *p = pyrus_of(r->x);
    struct user user;
    int64_t id;
    bool has_email;
    if (!json_is(j, JS_OBJECT)) {
        set_error(r, PYRUS_INVALID_VALUE_FORMAT);
        return 0;
    }
    slice email = read_string_member(r, j, "email", &has_email);
    bool has_id = !json_absent(json_get(j, "id"));
    if (!has_id && !has_email)
        set_error(r, PYRUS_REQUIRED_PARAMETER_MISSING);
    if (r->error)
        return 0;
    err_t e;
    if (!has_id) {
        e = person_by_address(p->core, pyrus_caller(r->x), email, r->a, &user);
    } else if (!json_to_i64(json_get(j, "id"), &id)) {
        set_error(r, PYRUS_INVALID_VALUE_FORMAT);
        return 0;
    } else {
        e = person_by_id(p->core, pyrus_caller(r->x), id, r->a, &user);
    }
    if (!e)
        return user.id;
    if (err_is(e, ERR_NOT_FOUND)) {
        set_error(r, has_id ? PYRUS_INVALID_PERSON_ID : PYRUS_INVALID_EMAIL);
    } else if (!r->failed) {
        r->failed = true;
        pyrus_fail_err(r->x, e);
    }
    return 0;
}

struct person_ids {
    int64_t *items;
    size_t count;
};

static void add_person_id(struct person_ids *ids, int64_t id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (ids->items[i] == id)
            return;
    ids->items[ids->count++] = id;
}

/* Each person once, however often the request names them: every reply writes each of them in full. */
static struct person_ids read_people(struct task_reader *r, const struct json *body, const char *name)
{
    const struct json *array = read_array_member(r, body, name);
    struct person_ids ids = { arena_array(r->a, int64_t, json_count(array) + 1), 0 };
    JSON_EACH(person, array) {
        if (r->error || r->failed)
            break;
        add_person_id(&ids, read_person(r, person));
    }
    return ids;
}

static void add_members(struct task_member *members, size_t *count, const struct person_ids *ids, int roles)
{
    for (size_t i = 0; i < ids->count; i++)
        members[(*count)++] = (struct task_member){ ids->items[i], roles };
}

/* ---- attachments ---- */

static void read_link(struct task_reader *r, const struct json *j, struct attachment *ret)
{
    bool has_name;
    slice url = json_str(j, "url");
    slice name = read_string_member(r, j, "name", &has_name);
    bool is_web = slice_starts(url, S("https://")) || slice_starts(url, S("http://"));
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 127)
            is_web = false;
    if (!is_web || url.n > URL_MAX_BYTES) {
        set_error(r, PYRUS_INVALID_VALUE_FORMAT); /* other schemes could run code in the browser of a reader */
        return;
    }
    err_t e = file_name_clean(has_name ? name : url, r->a, &ret->name);
    if (e)
        set_error(r, err_is(e, ERR_TOO_LARGE) ? PYRUS_MAX_FILE_NAME_LENGTH_EXCEEDED : PYRUS_INVALID_VALUE_FORMAT);
    ret->kind = ATTACH_LINK;
    ret->url = url;
}

static void read_attached_upload(struct task_reader *r, slice guid, const struct json *root, struct attachment *ret)
{
    ret->kind = ATTACH_UPLOAD;
    if (!uuid_parse(guid, ret->uuid))
        set_error(r, PYRUS_UNRECOGNIZED_ATTACHMENT_ID);
    if (json_absent(root))
        return;
    if (!json_to_i64(root, &ret->root_id))
        set_error(r, PYRUS_INVALID_VALUE_FORMAT);
    else if (ret->root_id <= 0)
        set_error(r, PYRUS_UNRECOGNIZED_ATTACHMENT_ID);
}

static void read_attachment(struct task_reader *r, const struct json *j, struct attachment *ret)
{
    if (j->type == JS_STRING) {
        read_attached_upload(r, j->string, NULL, ret);
        return;
    }
    const struct json *guid = json_get(j, "guid"), *id = json_get(j, "attachment_id"), *url = json_get(j, "url");
    const struct json *root = json_get(j, "root_id");
    if (!json_absent(guid) + !json_absent(id) + !json_absent(url) != 1)
        set_error(r, PYRUS_INVALID_VALUE_FORMAT);
    else if (json_is(guid, JS_STRING))
        read_attached_upload(r, guid->string, root, ret);
    else if (!json_absent(root))
        set_error(r, PYRUS_INVALID_VALUE_FORMAT);
    else if (json_is(url, JS_STRING))
        read_link(r, j, ret);
    else if (json_absent(id) || !json_to_i64(id, &ret->reference_id))
        set_error(r, PYRUS_INVALID_VALUE_FORMAT);
    else
        ret->kind = ATTACH_REFERENCE;
}

static const struct attachment *read_attachments(struct task_reader *r, const struct json *body, size_t *ret_count)
{
    const struct json *array = read_array_member(r, body, "attachments");
    struct attachment *attachments = arena_array(r->a, struct attachment, json_count(array) + 1);
    size_t count = 0;
    JSON_EACH(item, array)
        read_attachment(r, item, &attachments[count++]);
    *ret_count = count;
    return attachments;
}

/* ---- details ---- */

/* Writes due_date, or due with its duration. A patch replaces all three, so it writes null for each that the request
 * does not give. False when nothing changes. */
static bool read_due(struct task_reader *r, const struct json *body, struct json_out *out, bool is_patch)
{
    bool has_date, has_due;
    slice date = read_string_member(r, body, "due_date", &has_date), due = read_string_member(r, body, "due", &has_due);
    const struct json *duration = json_get(body, "duration");
    int64_t due_ms, minutes = 0;
    bool has_minutes = has_due && !json_absent(duration);
    if ((has_date && has_due) || (has_date && !date_is_valid(date)) || (has_due && !time_parse_utc(due, &due_ms)) ||
        (has_minutes && (!json_to_i64(duration, &minutes) || minutes < 0 || minutes > INT32_MAX))) {
        set_error(r, PYRUS_INVALID_VALUE_FORMAT);
        return false;
    }
    bool cancels = is_patch && !has_date && !has_due && json_flag(body, "cancel_due");
    bool changes = has_date || has_due || cancels;
    if (has_date)
        json_put_string(out, "due_date", date);
    if (has_due)
        json_put_string(out, "due", time_format_utc(r->a, due_ms));
    if (has_minutes)
        json_put_int(out, "duration", minutes);
    static const char *const names[] = { "due_date", "due", "duration" };
    const bool given[] = { has_date, has_due, has_minutes };
    for (size_t i = 0; is_patch && changes && i < LENGTH_OF(names); i++) {
        if (given[i])
            continue;
        json_name(out, names[i]);
        json_add_null(out);
    }
    return changes;
}

static slice finish_details(struct task_reader *r, struct buf *text)
{
    slice object = buf_slice(text);
    return object.n > 2 ? arena_copy(r->a, object) : S(""); /* nothing is stored for "{}" */
}

static slice read_task_details(struct task_reader *r, const struct json *body)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out out;
    json_out_init(&out, &text);
    json_open_object(&out);
    read_due(r, body, &out, false);
    int64_t id;
    if (read_pyrus_id(r, json_get(body, "parent_task_id"), &id))
        json_put_int(&out, "parent_task_id", id);
    const struct json *lists = read_array_member(r, body, "list_ids");
    if (json_count(lists)) {
        json_name(&out, "list_ids");
        json_open_array(&out);
        JSON_EACH(list, lists) {
            if (read_pyrus_id(r, list, &id))
                json_add_int(&out, id);
            else
                set_error(r, PYRUS_INVALID_VALUE_FORMAT);
        }
        json_close_array(&out);
    }
    json_close_object(&out);
    return finish_details(r, &text);
}

static void put_ids(struct json_out *out, const char *name, const struct person_ids *ids)
{
    if (ids->count == 0)
        return;
    json_name(out, name);
    json_open_array(out);
    for (size_t i = 0; i < ids->count; i++)
        json_add_int(out, ids->items[i]);
    json_close_array(out);
}

/* What the comment changes, which every later reply shows with it. */
static slice write_comment_details(struct task_reader *r, const struct json *body, const struct task_comment *c,
                                   const struct person_ids *added, const struct person_ids *removed, const char *action)
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
    return finish_details(r, &text);
}

static slice read_task_patch(struct task_reader *r, const struct json *body)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out out;
    json_out_init(&out, &text);
    json_open_object(&out);
    read_due(r, body, &out, true);
    json_close_object(&out);
    return finish_details(r, &text);
}

/* ---- tasks and comments ---- */

static void read_task_members(struct task_reader *r, const struct json *body, struct task_request *ret)
{
    if (!json_absent(json_get(body, "form_id"))) {
        set_error(r, PYRUS_ACCESS_DENIED_FORM);
        return;
    }
    bool given;
    ret->text = read_task_text(r, body);
    ret->subject = read_string_member(r, body, "subject", &given);
    ret->attachments = read_attachments(r, body, &ret->attachment_count);
    ret->details = read_task_details(r, body);
    struct person_ids participants = read_people(r, body, "participants");
    struct person_ids subscribers = read_people(r, body, "subscribers");
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
    struct task_reader r = { .x = x, .a = &x->arena };
    const struct json *body;
    *ret = (struct task_request){ .text = S("") };
    r.error = pyrus_read_body(x, &body);
    if (!r.error)
        read_task_members(&r, body, ret);
    return !replied_with_error(&r);
}

static void read_comment_members(struct task_reader *r, const struct json *body, struct task_comment *ret)
{
    bool has_action;
    slice action = read_string_member(r, body, "action", &has_action);
    ret->text = read_task_text(r, body);
    ret->subject = read_string_member(r, body, "subject", &ret->sets_subject);
    ret->attachments = read_attachments(r, body, &ret->attachment_count);
    ret->task_details = read_task_patch(r, body);
    ret->reopens = !json_flag(body, "skip_auto_reopen");
    if (has_action && !slice_eq(action, S("finished")) && !slice_eq(action, S("reopened")))
        set_error(r, PYRUS_INVALID_VALUE_FORMAT);
    ret->move = !has_action ? TASK_STAY : slice_eq(action, S("finished")) ? TASK_CLOSE : TASK_REOPEN;
    struct person_ids added = read_people(r, body, "participants_added");
    struct person_ids removed = read_people(r, body, "participants_removed");
    const struct json *responsible = json_get(body, "reassign_to");
    if (!json_absent(responsible) && !r->error && !r->failed)
        ret->responsible_id = read_person(r, responsible);
    struct task_member *members = arena_array(r->a, struct task_member, added.count + 1);
    add_members(members, &ret->added_count, &added, TASK_PARTICIPANT);
    ret->added = members;
    ret->removed = removed.items;
    ret->removed_count = removed.count;
    const char *action_name = ret->move == TASK_CLOSE ? "finished" : ret->move == TASK_REOPEN ? "reopened" : NULL;
    ret->details = write_comment_details(r, body, ret, &added, &removed, action_name);
    ret->details_reopened = write_comment_details(r, body, ret, &added, &removed, "reopened");
}

bool pyrus_read_comment(struct http_exchange *x, struct pyrus_comment_request *ret)
{
    struct task_reader r = { .x = x, .a = &x->arena };
    const struct json *body;
    *ret = (struct pyrus_comment_request){ .comment = { .text = S("") } };
    r.error = pyrus_read_body(x, &body);
    if (!r.error)
        read_comment_members(&r, body, &ret->comment);
    const struct json *edit = r.error ? NULL : json_get(body, "edit_comment_id");
    ret->is_edit = !json_absent(edit);
    if (ret->is_edit && !json_to_i64(edit, &ret->comment_id))
        set_error(&r, PYRUS_INVALID_VALUE_FORMAT);
    return !replied_with_error(&r);
}
