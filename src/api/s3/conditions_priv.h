/* SPDX-License-Identifier: Apache-2.0 */
/* If-Match and If-None-Match, and the etags that they name. */
#ifndef CAIS_API_S3_CONDITIONS_PRIV_H
#define CAIS_API_S3_CONDITIONS_PRIV_H

#include "api/s3/call_priv.h"
#include "core/bucket/entry.h"
#include "core/records/bucket.h"

slice s3_unquoted(slice etag); /* without its quotes, if it has them */
/* The etag that a condition names. An empty etag is a condition that no object meets, not an absent condition: a
 * program that sends it believes that it knows which object it replaces or removes. */
slice s3_wanted_etag(slice condition);
/* If-Match and If-None-Match of a write; etags without quotes. Refuses other values of If-None-Match than "*". */
MUST_USE err_t s3_condition_read(struct s3_call *, struct entry_condition *ret);
/* The date of a condition of a copy, in milliseconds; 0: there is none. A date that cannot be read is refused and not passed over,
 * as it is on a read (RFC 9110 §13.1.3): what is written depends on it. */
MUST_USE err_t s3_condition_date(struct s3_call *, const char *name, int64_t *ret_ms);
/* The error of a write whose condition did not hold: 412, but 404 when If-Match names an object that does not exist.
 * Reads a row, so it must not run on the committer's thread. */
err_t s3_refuse_condition(struct s3_call *, const struct bucket *, const struct entry_condition *);

#endif
