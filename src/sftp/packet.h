/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of SFTP version 3, as bytes: requests are parsed, replies are written. These are pure functions.
 * Source: draft-ietf-secsh-filexfer-02; for the extensions of OpenSSH its PROTOCOL file, section 4. Section numbers below are those
 * of the draft.
 *
 * A packet is a length of four bytes and as many bytes. All that a request says is a slice of the packet it was parsed from; nothing
 * is copied or allocated. Thread: any. */
#ifndef CAIS_SFTP_PACKET_H
#define CAIS_SFTP_PACKET_H

#include "base/buf.h"

enum { SFTP_VERSION = 3, SFTP_LENGTH_SIZE = 4 };
#define SFTP_PACKET_MAX ((size_t)256 << 10) /* bytes after the length */
#define SFTP_READ_MAX ((size_t)255 << 10)   /* bytes of one READ or WRITE: there is room for its header besides */
#define SFTP_WRITE_MAX SFTP_READ_MAX

enum sftp_type { /* section 3 */
                 SFTP_INIT = 1,
                 SFTP_REPLY_VERSION = 2,
                 SFTP_OPEN = 3,
                 SFTP_CLOSE = 4,
                 SFTP_READ = 5,
                 SFTP_WRITE = 6,
                 SFTP_LSTAT = 7,
                 SFTP_FSTAT = 8,
                 SFTP_SETSTAT = 9,
                 SFTP_FSETSTAT = 10,
                 SFTP_OPENDIR = 11,
                 SFTP_READDIR = 12,
                 SFTP_REMOVE = 13,
                 SFTP_MKDIR = 14,
                 SFTP_RMDIR = 15,
                 SFTP_REALPATH = 16,
                 SFTP_STAT = 17,
                 SFTP_RENAME = 18,
                 SFTP_READLINK = 19,
                 SFTP_SYMLINK = 20,
                 SFTP_REPLY_STATUS = 101,
                 SFTP_REPLY_HANDLE = 102,
                 SFTP_REPLY_DATA = 103,
                 SFTP_REPLY_NAME = 104,
                 SFTP_REPLY_ATTRIBUTES = 105,
                 SFTP_EXTENDED = 200,
                 SFTP_REPLY_EXTENDED = 201,
};

enum sftp_status { /* section 7 */
                   SFTP_OK = 0,
                   SFTP_EOF = 1,
                   SFTP_NO_SUCH_FILE = 2,
                   SFTP_PERMISSION_DENIED = 3,
                   SFTP_FAILURE = 4,
                   SFTP_BAD_MESSAGE = 5,
                   SFTP_OP_UNSUPPORTED = 8,
};

enum sftp_open_flag { /* section 6.3 */
                      SFTP_OPEN_READ = 0x01,
                      SFTP_OPEN_WRITE = 0x02,
                      SFTP_OPEN_APPEND = 0x04,
                      SFTP_OPEN_CREATE = 0x08,
                      SFTP_OPEN_TRUNCATE = 0x10,
                      SFTP_OPEN_EXCLUSIVE = 0x20,
};

enum sftp_attribute { /* section 5 */
                      SFTP_ATTRIBUTE_SIZE = 0x01,
                      SFTP_ATTRIBUTE_OWNER = 0x02,
                      SFTP_ATTRIBUTE_PERMISSIONS = 0x04,
                      SFTP_ATTRIBUTE_TIMES = 0x08,
};
#define SFTP_ATTRIBUTE_EXTENDED 0x80000000u

struct sftp_attributes {
    uint32_t flags; /* which of the others are there */
    uint64_t size;
    uint32_t user_id, group_id;
    uint32_t permissions; /* with the kind of file, as st_mode */
    uint32_t read_at_s, written_at_s;
};

enum sftp_extension {
    SFTP_EXTENSION_UNKNOWN,
    SFTP_FSYNC,
    SFTP_LIMITS,
    SFTP_STATVFS,
    SFTP_FSTATVFS,
    SFTP_POSIX_RENAME,
    SFTP_HARDLINK,
};

struct sftp_request {
    uint8_t type;                      /* an sftp_type; or what the client sent, which the server does not know */
    uint32_t id;                       /* of INIT: the version */
    slice path;                        /* of requests with one path, or the first of two */
    slice to_path;                     /* of RENAME, SYMLINK, posix-rename, hardlink */
    slice handle;                      /* of requests with a handle */
    uint64_t offset;                   /* of READ, WRITE */
    uint32_t length;                   /* of READ: how many bytes */
    slice data;                        /* of WRITE */
    uint32_t open_flags;               /* of OPEN: sftp_open_flag */
    struct sftp_attributes attributes; /* of OPEN, MKDIR, SETSTAT, FSETSTAT */
    enum sftp_extension extension;     /* of EXTENDED */
};

enum sftp_cut {
    SFTP_CUT_PARTIAL, /* more bytes must come */
    SFTP_CUT_WHOLE,
    SFTP_CUT_REFUSED, /* longer than SFTP_PACKET_MAX, or empty: no packet can follow */
};
/* The first packet of some bytes. *ret_packet is without the length, so it is SFTP_LENGTH_SIZE bytes shorter than what it takes. */
enum sftp_cut sftp_packet_cut(slice bytes, slice *ret_packet);

enum sftp_parsed {
    SFTP_PARSED,
    SFTP_PARSED_BAD,   /* it ends before its last field; type and id are known, so it can be refused */
    SFTP_PARSED_NO_ID, /* it cannot be replied to */
};
/* Parse a packet of sftp_packet_cut. Bytes behind the last field are ignored. The parts of a type that is not known are not read. */
enum sftp_parsed sftp_request_parse(slice packet, struct sftp_request *ret);

/* ---- replies, appended to a buffer ---- */

/* VERSION, with the extensions that the server has. */
void sftp_put_version(struct buf *);
/* message: plain text for a person; empty: that of the code. */
void sftp_put_status(struct buf *, uint32_t id, enum sftp_status, slice message);
void sftp_put_handle(struct buf *, uint32_t id, slice handle);
void sftp_put_attributes(struct buf *, uint32_t id, const struct sftp_attributes *);

/* DATA, whose bytes the caller writes into the buffer itself. begin returns the place of at most `max` bytes, or NULL when the
 * buffer is full; end says how many there are. Nothing else is appended in between. n 0 takes the packet back. */
struct sftp_open_reply {
    size_t at; /* of the packet in the buffer */
    uint32_t count;
};
char *sftp_put_data_begin(struct buf *, struct sftp_open_reply *, uint32_t id, size_t max);
void sftp_put_data_end(struct buf *, const struct sftp_open_reply *, size_t n);

/* NAME, entry by entry. */
void sftp_put_names_begin(struct buf *, struct sftp_open_reply *, uint32_t id);
/* long_name: as `ls -l` prints it. */
void sftp_put_name(struct buf *, struct sftp_open_reply *, slice name, slice long_name, const struct sftp_attributes *);
void sftp_put_names_end(struct buf *, const struct sftp_open_reply *);

struct sftp_limits {
    uint64_t packet_bytes, read_bytes, write_bytes, open_handles; /* 0: not limited */
};
void sftp_put_limits(struct buf *, uint32_t id, const struct sftp_limits *);

struct sftp_space {
    uint64_t block_bytes, blocks, free_blocks; /* of the file system */
    uint64_t name_bytes;                       /* the longest name */
};
void sftp_put_space(struct buf *, uint32_t id, const struct sftp_space *);

/* The text of a status code. */
slice sftp_status_text(enum sftp_status);

#endif
