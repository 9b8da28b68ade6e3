/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on connections: how many at once, in total and from one network (base/address.h). Connections of operators and
 * monitors have a limit of their own, so that no number of clients can keep an operator out, and an operator's programs
 * cannot use all descriptors. Thread-safe. */
#ifndef CAIS_BASE_ADMISSION_H
#define CAIS_BASE_ADMISSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADMISSION_APART_MAX 64 /* connections of operators and monitors */

/* What a connection counts for. */
enum admission_kind {
    ADMISSION_BY_ADDRESS, /* in total, and for its network */
    ADMISSION_IN_TOTAL,   /* a trusted proxy, or a Unix socket: many clients behind one address */
    ADMISSION_APART       /* an operator or monitor: neither */
};

struct admission {
    size_t max_connections, max_per_address; /* max_per_address 0: no limit. Atomic */
    uint64_t connection_count, apart_count;  /* atomic */
    pthread_mutex_t lock;
    /* A hash table with open addressing, under lock. A slot whose count is 0 is dropped when the table grows. */
    struct address_count {
        uint64_t network;
        uint32_t count;
        bool used;
    } * slots;
    size_t slot_count, slots_used;
};

void admission_init(struct admission *, size_t max_connections, size_t max_per_address);
/* Other limits from here on. Connections that are open stay, also above them. Thread: any. */
void admission_set(struct admission *, size_t max_connections, size_t max_per_address);
void admission_release(struct admission *);
/* Count a new connection. False: a limit is reached, and nothing was counted. address: of the client, as text. */
bool admission_enter(struct admission *, const char *address, enum admission_kind);
/* The connection has ended; the arguments are those of the admission_enter that was true. */
void admission_leave(struct admission *, const char *address, enum admission_kind);

#endif
