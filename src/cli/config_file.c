/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an INI file. libinih finds sections, keys and values. It silently cuts lines that are longer than its buffer of
 * 200 bytes, so it is given the file line by line, after each line was checked here. */
#include "base/buf.h"
#include "cli/config.h"
#include "cli/terminal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define LINE_MAX_BYTES 190

struct config_reading {
    struct config *config;
    slice rest; /* the lines that libinih has not seen yet */
    const char *name;
    int line;
    err_t error; /* the first one */
};

static const char *position(struct config_reading *r)
{
    return arena_printf(r->config->arena, "%s:%d", r->name, r->line).p;
}

/* libinih would accept any section name, cut it at 49 bytes, and not report a section without keys. */
static err_t check_section(struct config_reading *r, slice line)
{
    slice name;
    if (!slice_starts(line, S("[")))
        return NULL; /* an indented [ may be an IPv6 address that continues a list */
    if (!slice_cut(slice_from(line, 1), ']', &name, &line))
        return err_make(r->config->arena, ERR_INVALID, "%s: neither [section] nor key = value", position(r));
    if (config_has_section(name))
        return NULL;
    return err_make(r->config->arena, ERR_INVALID, "%s: unknown section [" SLICE_FMT "]", position(r),
                    SLICE_ARG(terminal_safe(r->config->arena, name)));
}

/* libinih calls this in place of fgets: the next line, or NULL at the end and after an error. */
static char *next_line(char *to, int size, void *reading)
{
    struct config_reading *r = reading;
    slice line, rest;
    if (r->error || !r->rest.n)
        return NULL;
    slice_cut(r->rest, '\n', &line, &rest);
    r->rest = rest;
    r->line++;
    if (slice_find_byte(line, 0) != SLICE_NONE)
        r->error = err_make(r->config->arena, ERR_INVALID, "%s: a NUL byte", position(r));
    else if (line.n > LINE_MAX_BYTES)
        r->error = err_make(r->config->arena, ERR_INVALID, "%s: a line of %zu bytes; %d are allowed", position(r),
                            line.n, LINE_MAX_BYTES);
    else
        r->error = check_section(r, line);
    if (r->error)
        return NULL;
    assert(line.n + 2 <= (size_t)size);
    memcpy(to, line.p, line.n);
    memcpy(to + line.n, "\n", 2);
    return to;
}

static int set_pair(void *reading, const char *section, const char *key, const char *value)
{
    struct config_reading *r = reading;
    struct arena *a = r->config->arena;
    if (r->error)
        return 0;
    if (!*section)
        r->error = err_make(a, ERR_INVALID, "%s: '" SLICE_FMT "' stands before any [section]", position(r),
                            SLICE_ARG(terminal_safe(a, slice_of(key))));
    else
        r->error = config_set(r->config, CONFIG_FILE, slice_of(section), slice_of(key), slice_of(value), position(r));
    return !r->error;
}

err_t config_read_text(struct config *c, slice text, const char *name)
{
    if (text.n > FILE_MAX_BYTES)
        return err_make(c->arena, ERR_TOO_LARGE, "%s: larger than 1 MiB", name);
    struct config_reading r = { .config = c, .rest = text, .name = name };
    int bad_line = ini_parse_stream(next_line, &r, set_pair, &r);
    if (r.error)
        return r.error;
    if (bad_line)
        return err_make(c->arena, ERR_INVALID, "%s:%d: neither [section] nor key = value", name, bad_line);
    return NULL;
}

err_t config_read_file(struct config *c, const char *path)
{
    SCOPED(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(c->arena, errno, "cannot read the configuration %s", path);
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 2 * FILE_MAX_BYTES);
    while (text.n <= FILE_MAX_BYTES) {
        char *to = buf_reserve(&text, 65536);
        ssize_t got = read(fd, to, 65536);
        if (got < 0)
            return err_errno(c->arena, errno, "cannot read the configuration %s", path);
        if (!got)
            break;
        text.n += (size_t)got;
    }
    return config_read_text(c, buf_slice(&text), path);
}
