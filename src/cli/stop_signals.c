/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stop_signals.h"

#include "base/scoped.h"

#include <errno.h>
#include <time.h>

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP };

/* The kernel keeps a signal that is blocked, also if the process ignores it: so those are not blocked. */
static bool is_ignored(int signal)
{
    struct sigaction action;
    return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void stop_signals_block(struct stop_signals *s)
{
    sigemptyset(&s->blocked);
    for (size_t i = 0; i < LENGTH_OF(stop_signals); i++)
        if (!is_ignored(stop_signals[i]))
            sigaddset(&s->blocked, stop_signals[i]);
    pthread_sigmask(SIG_BLOCK, &s->blocked, &s->before);
}

void stop_signals_restore(const struct stop_signals *s)
{
    pthread_sigmask(SIG_SETMASK, &s->before, NULL);
}

int stop_signals_wait(const struct stop_signals *s, int64_t ms)
{
    int signal;
    do
        signal = sigtimedwait(&s->blocked, NULL, &(struct timespec){ ms / 1000, ms % 1000 * 1000000 });
    while (signal < 0 && errno == EINTR); /* by another signal, such as SIGCONT: waits anew */
    return signal > 0 ? signal : 0;
}

bool stop_signal_waits(void)
{
    sigset_t pending;
    bool waits = false;
    sigpending(&pending);
    for (size_t i = 0; i < LENGTH_OF(stop_signals); i++)
        waits |= sigismember(&pending, stop_signals[i]) == 1;
    return waits;
}
