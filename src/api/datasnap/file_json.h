/* SPDX-License-Identifier: Apache-2.0 */
/* A file of a schema as clients see it: docs/apis/datasnap.md 5.2 and 6.1. */
#ifndef CAIS_API_DATASNAP_FILE_JSON_H
#define CAIS_API_DATASNAP_FILE_JSON_H

#include "base/json.h"
#include "core/records/dataset.h"

#define DATASNAP_SENT_BEFORE S("Arquivo já foi enviado anteriormente.")

void datasnap_put_file(struct json_out *, const struct dataset *, const struct dataset_file *, struct arena *a);
/* The states that a processing_status stands for, the first and the last; false: there is no such status. */
bool datasnap_status_parse(slice text, enum dataset_file_state *ret_from, enum dataset_file_state *ret_to);
/* The members that are known before a file has a record. */
struct datasnap_file_head {
    slice name;
    uint64_t size_bytes;
    const unsigned char *md5; /* MD5_SIZE */
    slice version;
};
void datasnap_put_file_head(struct json_out *, const struct dataset *, const struct datasnap_file_head *,
                            struct arena *a);
/* Texts for what file_errors.h has recorded, as members of an array. */
void datasnap_add_file_errors(struct json_out *, slice errors, struct arena *a);

#endif
