/* SPDX-License-Identifier: Apache-2.0 */
/* Every field is read through `reader`, which never goes past the end of the packet: once a field does not fit, all that follow are
 * empty, and `failed` is set. */
#include "sftp/packet.h"

#include <string.h>

/* ---- read ---- */

struct reader {
    const unsigned char *p;
    size_t n;
    bool failed;
};

static uint64_t read_number(struct reader *r, size_t size)
{
    uint64_t v = 0;
    if (r->failed || r->n < size) {
        r->failed = true;
        return 0;
    }
    for (size_t i = 0; i < size; i++)
        v = v << 8 | r->p[i];
    r->p += size;
    r->n -= size;
    return v;
}

static uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_number(r, 4);
}

static slice read_string(struct reader *r)
{
    size_t n = read_u32(r);
    if (r->failed || n > r->n) {
        r->failed = true;
        return S("");
    }
    slice s = { (const char *)r->p, n };
    r->p += n;
    r->n -= n;
    return s;
}

static void read_attributes(struct reader *r, struct sftp_attributes *a)
{
    a->flags = read_u32(r);
    if (a->flags & SFTP_ATTRIBUTE_SIZE)
        a->size = read_number(r, 8);
    if (a->flags & SFTP_ATTRIBUTE_OWNER) {
        a->user_id = read_u32(r);
        a->group_id = read_u32(r);
    }
    if (a->flags & SFTP_ATTRIBUTE_PERMISSIONS)
        a->permissions = read_u32(r);
    if (a->flags & SFTP_ATTRIBUTE_TIMES) {
        a->read_at_s = read_u32(r);
        a->written_at_s = read_u32(r);
    }
    if (a->flags & SFTP_ATTRIBUTE_EXTENDED)
        for (uint32_t count = read_u32(r); count && !r->failed; count--) {
            read_string(r);
            read_string(r);
        }
}

static const struct {
    slice name;
    enum sftp_extension extension;
    bool has_handle;
    int paths;
} extensions[] = {
    { { "fsync@openssh.com", 17 }, SFTP_FSYNC, .has_handle = true },
    { { "limits@openssh.com", 18 }, SFTP_LIMITS },
    { { "statvfs@openssh.com", 19 }, SFTP_STATVFS, .paths = 1 },
    { { "fstatvfs@openssh.com", 20 }, SFTP_FSTATVFS, .has_handle = true },
    { { "posix-rename@openssh.com", 24 }, SFTP_POSIX_RENAME, .paths = 2 },
    { { "hardlink@openssh.com", 20 }, SFTP_HARDLINK, .paths = 2 },
};

static void read_extended(struct reader *r, struct sftp_request *q)
{
    slice name = read_string(r);
    for (size_t i = 0; i < LENGTH_OF(extensions); i++) {
        if (!slice_eq(name, extensions[i].name))
            continue;
        q->extension = extensions[i].extension;
        if (extensions[i].has_handle)
            q->handle = read_string(r);
        if (extensions[i].paths > 0)
            q->path = read_string(r);
        if (extensions[i].paths > 1)
            q->to_path = read_string(r);
    }
}

static void read_fields(struct reader *r, struct sftp_request *q)
{
    switch (q->type) {
    case SFTP_OPEN:
        q->path = read_string(r);
        q->open_flags = read_u32(r);
        read_attributes(r, &q->attributes);
        break;
    case SFTP_READ:
        q->handle = read_string(r);
        q->offset = read_number(r, 8);
        q->length = read_u32(r);
        break;
    case SFTP_WRITE:
        q->handle = read_string(r);
        q->offset = read_number(r, 8);
        q->data = read_string(r);
        break;
    case SFTP_CLOSE:
    case SFTP_FSTAT:
    case SFTP_READDIR:
        q->handle = read_string(r);
        break;
    case SFTP_FSETSTAT:
        q->handle = read_string(r);
        read_attributes(r, &q->attributes);
        break;
    case SFTP_MKDIR:
    case SFTP_SETSTAT:
        q->path = read_string(r);
        read_attributes(r, &q->attributes);
        break;
    case SFTP_LSTAT:
    case SFTP_OPENDIR:
    case SFTP_REMOVE:
    case SFTP_RMDIR:
    case SFTP_REALPATH:
    case SFTP_STAT:
    case SFTP_READLINK:
        q->path = read_string(r);
        break;
    case SFTP_RENAME:
    case SFTP_SYMLINK:
        q->path = read_string(r);
        q->to_path = read_string(r);
        break;
    case SFTP_EXTENDED:
        read_extended(r, q);
        break;
    default: /* INIT has nothing that the server uses, and of others nothing is known */
        break;
    }
}

