/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/put_large.h"

#include "base/text.h"
#include "cli/command_text.h"
#include "cli/resumable_put.h"
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the folder of the states ---- */

/* $XDG_STATE_HOME/cais/uploads, by the XDG Base Directory Specification; empty: there is no home. */
static slice folder_path(const struct cli *cli, struct arena *a)
{
    const char *state = environment_value(cli, "XDG_STATE_HOME"), *home = environment_value(cli, "HOME");
    if (state && state[0] == '/')
        return arena_printf(a, "%s/cais/uploads", state);
    return home && home[0] == '/' ? arena_printf(a, "%s/.local/state/cais/uploads", home) : S("");
}

void put_large_begin(struct put_large *l, const struct cli *cli, const struct session *session, int64_t retry_for_ms)
{
    *l = (struct put_large){ .cli = cli, .session = session, .retry_for_ms = retry_for_ms, .folder = { -1 } };
}

void put_large_end(struct put_large *l)
{
    put_folder_close(&l->folder);
}

/* It is opened when the first large file is met, so that small ones leave nothing in the home of the user. */
static err_t open_folder(struct put_large *l)
{
    struct arena *a = l->cli->arena;
    if (l->folder.fd >= 0 || l->no_folder)
        return l->no_folder;
    slice path = folder_path(l->cli, a);
    err_t e = path.n ? put_folder_open(path, a, &l->folder)
                     : err_make(a, ERR_NOT_FOUND, "neither XDG_STATE_HOME nor HOME is set");
    if (e)
        l->no_folder =
            err_because(a, e, e->code, SLICE_FMT, SLICE_ARG(terminal_safe(a, path.n ? path : S("its state"))));
    return l->no_folder;
}

bool put_is_large(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > RESUMABLE_ABOVE_BYTES;
}

slice put_path_of(const char *path, struct arena *a)
{
    char *real = realpath(path, NULL);
    slice absolute = arena_copy(a, slice_of(real ? real : path));
    free(real);
    return absolute;
}

/* ---- what the user sees ---- */

struct display {
    struct put_large *large;
    const char *path;
    struct progress progress;
    bool is_sending; /* its first bytes were sent */
    struct stop_signals signals;
};

static void say(struct display *d, slice text)
{
    SCRATCH(scratch);
    progress_end(&d->progress);
    fprintf(d->large->cli->err, "cais put: " SLICE_FMT ": " SLICE_FMT "\n",
            SLICE_ARG(terminal_safe(&scratch, slice_of(d->path))), SLICE_ARG(text));
}

static bool goes_on(struct display *d, int64_t wait_ms)
{
    d->large->stopped_by = stop_signals_wait(&d->signals, wait_ms);
    return !d->large->stopped_by;
}

static bool show_sent(void *arg, int64_t done, int64_t total)
{
    struct display *d = arg;
    if (!d->is_sending)
        progress_begin_at(&d->progress, done);
    d->is_sending = true;
    progress_update(&d->progress, done, total);
    return goes_on(d, 0);
}

static bool show_read_again(void *arg, int64_t done, int64_t total)
{
    struct display *d = arg;
    SCRATCH(scratch);
    slice text = arena_printf(&scratch, "reads again what was sent: " SLICE_FMT " of " SLICE_FMT,
                              SLICE_ARG(size_for_people(&scratch, done)), SLICE_ARG(size_for_people(&scratch, total)));
    progress_note(&d->progress, text, false);
    return goes_on(d, 0);
}

/* A terminal shows how long it still waits; a log gets one line for each interruption. */
static bool show_pause(void *arg, int64_t pause_ms, bool is_first, err_t why)
{
    enum { REDRAW_MS = 1000 };
    struct display *d = arg;
    SCRATCH(scratch);
    if (is_first && !d->progress.shown)
        say(d, arena_printf(&scratch, SLICE_FMT "; trying again", SLICE_ARG(err_text_for_people(&scratch, why))));
    for (int64_t left_ms = pause_ms; left_ms > 0; left_ms -= REDRAW_MS) {
        SCRATCH(line);
        slice text = arena_printf(&line, "waits, tries again in " SLICE_FMT " (" SLICE_FMT ")",
                                  SLICE_ARG(duration_for_people(&line, (left_ms + 999) / 1000)),
                                  SLICE_ARG(err_text_for_people(&line, why)));
        progress_note(&d->progress, text, true);
        if (!goes_on(d, left_ms < REDRAW_MS ? left_ms : REDRAW_MS))
            return false;
    }
    return true;
}

