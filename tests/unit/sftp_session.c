/* SPDX-License-Identifier: Apache-2.0 */
/* The SFTP protocol over a whole core, without SSH: every request, and clients that break the rules. */
#include "sftp/packet.h"
#include "sftp_bytes.h"
#include "sftp_fixture.h"
#include "test.h"

#include <string.h>

struct client {
    struct world *w;
    struct arena *a;
    struct sync_fixture f;
    struct sftp_fixture x;
    uint32_t next_id;
};

static void client_begin(struct client *c, struct world *w)
{
    *c = (struct client){ .w = w, .a = w->a, .f = sync_fixture_new(w) };
    sftp_fixture_begin(&c->x, w, &c->f.ana, c->f.g.s.bucket.id);
}

static void client_end(struct client *c)
{
    sftp_fixture_end(&c->x);
    EXPECT_EQ(world_fsck(c->w, false), 0);
}

static void cut_connection(struct client *c)
{
    sftp_fixture_reconnect(&c->x);
}

/* ---- requests ---- */

/* The first reply that waits, without its length. */
static slice take_reply(struct client *c)
{
    slice packet = S("");
    EXPECT_EQ(sftp_packet_cut(sftp_session_output(c->x.s), &packet), SFTP_CUT_WHOLE);
    slice copy = arena_copy(c->a, packet);
    sftp_session_sent(c->x.s, packet.n + SFTP_LENGTH_SIZE);
    return copy;
}

static void feed(struct client *c, slice bytes)
{
    EXPECT_EQ(sftp_session_feed(c->x.s, bytes), bytes.n);
}

static slice ask(struct client *c, uint8_t type, slice fields)
{
    uint32_t id = ++c->next_id;
    feed(c, sftp_string(c->a, sftp_packet(c->a, type, id, fields)));
    slice reply = take_reply(c);
    EXPECT_EQ(sftp_number_at(reply, 1, 4), id);
    EXPECT_EQ(sftp_session_output(c->x.s).n, 0);
    return reply;
}

static enum sftp_status status_of(slice reply)
{
    EXPECT_EQ((uint8_t)reply.p[0], SFTP_REPLY_STATUS);
    return (enum sftp_status)sftp_number_at(reply, 5, 4);
}

static slice text_of(slice reply)
{
    return slice_part(reply, 13, sftp_number_at(reply, 9, 4));
}

#define EXPECT_STATUS(reply, want) EXPECT_EQ(status_of(reply), (want))

static slice path_field(struct client *c, const char *path)
{
    return sftp_string(c->a, slice_of(path));
}

static slice ask_path(struct client *c, uint8_t type, const char *path)
{
    return ask(c, type, path_field(c, path));
}

static slice ask_handle(struct client *c, uint8_t type, slice handle)
{
    return ask(c, type, sftp_string(c->a, handle));
}

static slice ask_extended(struct client *c, const char *name, slice fields)
{
    return ask(c, SFTP_EXTENDED, SFTP_JOIN(c->a, path_field(c, name), fields));
}

static void init(struct client *c)
{
    slice reply;
    feed(c, sftp_string(c->a, sftp_packet(c->a, SFTP_INIT, SFTP_VERSION, S(""))));
    reply = take_reply(c);
    EXPECT_EQ((uint8_t)reply.p[0], SFTP_REPLY_VERSION);
    EXPECT_EQ(sftp_number_at(reply, 1, 4), SFTP_VERSION);
}

static slice ask_open(struct client *c, const char *path, uint32_t flags)
{
    return ask(c, SFTP_OPEN,
               SFTP_JOIN(c->a, path_field(c, path), sftp_number(c->a, flags, 4), sftp_number(c->a, 0, 4)));
}

static slice handle_of(slice reply)
{
    EXPECT_EQ((uint8_t)reply.p[0], SFTP_REPLY_HANDLE);
    return slice_part(reply, 9, sftp_number_at(reply, 5, 4));
}

#define PUTS (SFTP_OPEN_WRITE | SFTP_OPEN_CREATE | SFTP_OPEN_TRUNCATE)
#define APPENDS (SFTP_OPEN_WRITE | SFTP_OPEN_CREATE | SFTP_OPEN_APPEND)

static slice ask_write(struct client *c, slice handle, uint64_t offset, slice bytes)
{
    return ask(c, SFTP_WRITE,
               SFTP_JOIN(c->a, sftp_string(c->a, handle), sftp_number(c->a, offset, 8), sftp_string(c->a, bytes)));
}

static slice ask_read(struct client *c, slice handle, uint64_t offset, uint32_t length)
{
    return ask(c, SFTP_READ,
               SFTP_JOIN(c->a, sftp_string(c->a, handle), sftp_number(c->a, offset, 8), sftp_number(c->a, length, 4)));
}

static void put(struct client *c, const char *path, slice bytes)
{
    slice h = handle_of(ask_open(c, path, PUTS));
    for (size_t at = 0; at < bytes.n; at += 32768)
        EXPECT_STATUS(ask_write(c, h, at, slice_part(bytes, at, 32768)), SFTP_OK);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
}

static void expect_content(struct client *c, const char *path, slice bytes)
{
    slice h = handle_of(ask_open(c, path, SFTP_OPEN_READ));
    size_t at = 0;
    for (;;) {
        slice reply = ask_read(c, h, at, 20000);
        if ((uint8_t)reply.p[0] == SFTP_REPLY_STATUS) {
            EXPECT_STATUS(reply, SFTP_EOF);
            break;
        }
        slice part = slice_part(reply, 9, sftp_number_at(reply, 5, 4));
        EXPECT_SLICE(part, slice_part(bytes, at, part.n));
        at += part.n;
    }
    EXPECT_EQ(at, bytes.n);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
}

/* The size that a STAT shows; -1: there is none. */
static int64_t size_of(struct client *c, const char *path)
{
    slice reply = ask_path(c, SFTP_STAT, path);
    if ((uint8_t)reply.p[0] == SFTP_REPLY_ATTRIBUTES)
        return (int64_t)sftp_number_at(reply, 9, 8);
    EXPECT_STATUS(reply, SFTP_NO_SUCH_FILE);
    return -1;
}