static uint32_t number_at(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

enum sftp_cut sftp_packet_cut(slice bytes, slice *ret_packet)
{
    if (bytes.n < SFTP_LENGTH_SIZE)
        return SFTP_CUT_PARTIAL;
    size_t n = number_at(bytes.p);
    if (n == 0 || n > SFTP_PACKET_MAX)
        return SFTP_CUT_REFUSED;
    if (bytes.n - SFTP_LENGTH_SIZE < n)
        return SFTP_CUT_PARTIAL;
    *ret_packet = slice_part(bytes, SFTP_LENGTH_SIZE, n);
    return SFTP_CUT_WHOLE;
}

enum sftp_parsed sftp_request_parse(slice packet, struct sftp_request *ret)
{
    struct reader r = { (const unsigned char *)packet.p, packet.n, false };
    struct sftp_request q = { .type = (uint8_t)read_number(&r, 1) };
    q.id = read_u32(&r);
    if (r.failed)
        return SFTP_PARSED_NO_ID;
    read_fields(&r, &q);
    *ret = q;
    return r.failed ? SFTP_PARSED_BAD : SFTP_PARSED;
}

/* ---- write ---- */

static void number_to(char *p, uint64_t v, size_t size)
{
    for (size_t i = size; i-- > 0; v >>= 8)
        p[i] = (char)(v & 0xff);
}

static void put_number(struct buf *b, uint64_t v, size_t size)
{
    char bytes[8];
    number_to(bytes, v, size);
    buf_add(b, (slice){ bytes, size });
}

static void put_u32(struct buf *b, uint32_t v)
{
    put_number(b, v, 4);
}

static void put_string(struct buf *b, slice s)
{
    put_u32(b, (uint32_t)s.n);
    buf_add(b, s);
}

/* The length is written by end_packet. */
static size_t begin_packet(struct buf *b, enum sftp_type type, uint32_t id)
{
    size_t at = b->n;
    put_u32(b, 0);
    buf_add_byte(b, (char)type);
    put_u32(b, id);
    return at;
}

static void end_packet(struct buf *b, size_t at)
{
    if (!b->failed)
        number_to(b->p + at, b->n - at - SFTP_LENGTH_SIZE, SFTP_LENGTH_SIZE);
}

void sftp_put_version(struct buf *b)
{
    static const struct {
        slice name, version;
    } announced[] = { { { "posix-rename@openssh.com", 24 }, { "1", 1 } },
                      { { "statvfs@openssh.com", 19 }, { "2", 1 } },
                      { { "fstatvfs@openssh.com", 20 }, { "2", 1 } },
                      { { "fsync@openssh.com", 17 }, { "1", 1 } },
                      { { "limits@openssh.com", 18 }, { "1", 1 } } };
    size_t at = begin_packet(b, SFTP_REPLY_VERSION, SFTP_VERSION);
    for (size_t i = 0; i < LENGTH_OF(announced); i++) {
        put_string(b, announced[i].name);
        put_string(b, announced[i].version);
    }
    end_packet(b, at);
}

slice sftp_status_text(enum sftp_status status)
{
    switch (status) {
    case SFTP_OK:
        return S("Success");
    case SFTP_EOF:
        return S("End of file");
    case SFTP_NO_SUCH_FILE:
        return S("No such file");
    case SFTP_PERMISSION_DENIED:
        return S("Permission denied");
    case SFTP_BAD_MESSAGE:
        return S("Bad message");
    case SFTP_OP_UNSUPPORTED:
        return S("Operation unsupported");
    case SFTP_FAILURE:
        break;
    }
    return S("Failure");
}

void sftp_put_status(struct buf *b, uint32_t id, enum sftp_status status, slice message)
{
    size_t at = begin_packet(b, SFTP_REPLY_STATUS, id);
    put_u32(b, (uint32_t)status);
    put_string(b, message.n ? message : sftp_status_text(status));
    put_string(b, S("en"));
    end_packet(b, at);
}

void sftp_put_handle(struct buf *b, uint32_t id, slice handle)
{
    size_t at = begin_packet(b, SFTP_REPLY_HANDLE, id);
    put_string(b, handle);
    end_packet(b, at);
}

static void put_attributes(struct buf *b, const struct sftp_attributes *a)
{
    put_u32(b, a->flags);
    if (a->flags & SFTP_ATTRIBUTE_SIZE)
        put_number(b, a->size, 8);
    if (a->flags & SFTP_ATTRIBUTE_OWNER) {
        put_u32(b, a->user_id);
        put_u32(b, a->group_id);
    }
    if (a->flags & SFTP_ATTRIBUTE_PERMISSIONS)
        put_u32(b, a->permissions);
    if (a->flags & SFTP_ATTRIBUTE_TIMES) {
        put_u32(b, a->read_at_s);
        put_u32(b, a->written_at_s);
    }
}

void sftp_put_attributes(struct buf *b, uint32_t id, const struct sftp_attributes *a)
{
    size_t at = begin_packet(b, SFTP_REPLY_ATTRIBUTES, id);
    put_attributes(b, a);
    end_packet(b, at);
}

char *sftp_put_data_begin(struct buf *b, struct sftp_open_reply *reply, uint32_t id, size_t max)
{
    reply->at = begin_packet(b, SFTP_REPLY_DATA, id);
    put_u32(b, 0);
    return buf_reserve(b, max);
}

void sftp_put_data_end(struct buf *b, const struct sftp_open_reply *reply, size_t n)
{
    if (n == 0) {
        b->n = reply->at;
        return;
    }
    number_to(b->p + b->n - 4, n, 4);
    b->n += n;
    end_packet(b, reply->at);
}

void sftp_put_names_begin(struct buf *b, struct sftp_open_reply *reply, uint32_t id)
{
    reply->at = begin_packet(b, SFTP_REPLY_NAME, id);
    reply->count = 0;
    put_u32(b, 0);
}

void sftp_put_name(struct buf *b, struct sftp_open_reply *reply, slice name, slice long_name,
                   const struct sftp_attributes *a)
{
    put_string(b, name);
    put_string(b, long_name);
    put_attributes(b, a);
    reply->count++;
}

void sftp_put_names_end(struct buf *b, const struct sftp_open_reply *reply)
{
    if (!b->failed)
        number_to(b->p + reply->at + SFTP_LENGTH_SIZE + 5, reply->count, 4);
    end_packet(b, reply->at);
}

void sftp_put_limits(struct buf *b, uint32_t id, const struct sftp_limits *l)
{
    size_t at = begin_packet(b, SFTP_REPLY_EXTENDED, id);
    put_number(b, l->packet_bytes, 8);
    put_number(b, l->read_bytes, 8);
    put_number(b, l->write_bytes, 8);
    put_number(b, l->open_handles, 8);
    end_packet(b, at);
}

void sftp_put_space(struct buf *b, uint32_t id, const struct sftp_space *s)
{
    const uint64_t no_set_user_id = 2;
    const uint64_t fields[] = { s->block_bytes, s->block_bytes, s->blocks, s->free_blocks, s->free_blocks, 0, 0, 0, 0,
                                no_set_user_id, s->name_bytes };
    size_t at = begin_packet(b, SFTP_REPLY_EXTENDED, id);
    for (size_t i = 0; i < LENGTH_OF(fields); i++)
        put_number(b, fields[i], 8);
    end_packet(b, at);
}