static void show_notice(void *arg, slice text)
{
    say(arg, text);
}

static slice resume_command(const struct put_large *l, struct arena *a)
{
    static const char *const without[] = { "resume", "name", "type", "retry-for", "json", NULL };
    return command_again(l->cli, S("cais put --resume"), without, a);
}

/* The error, and how to go on with what the server has. */
static err_t with_way_on(const struct put_large *l, const struct resumable_put *p, err_t e, struct arena *a)
{
    slice has = S("");
    if (p->acknowledged_bytes > 0) /* what came after the last reply is not known */
        has = arena_printf(a, "the server has at least " SLICE_FMT " of " SLICE_FMT ", and ",
                           SLICE_ARG(size_for_people(a, p->acknowledged_bytes)),
                           SLICE_ARG(size_for_people(a, p->state.version.size_bytes)));
    return err_make(a, e->code, SLICE_FMT "; " SLICE_FMT "'" SLICE_FMT "' goes on",
                    SLICE_ARG(err_text_for_people(a, e)), SLICE_ARG(has), SLICE_ARG(resume_command(l, a)));
}

/* ---- sending ---- */

static err_t send_with_display(struct put_large *l, struct resumable_put *p, const char *path, struct arena *a,
                               struct client_file *ret_file)
{
    struct display d = { .large = l, .path = path };
    struct resumable_watch watch = { show_sent, show_read_again, show_pause, show_notice, &d };
    p->client = l->session->client;
    p->clock = l->cli->clock;
    p->retry_for_ms = l->retry_for_ms;
    p->watch = &watch;
    progress_init(&d.progress, l->cli->err, l->cli->clock, terminal_safe(a, p->state.name));
    stop_signals_block(&d.signals);
    err_t e = resumable_put(p, a, ret_file);
    progress_end(&d.progress);
    stop_signals_restore(&d.signals);
    if (l->stopped_by && !p->record && p->state.upload.n)
        resumable_abandon(p->client, p->state.upload); /* nobody could go on with it */
    if (l->stopped_by)
        e = err_make(a, ERR_EXPIRED, p->record && p->state.upload.n ? "stopped by a signal" : "stopped");
    bool can_go_on = p->record && p->state.upload.n && !err_is(e, ERR_CONFLICT);
    return e && can_go_on ? with_way_on(l, p, e, a) : e;
}

static void say_begun(struct put_large *l, const char *path, const struct put_state *state)
{
    SCRATCH(scratch);
    struct display d = { .large = l, .path = path };
    say(&d, arena_printf(&scratch, "goes on with the upload that was begun at " SLICE_FMT,
                         SLICE_ARG(time_format_utc(&scratch, state->begun_at_ms))));
}

/* Find out whether an earlier upload of the file goes on: then *state is that one. */
static void find_earlier(struct put_large *l, const char *path, const struct put_record *record, struct arena *a,
                         struct put_state *state)
{
    struct display d = { .large = l, .path = path };
    struct put_state found;
    err_t e = put_record_read(record, a, &found);
    if (e && !err_is(e, ERR_NOT_FOUND))
        say(&d, arena_printf(a, "the state of an earlier upload is ignored: " SLICE_FMT,
                             SLICE_ARG(err_text_for_people(a, e))));
    if (e)
        return;
    if (found.version.size_bytes == state->version.size_bytes && found.version.mtime_ns == state->version.mtime_ns) {
        *state = found;
        say_begun(l, path, state);
        return;
    }
    say(&d, S("it has changed since an earlier upload was begun, which is given up; it is sent anew"));
    resumable_abandon(l->session->client, found.upload);
    put_record_remove(record);
}

