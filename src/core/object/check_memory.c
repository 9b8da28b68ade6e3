/* SPDX-License-Identifier: Apache-2.0 */
/* A few files, each with one bit for a piece. The lock is held for a look at the files and at some bits. */
#include "core/object/check_memory.h"

#include "core/core_priv.h"
#include "core/object/checksums.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FILES = 64, FILE_PIECES_MAX = 1 << 20 /* 64 GiB: 128 KiB of bits */ };

struct remembered_file {
    struct blob_version version;
    unsigned char *bits; /* NULL: an empty slot */
    int64_t since_ms;
};

struct check_memory {
    pthread_mutex_t mutex;
    struct remembered_file files[FILES];
};

struct check_memory *check_memory_new(void)
{
    struct check_memory *m = must_malloc(sizeof *m);
    pthread_mutex_init(&m->mutex, NULL);
    return m;
}

void check_memory_free(struct check_memory *m)
{
    for (size_t i = 0; i < FILES; i++)
        free(m->files[i].bits);
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

bool blob_version_of(int fd, struct blob_version *ret)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return false;
    *ret = (struct blob_version){ .inode = (uint64_t)st.st_ino,
                                  .size_bytes = (uint64_t)st.st_size,
                                  .changed_at_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec };
    return true;
}

static void empty_slot(struct remembered_file *f)
{
    free(f->bits);
    *f = (struct remembered_file){ 0 };
}

static struct remembered_file *find_file(struct check_memory *m, const struct blob_version *v)
{
    for (size_t i = 0; i < FILES; i++) {
        struct remembered_file *f = &m->files[i];
        if (f->bits && f->version.inode == v->inode && f->version.changed_at_ns == v->changed_at_ns &&
            f->version.size_bytes == v->size_bytes)
            return f;
    }
    return NULL;
}

static bool is_over(const struct remembered_file *f, int64_t now_ms)
{
    return now_ms - f->since_ms >= CHECK_REMEMBERED_MS;
}

bool check_memory_has(struct check_memory *m, const struct blob_version *v, uint64_t first, uint64_t end,
                      int64_t now_ms)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    const struct remembered_file *f = find_file(m, v);
    if (!f || is_over(f, now_ms) || end > checksums_count(v->size_bytes))
        return false;
    while (first < end && f->bits[first / 8] & 1u << first % 8)
        first++;
    return first >= end;
}

/* An empty slot, or the one that is the oldest. */
static struct remembered_file *oldest_slot(struct check_memory *m)
{
    struct remembered_file *oldest = &m->files[0];
    for (size_t i = 0; i < FILES && oldest->bits; i++)
        if (!m->files[i].bits || m->files[i].since_ms < oldest->since_ms)
            oldest = &m->files[i];
    return oldest;
}

void check_memory_add(struct check_memory *m, const struct blob_version *v, uint64_t first, uint64_t end,
                      int64_t now_ms)
{
    uint64_t count = checksums_count(v->size_bytes);
    if (count > FILE_PIECES_MAX || end > count)
        return;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct remembered_file *f = find_file(m, v);
    if (f && is_over(f, now_ms)) {
        empty_slot(f);
        f = NULL;
    }
    if (!f) {
        f = oldest_slot(m);
        empty_slot(f);
        *f = (struct remembered_file){ .version = *v, .bits = must_malloc((size_t)count / 8 + 1), .since_ms = now_ms };
    }
    for (; first < end; first++)
        f->bits[first / 8] |= (unsigned char)(1u << first % 8);
}

void check_memory_forget(struct check_memory *m, const struct blob_version *v)
{
    SCOPED(unlockp) pthread_mutex_t *held = lock(&m->mutex);
    struct remembered_file *f = find_file(m, v);
    if (f)
        empty_slot(f);
}
