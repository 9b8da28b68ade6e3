/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests and the benchmark of the disk store only. */
#ifndef CAIS_BLOB_DISK_DISK_PRIV_H
#define CAIS_BLOB_DISK_DISK_PRIV_H

#include "blob/disk/disk_store.h"

MUST_USE err_t blob_disk_open_with(const char *dir, const struct disk_options *options, struct arena *a,
                                   struct blob_store **ret_store);

#endif
