/* Every write runs as one function inside the committer's transaction: first it looks at everything (may this user, do
 * the attachments exist, do the limits hold), then it changes. The committer may run it twice, so all it leaves outside
 * the store are the fields of its `struct write` that it sets anew each time.
 *
 * Invariant: a reference with a file_id holds that file (file_hold before the reference is added), and file_release is
 * called after it is gone: whichever of an attach and a purge comes first wins completely. */
#include "core/task.h"

#include "base/json.h"
#include "base/text.h"
#include "core/event.h"
#include "core/lifecycle.h"
#include "core/people.h"

struct write {
    struct core *core;
    const struct principal *who;
    int64_t task_id, comment_id;
    const struct task_order *order;     /* of task_create */
    const struct task_comment *comment; /* of task_comment_add; of an edit: its text and attachments */
    int64_t purge_after_ms;
    enum task_refusal why;
};

/* ---- refusing ---- */

static const struct {
    enum err_code code;
    const char *text;
} refusals[TASK_REFUSAL_COUNT] = {
    [TASK_NOT_VISIBLE] = { ERR_NOT_FOUND, "no such task" },
    [TASK_NOTHING_SAID] = { ERR_EMPTY, "nothing was said" },
    [TASK_BAD_ATTACHMENT] = { ERR_INVALID, "an attachment does not exist" },
    [TASK_BAD_PERSON] = { ERR_INVALID, "no such person" },
    [TASK_BAD_DOCUMENT] = { ERR_INVALID, "a document does not exist, or hangs elsewhere" },
    [TASK_BAD_COMMENT] = { ERR_INVALID, "no such comment in this task" },
    [TASK_TOO_MANY_REFERENCES] = { ERR_TOO_LARGE, "the task has too many attachments" },
    [TASK_TOO_MANY_COMMENTS] = { ERR_TOO_LARGE, "the task has too many comments" },
    [TASK_TOO_MUCH_TEXT] = { ERR_TOO_LARGE, "the comments of the task are too long" },
    [TASK_MAY_NOT_CLOSE] = { ERR_FORBIDDEN, "may not close the task" },
    [TASK_MAY_NOT_REOPEN] = { ERR_FORBIDDEN, "may not reopen the task" },
    [TASK_MAY_NOT_EDIT] = { ERR_FORBIDDEN, "the comment is somebody else's" },
    [TASK_MAY_NOT_REMOVE] = { ERR_FORBIDDEN, "may not remove the task" },
};

static err_t refuse(enum task_refusal why, struct arena *a, enum task_refusal *ret_why)
{
    *ret_why = why;
    return err_make(a, refusals[why].code, "%s", refusals[why].text);
}

/* ---- seeing ---- */

struct members {
    struct task_member *items;
    size_t count;
};

static struct task_member *member_find(const struct members *m, int64_t user_id)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i].user_id == user_id)
            return &m->items[i];
    return NULL;
}

/* Errors: NOT_FOUND, also when it exists and `who` may not see it. */
static err_t see_task(struct meta_tx *tx, const struct principal *who, int64_t task_id, struct arena *a,
                      struct task *ret, struct members *ret_members)
{
    struct task task;
    struct members members;
    TRY(meta_task_get(tx, task_id, a, &task));
    if (task.account_id != who->account_id)
        return err_make(a, ERR_NOT_FOUND, "no such task");
    TRY(meta_task_members(tx, task_id, a, &members.items, &members.count));
    if (task.author_id != who->user_id && !who->is_admin && !member_find(&members, who->user_id))
        return err_make(a, ERR_NOT_FOUND, "no such task");
    *ret = task;
    *ret_members = members;
    return NULL;
}

static err_t see_reference(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a,
                           struct reference *ret)
{
    struct reference reference;
    struct task task;
    struct members members;
    TRY(meta_reference_get(tx, id, a, &reference));
    TRY(see_task(tx, who, reference.task_id, a, &task, &members));
    *ret = reference;
    return NULL;
}

/* ---- attachments ---- */

