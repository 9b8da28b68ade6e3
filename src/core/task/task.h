/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: people talk about a piece of work and attach files to it. A task has comments. A task or a comment has
 * references; each reference names a file, which the task or comment holds (hold_add), or a link. References with one
 * root_id are the versions of one document.
 *
 *   visibility   A task is visible to its author, its members (participants, subscribers, the responsible user), and
 *                the administrators of its account; a shared task to everybody of the account. For all other users,
 *                and for a member who was removed, neither the task nor its files exist.
 *   writes       Each call checks everything before it changes anything, inside one write: either all files are
 *                attached or none.
 *   audit log    Each change writes its event in the same write.
 *
 * Errors of every call: also UNAVAILABLE, NO_SPACE, CORRUPT of the store.
 * Thread   any that may block; reference_open and task_get_visible only read rows and are fit for a loop. */
#ifndef CAIS_CORE_TASK_TASK_H
#define CAIS_CORE_TASK_TASK_H

#include "core/file/file.h"
#include "core/reasons.h"
#include "core/records/comment.h"
#include "core/records/reference.h"
#include "core/records/task.h"
#include "core/records/user.h"

#define TASK_REFERENCES_MAX 3000
#define TASK_COMMENTS_MAX 10000
#define TASK_MEMBERS_MAX 1000
/* Of one request, because each takes time in a write for which all others wait: attachments and documents; members that are
 * added and removed. */
#define TASK_ATTACHED_AT_ONCE_MAX 200
#define TASK_PEOPLE_AT_ONCE_MAX 300
#define TASK_AWAITED_NAME_MAX 255 /* bytes of the name of an awaited member */
#define TASKS_AWAITING_MAX                                                                                             \
    2000 /* of an account, one person: the write that adds the person makes them all a member's */
/* Bytes of text and details of all comments of a task, which a reply shows together. */
#define TASK_TEXT_BYTES_MAX (4 << 20)

/* ---- creating a task ---- */

enum attachment_kind {
    ATTACH_UPLOAD, /* a file that the caller uploaded: uuid; root_id 0, or any version of the document it continues */
    ATTACH_REFERENCE, /* the file or link of a reference that is visible to the caller: reference_id */
    ATTACH_LINK       /* url and name; the server never fetches it */
};
struct attachment {
    enum attachment_kind kind;
    unsigned char uuid[16];
    bool if_waiting; /* ATTACH_UPLOAD: left out unless it is an upload of the caller that nothing holds yet */
    int64_t root_id, reference_id;
    slice url, name;
};

struct task_request {
    slice text;     /* required; also the text of the first comment, unless is_silent */
    bool is_silent; /* no first comment: files are attached to the task itself */
    bool is_shared; /* the task is visible to everybody of the account */
    slice subject;
    slice details;         /* a JSON object, which core keeps and returns without reading it; empty: none */
    slice comment_details; /* the same, for the first comment */
    const struct task_member *members;
    size_t member_count;
    const struct attachment *attachments;
    size_t attachment_count;
    /* File ids of documents of the caller, pending or confirmed, that are not attached to any task yet. */
    const int64_t *documents;
    size_t document_count;
    const slice *awaited; /* logins or e-mail addresses of people who are responsible as soon as the account has them */
    size_t awaited_count;
};
/* Errors: the reasons REASON_TASK_… of core/reasons.def. */
MUST_USE err_t task_create(struct core *, const struct principal *who, const struct task_request *, struct arena *a,
                           int64_t *ret_task_id);

