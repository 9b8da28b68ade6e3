/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of datasets, of their files and of queries share. Datasets are for administrators of the account: what one has is
 * seen by keys of the APIs that send it, which have roles of their own. */
#ifndef CAIS_API_NATIVE_DATA_PRIV_H
#define CAIS_API_NATIVE_DATA_PRIV_H

#include "api/native/errors_priv.h"
#include "api/native/routes_priv.h"
#include "base/json.h"
#include "core/dataset/dataset.h"
#include "core/records/dataset.h"

/* An administrator whose key has that role, or the operator. Errors: NATIVE_FORBIDDEN. */
MUST_USE err_t native_need_data(struct http_exchange *, enum key_role role);
/* The same, and the dataset in the path. Errors: also DATASET_NOT_THERE. */
MUST_USE err_t native_path_dataset(struct http_exchange *, enum key_role role, struct dataset *ret);
/* The body as an object, with the texts of its numbers. Errors: NATIVE_BAD_OBJECT; those of json_parse_exact. */
MUST_USE err_t native_read_object(struct http_exchange *, const struct json **ret);

struct row_error;
/* A row_error_next_fn (row_errors.h) of the texts of core/dataset/file_errors.h: `errors` is a slice * that it moves on. */
bool native_next_line_error(void *errors, struct arena *a, struct row_error *ret);

/* job_id: of the job that reads it; 0: it is not known. */
void native_put_dataset_file(struct json_out *, const struct dataset_file *, int64_t job_id, struct arena *a);

slice native_type_name(enum column_type);
void native_put_columns(struct json_out *, const struct column_list *);

#endif
