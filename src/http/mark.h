/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of the engine's objects. An object gets the mark of its kind when it comes into use, and loses it when it is
 * freed or kept for later. Where a pointer comes in from outside (an API, epoll, a mailbox, a pool of threads) an assert
 * checks the mark, so a pointer that is stale or leads elsewhere ends the process before it does harm. */
#ifndef CAIS_HTTP_MARK_H
#define CAIS_HTTP_MARK_H

#include <assert.h>

enum mark {
    MARK_FREED = 0x6d61726b,
    MARK_SERVER,
    MARK_LISTENER,
    MARK_LOOP,
    MARK_CONN,
    MARK_EXCHANGE,
    MARK_BODY_BUFFER
};

/* Volatile: a compiler may leave out what is written to memory that is freed next. */
#define CLEAR_MARK(object) (*(volatile enum mark *)&(object)->mark = MARK_FREED)
#define ASSERT_MARK(object, kind) assert((object)->mark == MARK_##kind)

#endif