#define CLIENT(name)                                                                                                   \
    WORLD(w);                                                                                                          \
    struct client client_, *name = &client_;                                                                           \
    client_begin(name, w);                                                                                             \
    init(name)

/* ---- putting and getting ---- */

TEST(a_file_is_put_flushed_closed_and_read_back)
{
    CLIENT(c);
    slice bytes = world_bytes(w, 300000);
    slice h = handle_of(ask_open(c, "/import/a.bin", PUTS));
    for (size_t at = 0; at < bytes.n; at += 32768)
        EXPECT_STATUS(ask_write(c, h, at, slice_part(bytes, at, 32768)), SFTP_OK);
    EXPECT_STATUS(ask_extended(c, "fsync@openssh.com", sftp_string(c->a, h)), SFTP_OK);
    slice shown = ask_handle(c, SFTP_FSTAT, h);
    EXPECT_EQ(sftp_number_at(shown, 9, 8), bytes.n);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    EXPECT_EQ(size_of(c, "import/a.bin"), (int64_t)bytes.n);
    expect_content(c, "/import/a.bin", bytes);
    client_end(c);
}

TEST(a_large_file_is_written_by_a_helper_while_its_next_bytes_come)
{
    SCOPED(world_freep) struct world *w = world_new_with(&(struct world_options){ .threaded = true });
    struct client client_, *c = &client_;
    *c = (struct client){ .w = w, .a = w->a, .f = sync_fixture_new(w) };
    sftp_fixture_begin_threaded(&c->x, w, &c->f.ana, c->f.g.s.bucket.id);
    init(c);
    slice bytes = world_bytes(w, 3 * UPLOAD_BUFFER_BYTES + 1000);
    put(c, "/import/a.bin", bytes);
    expect_content(c, "/import/a.bin", bytes);
    slice h = handle_of(ask_open(c, "/import/cut.bin", PUTS));
    for (size_t at = 0; at < bytes.n; at += 100000)
        EXPECT_STATUS(ask_write(c, h, at, slice_part(bytes, at, 100000)), SFTP_OK);
    cut_connection(c);
    init(c);
    EXPECT_EQ(size_of(c, "/import/cut.bin"), (int64_t)bytes.n);
    client_end(c);
}

TEST(a_read_is_as_long_as_a_packet_allows_and_ends_at_the_end)
{
    CLIENT(c);
    slice bytes = world_bytes(w, 400000);
    put(c, "/import/a.bin", bytes);
    slice h = handle_of(ask_open(c, "/import/a.bin", SFTP_OPEN_READ));
    EXPECT_EQ(sftp_number_at(ask_read(c, h, 0, 0xffffffff), 5, 4), SFTP_READ_MAX);
    EXPECT_EQ(sftp_number_at(ask_read(c, h, 399999, 10), 5, 4), 1);
    EXPECT_STATUS(ask_read(c, h, 400000, 10), SFTP_EOF);
    EXPECT_STATUS(ask_read(c, h, UINT64_MAX, 10), SFTP_EOF);
    EXPECT_STATUS(ask_write(c, h, 0, S("x")), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    client_end(c);
}

TEST(writes_that_come_a_little_early_wait_for_those_before_them)
{
    CLIENT(c);
    slice bytes = world_bytes(w, 64 * 3000);
    slice h = handle_of(ask_open(c, "/import/a.bin", PUTS));
    for (size_t group = 0; group < 64; group += 8)
        for (size_t i = 8; i-- > 0;)
            EXPECT_STATUS(ask_write(c, h, (group + i) * 3000, slice_part(bytes, (group + i) * 3000, 3000)), SFTP_OK);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    expect_content(c, "/import/a.bin", bytes);
    client_end(c);
}

TEST(a_gap_that_is_never_filled_fails_the_flush_and_the_close)
{
    CLIENT(c);
    slice h = handle_of(ask_open(c, "/import/a.cc5txt", PUTS));
    EXPECT_STATUS(ask_write(c, h, 0, S("0123456789")), SFTP_OK);
    EXPECT_STATUS(ask_write(c, h, 11, S("x")), SFTP_OK);
    EXPECT_STATUS(ask_extended(c, "fsync@openssh.com", sftp_string(c->a, h)), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_FAILURE);
    EXPECT_EQ(size_of(c, "/import/a.cc5txt"), 10); /* partial, and not taken */
    h = handle_of(ask_open(c, "/import/a.cc5txt", SFTP_OPEN_WRITE));
    EXPECT_STATUS(ask_write(c, h, 10, S("abc")), SFTP_OK);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    EXPECT_EQ(size_of(c, "/import/a.cc5txt"), 13);
    client_end(c);
}

TEST(what_came_is_never_overwritten_and_a_refused_write_leaves_the_file_partial)
{
    CLIENT(c);
    slice h = handle_of(ask_open(c, "/import/a.bin", PUTS));
    EXPECT_STATUS(ask_write(c, h, 0, S("0123456789")), SFTP_OK);
    EXPECT_STATUS(ask_write(c, h, 9, S("x")), SFTP_FAILURE);
    EXPECT_STATUS(ask_write(c, h, 10, S("abc")), SFTP_FAILURE); /* also what would have been right */
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_FAILURE);
    EXPECT_STATUS(ask_open(c, "/import/a.bin", SFTP_OPEN_READ), SFTP_FAILURE);
    client_end(c);
}

