/* SPDX-License-Identifier: Apache-2.0 */
/* What the queries of records and of files have in common beside their documents (docs/apis/appfile.md 6.1), and their replies. */
#ifndef CAIS_API_APPFILE_QUERY_PAGING_H
#define CAIS_API_APPFILE_QUERY_PAGING_H

#include "api/appfile/appfile_priv.h"
#include "api/kit/piece_reply.h"

#define QUERY_TAKE_DEFAULT 10

struct query_paging {
    uint64_t skip, take;
    bool without_total;
};
void query_read_paging(const struct json *body, struct appfile_field_errors *, struct query_paging *ret);
/* *value stays as it is when the member is absent. */
void query_read_flag(const struct json *body, const char *name, struct appfile_field_errors *, bool *value);

/* What ended a query, in the words of this API. */
err_t query_refuse(struct arena *a, err_t e);

/* "{"IsSuccess":true, … ,"Data":" and what the reply has behind Data. */
void query_begin_reply(struct buf *out);
void query_end_reply(struct buf *out, const struct query_paging *, uint64_t total);

#endif
