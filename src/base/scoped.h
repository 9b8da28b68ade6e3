/* SPDX-License-Identifier: Apache-2.0 */
/* Resources that are released at the end of a scope: SCOPED(fd_closep) int fd = open(…); closes fd on every way out of
 * the block, unless TAKE_FD(fd) handed it over. Also the attributes that the whole tree uses. */
#ifndef CAIS_BASE_SCOPED_H
#define CAIS_BASE_SCOPED_H

#include <pthread.h>
#include <unistd.h>

#define SCOPED(fn) __attribute__((cleanup(fn), unused)) /* unused: a held lock is declared only to be released */
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void fd_closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline int fd_take(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}
#define TAKE_FD(fd) fd_take(&(fd))

/* SCOPED(unlockp) pthread_mutex_t *held = lock(&mutex); */
static inline pthread_mutex_t *lock(pthread_mutex_t *mutex)
{
    pthread_mutex_lock(mutex);
    return mutex;
}

static inline void unlockp(pthread_mutex_t **mutex)
{
    pthread_mutex_unlock(*mutex);
}

#endif