TEST(early_pieces_do_not_overlap_and_their_number_and_bytes_are_limited)
{
    CLIENT(c);
    char *zeros = arena_alloc(c->a, SFTP_WRITE_MAX);
    slice piece = { zeros, SFTP_WRITE_MAX };
    slice h = handle_of(ask_open(c, "/import/a.bin", PUTS));
    EXPECT_STATUS(ask_write(c, h, 100, S("abc")), SFTP_OK);
    EXPECT_STATUS(ask_write(c, h, 102, S("abc")), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_FAILURE);
    h = handle_of(ask_open(c, "/import/b.bin", PUTS));
    EXPECT_STATUS(ask_write(c, h, 100, S("abc")), SFTP_OK);
    EXPECT_STATUS(ask_write(c, h, 98, S("abc")), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_FAILURE);
    h = handle_of(ask_open(c, "/import/c.bin", PUTS));
    size_t fit = UPLOAD_EARLY_BYTES / SFTP_WRITE_MAX;
    for (size_t i = 0; i < fit; i++)
        EXPECT_STATUS(ask_write(c, h, 1 + i * piece.n, piece), SFTP_OK);
    EXPECT_STATUS(ask_write(c, h, 1 + fit * piece.n, piece), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_FAILURE);
    h = handle_of(ask_open(c, "/import/d.bin", PUTS));
    for (size_t i = 0; i < UPLOAD_EARLY_MAX; i++)
        EXPECT_STATUS(ask_write(c, h, 1 + 2 * i, S("x")), SFTP_OK);
    EXPECT_STATUS(ask_write(c, h, 100000, S("x")), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_FAILURE);
    client_end(c);
}

TEST(offsets_that_are_no_lengths_of_files_are_refused)
{
    CLIENT(c);
    slice h = handle_of(ask_open(c, "/import/a.bin", PUTS));
    EXPECT_STATUS(ask_write(c, h, UINT64_MAX, S("ab")), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_FAILURE);
    h = handle_of(ask_open(c, "/import/b.bin", PUTS));
    EXPECT_STATUS(ask_write(c, h, (uint64_t)INT64_MAX, S("ab")), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_FAILURE);
    client_end(c);
}

TEST(without_memory_for_buffers_bytes_are_written_as_they_come)
{
    CLIENT(c);
    slice bytes = world_bytes(w, 100000);
    memory_add(&c->x.shared.memory, c->x.shared.memory.max);
    put(c, "/import/a.bin", bytes);
    memory_give(&c->x.shared.memory, c->x.shared.memory.max);
    expect_content(c, "/import/a.bin", bytes);
    client_end(c);
}

/* 64 files with a byte in each take it all. */
TEST(who_takes_all_memory_for_uploads_does_not_fail_those_of_others_that_come_a_little_early)
{
    CLIENT(c);
    slice bytes = world_bytes(w, 64 * 32768);
    memory_add(&c->x.shared.memory, c->x.shared.memory.max);
    for (int again = 0; again < 2; again++) {
        slice h = handle_of(ask_open(c, "/import/a.bin", PUTS));
        for (size_t i = 64; i-- > 0;)
            EXPECT_STATUS(ask_write(c, h, i * 32768, slice_part(bytes, i * 32768, 32768)), SFTP_OK);
        EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
        expect_content(c, "/import/a.bin", bytes);
    }
    size_t fit = UPLOAD_RESERVE_BYTES / 32768;
    slice h = handle_of(ask_open(c, "/import/b.bin", PUTS));
    for (size_t i = 0; i < fit; i++)
        EXPECT_STATUS(ask_write(c, h, 1 + i * 32768, slice_part(bytes, 0, 32768)), SFTP_OK);
    EXPECT_STATUS(ask_write(c, h, 1 + fit * 32768, S("x")), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_FAILURE);
    memory_give(&c->x.shared.memory, c->x.shared.memory.max);
    client_end(c);
}

/* ---- resuming ---- */

TEST(a_cut_upload_goes_on_where_its_bytes_end)
{
    CLIENT(c);
    slice bytes = world_bytes(w, 200000);
    slice h = handle_of(ask_open(c, "/import/a.cc5txt", PUTS));
    EXPECT_STATUS(ask_write(c, h, 0, slice_part(bytes, 0, 120000)), SFTP_OK);
    cut_connection(c);
    init(c);
    int64_t size = size_of(c, "/import/a.cc5txt");
    EXPECT_EQ(size, 120000);
    EXPECT_STATUS(ask_open(c, "/import/a.cc5txt", SFTP_OPEN_READ), SFTP_FAILURE);
    h = handle_of(ask_open(c, "/import/a.cc5txt", APPENDS));
    EXPECT_STATUS(ask_write(c, h, (uint64_t)size, slice_from(bytes, (size_t)size)), SFTP_OK);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    expect_content(c, "/import/a.cc5txt", bytes);
    client_end(c);
}

TEST(who_appends_counts_from_the_beginning_of_the_file_or_of_what_is_appended)
{
    CLIENT(c);
    slice h = handle_of(ask_open(c, "/import/a.part", PUTS));
    EXPECT_STATUS(ask_write(c, h, 0, S("0123456789")), SFTP_OK);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    h = handle_of(ask_open(c, "/import/a.part", APPENDS));
    EXPECT_STATUS(ask_write(c, h, 0, S("abc")), SFTP_OK);
    EXPECT_STATUS(ask_write(c, h, 3, S("def")), SFTP_OK);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    EXPECT_EQ(size_of(c, "/import/a.part"), 16);
    h = handle_of(ask_open(c, "/import/a.part", APPENDS));
    EXPECT_STATUS(ask_write(c, h, 16, S("!")), SFTP_OK);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    h = handle_of(ask_open(c, "/import/a.part", APPENDS));
    EXPECT_STATUS(ask_write(c, h, 12, S("x")), SFTP_FAILURE); /* another idea of the file */
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_FAILURE);
    EXPECT_EQ(size_of(c, "/import/a.part"), 17);
    client_end(c);
}

/* ---- handles ---- */

TEST(ten_thousand_opens_get_256_handles_and_no_more_memory)
{
    CLIENT(c);
    size_t opened = 0;
    slice last = S("");
    for (int i = 0; i < 10000; i++) {
        slice reply = ask_path(c, SFTP_OPENDIR, "/import");
        if ((uint8_t)reply.p[0] == SFTP_REPLY_HANDLE)
            opened++, last = handle_of(reply);
        else
            EXPECT_STATUS(reply, SFTP_FAILURE);
    }
    EXPECT_EQ(opened, HANDLES_MAX);
    EXPECT_STATUS(ask_open(c, "/import/a", PUTS), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, last), SFTP_OK);
    handle_of(ask_path(c, SFTP_OPENDIR, "/import"));
    client_end(c);
}