/* Look one attachment up; ret is the reference it will become. task_id 0: the task is being made. */
static err_t check_attachment(struct meta_tx *tx, const struct principal *who, int64_t task_id, int64_t now_ms,
                              const struct attachment *from, struct arena *a, struct reference *ret)
{
    *ret = (struct reference){ .account_id = who->account_id, .created_at_ms = now_ms };
    if (from->kind == ATTACH_LINK) {
        ret->url = from->url;
        ret->name = from->name;
        return NULL;
    }
    if (from->kind == ATTACH_AGAIN) {
        struct reference other;
        TRY(see_reference(tx, who, from->reference_id, a, &other));
        ret->file_id = other.file_id;
        ret->url = other.url;
        ret->name = other.name;
        return NULL;
    }
    struct file file;
    TRY(meta_file_by_uuid(tx, from->uuid, a, &file));
    bool has_bytes = file.state == FILE_STORED || file.state == FILE_READY;
    if (file.account_id != who->account_id || file.owner_id != who->user_id || !has_bytes ||
        file_is_past(&file, now_ms))
        return err_make(a, ERR_NOT_FOUND, "no such upload");
    ret->file_id = file.id;
    ret->name = file.name;
    if (from->root_id) {
        struct reference root;
        TRY(meta_reference_get(tx, from->root_id, a, &root));
        if (root.task_id != task_id || !root.file_id)
            return err_make(a, ERR_NOT_FOUND, "no such document in this task");
        ret->root_id = root.root_id;
    }
    return NULL;
}

static err_t check_attachments(struct meta_tx *tx, struct write *w, const struct attachment *from, size_t count,
                               int64_t now_ms, struct arena *a, struct reference **ret)
{
    int64_t have = 0;
    if (w->task_id)
        TRY(meta_reference_count(tx, w->task_id, a, &have));
    if (count > TASK_REFERENCES_MAX || have + (int64_t)count > TASK_REFERENCES_MAX)
        return refuse(TASK_TOO_MANY_REFERENCES, a, &w->why);
    struct reference *references = arena_array(a, struct reference, count + 1);
    for (size_t i = 0; i < count; i++) {
        err_t e = check_attachment(tx, w->who, w->task_id, now_ms, &from[i], a, &references[i]);
        if (err_is(e, ERR_NOT_FOUND))
            return refuse(TASK_BAD_ATTACHMENT, a, &w->why);
        TRY(e);
    }
    *ret = references;
    return NULL;
}

static slice event_task(struct arena *a, int64_t task_id)
{
    return arena_printf(a, "task:%lld", (long long)task_id);
}

static err_t tell(struct meta_tx *tx, const struct write *w, int64_t now_ms, slice action, int64_t task_id,
                  slice detail, struct arena *a)
{
    return event_write(tx, now_ms, w->who, w->who->account_id, action, event_task(a, task_id), detail, a);
}

static err_t attach(struct meta_tx *tx, const struct write *w, int64_t task_id, int64_t comment_id,
                    struct reference *references, size_t count, int64_t now_ms, struct arena *a)
{
    for (size_t i = 0; i < count; i++) {
        struct reference *r = &references[i];
        r->task_id = task_id;
        r->comment_id = comment_id;
        if (r->file_id)
            TRY(file_hold(tx, r->file_id, now_ms, a));
        TRY(meta_reference_add(tx, r, a));
        TRY(tell(tx, w, now_ms, S("task.attach"), task_id,
                 arena_printf(a, "reference:%lld " SLICE_FMT, (long long)r->id, SLICE_ARG(r->name)), a));
    }
    return NULL;
}

/* ---- members ---- */

static err_t check_person(struct meta_tx *tx, struct write *w, int64_t user_id, struct arena *a)
{
    struct user user;
    err_t e = meta_user_get(tx, user_id, a, &user);
    if (err_is(e, ERR_NOT_FOUND) || (!e && (user.account_id != w->who->account_id || user.state == USER_DELETED)))
        return refuse(TASK_BAD_PERSON, a, &w->why);
    return e;
}

static err_t set_member(struct meta_tx *tx, const struct write *w, int64_t task_id, int64_t user_id, int roles,
                        int64_t now_ms, struct arena *a)
{
    TRY(meta_task_set_member(tx, task_id, user_id, roles, a));
    return tell(tx, w, now_ms, S("task.member"), task_id,
                arena_printf(a, "user:%lld roles %d", (long long)user_id, roles), a);
}

