/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of struct blob_ops for growing blobs. */
#ifndef CAIS_BLOB_DISK_GROWING_H
#define CAIS_BLOB_DISK_GROWING_H

#include "blob/disk/disk_store.h"

err_t disk_grow(struct blob_store *store, slice key, uint64_t offset, struct arena *a, struct blob_writer **ret_writer);
err_t disk_settle(struct blob_store *store, slice key, uint64_t size_bytes, struct arena *a);
err_t disk_open_growing(struct blob_store *store, slice key, struct arena *a, struct blob_reader **ret_reader);
err_t disk_drop(struct blob_store *store, slice key, struct arena *a);
err_t disk_each_growing(struct blob_store *store, struct arena *a, disk_visit *visit, void *arg);

#endif