static void open_folders(struct client *c, int count)
{
    for (int i = 0; i < count; i++)
        handle_of(ask_path(c, SFTP_OPENDIR, "/"));
}

TEST(the_handles_of_all_sessions_are_limited_together)
{
    CLIENT(c);
    c->x.shared.handles.max = 3;
    struct sftp_session *first = c->x.s;
    open_folders(c, HANDLES_RESERVED + 2);
    c->x.s = sftp_session_open(&c->x.shared, c->x.inbox, c->f.ana.section_id);
    init(c);
    open_folders(c, HANDLES_RESERVED + 1);
    EXPECT_STATUS(ask_path(c, SFTP_OPENDIR, "/"), SFTP_FAILURE);
    sftp_session_close(first);
    open_folders(c, 2);
    EXPECT_STATUS(ask_path(c, SFTP_OPENDIR, "/"), SFTP_FAILURE);
    client_end(c);
}

TEST(a_client_that_had_all_handles_open_kept_others_from_opening_one)
{
    CLIENT(c);
    c->x.shared.handles.max = 3;
    struct sftp_session *greedy = c->x.s;
    open_folders(c, HANDLES_RESERVED + 3);
    EXPECT_STATUS(ask_path(c, SFTP_OPENDIR, "/"), SFTP_FAILURE);
    c->x.s = sftp_session_open(&c->x.shared, c->x.inbox, c->f.ana.section_id);
    init(c);
    open_folders(c, HANDLES_RESERVED - 1);
    slice last = handle_of(ask_path(c, SFTP_OPENDIR, "/"));
    EXPECT_STATUS(ask_path(c, SFTP_OPENDIR, "/"), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, last), SFTP_OK);
    handle_of(ask_path(c, SFTP_OPENDIR, "/"));
    EXPECT_EQ(c->x.shared.handles.open, 3);
    sftp_session_close(greedy);
    EXPECT_EQ(c->x.shared.handles.open, 0);
    client_end(c);
}

TEST(a_closed_handle_never_means_another_file)
{
    CLIENT(c);
    slice old = handle_of(ask_path(c, SFTP_OPENDIR, "/"));
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, old), SFTP_OK);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, old), SFTP_FAILURE);
    slice new = handle_of(ask_path(c, SFTP_OPENDIR, "/"));
    EXPECT(!slice_eq(old, new));
    EXPECT_STATUS(ask_handle(c, SFTP_READDIR, old), SFTP_FAILURE);
    EXPECT_STATUS(ask_read(c, new, 0, 10), SFTP_FAILURE);
    EXPECT_STATUS(ask_write(c, new, 0, S("x")), SFTP_FAILURE);
    static const char *const bad[] = { "", "x", "12345678", "123456789" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_STATUS(ask_handle(c, SFTP_FSTAT, slice_of(bad[i])), SFTP_FAILURE);
    EXPECT_STATUS(ask_handle(c, SFTP_FSTAT, S("\xff\xff\xff\xff\0\0\0\0")), SFTP_FAILURE);
    client_end(c);
}

/* ---- paths and names ---- */

TEST(paths_stay_below_the_root)
{
    CLIENT(c);
    static const struct {
        const char *path, *real;
    } known[] = { { "", "/" },
                  { ".", "/" },
                  { "/..", "/" },
                  { "../../../..", "/" },
                  { "import", "/import" },
                  { "/import/../../import/./done//", "/import/done" },
                  { "import/failed/..", "/import" },
                  { "/import/a b", "/import/a b" } };
    for (size_t i = 0; i < LENGTH_OF(known); i++) {
        slice reply = ask_path(c, SFTP_REALPATH, known[i].path);
        EXPECT_EQ((uint8_t)reply.p[0], SFTP_REPLY_NAME);
        EXPECT_EQ(sftp_number_at(reply, 5, 4), 1);
        EXPECT_SLICE(slice_part(reply, 13, sftp_number_at(reply, 9, 4)), slice_of(known[i].real));
    }
    static const char *const none[] = { "/etc/passwd", "../../../../etc/passwd", "/import/../../etc/passwd", "/etc",
                                        "import/done/../../../data/cais.db" };
    for (size_t i = 0; i < LENGTH_OF(none); i++) {
        EXPECT_EQ(size_of(c, none[i]), -1);
        EXPECT_STATUS(ask_open(c, none[i], SFTP_OPEN_READ), SFTP_NO_SUCH_FILE);
        EXPECT(status_of(ask_open(c, none[i], PUTS)) != SFTP_OK);
    }
    client_end(c);
}

TEST(there_are_no_links_and_none_can_be_made)
{
    CLIENT(c);
    slice two = SFTP_JOIN(c->a, path_field(c, "/etc/passwd"), path_field(c, "/import/link"));
    EXPECT_STATUS(ask(c, SFTP_SYMLINK, two), SFTP_OP_UNSUPPORTED);
    EXPECT_STATUS(ask_extended(c, "hardlink@openssh.com", two), SFTP_OP_UNSUPPORTED);
    EXPECT_STATUS(ask_path(c, SFTP_READLINK, "/import"), SFTP_OP_UNSUPPORTED);
    EXPECT_EQ(size_of(c, "/import/link"), -1);
    client_end(c);
}

static slice ask_rename(struct client *c, const char *from, const char *to)
{
    return ask(c, SFTP_RENAME, SFTP_JOIN(c->a, path_field(c, from), path_field(c, to)));
}

static slice ask_posix_rename(struct client *c, const char *from, const char *to)
{
    return ask_extended(c, "posix-rename@openssh.com", SFTP_JOIN(c->a, path_field(c, from), path_field(c, to)));
}

