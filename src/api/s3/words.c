/* SPDX-License-Identifier: Apache-2.0 */
#include "api/s3/words_priv.h"

#include "api/kit/links.h"
#include "api/s3/operations_priv.h"
#include "http/field.h"

#include <string.h>

#define AMZ S("x-amz-")

/* ---- the table ---- */

enum { HEADER = S3_HEADER, QUERY = S3_QUERY, FIELD = S3_FIELD, ONCE = 0, LIST = 1 };
enum {
    READS = S3_FOR_READ,
    PUT = S3_FOR_PUT,
    COPY = S3_FOR_COPY,
    PART = S3_FOR_PART,
    PART_COPY = S3_FOR_PART_COPY,
    CREATE_UPLOAD = S3_FOR_CREATE_UPLOAD,
    COMPLETE = S3_FOR_COMPLETE,
    ABORT = S3_FOR_ABORT,
    DELETE = S3_FOR_DELETE,
    TAGGING = S3_FOR_TAGGING | S3_FOR_TAGGING_DELETE,
    FORM = S3_FOR_FORM,
    CREATE_BUCKET = S3_FOR_CREATE_BUCKET,
    DOCUMENTS = S3_FOR_TAGGING | S3_FOR_DELETE_OBJECTS | S3_FOR_BUCKET_DOCUMENT | S3_FOR_CREATE_BUCKET,
    WRITES = S3_FOR_END - 1 - S3_FOR_READ,
    ALL = S3_FOR_END - 1,
};

const struct s3_word s3_known_words[] = {
#define TAKEN(name, places, operations, once, reader) { name, places, S3_TAKEN, operations, once, S3_NONE, reader },
#define PASSED(name, places, why) { name, places, S3_PASSED, 0, true, S3_NONE, why },
#define REFUSED(name, places, operations, row, why) { name, places, S3_REFUSED, operations, true, S3_##row, why },
#define SUBRESOURCE(name) { name, QUERY, S3_OTHER_OPERATION, 0, true, S3_NONE, "an operation that is not offered" },
#include "api/s3/words.def"
#undef TAKEN
#undef PASSED
#undef REFUSED
#undef SUBRESOURCE
};
const size_t s3_known_word_count = LENGTH_OF(s3_known_words);

static bool has_name(const struct s3_word *word, slice name, bool nocase)
{
    slice own = slice_of(word->name);
    bool is_beginning = own.p[own.n - 1] == '*';
    own.n -= is_beginning;
    if (is_beginning && name.n > own.n)
        name.n = own.n;
    return nocase ? slice_eq_nocase(name, own) : slice_eq(name, own);
}

const struct s3_word *s3_word_of(slice name, enum s3_place place)
{
    bool nocase = place != S3_QUERY || slice_starts_nocase(name, AMZ);
    for (size_t i = 0; i < s3_known_word_count; i++)
        if (s3_known_words[i].places & place && has_name(&s3_known_words[i], name, nocase))
            return &s3_known_words[i];
    return NULL;
}

/* ---- the operation ---- */

unsigned s3_operation_bit(const struct s3_call *call)
{
    unsigned bit = call->operation->bit;
    bool copies = (bit & (S3_FOR_PUT | S3_FOR_PART)) && http_has_header(&call->x->req, "x-amz-copy-source");
    if (copies)
        return bit == S3_FOR_PUT ? S3_FOR_COPY : S3_FOR_PART_COPY;
    return bit;
}

/* The error of a word in this place; NULL: the operation takes it, or it has no effect. */
static err_t check_word(const struct s3_word *word, unsigned operation, struct arena *a)
{
    if (!word)
        return operation == S3_FOR_READ ? NULL : s3_refuse(a, S3_NOT_IMPLEMENTED);
    if (word->fate == S3_REFUSED && word->operations & operation)
        return s3_refuse(a, word->error);
    bool is_taken = word->fate != S3_TAKEN || word->operations & operation || operation == S3_FOR_READ;
    return is_taken ? NULL : s3_refuse(a, S3_NOT_IMPLEMENTED);
}

/* ---- the query ---- */

static bool is_subresource(slice name)
{
    for (size_t i = 0; i < s3_operation_count; i++)
        if (s3_operations[i].subresource && slice_eq(name, slice_of(s3_operations[i].subresource)))
            return true;
    const struct s3_word *word = s3_word_of(name, S3_QUERY);
    return word && word->fate == S3_OTHER_OPERATION;
}

