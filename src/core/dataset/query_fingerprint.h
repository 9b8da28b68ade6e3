/* SPDX-License-Identifier: Apache-2.0 */
/* A digest of what a query asks for. */
#ifndef CAIS_CORE_DATASET_QUERY_FINGERPRINT_H
#define CAIS_CORE_DATASET_QUERY_FINGERPRINT_H

#include "base/hash.h"
#include "core/records/row_query.h"

/* The same for two queries exactly when they have the same items, names of the result, conditions, groups and orders; limit, offset
 * and up_to_row do not count. Columns count by their positions and types. Thread: any. */
void query_fingerprint(const struct row_query *, unsigned char ret[SHA256_SIZE]);

#endif
