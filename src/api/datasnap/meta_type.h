/* SPDX-License-Identifier: Apache-2.0 */
/* The names of types as clients see them in `meta`: docs/apis/datasnap.md 3.3. */
#ifndef CAIS_API_DATASNAP_META_TYPE_H
#define CAIS_API_DATASNAP_META_TYPE_H

#include "core/records/column.h"

const char *meta_type_name(enum column_type);

#endif
