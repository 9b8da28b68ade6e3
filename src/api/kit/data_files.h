/* SPDX-License-Identifier: Apache-2.0 */
/* A page of the data files of a dataset, in pieces. It is read once, for its ids; each file is then read again as it is written, so
 * that the texts of a hundred files with a hundred errors each are never in memory together. A file that is removed in between is
 * left out. */
#ifndef CAIS_API_KIT_DATA_FILES_H
#define CAIS_API_KIT_DATA_FILES_H

#include "api/kit/json_pieces.h"
#include "core/dataset/dataset_file.h"

#define DATA_FILES_MAX 100 /* of a page */

typedef void data_file_put_fn(struct json_out *, const struct dataset *, const struct dataset_file *, struct arena *a);

struct data_files_reply {
    struct json_pieces pieces;
    struct core *core;
    const struct dataset *dataset;
    data_file_put_fn *put;
    int64_t ids[DATA_FILES_MAX];
    size_t count, next;
    bool more; /* files follow after this page */
    slice end; /* of the document */
};

/* Find the page that the query asks for, whose limit is at most DATA_FILES_MAX. The struct must live in the arena of the exchange.
 * ret_total: as that of dataset_file_list. Errors: those of the store. */
MUST_USE err_t data_files_find(struct data_files_reply *, struct http_exchange *, struct core *,
                               const struct dataset_file_query *, int64_t *ret_total);
/* Reply with the files of the page, between the texts `begin` and list->end. The dataset, of which they are, is borrowed until the reply was
 * sent; so is log, which may be NULL. Errors: those of the store. */
MUST_USE err_t data_files_send(struct data_files_reply *list, struct http_exchange *, struct log *,
                               const struct dataset *, data_file_put_fn *, slice begin);

#endif
