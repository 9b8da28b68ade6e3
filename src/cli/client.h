/* SPDX-License-Identifier: Apache-2.0 */
/* The native API (docs/native.md) from the client's side: over DIR/admin.sock, or a URL with a token.
 * Streams: memory does not grow with the size of a file. What a transfer promised is checked: length and MD5.
 * A client belongs to one thread. Text of the server in errors is made safe for terminals. */
#ifndef CAIS_CLI_CLIENT_H
#define CAIS_CLI_CLIENT_H

#include "base/hash.h"
#include "base/json.h"

struct client;
struct client_target {
    const char *url;     /* NULL: over the socket */
    const char *token;   /* for a URL; never shown */
    const char *ca_file; /* for https, instead of the system's certificates; may be NULL */
    const char *socket;  /* path of admin.sock, when there is no URL */
    const char *account; /* socket only; NULL is the account `default` */
};

/* What is told about a transfer under way; total < 0 while unknown. False stops it. */
struct client_watch {
    bool (*moved)(void *arg, int64_t done, int64_t total);
    void *arg;
};

struct client_file {
    slice id, name, state, owner, way, content_type, created_at, md5; /* md5 in hex */
    int64_t size_bytes;
    const struct json *json; /* as the server told it */
};

/* Errors: INVALID the URL is none of ours. The client lives in `a`. */
MUST_USE err_t client_open(struct arena *a, const struct client_target *target, struct client **ret_client);

/* Send everything that fd has to give as a new file. A regular file is sent with its length, anything else in chunks.
 *
 * content_type  NULL: the server chooses
 * ret_file      in `a`; its size and MD5 are those of the bytes sent
 * Errors  DIGEST the server kept other bytes; CONFLICT the file changed meanwhile; else as client_list */
MUST_USE err_t client_put(struct client *c, int fd, slice name, const char *content_type,
                          const struct client_watch *watch, struct arena *a, struct client_file *ret_file);

/* Where the bytes of a download go: all of them, or an error. Told nothing when the server refuses. */
struct client_sink {
    err_t (*write)(void *arg, struct arena *a, slice bytes);
    void *arg;
};
/* Fetch a file. Success: as many bytes as announced went to the sink, and their MD5 is that of the ETag.
 * Errors  DIGEST, TRUNCATED; the sink's; else as client_list. After an error the sink may hold some bytes. */
MUST_USE err_t client_get(struct client *c, slice id, const struct client_sink *sink, const struct client_watch *watch,
                          struct arena *a);
MUST_USE err_t client_info(struct client *c, slice id, struct arena *a, struct client_file *ret_file);

/* One page, newest first.
 *
 * after     cursor of the page before, or empty
 * ret_next  cursor of the next page, empty on the last
 * Errors  UNAVAILABLE no server, or it broke off; EXPIRED stopped by `watch`; CORRUPT an answer that is no answer;
 *         what the server refused with: NOT_FOUND, UNAUTHENTICATED, FORBIDDEN, TOO_LARGE, QUOTA, NO_SPACE, RATE … */
MUST_USE err_t client_list(struct client *c, int64_t limit, slice after, struct arena *a,
                           struct client_file **ret_files, size_t *ret_count, slice *ret_next);

/* POST JSON to the server's own commands (admin.sock); the answer's body. However long it takes. */
MUST_USE err_t client_post(struct client *c, const char *path, slice body, struct arena *a, slice *ret_answer);

#endif
