/* SPDX-License-Identifier: Apache-2.0 */
/* What may come with each operation: the one place that knows headers, words of the query and fields of forms (words.def).
 *
 * A request that changes something must be understood whole, because a newer S3 may give a meaning to what is not known here. So
 * PUT, POST and DELETE are refused when they have something that asks for more than the operation reads: a header or field x-amz-…,
 * a condition (If-…), a word of the query without a value, a second subresource. What a read does not understand is passed over, as
 * S3 does, unless it would get other bytes than the client means.
 *
 * A word x-amz-… of the query is the header of that name, where SDKs put headers of links. */
#ifndef CAIS_API_S3_WORDS_PRIV_H
#define CAIS_API_S3_WORDS_PRIV_H

#include "api/s3/call_priv.h"

enum s3_place { S3_HEADER = 1, S3_QUERY = 2, S3_FIELD = 4 };
enum s3_fate { S3_TAKEN, S3_PASSED, S3_REFUSED, S3_OTHER_OPERATION };

struct s3_word {
    const char *name; /* a * at its end stands for any rest */
    unsigned places;  /* of enum s3_place */
    enum s3_fate fate;
    unsigned operations; /* bits of enum s3_operation_bit that read it (TAKEN) or refuse it (REFUSED) */
    bool is_list;        /* several of them are one list */
    enum s3_error error; /* of REFUSED */
    const char *why;     /* the reason, or who reads it */
};
extern const struct s3_word s3_known_words[];
extern const size_t s3_known_word_count;

/* The row of a name. NULL: it is not known. */
const struct s3_word *s3_word_of(slice name, enum s3_place);
/* The bit of the operation, which is another one for copies. */
unsigned s3_operation_bit(const struct s3_call *);

/* Refuse a word of the query that the operation does not take. call->operation may be NULL. */
MUST_USE err_t s3_check_query(struct s3_call *);
/* Make headers of the words x-amz-… of the query, after those that the request has. The signature must cover the query, and must
 * have been computed, or take its own copy of the headers, before. Refuses one that contradicts a header. */
MUST_USE err_t s3_add_query_headers(struct s3_call *);
/* Refuse a header that the operation does not take, and two different ones where one is expected. */
MUST_USE err_t s3_check_headers(struct s3_call *);
/* The same for a field of a form. */
MUST_USE err_t s3_check_field(slice name, struct arena *a);

#endif
