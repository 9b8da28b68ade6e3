/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: what people talk about and hang files on. A task has comments; a comment may bring references, each of which
 * holds on to a file (or names a link); references of one root are the versions of one document.
 *
 *   who      sees a task: its author, its members (participants, subscribers, who is responsible), admins of the
 * account. Somebody who was removed sees neither the task nor what hangs on it. To all others it does not exist writes
 * every call checks everything first and then changes everything, in one write: nothing half attached events   each
 * change tells the audit log in the same write
 *
 * Thread   any that may block, except reference_open and task_get_visible, which only read rows. */
#ifndef CAIS_CORE_TASK_TASK_H
#define CAIS_CORE_TASK_TASK_H

#include "core/file/file.h"
#include "core/records/comment.h"
#include "core/records/reference.h"
#include "core/records/task.h"
#include "core/records/user.h"

#define TASK_REFERENCES_MAX 3000
#define TASK_COMMENTS_MAX 10000
/* Of texts and details of all comments of a task: whoever reads a task has all of it in memory. */
#define TASK_TEXT_BYTES_MAX (4 << 20)

/* Which rule of tasks said no: finer than an error code, so that each API can name it. */
enum task_refusal {
    TASK_NO_REFUSAL,          /* it succeeded, or failed for a reason that is not the caller's */
    TASK_NOT_VISIBLE,         /* NOT_FOUND: unknown, removed, or not for this user */
    TASK_NOTHING_SAID,        /* EMPTY: a task without text; a comment that says and changes nothing */
    TASK_BAD_ATTACHMENT,      /* INVALID: upload unknown, purged or someone else's; root or reference not visible */
    TASK_BAD_PERSON,          /* INVALID: nobody of this account */
    TASK_BAD_DOCUMENT,        /* INVALID: unknown, somebody else's, or it hangs elsewhere */
    TASK_BAD_COMMENT,         /* INVALID: the comment to edit is not one of this task */
    TASK_TOO_MANY_REFERENCES, /* TOO_LARGE */
    TASK_TOO_MANY_COMMENTS,   /* TOO_LARGE */
    TASK_TOO_MUCH_TEXT,       /* TOO_LARGE: the comments would hold more than TASK_TEXT_BYTES_MAX */
    TASK_MAY_NOT_CLOSE,       /* FORBIDDEN: subscribers only watch */
    TASK_MAY_NOT_REOPEN,      /* FORBIDDEN */
    TASK_MAY_NOT_EDIT,        /* FORBIDDEN: somebody else's comment, or too late */
    TASK_MAY_NOT_REMOVE,      /* FORBIDDEN: author and admins only */
    TASK_REFUSAL_COUNT
};

enum attachment_kind {
    ATTACH_UPLOAD, /* a file that the caller sent in: uuid; root_id 0, or any version of the document it continues */
    ATTACH_AGAIN,  /* the file or link of a reference that the caller sees: reference_id */
    ATTACH_LINK    /* url and name; nothing is ever fetched from it */
};
struct attachment {
    enum attachment_kind kind;
    unsigned char uuid[16];
    int64_t root_id, reference_id;
    slice url, name;
};

struct task_order {
    slice text;     /* required; also the text of the first comment, unless is_silent */
    bool is_silent; /* no first comment: attachments hang on the task itself */
    bool is_shared; /* everybody of the account sees the task */
    slice subject;
    slice details;         /* JSON object, kept and given back unread; empty: none */
    slice comment_details; /* same, of the first comment */
    const struct task_member *members;
    size_t member_count;
    const struct attachment *attachments;
    size_t attachment_count;
    /* Numbers of documents of the caller, pending or confirmed, that hang nowhere yet: they are claimed. */
    const int64_t *documents;
    size_t document_count;
};
/* Errors: those of enum task_refusal; *ret_why is set on every way out. */
MUST_USE err_t task_create(struct core *, const struct principal *who, const struct task_order *, struct arena *a,
                           enum task_refusal *ret_why, int64_t *ret_task_id);

enum task_move { TASK_STAY, TASK_CLOSE, TASK_REOPEN };

