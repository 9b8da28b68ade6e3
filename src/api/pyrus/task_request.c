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

#include <string.h>

#define URL_MAX_BYTES 2048
#define LISTS_MAX 1000 /* each comment that changes the task reads them, in a write for which others wait */

/* A request that is being read. */
struct task_reader {
    struct http_exchange *x;
    struct arena *a;
};

static err_t wrong_format(const struct task_reader *r)
{
    return pyrus_refuse(r->a, PYRUS_INVALID_VALUE_FORMAT);
}

/* *ret is empty when the member is absent. */
static err_t read_string_member(const struct task_reader *r, const struct json *body, const char *name, slice *ret,
                                bool *ret_given)
{
    const struct json *j = json_get(body, name);
    *ret_given = !json_absent(j);
    if (*ret_given && j->type != JS_STRING)
        return wrong_format(r);
    *ret = *ret_given ? j->string : S("");
    return NULL;
}

/* An id of 31 bits, as a number or as digits in a string. */
static err_t read_pyrus_id(const struct task_reader *r, const struct json *j, int64_t *ret)
{
    return !json_absent(j) && json_to_i64(j, ret) && *ret > 0 && *ret <= PYRUS_ID_MAX ? NULL : wrong_format(r);
}

/* *ret is NULL when the member is absent. */
static err_t read_array_member(const struct task_reader *r, const struct json *body, const char *name,
                               const struct json **ret)
{
    const struct json *j = json_get(body, name);
    *ret = json_absent(j) ? NULL : j;
    return *ret && j->type != JS_ARRAY ? wrong_format(r) : NULL;
}

static err_t read_task_text(const struct task_reader *r, const struct json *body, slice *ret)
{
    bool given;
    TRY(read_string_member(r, body, "text", ret, &given));
    return ret->n ? NULL : read_string_member(r, body, "formatted_text", ret, &given);
}

/* ---- people ---- */

/* The id of {"id": 1731} or {"email": "…"}. */
static err_t read_person(const struct task_reader *r, const struct json *j, int64_t *ret)
{
    struct core *core = pyrus_of(r->x)->core;
    const struct principal *who = pyrus_caller(r->x);
    struct user user;
    int64_t id;
    bool has_email;
    slice email;
    if (!json_is(j, JS_OBJECT))
        return wrong_format(r);
    TRY(read_string_member(r, j, "email", &email, &has_email));
    bool has_id = !json_absent(json_get(j, "id"));
    if (!has_id && !has_email)
        return pyrus_refuse(r->a, PYRUS_REQUIRED_PARAMETER_MISSING);
    if (has_id && !json_to_i64(json_get(j, "id"), &id))
        return wrong_format(r);
    err_t e = has_id ? person_by_id(core, who, id, r->a, &user) : person_by_address(core, who, email, r->a, &user);
    if (err_is(e, ERR_NOT_FOUND))
        return pyrus_refuse_because(r->a, e, has_id ? PYRUS_INVALID_PERSON_ID : PYRUS_INVALID_EMAIL);
    TRY(e);
    *ret = user.id;
    return NULL;
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
static err_t read_people(const struct task_reader *r, const struct json *body, const char *name, struct person_ids *ret)
{
    const struct json *array;
    TRY(read_array_member(r, body, name, &array));
    if (json_count(array) > TASK_PEOPLE_AT_ONCE_MAX) /* each of them is looked up */
        return core_refuse(r->a, REASON_TASK_TOO_MANY_PEOPLE);
    *ret = (struct person_ids){ arena_array(r->a, int64_t, json_count(array) + 1), 0 };
    JSON_EACH(person, array) {
        int64_t id;
        TRY(read_person(r, person, &id));
        add_person_id(ret, id);
    }
    return NULL;
}

static void add_members(struct task_member *members, size_t *count, const struct person_ids *ids, int roles)
{
    for (size_t i = 0; i < ids->count; i++)
        members[(*count)++] = (struct task_member){ ids->items[i], roles };
}

/* ---- attachments ---- */

/* Other schemes than those of the web could run code in the browser of a reader. */
static bool is_web_url(slice url)
{
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 127)
            return false;
    return url.n <= URL_MAX_BYTES && (slice_starts(url, S("https://")) || slice_starts(url, S("http://")));
}

