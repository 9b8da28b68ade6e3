/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of the SFTP server, and what it counts. */
#ifndef CAIS_SFTP_OPTIONS_H
#define CAIS_SFTP_OPTIONS_H

#include "base/log.h"
#include "core/sync/inbox.h"

/* core, log and inbox.result_arg are borrowed until sftp_service_free; all else is copied. */
struct sftp_options {
    struct core *core;
    struct log *log; /* NULL: none */
    const char *data_dir;
    /* Paths; NULL ends them. None: those of the data directory, made when they are missing. */
    const char *const *host_keys;
    slice purpose; /* of the keys with which clients log in */
    struct inbox_options inbox;
    size_t max_connections;
    size_t max_connections_per_address; /* 0: no limit */
    size_t max_connections_per_user;    /* that have logged in; 0: no limit */
    size_t max_logging_in;              /* connections that have not logged in */
    size_t max_logging_in_per_address;  /* 0: no limit */
    int64_t login_grace_ms;             /* for that */
    int64_t idle_ms;                    /* without a request */
    int max_attempts;                   /* to log in, of one connection */
    int64_t max_open_files;             /* of all connections */
    size_t memory_bytes;                /* for uploads on their way to the disk */
};

struct sftp_stats {
    uint64_t connections_open, connections_accepted, connections_refused; /* refused: by a limit */
    uint64_t logins, logins_refused;
    uint64_t requests;
};

#endif