/* A comment and what it does to the task. */
struct task_comment {
    slice text;
    slice details;          /* JSON object to keep with the comment; empty: none */
    slice details_reopened; /* used instead when the comment reopened a closed task by itself (reopens) */
    bool reopens;           /* a comment on a closed task opens it again, unless move is TASK_CLOSE */
    enum task_move move;
    bool sets_subject;
    slice subject;
    slice task_details;     /* JSON object: its members replace those of the task's details, null removes
                               (RFC 7396, one level deep); empty: unchanged */
    int64_t responsible_id; /* the one who is responsible from now on; who was, stays as participant. 0: as is */
    const struct task_member *added; /* roles are added to those they have */
    size_t added_count;
    const int64_t *removed; /* user ids: they lose every role; not being a member is fine */
    size_t removed_count;
    const struct attachment *attachments;
    size_t attachment_count;
    const int64_t *documents; /* as in task_order; one that hangs on this task already stays there */
    size_t document_count;
    int64_t file_id; /* the confirmed document that the comment is about, which hangs on this task; 0: the task */
};
/* Errors: as task_create. */
MUST_USE err_t task_comment_add(struct core *, const struct principal *who, int64_t task_id,
                                const struct task_comment *, struct arena *a, enum task_refusal *ret_why,
                                int64_t *ret_comment_id);
/* Replace the text of an own comment (empty: keep it) and add attachments to it.
 * Errors: as task_create; also TASK_BAD_COMMENT, TASK_MAY_NOT_EDIT. */
MUST_USE err_t task_comment_edit(struct core *, const struct principal *who, int64_t task_id, int64_t comment_id,
                                 slice text, const struct attachment *, size_t attachment_count, struct arena *a,
                                 enum task_refusal *ret_why);

/* A comment by its number, with its task. Errors: NOT_FOUND. */
MUST_USE err_t task_comment_get(struct core *, const struct principal *who, int64_t comment_id, struct arena *a,
                                struct comment *ret, struct task *ret_task);
/* An own comment goes, within window_ms of its making (administrators always), and what it alone held on to with it:
 * documents at once, other files after purge_after_ms. Errors: TASK_NOT_VISIBLE, TASK_MAY_NOT_EDIT. */
MUST_USE err_t task_comment_remove(struct core *, const struct principal *who, int64_t comment_id, int64_t window_ms,
                                   int64_t purge_after_ms, struct arena *a, enum task_refusal *ret_why);

/* Tasks that the user sees. */
struct task_list_order {
    int64_t author_id, member_id; /* 0: any */
    int member_roles;
    int64_t also_member_id; /* the same, a second time: both must hold */
    int also_member_roles;
    const int64_t *ids; /* NULL: any */
    size_t id_count;
    int closed; /* 1, 0, -1: both */
    bool descending;
    slice detail_name, detail_value; /* a member of details and its value, as JSON number or string; empty: any */
    slice also_detail_name, also_detail_value; /* the same, a second time */
    size_t offset, most;
};
MUST_USE err_t task_list(struct core *, const struct principal *who, const struct task_list_order *, struct arena *a,
                         struct task **ret, size_t *ret_count, int64_t *ret_total);

/* The task goes, with comments and references. Documents that came by ticket go with it at once, whoever sent them in,
 * unless another task holds them, and so do pending tickets; other files that nothing else holds are purged
 * `purge_after_ms` from now.
 * Errors: TASK_NOT_VISIBLE, TASK_MAY_NOT_REMOVE. */
MUST_USE err_t task_remove(struct core *, const struct principal *who, int64_t task_id, int64_t purge_after_ms,
                           struct arena *a, enum task_refusal *ret_why);

/* A task with everything that hangs on it, as of one instant. */
struct task_view {
    struct task task;
    const struct task_member *members;
    size_t member_count;
    const struct comment *comments; /* oldest first */
    size_t comment_count;
    const struct reference *references; /* by id */
    size_t reference_count;
    const struct user *people; /* author, members, who commented; sorted by id (people_find) */
    size_t people_count;
};
/* Errors: NOT_FOUND (not visible). */
MUST_USE err_t task_read(struct core *, const struct principal *who, int64_t task_id, struct arena *a,
                         struct task_view *ret);
/* Is there such a task for this user? Errors: NOT_FOUND. */
MUST_USE err_t task_get_visible(struct core *, const struct principal *who, int64_t task_id, struct arena *a,
                                struct task *ret);
/* The bytes that a reference holds, for whoever sees its task. Fit for a loop.
 * Errors: NOT_FOUND; EMPTY a link: there are no bytes; those of file_open_record. */
MUST_USE err_t reference_open(struct core *, const struct principal *who, int64_t id, struct arena *a,
                              struct reference *ret, struct content *ret_content);

#endif