static err_t read_link(const struct task_reader *r, const struct json *j, struct attachment *ret)
{
    bool has_name;
    slice url = json_str(j, "url"), name;
    TRY(read_string_member(r, j, "name", &name, &has_name));
    if (!is_web_url(url))
        return wrong_format(r);
    err_t e = file_name_clean(has_name ? name : url, r->a, &ret->name);
    if (e)
        return pyrus_refuse_because(
            r->a, e, err_is(e, ERR_TOO_LARGE) ? PYRUS_MAX_FILE_NAME_LENGTH_EXCEEDED : PYRUS_INVALID_VALUE_FORMAT);
    ret->kind = ATTACH_LINK;
    ret->url = url;
    return NULL;
}

static err_t read_attached_upload(const struct task_reader *r, slice guid, const struct json *root,
                                  struct attachment *ret)
{
    ret->kind = ATTACH_UPLOAD;
    if (!uuid_parse(guid, ret->uuid))
        return pyrus_refuse(r->a, PYRUS_UNRECOGNIZED_ATTACHMENT_ID);
    if (json_absent(root))
        return NULL;
    if (!json_to_i64(root, &ret->root_id))
        return wrong_format(r);
    return ret->root_id > 0 ? NULL : pyrus_refuse(r->a, PYRUS_UNRECOGNIZED_ATTACHMENT_ID);
}

static err_t read_attachment(const struct task_reader *r, const struct json *j, struct attachment *ret)
{
    if (j->type == JS_STRING)
        return read_attached_upload(r, j->string, NULL, ret);
    const struct json *guid = json_get(j, "guid"), *id = json_get(j, "attachment_id"), *url = json_get(j, "url");
    const struct json *root = json_get(j, "root_id");
    if (!json_absent(guid) + !json_absent(id) + !json_absent(url) != 1)
        return wrong_format(r);
    if (json_is(guid, JS_STRING))
        return read_attached_upload(r, guid->string, root, ret);
    if (!json_absent(root))
        return wrong_format(r);
    if (json_is(url, JS_STRING))
        return read_link(r, j, ret);
    if (json_absent(id) || !json_to_i64(id, &ret->reference_id))
        return wrong_format(r);
    ret->kind = ATTACH_REFERENCE;
    return NULL;
}

struct attachments {
    struct attachment items[TASK_ATTACHED_AT_ONCE_MAX];
    size_t count;
};

static bool has_upload(const struct attachments *list, const unsigned char uuid[16])
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].kind == ATTACH_UPLOAD && memcmp(list->items[i].uuid, uuid, 16) == 0)
            return true;
    return false;
}

/* Adds the files whose GUIDs are texts somewhere in this value. */
static err_t read_mentioned(const struct task_reader *r, const struct json *j, struct attachments *list)
{
    struct attachment file = { .kind = ATTACH_UPLOAD, .if_waiting = true };
    if (j->type == JS_ARRAY || j->type == JS_OBJECT)
        JSON_EACH(child, j)
            TRY(read_mentioned(r, child, list));
    if (j->type != JS_STRING || !uuid_parse(j->string, file.uuid) || has_upload(list, file.uuid))
        return NULL;
    if (list->count == TASK_ATTACHED_AT_ONCE_MAX)
        return core_refuse(r->a, REASON_TASK_TOO_MANY_AT_ONCE);
    list->items[list->count++] = file;
    return NULL;
}

/* Is the member one that this server reads, here or elsewhere? */
static bool is_read(const struct json *member)
{
    static const char *const names[] = { "text",
                                         "formatted_text",
                                         "subject",
                                         "attachments",
                                         "action",
                                         "responsible",
                                         "reassign_to",
                                         "participants",
                                         "participants_added",
                                         "participants_removed",
                                         "subscribers",
                                         "due_date",
                                         "due",
                                         "duration",
                                         "cancel_due",
                                         "edit_comment_id",
                                         "list_ids",
                                         "parent_task_id",
                                         "form_id" };
    for (size_t i = 0; i < LENGTH_OF(names); i++)
        if (slice_eq(member->name, slice_of(names[i])))
            return true;
    return false;
}