/* Who has which roles after the comment, starting from `now`; only in memory. */
static struct members members_after(const struct task_comment *c, const struct members *now, struct arena *a)
{
    struct members after = { arena_array(a, struct task_member, now->count + c->added_count + 2), 0 };
    for (size_t i = 0; i < now->count; i++)
        after.items[after.count++] = now->items[i];
    for (size_t i = 0; i < c->removed_count; i++) {
        struct task_member *m = member_find(&after, c->removed[i]);
        if (m)
            m->roles = 0;
    }
    for (size_t i = 0; i < after.count && c->responsible_id; i++)
        if (after.items[i].roles & TASK_RESPONSIBLE)
            after.items[i].roles = (after.items[i].roles & ~TASK_RESPONSIBLE) | TASK_PARTICIPANT;
    struct task_member responsible = { c->responsible_id, TASK_RESPONSIBLE };
    for (size_t i = 0; i <= c->added_count; i++) {
        const struct task_member *add = i < c->added_count ? &c->added[i] : &responsible;
        if (add->user_id == 0)
            continue;
        struct task_member *m = member_find(&after, add->user_id);
        if (m)
            m->roles |= add->roles;
        else
            after.items[after.count++] = *add;
    }
    return after;
}

static err_t save_members(struct meta_tx *tx, const struct write *w, int64_t task_id, const struct members *before,
                          const struct members *after, int64_t now_ms, struct arena *a)
{
    for (size_t i = 0; i < after->count; i++) {
        const struct task_member *was = member_find(before, after->items[i].user_id);
        if ((was ? was->roles : 0) != after->items[i].roles)
            TRY(set_member(tx, w, task_id, after->items[i].user_id, after->items[i].roles, now_ms, a));
    }
    return NULL;
}

/* May the comments of the task hold `more` bytes of text and details instead of `less` of them? Less always may. */
static err_t check_text(struct meta_tx *tx, struct write *w, size_t more, size_t less, struct arena *a)
{
    if (more <= less)
        return NULL;
    int64_t held = 0;
    if (w->task_id)
        TRY(meta_comment_bytes(tx, w->task_id, a, &held));
    int64_t kept = held - (int64_t)less;
    if (kept > TASK_TEXT_BYTES_MAX || more > (size_t)(TASK_TEXT_BYTES_MAX - kept))
        return refuse(TASK_TOO_MUCH_TEXT, a, &w->why);
    return NULL;
}

/* ---- making a task ---- */

static bool is_blank(slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ' && text.p[i] != '\t' && text.p[i] != '\r' && text.p[i] != '\n')
            return false;
    return true;
}

static err_t apply_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct write *w = arg;
    const struct task_order *order = w->order;
    int64_t now_ms = core_now_ms(w->core);
    w->why = TASK_NO_REFUSAL;
    w->task_id = 0;

    struct reference *references;
    TRY(check_text(tx, w, order->text.n + order->comment_details.n, 0, a));
    TRY(check_attachments(tx, w, order->attachments, order->attachment_count, now_ms, a, &references));
    for (size_t i = 0; i < order->member_count; i++)
        TRY(check_person(tx, w, order->members[i].user_id, a));

    struct task task = {
        .account_id = w->who->account_id,
        .author_id = w->who->user_id,
        .text = order->text,
        .subject = order->subject,
        .details = order->details,
        .created_at_ms = now_ms,
        .modified_at_ms = now_ms,
    };
    int64_t task_id, comment_id;
    TRY(meta_task_add(tx, &task, a, &task_id));
    struct comment comment = { .task_id = task_id,
                               .author_id = w->who->user_id,
                               .text = order->text,
                               .details = order->comment_details,
                               .created_at_ms = now_ms };
    TRY(meta_comment_add(tx, &comment, a, &comment_id));
    TRY(tell(tx, w, now_ms, S("task.create"), task_id, S(""), a));
    struct members none = { NULL, 0 };
    struct members after =
        members_after(&(struct task_comment){ .added = order->members, .added_count = order->member_count }, &none, a);
    TRY(save_members(tx, w, task_id, &none, &after, now_ms, a));
    TRY(attach(tx, w, task_id, comment_id, references, order->attachment_count, now_ms, a));
    w->task_id = task_id;
    return NULL;
}