static err_t check_param(struct s3_call *call, const struct query_param *p)
{
    struct arena *a = &call->x->arena;
    const struct s3_operation *o = call->operation;
    if (p->name.n == 0 || slice_starts_nocase(p->name, AMZ) || (o && slice_eq(p->name, slice_of(o->subresource))))
        return NULL;
    if (is_subresource(
            p->name)) /* a plain operation is found only if there is none; without an operation the caller refuses */
        return o && o->subresource ? s3_refuse_with(a, S3_SUBRESOURCE, p->name) : NULL;
    const struct s3_word *word = s3_word_of(p->name, S3_QUERY);
    if (!word)
        return p->value.n ? NULL : s3_refuse_with(a, S3_SUBRESOURCE, p->name);
    err_t e = o ? check_word(word, s3_operation_bit(call), a) : NULL;
    if (err_reason(e) == S3_NOT_IMPLEMENTED)
        return s3_refuse_argument(call, S3_PARAMETER, word->name, p->value);
    return e;
}

err_t s3_check_query(struct s3_call *call)
{
    slice method = call->x->req.method;
    if (!slice_eq(method, S("PUT")) && !slice_eq(method, S("POST")) && !slice_eq(method, S("DELETE")))
        return NULL;
    for (size_t i = 0; i < call->query.count; i++)
        TRY(s3_show(call, check_param(call, &call->query.params[i]), "Method", method));
    return NULL;
}

/* ---- headers ---- */

/* Two that differ, where only one is expected. The signature covers both as one header with a comma in its value. */
static err_t refuse_two(struct s3_call *call, slice name)
{
    return s3_show(call, s3_refuse(&call->x->arena, S3_TWICE), "Header", name);
}

static err_t add_query_header(struct s3_call *call, struct http_header *headers, const struct query_param *p)
{
    struct http_request *req = &call->x->req;
    const struct s3_word *word = s3_word_of(p->name, S3_QUERY);
    if (!slice_starts_nocase(p->name, AMZ) || (word && word->fate == S3_PASSED))
        return NULL;
    if (!is_token(p->name) || field_has_control(p->value))
        return s3_refuse_argument(call, S3_INVALID_ARGUMENT, arena_cstr(&call->x->arena, p->name), S3_NO_VALUE);
    slice value = slice_trim(p->value);
    for (size_t i = 0; i < req->header_count; i++)
        if (slice_eq_nocase(headers[i].name, p->name))
            return slice_eq(headers[i].value, value) ? NULL : refuse_two(call, p->name);
    headers[req->header_count++] = (struct http_header){ p->name, value };
    return NULL;
}

err_t s3_add_query_headers(struct s3_call *call)
{
    struct http_request *req = &call->x->req;
    if (call->query.count == 0)
        return NULL;
    struct http_header *headers =
        arena_array(&call->x->arena, struct http_header, req->header_count + call->query.count);
    memcpy(headers, req->headers, req->header_count * sizeof *headers);
    req->headers = headers;
    for (size_t i = 0; i < call->query.count; i++)
        TRY(add_query_header(call, headers, &call->query.params[i]));
    return NULL;
}

static bool asks_for_something(slice name)
{
    return slice_starts_nocase(name, AMZ) || slice_starts_nocase(name, S("If-"));
}

static err_t check_header(struct s3_call *call, size_t at, unsigned operation)
{
    const struct http_request *req = &call->x->req;
    const struct http_header *h = &req->headers[at];
    const struct s3_word *word = s3_word_of(h->name, S3_HEADER);
    TRY(check_word(word, operation, &call->x->arena));
    if (!word || word->is_list || operation == S3_FOR_READ)
        return NULL;
    for (size_t i = 0; i < at; i++)
        if (slice_eq_nocase(req->headers[i].name, h->name) && !slice_eq(req->headers[i].value, h->value))
            return s3_refuse(&call->x->arena, S3_TWICE);
    return NULL;
}

/* Nobody signed what the query of a form says, so no word of it is a header. */
static err_t check_unsigned_query(struct s3_call *call)
{
    for (size_t i = 0; i < call->query.count; i++) {
        slice name = call->query.params[i].name;
        if (slice_starts_nocase(name, AMZ))
            return s3_show(call, s3_refuse(&call->x->arena, S3_NOT_IMPLEMENTED), "Header", name);
    }
    return NULL;
}

err_t s3_check_headers(struct s3_call *call)
{
    const struct http_request *req = &call->x->req;
    unsigned operation = s3_operation_bit(call);
    if (operation == S3_FOR_FORM)
        TRY(check_unsigned_query(call));
    for (size_t i = 0; i < req->header_count; i++)
        if (asks_for_something(req->headers[i].name))
            TRY(s3_show(call, check_header(call, i, operation), "Header", req->headers[i].name));
    return NULL;
}

/* ---- forms ---- */

err_t s3_check_field(slice name, struct arena *a)
{
    return asks_for_something(name) ? check_word(s3_word_of(name, S3_FIELD), S3_FOR_FORM, a) : NULL;
}