/* A change of the task itself, without a comment. What is not set stays as it is. */
struct task_edit {
    int64_t task_id;
    bool sets_text;
    slice text;            /* not blank */
    slice details;         /* as task_details of a comment */
    const char *inner;     /* the member of details whose object is merged and not replaced; NULL: none */
    bool sets_responsible; /* the responsible users are these, and no others */
    const int64_t *responsible;
    size_t responsible_count;
    const slice *awaited; /* as in task_request */
    size_t awaited_count;
    const int64_t *documents; /* attached in addition to those it has: as in task_comment */
    size_t document_count;
};
/* Errors: as task_create; also REASON_TASK_NOT_VISIBLE, REASON_TASK_MAY_NOT_REMOVE. */
MUST_USE err_t task_edit(struct core *, const struct principal *who, const struct task_edit *, struct arena *a);

/* ---- comments ---- */

enum task_move { TASK_STAY, TASK_CLOSE, TASK_REOPEN };

/* A comment on a task, and how it changes the task. */
struct task_comment {
    int64_t task_id;
    slice text;
    bool may_be_empty;      /* it is added although it says and changes nothing: what it does say, core does not know */
    slice details;          /* a JSON object to keep with the comment; empty: none */
    slice details_reopened; /* used in place of details when the comment reopened the task because of `reopens` */
    bool reopens;           /* a comment on a closed task opens it again, unless move is TASK_CLOSE */
    enum task_move move;
    bool sets_subject;
    slice subject;
    /* A JSON object: its members replace those of the task's details, and null removes one (RFC 7396, one level deep).
     * Empty: the details stay as they are. */
    slice task_details;
    int64_t responsible_id; /* the new responsible user; the previous one becomes a participant. 0: no change */
    const struct task_member *added; /* these roles are added to the roles that the user has */
    size_t added_count;
    const int64_t *removed; /* ids of users who lose every role; an id that is not a member's is ignored */
    size_t removed_count;
    const struct attachment *attachments;
    size_t attachment_count;
    const int64_t *documents; /* as in task_request; one that is attached to this task already stays where it is */
    size_t document_count;
    int64_t file_id; /* the confirmed document of this task that the comment is about; 0: the task */
};
/* Errors: as task_create. */
MUST_USE err_t task_comment_add(struct core *, const struct principal *who, const struct task_comment *,
                                struct arena *a, int64_t *ret_comment_id);

struct task_comment_edit {
    int64_t task_id, comment_id;
    slice text;                           /* the new text; blank: the old one stays */
    const struct attachment *attachments; /* attached to the comment in addition to those it has */
    size_t attachment_count;
};
/* Change a comment of the caller. Errors: as task_create; also REASON_TASK_BAD_COMMENT, REASON_TASK_MAY_NOT_EDIT. */
MUST_USE err_t task_comment_edit(struct core *, const struct principal *who, const struct task_comment_edit *,
                                 struct arena *a);

/* A comment by its id, with its task. Errors: NOT_FOUND. */
MUST_USE err_t task_comment_get(struct core *, const struct principal *who, int64_t comment_id, struct arena *a,
                                struct comment *ret, struct task *ret_task);

struct task_comment_removal {
    int64_t comment_id;
    int64_t window_ms;      /* its author may remove it until that long after it was made; administrators at any time */
    int64_t purge_after_ms; /* as in task_remove */
};
/* Remove a comment and its references. What happens to files that only the comment held: as in task_remove.
 * Errors: REASON_TASK_NOT_VISIBLE, REASON_TASK_MAY_NOT_EDIT. */
MUST_USE err_t task_comment_remove(struct core *, const struct principal *who, const struct task_comment_removal *,
                                   struct arena *a);

/* ---- removing a task ---- */

/* Remove a task with its comments and references. Once it returns, every other call does as if the task had never been, and
 * the account has the room of its records back. Files that came by ticket are deleted, no matter who uploaded them, unless
 * something else holds them, and so are files whose ticket is pending. Other files that nothing holds any more are purged
 * `purge_after_ms` from now.
 * If the task has more than some hundred comments and references, what is left of them, and of its holds, is removed after the
 * return (task_finish_removed).
 * Errors: REASON_TASK_NOT_VISIBLE, REASON_TASK_MAY_NOT_REMOVE. */