err_t task_create(struct core *core, const struct principal *who, const struct task_order *order, struct arena *a,
                  enum task_refusal *ret_why, int64_t *ret_task_id)
{
    *ret_why = TASK_NO_REFUSAL;
    if (is_blank(order->text))
        return refuse(TASK_NOTHING_SAID, a, ret_why);
    struct write w = { .core = core, .who = who, .order = order };
    err_t e = meta_write(core->meta, apply_create, &w, a);
    *ret_why = w.why;
    TRY(e);
    *ret_task_id = w.task_id;
    return NULL;
}

/* ---- commenting ---- */

static bool says_something(const struct task_comment *c)
{
    return !is_blank(c->text) || c->attachment_count || c->move != TASK_STAY || c->sets_subject || c->task_details.n ||
           c->responsible_id || c->added_count || c->removed_count;
}

/* RFC 7396 with objects of one level: members of `patch` replace those of `target`, null removes. */
static err_t merge_details(slice target, slice patch, struct arena *a, slice *ret)
{
    const struct json *old = NULL, *new;
    if (target.n)
        TRY(json_parse(a, target, &old));
    TRY(json_parse(a, patch, &new));
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out out;
    json_out_init(&out, &text);
    json_open_object(&out);
    JSON_EACH(member, old) {
        const char *name = arena_cstr(a, member->name);
        if (!json_get(new, name)) {
            json_name(&out, name);
            json_add_value(&out, member);
        }
    }
    JSON_EACH(member, new) {
        if (member->type == JS_NULL)
            continue;
        json_name(&out, arena_cstr(a, member->name));
        json_add_value(&out, member);
    }
    json_close_object(&out);
    *ret = arena_copy(a, buf_slice(&text));
    return NULL;
}

static err_t check_comment(struct meta_tx *tx, struct write *w, const struct task *task, const struct members *members,
                           struct arena *a)
{
    const struct task_comment *c = w->comment;
    const struct task_member *self = member_find(members, w->who->user_id);
    bool only_watches = task->author_id != w->who->user_id && !w->who->is_admin && self &&
                        !(self->roles & (TASK_PARTICIPANT | TASK_RESPONSIBLE));
    if (only_watches && c->move == TASK_CLOSE)
        return refuse(TASK_MAY_NOT_CLOSE, a, &w->why);
    if (only_watches && c->move == TASK_REOPEN)
        return refuse(TASK_MAY_NOT_REOPEN, a, &w->why);
    int64_t comments;
    TRY(meta_comment_count(tx, w->task_id, a, &comments));
    if (comments >= TASK_COMMENTS_MAX)
        return refuse(TASK_TOO_MANY_COMMENTS, a, &w->why);
    for (size_t i = 0; i < c->added_count; i++)
        TRY(check_person(tx, w, c->added[i].user_id, a));
    if (c->responsible_id)
        TRY(check_person(tx, w, c->responsible_id, a));
    return NULL;
}

static err_t see_task_or_refuse(struct meta_tx *tx, struct write *w, struct arena *a, struct task *ret,
                                struct members *ret_members)
{
    w->why = TASK_NO_REFUSAL;
    err_t e = see_task(tx, w->who, w->task_id, a, ret, ret_members);
    return err_is(e, ERR_NOT_FOUND) ? refuse(TASK_NOT_VISIBLE, a, &w->why) : e;
}