TEST(a_rename_replaces_only_when_it_is_that_of_posix)
{
    CLIENT(c);
    put(c, "/import/a.part", S("new"));
    put(c, "/import/b.part", S("old bytes"));
    EXPECT_STATUS(ask_rename(c, "/import/a.part", "/import/b.part"), SFTP_FAILURE);
    EXPECT_EQ(size_of(c, "/import/b.part"), 9);
    EXPECT_STATUS(ask_posix_rename(c, "/import/a.part", "/import/b.part"), SFTP_OK);
    EXPECT_EQ(size_of(c, "/import/b.part"), 3);
    EXPECT_EQ(size_of(c, "/import/a.part"), -1);
    EXPECT_STATUS(ask_rename(c, "/import/b.part", "/import/b.txt"), SFTP_OK);
    EXPECT_EQ(size_of(c, "/import/b.txt"), 3);
    EXPECT_STATUS(ask_rename(c, "/import/none", "/import/c"), SFTP_NO_SUCH_FILE);
    client_end(c);
}

TEST(only_files_of_import_can_be_changed)
{
    CLIENT(c);
    put(c, "/import/a.part", S("bytes"));
    static const char *const fixed[] = {
        "/import/done/a", "/import/failed/a", "/import/done", "/import/failed", "/import", "/", "/a"
    };
    for (size_t i = 0; i < LENGTH_OF(fixed); i++) {
        EXPECT(status_of(ask_open(c, fixed[i], PUTS)) != SFTP_OK);
        EXPECT(status_of(ask_rename(c, "/import/a.part", fixed[i])) != SFTP_OK);
        EXPECT(status_of(ask_posix_rename(c, "/import/a.part", fixed[i])) != SFTP_OK);
        EXPECT(status_of(ask_rename(c, fixed[i], "/import/b")) != SFTP_OK);
        EXPECT(status_of(ask_path(c, SFTP_REMOVE, fixed[i])) != SFTP_OK);
        EXPECT(status_of(ask_path(c, SFTP_RMDIR, fixed[i])) != SFTP_OK);
    }
    EXPECT_STATUS(ask_open(c, "/import/done/a", PUTS), SFTP_PERMISSION_DENIED);
    EXPECT_STATUS(ask_posix_rename(c, "/import/a.part", "/import/done/a"), SFTP_PERMISSION_DENIED);
    EXPECT_STATUS(ask_path(c, SFTP_RMDIR, "/import/done"), SFTP_PERMISSION_DENIED);
    slice none = sftp_number(c->a, 0, 4);
    EXPECT_STATUS(ask(c, SFTP_MKDIR, SFTP_JOIN(c->a, path_field(c, "/import/x"), none)), SFTP_PERMISSION_DENIED);
    EXPECT_STATUS(ask(c, SFTP_MKDIR, SFTP_JOIN(c->a, path_field(c, "/import"), none)), SFTP_FAILURE);
    EXPECT_EQ(size_of(c, "/import/a.part"), 5);
    EXPECT_STATUS(ask_path(c, SFTP_REMOVE, "/import/a.part"), SFTP_OK);
    EXPECT_STATUS(ask_path(c, SFTP_REMOVE, "/import/a.part"), SFTP_NO_SUCH_FILE);
    client_end(c);
}

TEST(a_key_that_may_only_read_changes_nothing)
{
    CLIENT(c);
    put(c, "/import/a.part", S("bytes"));
    slice unused;
    struct key_request request = {
        .login = S("ana"), .purpose = S("test"), .role = KEY_READER, .workspace = S("W"), .section = S("B")
    };
    struct principal reader = sync_fixture_key(&c->f, &request, &unused);
    sftp_fixture_change_key(&c->x, &reader);
    init(c);
    EXPECT_EQ(size_of(c, "/import/a.part"), 5);
    EXPECT_STATUS(ask_open(c, "/import/b", PUTS), SFTP_PERMISSION_DENIED);
    EXPECT_STATUS(ask_path(c, SFTP_REMOVE, "/import/a.part"), SFTP_PERMISSION_DENIED);
    EXPECT_STATUS(ask_posix_rename(c, "/import/a.part", "/import/b"), SFTP_PERMISSION_DENIED);
    client_end(c);
}

TEST(a_revoked_key_can_do_nothing_more)
{
    CLIENT(c);
    slice h = handle_of(ask_open(c, "/import/a.cc5txt", PUTS));
    EXPECT_STATUS(ask_write(c, h, 0, S("bytes")), SFTP_OK);
    EXPECT_OK(key_revoke(&w->core, &w->operator_, c->f.ana.credential_id, c->a));
    EXPECT_STATUS(ask_path(c, SFTP_STAT, "/import"), SFTP_PERMISSION_DENIED);
    EXPECT_STATUS(ask_path(c, SFTP_OPENDIR, "/import"), SFTP_PERMISSION_DENIED);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_PERMISSION_DENIED);
    client_end(c);
}

/* ---- folders ---- */

struct seen {
    size_t count, pages;
    bool twice;
};

static void list_page(slice reply, struct seen *seen, bool *marks, size_t mark_count)
{
    size_t at = 9;
    for (uint64_t n = sftp_number_at(reply, 5, 4); n; n--) {
        slice name = slice_part(reply, at + 4, sftp_number_at(reply, at, 4));
        at += 4 + name.n;
        at += 4 + sftp_number_at(reply, at, 4); /* the long name */
        at += 4 + 8 + 4 + 8;                    /* flags, size, permissions, times */
        uint64_t number;
        if (slice_starts(name, S("f")) && slice_to_u64(slice_from(name, 1), &number) && number < mark_count) {
            seen->twice |= marks[number];
            marks[number] = true;
            seen->count++;
        }
    }
    EXPECT_EQ(at, reply.n);
    seen->pages++;
}

TEST(a_folder_is_listed_in_pages_each_file_once)
{
    enum { FILES = 250 };
    CLIENT(c);
    bool marks[FILES] = { false };
    struct seen seen = { 0 };
    for (int i = 0; i < FILES; i++)
        put(c, arena_printf(c->a, "/import/f%d", i).p, S("x"));
    slice h = handle_of(ask_path(c, SFTP_OPENDIR, "/import"));
    for (;;) {
        slice reply = ask_handle(c, SFTP_READDIR, h);
        if ((uint8_t)reply.p[0] == SFTP_REPLY_STATUS) {
            EXPECT_STATUS(reply, SFTP_EOF);
            break;
        }
        list_page(reply, &seen, marks, FILES);
    }
    EXPECT_EQ(seen.count, FILES);
    EXPECT(!seen.twice && seen.pages >= 3);
    EXPECT_STATUS(ask_handle(c, SFTP_READDIR, h), SFTP_EOF);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    EXPECT_STATUS(ask_path(c, SFTP_OPENDIR, "/import/f1"), SFTP_FAILURE);
    EXPECT_STATUS(ask_path(c, SFTP_OPENDIR, "/import/none"), SFTP_NO_SUCH_FILE);
    client_end(c);
}

