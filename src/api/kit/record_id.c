/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/record_id.h"

bool record_id_is_number(slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    return text.n > 0;
}

int64_t record_id(slice text, int64_t max)
{
    int64_t id;
    return record_id_is_number(text) && slice_to_i64(text, &id) && id <= max ? id : 0;
}
