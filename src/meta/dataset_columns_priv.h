/* SPDX-License-Identifier: Apache-2.0 */
/* The text in which a row of datasets has its columns: migrations/0016_datasets.sql. */
#ifndef CAIS_META_DATASET_COLUMNS_PRIV_H
#define CAIS_META_DATASET_COLUMNS_PRIV_H

#include "base/arena.h"
#include "core/records/column.h"

/* Names are borrowed from the text. False: this program has not written it. */
bool dataset_columns_read(slice text, struct arena *a, struct column_list *ret);

#endif