/* The replies that list a folder, one after the other. */
static slice list_folder(struct client *c, const char *path)
{
    slice all = S(""), h = handle_of(ask_path(c, SFTP_OPENDIR, path));
    for (;;) {
        slice reply = ask_handle(c, SFTP_READDIR, h);
        if ((uint8_t)reply.p[0] == SFTP_REPLY_STATUS)
            break;
        all = SFTP_JOIN(c->a, all, reply);
    }
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    return all;
}

TEST(long_names_look_like_those_of_ls)
{
    CLIENT(c);
    put(c, "/import/families.cc5txt.part", S("twelve bytes"));
    slice now = list_folder(c, "/import");
    EXPECT(slice_find(now, S("-rw-r--r--    1 cais     cais           12 Nov 21 14:04 families.cc5txt.part")) !=
           SLICE_NONE);
    EXPECT(slice_find(now, S("dr-xr-xr-x    1 cais     cais            0 Nov 21 14:04 done")) != SLICE_NONE);
    world_wait(w, hours(24) * 200);
    EXPECT(slice_find(list_folder(c, "/import"), S("Nov 21  2026 done")) != SLICE_NONE);
    client_end(c);
}

/* ---- attributes and extensions ---- */

TEST(times_and_permissions_are_accepted_and_sizes_are_not)
{
    CLIENT(c);
    slice times = SFTP_JOIN(c->a, sftp_number(c->a, 0x0c, 4), sftp_number(c->a, 0100600, 4), sftp_number(c->a, 1, 4),
                            sftp_number(c->a, 2, 4));
    slice size = SFTP_JOIN(c->a, sftp_number(c->a, 1, 4), sftp_number(c->a, 100, 8));
    slice same = SFTP_JOIN(c->a, sftp_number(c->a, 1, 4), sftp_number(c->a, 5, 8));
    slice h = handle_of(ask_open(c, "/import/a.part", PUTS));
    EXPECT_STATUS(ask_write(c, h, 0, S("bytes")), SFTP_OK);
    EXPECT_STATUS(ask(c, SFTP_FSETSTAT, SFTP_JOIN(c->a, sftp_string(c->a, h), times)), SFTP_OK);
    EXPECT_STATUS(ask(c, SFTP_FSETSTAT, SFTP_JOIN(c->a, sftp_string(c->a, h), size)), SFTP_OP_UNSUPPORTED);
    EXPECT_STATUS(ask(c, SFTP_FSETSTAT, SFTP_JOIN(c->a, sftp_string(c->a, h), same)), SFTP_OK);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    slice path = path_field(c, "/import/a.part");
    EXPECT_STATUS(ask(c, SFTP_SETSTAT, SFTP_JOIN(c->a, path, times)), SFTP_OK);
    EXPECT_STATUS(ask(c, SFTP_SETSTAT, SFTP_JOIN(c->a, path, size)), SFTP_OP_UNSUPPORTED);
    EXPECT_STATUS(ask(c, SFTP_SETSTAT, SFTP_JOIN(c->a, path, same)), SFTP_OK);
    EXPECT_STATUS(ask(c, SFTP_SETSTAT, SFTP_JOIN(c->a, path_field(c, "/import/none"), times)), SFTP_NO_SUCH_FILE);
    client_end(c);
}

TEST(limits_and_space_are_told)
{
    CLIENT(c);
    slice limits = ask_extended(c, "limits@openssh.com", S(""));
    EXPECT_EQ((uint8_t)limits.p[0], SFTP_REPLY_EXTENDED);
    EXPECT_EQ(sftp_number_at(limits, 5, 8), SFTP_PACKET_MAX);
    EXPECT_EQ(sftp_number_at(limits, 13, 8), SFTP_READ_MAX);
    EXPECT_EQ(sftp_number_at(limits, 21, 8), SFTP_WRITE_MAX);
    EXPECT_EQ(sftp_number_at(limits, 29, 8), HANDLES_MAX);
    slice space = ask_extended(c, "statvfs@openssh.com", path_field(c, "/import"));
    EXPECT_EQ((uint8_t)space.p[0], SFTP_REPLY_EXTENDED);
    EXPECT(sftp_number_at(space, 21, 8) >= sftp_number_at(space, 29, 8)); /* blocks in all, and free */
    slice h = handle_of(ask_path(c, SFTP_OPENDIR, "/"));
    EXPECT_EQ((uint8_t)ask_extended(c, "fstatvfs@openssh.com", sftp_string(c->a, h)).p[0], SFTP_REPLY_EXTENDED);
    EXPECT_STATUS(ask_extended(c, "fsync@openssh.com", sftp_string(c->a, h)), SFTP_OK);
    EXPECT_STATUS(ask_extended(c, "statvfs@openssh.com", path_field(c, "/none")), SFTP_NO_SUCH_FILE);
    EXPECT_STATUS(ask_extended(c, "copy-data", S("whatever")), SFTP_OP_UNSUPPORTED);
    client_end(c);
}

