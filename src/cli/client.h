/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the native API (docs/native.md), over DIR/admin.sock or over a URL with a token. It streams, so memory does
 * not grow with the size of a file, and it checks the length and the MD5 of every transfer. A client belongs to one
 * thread. Text that comes from the server is made safe for terminals before it goes into an error. */
#ifndef CAIS_CLI_CLIENT_H
#define CAIS_CLI_CLIENT_H

#include "base/hash.h"
#include "base/json.h"

#include <sys/stat.h>

struct client;
struct client_target {
    const char *url;     /* NULL: use the socket */
    const char *token;   /* for a URL; never shown */
    const char *ca_file; /* for https, instead of the system's certificates; may be NULL */
    const char *socket;  /* path of admin.sock, when there is no URL */
    const char *account; /* socket only; NULL is the account `default` */
};

/* Called while a transfer runs; total < 0 while it is unknown. Returning false stops the transfer. */
struct client_watch {
    bool (*on_progress)(void *arg, int64_t done, int64_t total);
    void *arg;
};

/* A file, or an object in a bucket: its id is s3://BUCKET/KEY. */
struct client_file {
    slice id, name, state, owner, way, created_at;
    slice content_type; /* of a file */
    slice md5;          /* in hex; empty: it is an object that was uploaded in parts */
    slice etag;         /* of an object, without quotes */
    int64_t size_bytes;
    const int64_t *part_sizes; /* from client_info, of an object that was uploaded in parts */
    size_t part_count;
    const struct json *json; /* the server's own description */
};

/* Errors: INVALID the URL is not http or https. The client lives in `a`. */
MUST_USE err_t client_open(struct arena *a, const struct client_target *target, struct client **ret_client);

/* Takes the bytes of a download, piece by piece: all of the piece, or an error. Not called when the server refuses. */
struct client_sink {
    err_t (*write)(void *arg, struct arena *a, slice bytes);
    void *arg;
};
/* The body of a request. */
struct client_source {
    int64_t size_bytes; /* -1: not known, so it is sent in chunks */
    /* The next bytes, at most `room`; *ret_n 0: there are no more. */
    err_t (*read)(void *arg, struct arena *a, char *to, size_t room, size_t *ret_n);
    /* Go back to the first byte, because a connection that was used again turned out to be closed. False: impossible. */
    bool (*rewind)(void *arg);
    void *arg;
};
struct client_header {
    const char *name;
    slice value;
};
struct client_request {
    const char *method;
    slice path;                          /* after the URL of the server, with its slash, encoded */
    const struct client_header *headers; /* those that are not the same in all requests */
    size_t header_count;
    const struct client_source *body; /* NULL: none */
    const struct client_sink *sink;   /* gets the body of the reply, if that has status 200; NULL: it is kept */
    const struct client_watch *watch; /* may be NULL */
    long success;                     /* the status of the reply */
    int64_t silence_ms;               /* a connection on which nothing moves is given up after so long; 0: 5 minutes */
};
struct client_reply {
    long status; /* 0: none came */
    /* There is no connection, or it was lost: what became of the request is not known, and it may be tried again. */
    bool is_lost;
    int64_t retry_after_s; /* 0: the server did not say */
    slice body;            /* in `a` */
};
/* Send a request and wait for its reply.
 *
 * ret_reply  also after an error
 * Errors     those of the source; else as client_list */
MUST_USE err_t client_send(struct client *c, const struct client_request *, struct arena *a,
                           struct client_reply *ret_reply);
/* Has the server replied to any request of this client? */
bool client_was_reached(const struct client *c);
/* A header of the reply to the last request of this client, in `a`; empty: it has none, or there was no reply. */
slice client_reply_header(struct client *c, const char *name, struct arena *a);

struct client_upload {
    int fd; /* read to its end: a regular file is sent with its length, anything else in chunks, as is a file whose length is not true */
    slice name;
    const char *content_type;         /* NULL: the server chooses */
    const struct client_watch *watch; /* stops the upload; once all is sent, only a second time: the reply is near */
};
/* Send a new file. When it changes meanwhile, or the watch stops the upload, the server keeps nothing: the last bytes are sent only if it
 * has not changed, and what was complete before it was stopped is removed again.
 *
 * ret_file  in `a`; its size and MD5 are those of the bytes that were sent
 * Errors    DIGEST the server kept other bytes; CONFLICT the file changed while it was sent; EXPIRED the watch stopped it, and
 *           nothing is kept unless the text says so; else as client_list */
MUST_USE err_t client_put(struct client *c, const struct client_upload *, struct arena *a,
                          struct client_file *ret_file);

/* Did the server keep the bytes that were sent? Errors: DIGEST no. */
MUST_USE err_t client_check_kept(const struct client_file *, int64_t sent_bytes, struct md5 sent, struct arena *a);
/* What shows that a file was changed. */
struct file_version {
    int64_t size_bytes, mtime_ns;
};
struct file_version file_version_of(const struct stat *);
/* Errors: CONFLICT the open file is another version. */
MUST_USE err_t client_check_unchanged(int fd, struct file_version before, struct arena *a);
/* Remove a file. Errors: as client_list; CONFLICT something holds it. */
MUST_USE err_t client_remove(struct client *c, slice id, struct arena *a);

/* Fetch a file or an object. On success the sink got as many bytes as were announced, and they have the ETag.
 * Errors  INVALID s3:// without a bucket and a key; CONFLICT the object was replaced just now; DIGEST, TRUNCATED; the sink's; else as client_list. After an error the sink may hold some bytes. */
MUST_USE err_t client_get(struct client *c, slice id, const struct client_sink *sink, const struct client_watch *watch,
                          struct arena *a);
/* Errors: INVALID as client_get; else as client_list. */
MUST_USE err_t client_info(struct client *c, slice id, struct arena *a, struct client_file *ret_file);

struct client_page {
    struct client_file *files;
    size_t count;
    slice next; /* cursor of the next page; empty on the last one */
};
enum client_list { CLIENT_FILES /* newest first */, CLIENT_OBJECTS /* by bucket and key */ };
/* What is listed. */
struct client_wanted {
    enum client_list list;
    slice owner;        /* login; empty: of all */
    slice task, folder; /* of files: a number; a number or a path; empty: all */
    slice place;        /* of objects: s3://BUCKET, or s3://BUCKET/ and the beginning of a key; empty: all */
};
#define CLIENT_PAGE_MAX 64 /* an object is described with up to 13 KiB, and a reply may have 1 MiB */
/* One page of a list. A page of objects may have none, although it is not the last one.
 *
 * limit   1 to CLIENT_PAGE_MAX
 * after   the cursor `next` of the previous page; empty for the first page
 * Errors  UNAVAILABLE there is no server, or it closed the connection; EXPIRED stopped by `watch`; CORRUPT the reply
 *         cannot be understood; or the code that the server refused with: NOT_FOUND, UNAUTHENTICATED, FORBIDDEN,
 *         TOO_LARGE, QUOTA, NO_SPACE, RATE … */
MUST_USE err_t client_list(struct client *c, const struct client_wanted *, int64_t limit, slice after, struct arena *a,
                           struct client_page *ret);

/* POST JSON to the server's commands over admin.sock, and wait for the body of the reply without a time-out.
 * watch  called about once a second meanwhile; may use another client; may be NULL */
MUST_USE err_t client_post(struct client *c, const char *path, slice body, const struct client_watch *watch,
                           struct arena *a, slice *ret_reply);

#endif