static err_t apply_comment(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct write *w = arg;
    const struct task_comment *c = w->comment;
    int64_t now_ms = core_now_ms(w->core);
    struct task task;
    struct members members;
    struct reference *references;
    TRY(see_task_or_refuse(tx, w, a, &task, &members));
    TRY(check_comment(tx, w, &task, &members, a));
    TRY(check_attachments(tx, w, c->attachments, c->attachment_count, now_ms, a, &references));

    bool was_closed = task.closed_at_ms != 0;
    bool reopens_itself = was_closed && c->move == TASK_STAY && c->reopens;
    bool closes = !was_closed && c->move == TASK_CLOSE;
    bool reopens = was_closed && (c->move == TASK_REOPEN || reopens_itself);
    slice details = reopens_itself ? c->details_reopened : c->details;
    TRY(check_text(tx, w, c->text.n + details.n, 0, a));
    task.modified_at_ms = now_ms;
    task.closed_at_ms = closes ? now_ms : reopens ? 0 : task.closed_at_ms;
    if (c->sets_subject)
        task.subject = c->subject;
    if (c->task_details.n)
        TRY(merge_details(task.details, c->task_details, a, &task.details));
    TRY(meta_task_update(tx, &task, a));

    struct comment comment = {
        .task_id = task.id, .author_id = w->who->user_id, .text = c->text, .details = details, .created_at_ms = now_ms
    };
    int64_t comment_id;
    TRY(meta_comment_add(tx, &comment, a, &comment_id));
    TRY(tell(tx, w, now_ms, S("task.comment"), task.id, arena_printf(a, "comment:%lld", (long long)comment_id), a));
    if (c->sets_subject || c->task_details.n)
        TRY(tell(tx, w, now_ms, S("task.change"), task.id, S(""), a));
    if (closes || reopens)
        TRY(tell(tx, w, now_ms, closes ? S("task.close") : S("task.reopen"), task.id, S(""), a));
    struct members after = members_after(c, &members, a);
    TRY(save_members(tx, w, task.id, &members, &after, now_ms, a));
    TRY(attach(tx, w, task.id, comment_id, references, c->attachment_count, now_ms, a));
    w->comment_id = comment_id;
    return NULL;
}

err_t task_comment_add(struct core *core, const struct principal *who, int64_t task_id, const struct task_comment *c,
                       struct arena *a, enum task_refusal *ret_why, int64_t *ret_comment_id)
{
    struct write w = { .core = core, .who = who, .task_id = task_id, .comment = c };
    *ret_why = TASK_NO_REFUSAL;
    if (!says_something(c)) {
        struct task task; /* whether the task is there comes first: a stranger learns nothing from the order */
        err_t e = task_get_visible(core, who, task_id, a, &task);
        if (err_is(e, ERR_NOT_FOUND))
            return refuse(TASK_NOT_VISIBLE, a, ret_why);
        TRY(e);
        return refuse(TASK_NOTHING_SAID, a, ret_why);
    }
    err_t e = meta_write(core->meta, apply_comment, &w, a);
    *ret_why = w.why;
    TRY(e);
    *ret_comment_id = w.comment_id;
    return NULL;
}

static err_t apply_edit(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct write *w = arg;
    const struct task_comment *c = w->comment;
    int64_t now_ms = core_now_ms(w->core);
    struct task task;
    struct members members;
    struct reference *references;
    TRY(see_task_or_refuse(tx, w, a, &task, &members));
    struct comment old;
    err_t e = meta_comment_get(tx, w->comment_id, a, &old);
    if (err_is(e, ERR_NOT_FOUND) || (!e && old.task_id != w->task_id))
        return refuse(TASK_BAD_COMMENT, a, &w->why);
    TRY(e);
    if (old.author_id != w->who->user_id)
        return refuse(TASK_MAY_NOT_EDIT, a, &w->why);
    if (is_blank(c->text) && !c->attachment_count)
        return refuse(TASK_NOTHING_SAID, a, &w->why);
    TRY(check_attachments(tx, w, c->attachments, c->attachment_count, now_ms, a, &references));

    slice text = is_blank(c->text) ? old.text : c->text;
    TRY(check_text(tx, w, text.n, old.text.n, a));
    TRY(meta_comment_set_text(tx, old.id, text, now_ms, a));
    task.modified_at_ms = now_ms;
    TRY(meta_task_update(tx, &task, a));
    TRY(tell(tx, w, now_ms, S("task.comment_edit"), task.id, arena_printf(a, "comment:%lld", (long long)old.id), a));
    return attach(tx, w, task.id, old.id, references, c->attachment_count, now_ms, a);
}

