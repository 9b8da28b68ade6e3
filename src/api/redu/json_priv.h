/* SPDX-License-Identifier: Apache-2.0 */
/* The representations of docs/apis/redu.md §5: each writes one object. A member without a value is left out. */
#ifndef CAIS_API_REDU_JSON_PRIV_H
#define CAIS_API_REDU_JSON_PRIV_H

#include "api/kit/json_pieces.h"
#include "api/redu/redu_priv.h"
#include "core/records/course.h"
#include "core/records/enrolment.h"
#include "core/records/environment.h"
#include "core/records/folder.h"
#include "core/records/record_ids.h"
#include "core/records/space.h"
#include "core/records/user.h"

/* What all writers need of a request. */
struct redu_writer {
    struct redu *r;
    const struct principal *who;
    slice origin;       /* of links, without a slash at the end */
    slice storage;      /* origin of the object store */
    slice storage_host; /* its host, which signatures cover */
    int64_t now_ms;
};
void redu_writer_init(struct redu_writer *, struct http_exchange *);

/* Values that are made to be written live in `a`. */
void redu_put_folder(const struct redu_writer *, struct json_out *, const struct folder *, struct arena *a);
void redu_put_file(const struct redu_writer *, struct json_out *, const struct folder_file *, struct arena *a);
void redu_put_environment(const struct redu_writer *, struct json_out *, const struct environment *, struct arena *a);
void redu_put_course(const struct redu_writer *, struct json_out *, const struct course *, struct arena *a);
void redu_put_space(const struct redu_writer *, struct json_out *, const struct space *, struct arena *a);
void redu_put_user(const struct redu_writer *, struct json_out *, const struct user *, struct arena *a);
void redu_put_user_names(struct json_out *, const struct user *); /* id, first_name, last_name alone */
void redu_put_enrolment(const struct redu_writer *, struct json_out *, const struct enrolment *, struct arena *a);

/* "1,87 MB" (docs/apis/redu.md §5.3). In `a`. */
slice redu_size(uint64_t bytes, struct arena *a);
/* The path of a thing, as its self link has it: "/api/folders/4". In `a`. */
slice redu_path_of(const char *collection, int64_t id, struct arena *a);
slice redu_path_of_environment(const struct environment *, struct arena *a);
slice redu_path_of_course(const struct course *, struct arena *a);
/* A link by which the file can be read without a token for a while. In `a`. */
slice redu_raw_link(const struct redu_writer *, const struct file *, struct arena *a);

bool redu_role_parse(slice text, enum course_role *ret);
bool redu_state_parse(slice text, enum enrolment_state *ret);

/* ---- replies ---- */

/* 201 with the object that `put` writes, and its path in Location. */
typedef void redu_put_fn(const struct redu_writer *, struct json_out *, const void *record, struct arena *a);
err_t redu_reply(struct http_exchange *, int status, slice path, redu_put_fn *put, const void *record);
err_t redu_reply_nothing(struct http_exchange *); /* 204 */

/* A list, read and sent in pieces. */
struct redu_list;
/* Reads the records of list->page and writes each with redu_list_add. *ret_count: how many records the page had. */
typedef err_t redu_page_fn(struct redu_list *, struct buf *out, struct arena *a, size_t *ret_count);
struct redu_list {
    struct json_pieces pieces;
    struct redu_writer writer;
    redu_page_fn *write_page;
    struct id_page page; /* of the next read */
    int64_t parent_id;   /* of the records; the rest is up to write_page */
    int64_t after_enrolment_id;
    enum course_role role;
    bool names_only, is_full;
    const int64_t *ids; /* NULL: any */
    size_t id_count;
};
struct redu_list *redu_list_new(struct http_exchange *, redu_page_fn *);
/* Writes one record, unless the piece is full. */
MUST_USE err_t redu_list_add(struct redu_list *, struct buf *out, struct arena *a, redu_put_fn *put, int64_t id,
                             const void *record);
err_t redu_list_send(struct redu_list *);
err_t redu_reply_empty_list(struct http_exchange *);

#endif