TEST(who_has_put_a_file_finds_it_for_a_minute_although_it_was_imported)
{
    CLIENT(c);
    uint64_t size_bytes;
    int64_t at_ms;
    put(c, "/import/a.part", S("bytes"));
    EXPECT(recent_find(&c->x.shared.recent, c->f.ana.section_id, S("a.part"), &size_bytes, &at_ms));
    EXPECT_EQ(size_bytes, 5);
    EXPECT(!recent_find(&c->x.shared.recent, c->f.ana.section_id + 1, S("a.part"), &size_bytes, &at_ms));
    EXPECT_STATUS(ask_path(c, SFTP_REMOVE, "/import/a.part"), SFTP_OK);
    EXPECT_EQ(size_of(c, "/import/a.part"), -1); /* its sender has removed it */
    recent_note(&c->x.shared.recent, c->f.ana.section_id, S("imported.cc5txt"), 7);
    EXPECT_EQ(size_of(c, "/import/imported.cc5txt"), 7);
    EXPECT_EQ(size_of(c, "/import/done/imported.cc5txt"), -1);
    slice times = SFTP_JOIN(c->a, path_field(c, "/import/imported.cc5txt"), sftp_number(c->a, 8, 4),
                            sftp_number(c->a, 1, 4), sftp_number(c->a, 2, 4));
    EXPECT_STATUS(ask(c, SFTP_SETSTAT, times), SFTP_OK);
    world_wait(w, RECENT_MS);
    EXPECT_EQ(size_of(c, "/import/imported.cc5txt"), -1);
    client_end(c);
}

/* ---- clients that break the protocol ---- */

TEST(a_packet_of_256_kib_and_a_byte_ends_the_session)
{
    CLIENT(c);
    slice length = sftp_number(c->a, SFTP_PACKET_MAX + 1, 4);
    EXPECT_EQ(sftp_session_feed(c->x.s, length), 0);
    EXPECT(sftp_session_violation(c->x.s) != NULL);
    slice after = sftp_string(c->a, sftp_packet(c->a, SFTP_STAT, 1, path_field(c, "/")));
    EXPECT_EQ(sftp_session_feed(c->x.s, after), 0);
    EXPECT_EQ(sftp_session_output(c->x.s).n, 0);
    client_end(c);
}

TEST(the_first_packet_is_init_of_version_3_and_the_only_one)
{
    WORLD(w);
    struct client client, *c = &client;
    client_begin(c, w);
    slice stat = sftp_string(c->a, sftp_packet(c->a, SFTP_STAT, 3, path_field(c, "/")));
    sftp_session_feed(c->x.s, stat);
    EXPECT(sftp_session_violation(c->x.s) && !sftp_session_output(c->x.s).n);
    cut_connection(c);
    sftp_session_feed(c->x.s, sftp_string(c->a, sftp_packet(c->a, SFTP_INIT, 2, S(""))));
    EXPECT(sftp_session_violation(c->x.s) && !sftp_session_output(c->x.s).n);
    cut_connection(c);
    feed(c, sftp_string(c->a, sftp_packet(c->a, SFTP_INIT, 6, S("")))); /* the lower of the two versions counts */
    EXPECT_EQ(sftp_number_at(take_reply(c), 1, 4), SFTP_VERSION);
    sftp_session_feed(c->x.s, sftp_string(c->a, sftp_packet(c->a, SFTP_INIT, 3, S(""))));
    EXPECT(sftp_session_violation(c->x.s) != NULL);
    cut_connection(c);
    sftp_session_feed(c->x.s, sftp_string(c->a, S("\x01\0\0")));
    EXPECT(sftp_session_violation(c->x.s) != NULL);
    client_end(c);
}

TEST(a_malformed_request_is_refused_and_the_next_is_served)
{
    CLIENT(c);
    EXPECT_STATUS(ask(c, SFTP_STAT, sftp_number(c->a, 100, 4)), SFTP_BAD_MESSAGE);
    EXPECT_STATUS(ask(c, 99, S("what")), SFTP_OP_UNSUPPORTED);
    EXPECT_STATUS(ask(c, SFTP_REPLY_STATUS, S("")), SFTP_OP_UNSUPPORTED);
    EXPECT_STATUS(ask(c, 255, S("")), SFTP_OP_UNSUPPORTED);
    EXPECT_EQ(size_of(c, "/import"), 0);
    client_end(c);
}

TEST(a_client_that_never_reads_is_not_served_and_uses_no_more_memory)
{
    CLIENT(c);
    slice bytes = world_bytes(w, 300000);
    put(c, "/import/a.bin", bytes);
    slice h = handle_of(ask_open(c, "/import/a.bin", SFTP_OPEN_READ));
    slice one = sftp_string(c->a, sftp_packet(c->a, SFTP_READ, 7,
                                              SFTP_JOIN(c->a, sftp_string(c->a, h), sftp_number(c->a, 0, 8),
                                                        sftp_number(c->a, 0x7fffffff, 4))));
    size_t taken = 0;
    for (int i = 0; i < 1000; i++)
        taken += sftp_session_feed(c->x.s, one) == one.n;
    EXPECT(sftp_session_is_full(c->x.s));
    EXPECT_EQ(taken, 3);
    EXPECT(sftp_session_output(c->x.s).n < SESSION_OUTPUT_MAX + SFTP_PACKET_MAX);
    /* Whoever reads slowly is served slowly, and gets every reply. */
    for (int i = 0; i < 50; i++) {
        take_reply(c);
        taken += sftp_session_feed(c->x.s, one) == one.n;
    }
    EXPECT_EQ(taken, 53);
    while (sftp_session_output(c->x.s).n) {
        slice output = sftp_session_output(c->x.s);
        sftp_session_sent(c->x.s, output.n < 1000 ? output.n : 1000);
    }
    EXPECT(!sftp_session_is_full(c->x.s));
    EXPECT_EQ(size_of(c, "/import/a.bin"), 300000);
    client_end(c);
}

TEST(requests_are_executed_once_they_are_whole_however_they_are_cut)
{
    CLIENT(c);
    slice one = sftp_string(c->a, sftp_packet(c->a, SFTP_STAT, 5, path_field(c, "/import")));
    for (size_t n = 0; n < one.n; n++) {
        EXPECT_EQ(sftp_session_feed(c->x.s, slice_part(one, 0, n)), 0);
        EXPECT_EQ(sftp_session_output(c->x.s).n, 0);
    }
    slice three = SFTP_JOIN(c->a, one, one, slice_part(one, 0, 6));
    EXPECT_EQ(sftp_session_feed(c->x.s, three), 2 * one.n);
    take_reply(c);
    take_reply(c);
    EXPECT_EQ(sftp_session_output(c->x.s).n, 0);
    client_end(c);
}

