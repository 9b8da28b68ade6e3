/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a sync file in JSON. */
#ifndef CAIS_CORE_SYNC_JSON_HEADER_PRIV_H
#define CAIS_CORE_SYNC_JSON_HEADER_PRIV_H

#include "base/json.h"
#include "base/json_scan.h"
#include "core/sync/sync_draft_priv.h"

/* Read the value of the member "header":
 *
 *   {"customer":…, "fileType":…,
 *    "metadata":{"keys":[code,…], "entityType":…, "workspaceId":…, "bucketId":…, "dataSource":…, "fileCreateTime":…, "flowType":…},
 *    "FieldMappings":{code:{"code":code, "name":name, "type":type, "dictionary":{text:replacement,…}},…}}
 *
 * Without a code or name, it is the name of the member; without a type, it is string. The text may have at most JSON_MAX_BYTES, and
 * JSON_MAX_VALUES values. *ret_bad: what is to blame, in `a` or the text; may be empty. The header lives in `a`. */
enum sync_fault json_header_read(slice text, struct arena *a, struct sync_header *ret, slice *ret_bad);
/* The member of an object with this name in any case; NULL: there is none. */
const struct json *json_get_nocase(const struct json *object, slice name);

#endif
