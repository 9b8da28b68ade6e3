/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that writes the lines of a log, so that nobody waits for the reader of the log or for its disk: a reader that
 * stops must not stop the server. What does not fit into the buffer, and what cannot be written, is dropped and counted.
 * base/log.h is what the program uses.
 *
 * The lines that are kept stay in the order in which they were added. Thread: any may call any function, except
 * log_writer_free, after which there must be no call. */
#ifndef CAIS_BASE_LOG_WRITER_H
#define CAIS_BASE_LOG_WRITER_H

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct log_writer;

struct log_writer_options {
    int fd;           /* borrowed */
    size_t max_bytes; /* memory for lines: a half is filled while the other one is written */
    /* Append a line that says that so many lines were dropped. On the writer's thread. */
    void (*describe_drops)(void *arg, uint64_t lines, struct buf *to);
    void *arg;
};

struct log_writer *log_writer_new(const struct log_writer_options *);
/* Add whole lines, all of them or none. Never waits for a write. */
void log_writer_add(struct log_writer *, slice lines);
/* Write to another file from here on. Takes fd, and closes it when it is replaced or the writer is freed. */
void log_writer_switch(struct log_writer *, int fd);
/* Wait until everything that was added before is written or dropped, at most timeout_ms of real time. Takes no lock, so a
 * handler of SIGABRT may call it. */
void log_writer_wait(const struct log_writer *, int64_t timeout_ms);
uint64_t log_writer_dropped(const struct log_writer *); /* lines, since the start */
/* Write what was added, for at most timeout_ms of real time; then end the thread. NULL is fine. */
void log_writer_free(struct log_writer *, int64_t timeout_ms);

#endif