/* A client that goes away after each request: nothing is left over, and no file that was not closed is taken. */
TEST(a_client_may_disconnect_in_every_state)
{
    CLIENT(c);
    for (int stop = 0; stop < 6; stop++) {
        slice h = S("");
        const char *name = arena_printf(c->a, "/import/cut%d.cc5txt", stop).p;
        if (stop > 0)
            h = handle_of(ask_open(c, name, PUTS));
        if (stop > 1)
            EXPECT_STATUS(ask_write(c, h, 0, S("bytes")), SFTP_OK);
        if (stop > 2)
            EXPECT_STATUS(ask_write(c, h, 9, S("early")), SFTP_OK);
        if (stop > 3)
            handle_of(ask_path(c, SFTP_OPENDIR, "/import"));
        if (stop > 4)
            EXPECT_EQ(sftp_session_feed(c->x.s, S("\0\0\0")), 0);
        cut_connection(c);
        EXPECT_EQ(c->x.shared.handles.open, 0);
        EXPECT_EQ(memory_used(&c->x.shared.memory), 0);
        init(c);
        EXPECT_EQ(size_of(c, name), stop > 1 ? 5 : stop > 0 ? 0 : -1);
    }
    EXPECT_EQ(world_file_count(w), 0);
    client_end(c);
}

TEST(a_server_that_stops_opens_nothing_more_and_lets_files_be_completed)
{
    CLIENT(c);
    slice h = handle_of(ask_open(c, "/import/a.bin", PUTS));
    EXPECT_STATUS(ask_write(c, h, 0, S("by")), SFTP_OK);
    sftp_session_refuse_opens(c->x.s);
    EXPECT_STATUS(ask_open(c, "/import/b.bin", PUTS), SFTP_FAILURE);
    EXPECT(sftp_session_is_writing(c->x.s));
    EXPECT_STATUS(ask_write(c, h, 2, S("tes")), SFTP_OK);
    EXPECT_STATUS(ask_handle(c, SFTP_CLOSE, h), SFTP_OK);
    EXPECT(!sftp_session_is_writing(c->x.s));
    EXPECT_EQ(size_of(c, "/import/a.bin"), 5);
    client_end(c);
}

/* ---- errors ---- */

TEST(errors_of_stores_are_failures_without_their_texts)
{
    CLIENT(c);
    put(c, "/import/a.part", S("bytes"));
    w->faults.code = ERR_UNAVAILABLE;
    w->faults.fail_count = 1;
    w->faults.fail_at = w->faults.calls + 1;
    slice reply = ask_path(c, SFTP_STAT, "/import/a.part");
    EXPECT_STATUS(reply, SFTP_FAILURE);
    EXPECT_SLICE(text_of(reply), S("the server could not do that; try again later"));
    EXPECT_EQ(size_of(c, "/import/a.part"), 5);
    client_end(c);
}

RUN_TESTS(cmocka_unit_test(a_file_is_put_flushed_closed_and_read_back),
          cmocka_unit_test(a_large_file_is_written_by_a_helper_while_its_next_bytes_come),
          cmocka_unit_test(a_read_is_as_long_as_a_packet_allows_and_ends_at_the_end),
          cmocka_unit_test(writes_that_come_a_little_early_wait_for_those_before_them),
          cmocka_unit_test(a_gap_that_is_never_filled_fails_the_flush_and_the_close),
          cmocka_unit_test(what_came_is_never_overwritten_and_a_refused_write_leaves_the_file_partial),
          cmocka_unit_test(early_pieces_do_not_overlap_and_their_number_and_bytes_are_limited),
          cmocka_unit_test(offsets_that_are_no_lengths_of_files_are_refused),
          cmocka_unit_test(without_memory_for_buffers_bytes_are_written_as_they_come),
          cmocka_unit_test(who_takes_all_memory_for_uploads_does_not_fail_those_of_others_that_come_a_little_early),
          cmocka_unit_test(a_cut_upload_goes_on_where_its_bytes_end),
          cmocka_unit_test(who_appends_counts_from_the_beginning_of_the_file_or_of_what_is_appended),
          cmocka_unit_test(ten_thousand_opens_get_256_handles_and_no_more_memory),
          cmocka_unit_test(the_handles_of_all_sessions_are_limited_together),
          cmocka_unit_test(a_client_that_had_all_handles_open_kept_others_from_opening_one),
          cmocka_unit_test(a_closed_handle_never_means_another_file), cmocka_unit_test(paths_stay_below_the_root),
          cmocka_unit_test(there_are_no_links_and_none_can_be_made),
          cmocka_unit_test(a_rename_replaces_only_when_it_is_that_of_posix),
          cmocka_unit_test(only_files_of_import_can_be_changed),
          cmocka_unit_test(a_key_that_may_only_read_changes_nothing),
          cmocka_unit_test(a_revoked_key_can_do_nothing_more),
          cmocka_unit_test(a_folder_is_listed_in_pages_each_file_once),
          cmocka_unit_test(long_names_look_like_those_of_ls),
          cmocka_unit_test(times_and_permissions_are_accepted_and_sizes_are_not),
          cmocka_unit_test(limits_and_space_are_told),
          cmocka_unit_test(who_has_put_a_file_finds_it_for_a_minute_although_it_was_imported),
          cmocka_unit_test(a_packet_of_256_kib_and_a_byte_ends_the_session),
          cmocka_unit_test(the_first_packet_is_init_of_version_3_and_the_only_one),
          cmocka_unit_test(a_malformed_request_is_refused_and_the_next_is_served),
          cmocka_unit_test(a_client_that_never_reads_is_not_served_and_uses_no_more_memory),
          cmocka_unit_test(requests_are_executed_once_they_are_whole_however_they_are_cut),
          cmocka_unit_test(a_client_may_disconnect_in_every_state),
          cmocka_unit_test(a_server_that_stops_opens_nothing_more_and_lets_files_be_completed),
          cmocka_unit_test(errors_of_stores_are_failures_without_their_texts))
