/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/password_prompt.h"

#include "cli/stop_signals.h"
#include "cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, LOOK_MS = 100 };

/* The signals are blocked, so that the terminal shows what is typed again before one of them ends the command. */
struct hidden {
    struct stop_signals signals;
    struct termios before;
    int stopped_by;
    bool has_ended; /* no more is typed */
};

static err_t hide(struct hidden *h, struct arena *a)
{
    if (tcgetattr(STDIN_FILENO, &h->before) != 0)
        return err_errno(a, errno, "cannot ask for a password");
    struct termios without_echo = h->before;
    without_echo.c_lflag &= ~(tcflag_t)ECHO;
    without_echo.c_lflag |= ECHONL | ICANON | ISIG;
    stop_signals_block(&h->signals);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &without_echo) == 0)
        return NULL;
    err_t e = err_errno(a, errno, "cannot ask for a password");
    stop_signals_restore(&h->signals);
    return e;
}

static void show_again(struct hidden *h)
{
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &h->before);
    stop_signals_restore(&h->signals);
    if (h->stopped_by)
        raise(h->stopped_by);
}

static err_t read_line(struct hidden *h, struct arena *a, slice *ret)
{
    char *text = arena_alloc(a, LINE_MAX_BYTES);
    struct pollfd poll_fd = { .fd = STDIN_FILENO, .events = POLLIN };
    while (poll(&poll_fd, 1, LOOK_MS) == 0 && !(h->stopped_by = stop_signals_wait(&h->signals, 0))) {
    }
    ssize_t n = h->stopped_by ? 0 : TEMP_FAILURE_RETRY(read(STDIN_FILENO, text, LINE_MAX_BYTES));
    if (n < 0)
        return err_errno(a, errno, "cannot read the password");
    h->has_ended |= !n;
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    *ret = (slice){ text, (size_t)n };
    return NULL;
}

static err_t ask(struct hidden *h, const char *prompt, FILE *out, struct arena *a, slice *ret)
{
    fputs(prompt, out);
    fflush(out);
    return read_line(h, a, ret);
}

err_t password_prompt(slice login, FILE *out, struct arena *a, slice *ret)
{
    struct hidden h = { .stopped_by = 0 };
    slice first = S(""), second = S("");
    TRY(hide(&h, a));
    err_t e = ask(&h, arena_printf(a, "New password for " SLICE_FMT ": ", SLICE_ARG(terminal_safe(a, login))).p, out, a,
                  &first);
    if (!e && !h.has_ended)
        e = ask(&h, "The same again: ", out, a, &second);
    if (h.has_ended)
        fputc('\n', out);
    show_again(&h);
    TRY(e);
    if (h.has_ended)
        return err_make(a, ERR_INVALID, "no password was typed, so it is as it was");
    if (!slice_eq(first, second))
        return err_make(a, ERR_INVALID, "the second one differs, so the password is as it was");
    *ret = first;
    return NULL;
}