err_t put_large_file(struct put_large *l, const char *path, int fd, slice name, struct arena *a,
                     struct client_file *ret_file)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(a, errno, "cannot read");
    struct put_record record = { .lock_fd = -1 };
    struct resumable_put p = { .fd = fd,
                               .state = { .server = l->session->server_name,
                                          .account = l->session->account,
                                          .path = put_path_of(path, a),
                                          .name = name,
                                          .type = slice_of(option_value(l->cli->options, "type")),
                                          .version = file_version_of(&st) } };
    err_t e = open_folder(l);
    if (!e)
        e = put_record_lock(&l->folder, &p.state, a, &record);
    if (err_is(e, ERR_CONFLICT))
        return e;
    if (e) {
        struct display d = { .large = l, .path = path };
        say(&d, arena_printf(a, "it cannot be resumed if it is interrupted: " SLICE_FMT,
                             SLICE_ARG(err_text_for_people(a, e))));
    } else {
        p.record = &record;
        find_earlier(l, path, &record, a, &p.state);
    }
    e = send_with_display(l, &p, path, a, ret_file);
    put_record_unlock(&record);
    return e;
}

/* ---- resuming ---- */

static void report_ignored(void *arg, slice name, err_t why)
{
    const struct put_large *l = arg;
    SCRATCH(scratch);
    fprintf(l->cli->err, "cais put: ignored " SLICE_FMT "/" SLICE_FMT ": " SLICE_FMT "\n",
            SLICE_ARG(terminal_safe(&scratch, folder_path(l->cli, &scratch))), SLICE_ARG(terminal_safe(&scratch, name)),
            SLICE_ARG(err_text_for_people(&scratch, why)));
}

err_t put_large_list(struct put_large *l, struct arena *a, struct put_state_list *ret)
{
    struct put_state_list all;
    size_t count = 0;
    TRY(open_folder(l));
    TRY(put_folder_list(&l->folder, report_ignored, l, a, &all));
    for (size_t i = 0; i < all.count; i++)
        if (slice_eq(all.items[i].server, l->session->server_name) &&
            slice_eq(all.items[i].account, l->session->account))
            all.items[count++] = all.items[i];
    *ret = (struct put_state_list){ all.items, count };
    return NULL;
}

static err_t open_unchanged(const struct put_state *state, struct arena *a, int *ret_fd)
{
    struct stat st;
    SCOPED(fd_closep) int fd = open(arena_cstr(a, state->path), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_errno(a, errno, "cannot open it");
    struct file_version now = file_version_of(&st);
    if (!S_ISREG(st.st_mode) || now.size_bytes != state->version.size_bytes || now.mtime_ns != state->version.mtime_ns)
        return err_make(a, ERR_CONFLICT,
                        "it has changed since the upload was begun; 'cais put' with its name sends it anew");
    *ret_fd = TAKE_FD(fd);
    return NULL;
}

static err_t resume_record(struct put_large *l, const struct put_record *record, const struct put_state *listed,
                           struct arena *a, struct client_file *ret_file)
{
    const char *path = arena_cstr(a, listed->path);
    struct resumable_put p = { .record = record };
    err_t e = put_record_read(record, a, &p.state);
    *ret_file = (struct client_file){ 0 };
    if (err_is(e, ERR_NOT_FOUND)) /* another process has finished it meanwhile */
        return NULL;
    TRY(e);
    SCOPED(fd_closep) int fd = -1;
    e = open_unchanged(&p.state, a, &fd);
    if (e && resumable_is_gone(l->session->client, p.state.upload)) {
        struct display d = { .large = l, .path = path };
        say(&d, S("neither the file nor the upload is there any more as it was; it is forgotten"));
        put_record_remove(record);
        return NULL;
    }
    TRY(e);
    p.fd = fd;
    say_begun(l, path, &p.state);
    return send_with_display(l, &p, path, a, ret_file);
}

err_t put_large_resume(struct put_large *l, const struct put_state *listed, struct arena *a,
                       struct client_file *ret_file)
{
    struct put_record record;
    TRY(put_record_lock(&l->folder, listed, a, &record));
    err_t e = resume_record(l, &record, listed, a, ret_file);
    put_record_unlock(&record);
    return e;
}