MUST_USE err_t task_remove(struct core *, const struct principal *who, int64_t task_id, int64_t purge_after_ms,
                           struct arena *a);

#define TASK_REMOVAL_JOB "tasks" /* the kind of the periodic job that calls task_finish_removed */
struct job_run;
/* Remove what is left of tasks that were removed, in one short write after another, until the run (core/job.h; may be NULL) is
 * stopping. A crash or a failure in between leaves the rest to the next call. Reports how many comments and references it has
 * removed. Errors: those of the store. Thread: any that may block. */
MUST_USE err_t task_finish_removed(struct core *, struct job_run *, struct arena *a);

/* ---- reading ---- */

/* Filters and paging of a list of tasks that the user sees. */
struct task_list_request {
    int64_t author_id, member_id; /* 0: any */
    int member_roles;
    int64_t also_member_id; /* a second condition like member_id; both must hold */
    int also_member_roles;
    const int64_t *ids; /* NULL: any */
    size_t id_count;
    int closed;                      /* 1: closed, 0: open, -1: both */
    bool descending;                 /* by id */
    slice detail_name, detail_value; /* a member of details and its value, as JSON number or string; empty: any */
    slice also_detail_name, also_detail_value; /* a second condition like detail_name */
    size_t offset, limit;
};
struct task_page {
    int64_t *ids; /* the tasks may have many MiB together: task_get_visible, task_summarize */
    size_t count;
    int64_t total; /* how many tasks there are without offset and limit */
};
MUST_USE err_t task_list(struct core *, const struct principal *who, const struct task_list_request *, struct arena *a,
                         struct task_page *ret);

/* A task without its comments and references, as of one instant. */
struct task_view {
    struct task task;
    const struct task_member *members;
    size_t member_count;
    int64_t last_comment_id; /* 0: it has no comments */
};
/* Errors: REASON_TASK_NOT_VISIBLE. */
MUST_USE err_t task_read(struct core *, const struct principal *who, int64_t task_id, struct arena *a,
                         struct task_view *ret);

/* Comments and references of a task have up to several MiB. They are read in parts, each of which is small, and is as of one
 * instant: no part is longer than a few hundred rows and 48 KiB of text, unless a single comment is.
 * Errors: as task_read. */
struct comment_range {
    int64_t task_id, after_id, until_id; /* comments with ids above after_id and up to until_id */
};
struct comment_part {
    const struct comment *comments; /* oldest first; none: the range is empty */
    size_t comment_count;
    const struct reference *references; /* of these comments, by comment, then by id */
    size_t reference_count;
};
/* The first comments of the range. */
MUST_USE err_t task_read_comments(struct core *, const struct principal *who, const struct comment_range *,
                                  struct arena *a, struct comment_part *ret);
/* Of each document of the task and its comments the newest version: the next ones with ids above after_id, by id. */
MUST_USE err_t task_read_newest(struct core *, const struct principal *who, int64_t task_id, int64_t after_id,
                                struct arena *a, struct reference_list *ret);
struct comment_page {
    int64_t *ids; /* newest first: task_comment_get */
    size_t count;
    int64_t total; /* how many comments the task has */
};
MUST_USE err_t task_list_comments(struct core *, const struct principal *who, const struct comment_page_query *,
                                  struct arena *a, struct comment_page *ret);

/* The task alone. Fit for a loop. Errors: as task_read. */
MUST_USE err_t task_get_visible(struct core *, const struct principal *who, int64_t task_id, struct arena *a,
                                struct task *ret);
/* Open the bytes of the file that a reference holds, for a user who sees its task. Fit for a loop.
 * Errors: REASON_FILE_NOT_VISIBLE; REASON_FILE_IS_LINK; those of file_open_record. */
MUST_USE err_t reference_open(struct core *, const struct principal *who, int64_t id, struct arena *a,
                              struct reference *ret, struct content *ret_content);

#endif
