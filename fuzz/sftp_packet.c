/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of SFTP packets. Every slice of a request lies in its packet, and every reply is one packet of its own length. */
#include "fuzz.h"

#include "sftp/packet.h"

static void check_inside(slice part, slice packet)
{
    HOLDS(!part.n || (part.p >= packet.p && part.p + part.n <= packet.p + packet.n));
}

static void check_reply(const struct buf *b, size_t before, uint8_t type)
{
    slice packet, bytes = slice_from(buf_slice(b), before);
    HOLDS(!b->failed && sftp_packet_cut(bytes, &packet) == SFTP_CUT_WHOLE);
    HOLDS(packet.n + SFTP_LENGTH_SIZE == bytes.n && (uint8_t)packet.p[0] == type);
}

/* Replies with what the request had. */
static void reply(const struct sftp_request *q, struct buf *b)
{
    struct sftp_attributes at = q->attributes;
    struct sftp_open_reply r;
    at.flags &= SFTP_ATTRIBUTE_SIZE | SFTP_ATTRIBUTE_OWNER | SFTP_ATTRIBUTE_PERMISSIONS | SFTP_ATTRIBUTE_TIMES;
    size_t before = b->n;
    sftp_put_status(b, q->id, SFTP_FAILURE, slice_part(q->path, 0, 1000));
    check_reply(b, before, SFTP_REPLY_STATUS);
    before = b->n;
    sftp_put_attributes(b, q->id, &at);
    check_reply(b, before, SFTP_REPLY_ATTRIBUTES);
    before = b->n;
    sftp_put_names_begin(b, &r, q->id);
    sftp_put_name(b, &r, slice_part(q->path, 0, 1000), slice_part(q->to_path, 0, 1000), &at);
    sftp_put_names_end(b, &r);
    check_reply(b, before, SFTP_REPLY_NAME);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(buf_releasep) struct buf replies;
    buf_init(&replies, 0);
    slice bytes = fuzz_slice(data, size), packet;
    while (sftp_packet_cut(bytes, &packet) == SFTP_CUT_WHOLE) {
        struct sftp_request q = { .type = 0 };
        HOLDS(packet.n && packet.n <= SFTP_PACKET_MAX && packet.p == bytes.p + SFTP_LENGTH_SIZE);
        enum sftp_parsed parsed = sftp_request_parse(packet, &q);
        HOLDS((parsed == SFTP_PARSED_NO_ID) == (packet.n < 5));
        check_inside(q.path, packet);
        check_inside(q.to_path, packet);
        check_inside(q.handle, packet);
        check_inside(q.data, packet);
        if (parsed == SFTP_PARSED && replies.n < (1u << 20))
            reply(&q, &replies);
        bytes = slice_from(packet, packet.n);
        bytes.n = size - (size_t)(bytes.p - (const char *)data);
    }
    return 0;
}
