/* SPDX-License-Identifier: Apache-2.0 */
/* A container sees the memory of the whole machine; what it may use stands in the files of its control group. */
#include "base/memory.h"

#include "base/scoped.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t smaller(size_t x, size_t y)
{
    return x < y ? x : y;
}

/* The number in a file of a control group; SIZE_MAX: there is none, or no limit ("max"). */
static size_t read_limit(const char *path)
{
    FILE *f = fopen(path, "re");
    uint64_t limit = 0;
    bool has_limit = f && fscanf(f, "%" SCNu64, &limit) == 1 && limit > 0;
    if (f)
        fclose(f);
    return has_limit ? smaller((size_t)limit, SIZE_MAX) : SIZE_MAX;
}

/* Of this process's own group of version 2, and of those above it, each of which limits it, too. */
static size_t read_group_limits(void)
{
    char line[512], path[600];
    size_t limit = SIZE_MAX;
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "0::/", 4) != 0)
            continue;
        line[strcspn(line, "\n")] = 0;
        for (char *end; (end = strrchr(line, '/')); *end = 0) {
            snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", line + 3);
            limit = smaller(limit, read_limit(path));
        }
    }
    if (f)
        fclose(f);
    return limit;
}

size_t memory_of_machine(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    size_t size = pages > 0 && page_bytes > 0 ? (size_t)pages * (size_t)page_bytes : (size_t)1 << 30;
    size = smaller(size, read_group_limits());
    size = smaller(size, read_limit("/sys/fs/cgroup/memory.max")); /* in a container its own group is mounted here */
    return smaller(size, read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes")); /* version 1 */
}
