/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/descriptors.h"

#include "base/admission.h"

#include <sys/resource.h>

enum {
    FOR_FOLDERS = 258,   /* of blobs */
    FOR_THE_REST = 160,  /* listeners, the database of the committer, background jobs, a backup, the log */
    FOR_EACH_THREAD = 6, /* a reader of the database: the file, its log and shared memory; epoll, mailbox, spare */
    FOR_EACH_CONNECTION = 2
};

size_t descriptors_raise_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return 1024;
    if (r.rlim_cur < r.rlim_max) {
        struct rlimit raised = { .rlim_cur = r.rlim_max, .rlim_max = r.rlim_max };
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            r = raised;
    }
    return r.rlim_cur;
}

size_t descriptors_for_connections(size_t limit, size_t threads)
{
    size_t others = FOR_FOLDERS + FOR_THE_REST + FOR_EACH_THREAD * threads + FOR_EACH_CONNECTION * ADMISSION_APART_MAX;
    return limit <= others ? 0 : (limit - others) / FOR_EACH_CONNECTION;
}