/* Members that are not read may name files, as those of a form do. They would look attached, and be purged a day later. */
static err_t read_attachments(const struct task_reader *r, const struct json *body, const struct attachment **ret,
                              size_t *ret_count)
{
    const struct json *array;
    struct attachments *list = arena_new(r->a, struct attachments);
    TRY(read_array_member(r, body, "attachments", &array));
    if (json_count(array) > TASK_ATTACHED_AT_ONCE_MAX)
        return core_refuse(r->a, REASON_TASK_TOO_MANY_AT_ONCE);
    JSON_EACH(item, array)
        TRY(read_attachment(r, item, &list->items[list->count++]));
    JSON_EACH(member, body)
        if (!is_read(member))
            TRY(read_mentioned(r, member, list));
    *ret = list->items;
    *ret_count = list->count;
    return NULL;
}

static bool has_more_than_is_read(const struct json *body)
{
    JSON_EACH(member, body)
        if (!is_read(member) && !json_absent(member))
            return true;
    return false;
}

/* ---- details ---- */

/* Writes due_date, or due with its duration. A patch replaces all three, so it writes null for each that the request
 * does not give, if it gives any. */
static err_t read_due(const struct task_reader *r, const struct json *body, struct json_out *out, bool is_patch)
{
    bool has_date, has_due;
    slice date, due;
    TRY(read_string_member(r, body, "due_date", &date, &has_date));
    TRY(read_string_member(r, body, "due", &due, &has_due));
    const struct json *duration = json_get(body, "duration");
    int64_t due_ms, minutes = 0;
    bool has_minutes = has_due && !json_absent(duration);
    if ((has_date && has_due) || (has_date && !date_is_valid(date)) || (has_due && !time_parse_offset(due, &due_ms)) ||
        (has_minutes && (!json_to_i64(duration, &minutes) || minutes < 0 || minutes > INT32_MAX)))
        return wrong_format(r);
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
    return NULL;
}

static slice finish_details(const struct task_reader *r, struct buf *text)
{
    return text->n > 2 ? buf_give(text, r->a) : S(""); /* nothing is stored for "{}" */
}