err_t task_comment_edit(struct core *core, const struct principal *who, int64_t task_id, int64_t comment_id, slice text,
                        const struct attachment *attachments, size_t attachment_count, struct arena *a,
                        enum task_refusal *ret_why)
{
    struct task_comment c = { .text = text, .attachments = attachments, .attachment_count = attachment_count };
    struct write w = { .core = core, .who = who, .task_id = task_id, .comment_id = comment_id, .comment = &c };
    err_t e = meta_write(core->meta, apply_edit, &w, a);
    *ret_why = w.why;
    return e;
}

/* ---- removing ---- */

static err_t apply_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct write *w = arg;
    int64_t now_ms = core_now_ms(w->core);
    struct task task;
    struct members members;
    TRY(see_task_or_refuse(tx, w, a, &task, &members));
    if (task.author_id != w->who->user_id && !w->who->is_admin)
        return refuse(TASK_MAY_NOT_REMOVE, a, &w->why);
    struct reference *references;
    size_t count;
    TRY(meta_reference_list(tx, task.id, a, &references, &count));
    TRY(meta_task_remove(tx, task.id, a));
    TRY(tell(tx, w, now_ms, S("task.remove"), task.id, S(""), a));
    for (size_t i = 0; i < count; i++)
        if (references[i].file_id)
            TRY(file_release(tx, references[i].file_id, now_ms + w->purge_after_ms, a));
    return NULL;
}

err_t task_remove(struct core *core, const struct principal *who, int64_t task_id, int64_t purge_after_ms,
                  struct arena *a, enum task_refusal *ret_why)
{
    struct write w = { .core = core, .who = who, .task_id = task_id, .purge_after_ms = purge_after_ms };
    err_t e = meta_write(core->meta, apply_remove, &w, a);
    *ret_why = w.why;
    return e;
}

/* ---- reading ---- */

err_t task_get_visible(struct core *core, const struct principal *who, int64_t task_id, struct arena *a,
                       struct task *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct members members;
    TRY(meta_read_begin(core->meta, a, &tx));
    return see_task(tx, who, task_id, a, ret, &members);
}

static err_t read_reference(struct core *core, const struct principal *who, int64_t id, struct arena *a,
                            struct reference *ret, struct file *ret_file)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(see_reference(tx, who, id, a, ret));
    if (!ret->file_id)
        return err_make(a, ERR_EMPTY, "a link has no bytes");
    return meta_file_get(tx, ret->file_id, a, ret_file);
}

err_t reference_open(struct core *core, const struct principal *who, int64_t id, struct arena *a, struct reference *ret,
                     struct content *ret_content)
{
    struct file file;
    struct reference reference;
    TRY(read_reference(core, who, id, a, &reference, &file));
    TRY(file_open_record(core, &file, a, ret_content));
    *ret = reference;
    return NULL;
}

static err_t read_view(struct meta_tx *tx, const struct principal *who, int64_t task_id, struct arena *a,
                       struct task_view *v)
{
    struct members members;
    struct comment *comments;
    struct reference *references;
    TRY(see_task(tx, who, task_id, a, &v->task, &members));
    TRY(meta_comment_list(tx, task_id, a, &comments, &v->comment_count));
    TRY(meta_reference_list(tx, task_id, a, &references, &v->reference_count));
    v->members = members.items;
    v->member_count = members.count;
    v->comments = comments;
    v->references = references;
    return NULL;
}

err_t task_read(struct core *core, const struct principal *who, int64_t task_id, struct arena *a, struct task_view *ret)
{
    struct task_view v = { 0 };
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
        TRY(meta_read_begin(core->meta, a, &tx));
        TRY(read_view(tx, who, task_id, a, &v));
    }
    size_t count = 0;
    int64_t *ids = arena_array(a, int64_t, 1 + v.member_count + v.comment_count);
    ids[count++] = v.task.author_id;
    for (size_t i = 0; i < v.member_count; i++)
        ids[count++] = v.members[i].user_id;
    for (size_t i = 0; i < v.comment_count; i++)
        ids[count++] = v.comments[i].author_id;
    struct user *people;
    TRY(people_list(core, who, ids, count, a, &people, &v.people_count));
    v.people = people;
    *ret = v;
    return NULL;
}
