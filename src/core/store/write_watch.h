/* SPDX-License-Identifier: Apache-2.0 */
/* Who wants to know how the writes of a store end. A store that brings something to the disk calls write_watch_note. */
#ifndef CAIS_CORE_STORE_WRITE_WATCH_H
#define CAIS_CORE_STORE_WRITE_WATCH_H

#include "base/err.h"

struct write_watch {
    /* e: NULL when something new is on stable storage; else why not. It lives until this returns. Any thread; it must not
     * call the store. NULL: nobody wants to know. */
    void (*ended)(void *arg, err_t e);
    void *arg;
};

static inline void write_watch_note(const struct write_watch *watch, err_t e)
{
    if (watch->ended)
        watch->ended(watch->arg, e);
}

#endif