static err_t read_task_details(const struct task_reader *r, const struct json *body, slice *ret)
{
    const struct json *parent = json_get(body, "parent_task_id"), *lists;
    int64_t id;
    SCOPED(buf_releasep) struct buf text;
    buf_init_on(&text, 0, r->a);
    struct json_out out;
    json_out_init(&out, &text);
    json_open_object(&out);
    TRY(read_due(r, body, &out, false));
    if (!json_absent(parent)) {
        TRY(read_pyrus_id(r, parent, &id));
        json_put_int(&out, "parent_task_id", id);
    }
    TRY(read_array_member(r, body, "list_ids", &lists));
    if (json_count(lists) > LISTS_MAX)
        return wrong_format(r);
    if (json_count(lists)) {
        json_name(&out, "list_ids");
        json_open_array(&out);
        JSON_EACH(list, lists) {
            TRY(read_pyrus_id(r, list, &id));
            json_add_int(&out, id);
        }
        json_close_array(&out);
    }
    json_close_object(&out);
    *ret = finish_details(r, &text);
    return NULL;
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
struct comment_changes {
    const struct task_comment *comment;
    const struct person_ids *added, *removed;
};

static err_t write_comment_details(const struct task_reader *r, const struct json *body,
                                   const struct comment_changes *changes, const char *action, slice *ret)
{
    const struct task_comment *c = changes->comment;
    SCOPED(buf_releasep) struct buf text;
    buf_init_on(&text, 0, r->a);
    struct json_out out;
    json_out_init(&out, &text);
    json_open_object(&out);
    if (action)
        json_put_string(&out, "action", slice_of(action));
    if (c->sets_subject && c->subject.n)
        json_put_string(&out, "subject", c->subject);
    if (c->responsible_id)
        json_put_int(&out, "reassigned_to", c->responsible_id);
    put_ids(&out, "participants_added", changes->added);
    put_ids(&out, "participants_removed", changes->removed);
    TRY(read_due(r, body, &out, false));
    json_close_object(&out);
    *ret = finish_details(r, &text);
    return NULL;
}

static err_t read_task_patch(const struct task_reader *r, const struct json *body, slice *ret)
{
    SCOPED(buf_releasep) struct buf text;
    buf_init_on(&text, 0, r->a);
    struct json_out out;
    json_out_init(&out, &text);
    json_open_object(&out);
    TRY(read_due(r, body, &out, true));
    json_close_object(&out);
    *ret = finish_details(r, &text);
    return NULL;
}

/* ---- tasks and comments ---- */

err_t pyrus_read_task(struct http_exchange *x, struct task_request *ret)
{
    const struct task_reader r = { .x = x, .a = &x->arena };
    const struct json *body;
    struct person_ids participants, subscribers;
    bool given;
    *ret = (struct task_request){ .text = S("") };
    TRY(pyrus_read_body(x, &body));
    if (!json_absent(json_get(body, "form_id")))
        return pyrus_refuse(r.a, PYRUS_ACCESS_DENIED_FORM);
    TRY(read_task_text(&r, body, &ret->text));
    TRY(read_string_member(&r, body, "subject", &ret->subject, &given));
    TRY(read_attachments(&r, body, &ret->attachments, &ret->attachment_count));
    TRY(read_task_details(&r, body, &ret->details));
    TRY(read_people(&r, body, "participants", &participants));
    TRY(read_people(&r, body, "subscribers", &subscribers));
    const struct json *responsible = json_get(body, "responsible");
    struct task_member *members = arena_array(r.a, struct task_member, participants.count + subscribers.count + 1);
    add_members(members, &ret->member_count, &participants, TASK_PARTICIPANT);
    add_members(members, &ret->member_count, &subscribers, TASK_SUBSCRIBER);
    if (!json_absent(responsible)) {
        int64_t id;
        TRY(read_person(&r, responsible, &id));
        members[ret->member_count++] = (struct task_member){ id, TASK_RESPONSIBLE };
    }
    ret->members = members;
    return NULL;
}

static err_t read_comment_members(const struct task_reader *r, const struct json *body, struct task_comment *ret)
{
    struct person_ids added, removed;
    bool has_action;
    slice action;
    TRY(read_string_member(r, body, "action", &action, &has_action));
    TRY(read_task_text(r, body, &ret->text));
    TRY(read_string_member(r, body, "subject", &ret->subject, &ret->sets_subject));
    TRY(read_attachments(r, body, &ret->attachments, &ret->attachment_count));
    TRY(read_task_patch(r, body, &ret->task_details));
    ret->may_be_empty = has_more_than_is_read(body);
    ret->reopens = !json_flag(body, "skip_auto_reopen");
    if (has_action && !slice_eq(action, S("finished")) && !slice_eq(action, S("reopened")))
        return wrong_format(r);
    ret->move = !has_action ? TASK_STAY : slice_eq(action, S("finished")) ? TASK_CLOSE : TASK_REOPEN;
    TRY(read_people(r, body, "participants_added", &added));
    TRY(read_people(r, body, "participants_removed", &removed));
    const struct json *responsible = json_get(body, "reassign_to");
    if (!json_absent(responsible))
        TRY(read_person(r, responsible, &ret->responsible_id));
    struct task_member *members = arena_array(r->a, struct task_member, added.count + 1);
    add_members(members, &ret->added_count, &added, TASK_PARTICIPANT);
    ret->added = members;
    ret->removed = removed.items;
    ret->removed_count = removed.count;
    const struct comment_changes changes = { ret, &added, &removed };
    const char *shown = ret->move == TASK_CLOSE ? "finished" : ret->move == TASK_REOPEN ? "reopened" : NULL;
    TRY(write_comment_details(r, body, &changes, shown, &ret->details));
    return write_comment_details(r, body, &changes, "reopened", &ret->details_reopened);
}

err_t pyrus_read_comment(struct http_exchange *x, struct pyrus_comment_request *ret)
{
    const struct task_reader r = { .x = x, .a = &x->arena };
    const struct json *body;
    *ret = (struct pyrus_comment_request){ .comment = { .text = S("") } };
    TRY(pyrus_read_body(x, &body));
    TRY(read_comment_members(&r, body, &ret->comment));
    const struct json *edit = json_get(body, "edit_comment_id");
    ret->is_edit = !json_absent(edit);
    return ret->is_edit && !json_to_i64(edit, &ret->comment_id) ? wrong_format(&r) : NULL;
}
