/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp_fixture.h"

#include "test.h"

static err_t write_result(void *arg, const struct sync_file *f, struct arena *a, slice *ret)
{
    (void)arg;
    *ret = arena_copy(a, f->name);
    return NULL;
}

static void open_inbox(struct sftp_fixture *f)
{
    struct inbox_options options = { .origin = S("sftp"),
                                     .way = SYNC_BY_FOLDER,
                                     .bucket_id = f->bucket_id,
                                     .folder = S("sftp"),
                                     .idle_ms = SYNC_IDLE_MS,
                                     .result = write_result };
    EXPECT_OK(inbox_open(&f->w->core, &f->who, &options, f->w->a, &f->inbox));
    f->s = sftp_session_open(&f->shared, f->inbox, f->who.section_id);
}

static void begin(struct sftp_fixture *f, struct world *w, const struct principal *who, int64_t bucket_id,
                  bool is_single)
{
    *f = (struct sftp_fixture){ .w = w, .who = *who, .bucket_id = bucket_id };
    session_shared_init(&f->shared, &w->core, NULL, SFTP_FIXTURE_HANDLES, SFTP_FIXTURE_MEMORY);
    f->shared.single_thread = is_single;
    open_inbox(f);
}

void sftp_fixture_begin(struct sftp_fixture *f, struct world *w, const struct principal *who, int64_t bucket_id)
{
    begin(f, w, who, bucket_id, true);
}

void sftp_fixture_begin_threaded(struct sftp_fixture *f, struct world *w, const struct principal *who,
                                 int64_t bucket_id)
{
    begin(f, w, who, bucket_id, false);
}

void sftp_fixture_reconnect(struct sftp_fixture *f)
{
    sftp_session_close(f->s);
    f->s = sftp_session_open(&f->shared, f->inbox, f->who.section_id);
}

void sftp_fixture_change_key(struct sftp_fixture *f, const struct principal *who)
{
    sftp_session_close(f->s);
    inbox_close(f->inbox);
    f->who = *who;
    open_inbox(f);
}

void sftp_fixture_end(struct sftp_fixture *f)
{
    sftp_session_close(f->s);
    inbox_close(f->inbox);
    EXPECT_EQ(f->shared.handles.open, 0);
    EXPECT_EQ(memory_used(&f->shared.memory), 0);
    session_shared_release(&f->shared);
}
