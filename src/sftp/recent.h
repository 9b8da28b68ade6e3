/* SPDX-License-Identifier: Apache-2.0 */
/* Files that were put a moment ago. The import of a file may end before its sender looks at what it has sent, and then the file is
 * in another folder. Some programs, such as rclone and WinSCP, set the time of a file or ask for its size after they closed it,
 * perhaps over another connection, and report the upload as failed when it is not there. So for RECENT_MS a sender finds a file
 * where it put it. Thread: any. */
#ifndef CAIS_SFTP_RECENT_H
#define CAIS_SFTP_RECENT_H

#include "base/clock.h"
#include "base/slice.h"

#include <pthread.h>

#define RECENT_MS 60000
#define RECENT_MAX 256 /* files that are remembered, of all sections */
#define RECENT_NAME_MAX 255

struct recent_file {
    int64_t section_id; /* into whose inbox it was put; 0: the place is free */
    int64_t put_ms;     /* monotonic clock */
    uint64_t size_bytes;
    int64_t put_at_ms;
    size_t name_size;
    char name[RECENT_NAME_MAX];
};
struct recent {
    pthread_mutex_t mutex;
    struct clock *clock;
    size_t next; /* place: the oldest is replaced */
    struct recent_file files[RECENT_MAX];
};

void recent_init(struct recent *, struct clock *);
void recent_release(struct recent *);
void recent_note(struct recent *, int64_t section_id, slice name, uint64_t size_bytes);
/* False: it was not put, or not recently. */
bool recent_find(struct recent *, int64_t section_id, slice name, uint64_t *ret_size_bytes, int64_t *ret_put_at_ms);
/* It was removed, or has another name. */
void recent_forget(struct recent *, int64_t section_id, slice name);

#endif
