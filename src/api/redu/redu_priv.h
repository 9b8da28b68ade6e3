/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by all files of this folder: who asks, what a path names, refusals. */
#ifndef CAIS_API_REDU_REDU_PRIV_H
#define CAIS_API_REDU_REDU_PRIV_H

#include "api/redu/redu.h"
#include "base/json.h"
#include "core/space/place.h"
#include "http/http.h"

static inline struct redu *redu_of(struct http_exchange *x)
{
    return x->api->context;
}
/* Who asks; NULL: nobody, since there is no token, or none that is valid (docs/apis/redu.md §2.1). */
static inline const struct principal *redu_caller(struct http_exchange *x)
{
    return x->principal;
}

/* ---- who asks: auth.c ---- */

/* Takes the token from the query or the header. Without a valid one the request goes on as nobody's. */
err_t redu_guard(struct http_exchange *);
/* Parses the body, and takes the token of a form. The member `wrapper`, or an empty object. Errors: REDU_BAD_REQUEST, REDU_TOO_LARGE. */
MUST_USE err_t redu_read_body(struct http_exchange *, const char *wrapper, const struct json **ret);

/* ---- what a path names: lookup.c ---- */

/* Do the characters make it a path or a login, and not an id? Source: docs/apis/redu.md §1. */
bool redu_is_name(slice segment);
#define REDU_PATH_SUFFIX ".json" /* which a path may have, and which is not a part of its last segment */
struct environment;
struct course;
struct space;
struct user;
/* By the first parameter of the path. Errors: NOT_FOUND of each; PLACE_ROLE_TOO_LOW. */
MUST_USE err_t redu_find_environment(struct http_exchange *, enum place_verb, struct environment *ret);
MUST_USE err_t redu_find_course(struct http_exchange *, enum place_verb, struct course *ret);
MUST_USE err_t redu_find_space(struct http_exchange *, enum place_verb, struct space *ret);
MUST_USE err_t redu_find_user(struct http_exchange *, struct user *ret);
/* The user in the path is the one who asks. Errors: NOT_FOUND; REDU_NOT_AUTHORIZED. */
MUST_USE err_t redu_need_self(struct http_exchange *);
/* The number in the path; 0, which no record has, when it is none. */
int64_t redu_path_id(struct http_exchange *);
/* Somebody asks. Errors: REDU_NOT_AUTHORIZED. */
MUST_USE err_t redu_need_caller(struct http_exchange *);
/* A parameter of the query; empty when there is none. */
slice redu_query(struct http_exchange *, slice name);

/* ---- refusals: errors.c ---- */

#define redu_refuse(a, row) error_refuse_at((a), ERR_HERE, &redu_errors, NULL, (row))
#define redu_refuse_because(a, cause, row) error_refuse_at((a), ERR_HERE, &redu_errors, (cause), (row))
void redu_fail(struct http_exchange *, err_t e);

/* The fields of one request that are wrong, each with one text: one reply has them all. */
struct redu_fields {
    struct {
        const char *field, *text;
    } items[8];
    size_t count;
};
void redu_add_field(struct redu_fields *, const char *field, const char *text);
/* NULL when no field is wrong. Errors: REDU_FIELDS. */
MUST_USE err_t redu_refuse_fields(struct http_exchange *, const struct redu_fields *);

#define REDU_BLANK "Não pode ser deixado em branco."
#define REDU_LONG "Texto muito longo"
#define REDU_WRONG "inválido."
#define REDU_TAKEN "já existente."
#define REDU_UNIQUE "Precisa ser único"

/* A text of a body: `field` of it, at most `max` characters. Unchanged when the body has none. */
void redu_read_text(const struct json *body, const char *field, size_t max, slice *text, struct redu_fields *);
/* Adds a field error when the text is blank. */
void redu_need_text(slice text, const char *field, struct redu_fields *);
/* The same when it has other characters than A-Z a-z 0-9 - _. */
void redu_check_path(slice text, struct redu_fields *);

#endif
