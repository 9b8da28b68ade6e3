/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests and the benchmark of the disk store only. */
#ifndef CAIS_BLOB_DISK_DISK_PRIV_H
#define CAIS_BLOB_DISK_DISK_PRIV_H

#include "core/store/blob_store.h"

#include <sys/types.h>

/* Every system call that changes the disk. A test records their order or makes one of them fail. No test cuts the power: the
 * order of these calls is what shows that a commit would survive it. */
struct disk_syscalls {
    int (*openat)(int dir, const char *name, int flags, mode_t mode);
    int (*mkdirat)(int dir, const char *name, mode_t mode);
    int (*linkat)(int from_dir, const char *from, int to_dir, const char *to, int flags);
    int (*unlinkat)(int dir, const char *name, int flags);
    ssize_t (*pwrite)(int fd, const void *bytes, size_t n, off_t offset);
    int (*sync_file_range)(int fd, off_t offset, off_t len, unsigned flags);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);
};
extern const struct disk_syscalls disk_syscalls_real;

struct disk_options {
    bool relaxed;                    /* no sync at all */
    bool temporary_names;            /* as if O_TMPFILE were not supported */
    const struct disk_syscalls *sys; /* NULL: the real ones */
};
MUST_USE err_t blob_disk_open_with(const char *dir, const struct disk_options *options, struct arena *a,
                                   struct blob_store **ret_store);

#endif
