/* SPDX-License-Identifier: Apache-2.0 */
/* Sends the input to an SFTP session of a whole core, after the packet that begins it. Every request has one reply or ends the
 * session; what waits to be sent stays within its limit; at the end nothing is open, and fsck finds nothing. The handle that an input
 * calls "\0\0\0\0\0\0\0\1" is the first one. */
#include "fuzz.h"

#include "../tests/support/sftp_fixture.h"
#include "sftp/packet.h"

static struct sync_fixture origin; /* it stays: the principal points into its world */
static struct world_kept kept;

static void set_up(void)
{
    origin = sync_fixture_new(world_new());
    kept.image = world_image(origin.w);
}

/* Takes the replies. Returns how many they were. */
static size_t take_replies(struct sftp_session *s)
{
    size_t count = 0;
    slice packet;
    HOLDS(sftp_session_output(s).n < SESSION_OUTPUT_MAX + SFTP_PACKET_MAX + SFTP_LENGTH_SIZE);
    while (sftp_session_output(s).n) {
        HOLDS(sftp_packet_cut(sftp_session_output(s), &packet) == SFTP_CUT_WHOLE);
        sftp_session_sent(s, packet.n + SFTP_LENGTH_SIZE);
        count++;
    }
    return count;
}

static size_t count_packets(slice bytes)
{
    size_t count = 0;
    slice packet;
    while (sftp_packet_cut(bytes, &packet) == SFTP_CUT_WHOLE) {
        bytes = slice_from(bytes, packet.n + SFTP_LENGTH_SIZE);
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char init[] = "\0\0\0\5\1\0\0\0\3";
    struct sftp_fixture f;
    if (!origin.w)
        set_up();
    struct world *w = world_new_with(&(struct world_options){ .kept = &kept });
    sftp_fixture_begin(&f, w, &origin.ana, origin.g.s.bucket.id);
    HOLDS(sftp_session_feed(f.s, (slice){ init, sizeof init - 1 }) == sizeof init - 1 && take_replies(f.s) == 1);
    slice bytes = fuzz_slice(data, size);
    size_t used, replies = 0, taken = 0;
    while ((used = sftp_session_feed(f.s, bytes))) {
        taken += count_packets(slice_part(bytes, 0, used));
        bytes = slice_from(bytes, used);
        replies += take_replies(f.s);
    }
    HOLDS(replies == taken || (sftp_session_violation(f.s) && replies + 1 == taken));
    sftp_fixture_end(&f);
    HOLDS(world_fsck(w, false) == 0);
    world_free(w);
    return 0;
}
