/* SPDX-License-Identifier: Apache-2.0 */
/* One line for each event: JSON for machines, or text for people. Only the outermost layers (http, jobs, cli) write to
 * the log; library code returns errors instead. Never log secrets or the content of files. Thread-safe: a line is one
 * write.
 *
 * A command writes its lines at once. A server calls log_begin_queue: from then on a thread writes them, and nobody waits
 * for the reader of the log (base/log_writer.h). */
#ifndef CAIS_BASE_LOG_H
#define CAIS_BASE_LOG_H

#include "base/clock.h"
#include "base/err.h"

struct log_writer;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log {
    struct clock *clock;
    int fd;
    enum log_level min_level;  /* lines below it are dropped; may change, as `text` may */
    bool text;                 /* text for people instead of JSON */
    struct log_writer *writer; /* NULL: no queue */
};

struct log_field {
    const char *name;
    enum { LOG_FIELD_STRING, LOG_FIELD_INT } type;
    slice string;
    int64_t integer;
};
#define LOG_S(name, value) ((struct log_field){ (name), LOG_FIELD_STRING, (value), 0 })
#define LOG_I(name, value) ((struct log_field){ (name), LOG_FIELD_INT, { "", 0 }, (value) })

void log_init(struct log *log, struct clock *clock, int fd, enum log_level min_level, bool text);
/* Let a thread write the lines. What does not fit into 1 MiB of waiting lines, or cannot be written, is dropped; a line
 * says so when there is room again. If the process aborts, it waits up to a second until what was logged is written. One
 * log of the process, which does not move, may have a queue. */
void log_begin_queue(struct log *log);
/* Write what waits, for at most timeout_ms; then write at once again. */
void log_end_queue(struct log *log, int64_t timeout_ms);
/* Append to this file (mode 0640) from here on, and make it when it is missing. Called again after the file was renamed,
 * it goes on in a new one, without losing a line. Needs the queue. Errors: those of opening; then nothing changes. */
MUST_USE err_t log_use_file(struct log *log, const char *path, struct arena *a);
uint64_t log_dropped_lines(const struct log *log); /* since the start */
/* Write whole lines that were made elsewhere. */
void log_write(struct log *log, slice lines);
void log_fields(struct log *log, enum log_level level, const char *msg, const struct log_field *fields, size_t count);
/* log_line(log, LOG_INFO, "listening", LOG_S("address", a), LOG_I("port", 80)); at least one field */
#define log_line(log, level, msg, ...)                                                                                 \
    log_fields((log), (level), (msg), (const struct log_field[]){ __VA_ARGS__ },                                       \
               sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))
/* Log an error with all its causes and the place where it was made. */
void log_error(struct log *log, const char *msg, err_t e);
bool log_level_parse(slice text, enum log_level *ret);

#endif
