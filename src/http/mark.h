/* SPDX-License-Identifier: Apache-2.0 */
/* Marks of the engine's objects. An object gets the mark of its kind when it comes into use, and loses it when it is
 * freed or kept for later. Wherever the engine receives a pointer from outside (an API, epoll, a mailbox, a pool of
 * threads), an assert checks the mark. So a stale or wrong pointer ends the process before it does harm. */
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

/* Volatile: a compiler may omit a write to memory that is freed next. */
#define CLEAR_MARK(object) (*(volatile enum mark *)&(object)->mark = MARK_FREED)
#define ASSERT_MARK(object, kind) assert((object)->mark == MARK_##kind)

#endif
