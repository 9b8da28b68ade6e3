/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on connections: how many at once, in total and from one address. Thread-safe. */
#ifndef CAIS_HTTP_ADMISSION_H
#define CAIS_HTTP_ADMISSION_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_TEXT_BYTES 46 /* an address as text, with its NUL */

struct admission {
    size_t max_connections, max_per_address; /* max_per_address 0: no limit */
    uint64_t connection_count;               /* atomic */
    pthread_mutex_t lock;
    /* A hash table with open addressing, under lock. A slot whose count is 0 is dropped when the table grows. */
    struct address_count {
        char address[PEER_TEXT_BYTES];
        uint32_t count;
    } * slots;
    size_t slot_count, slots_used;
};

void admission_init(struct admission *, size_t max_connections, size_t max_per_address);
void admission_release(struct admission *);
/* Count a new connection. False: a limit is reached, and nothing was counted.
 * by_address: whether the limit for one address applies to this connection. */
bool admission_enter(struct admission *, const char *address, bool by_address);
/* The connection has ended; the arguments are those of the admission_enter that was true. */
void admission_leave(struct admission *, const char *address, bool by_address);

#endif
