/* SPDX-License-Identifier: Apache-2.0 */
/* Every acknowledged write survives the end of the process. A child process acknowledges writes through a pipe until it
 * is killed. */
#include "meta_world.h"
#include "rounds.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

struct ack {
    struct meta_write write;
    struct meta_upload upload;
    int pipe;
};

static void acknowledge_and_submit_next(struct meta_write *w, err_t e)
{
    struct ack *ack = CONTAINER_OF(w, struct ack, write);
    if (e || write(ack->pipe, &ack->upload.number, sizeof ack->upload.number) != sizeof ack->upload.number)
        _exit(1);
    ack->upload.number += 16;
    if (!meta_submit(ack->upload.world->store, w))
        _exit(1);
}

static void write_for_ever(struct meta_world *w, int pipe, uint64_t first)
{
    static struct ack acks[16];
    static char bytes[4096];
    if (meta_open(test_database_open(&w->database, w->a), &w->options, w->a, &w->store))
        _exit(1);
    for (uint64_t i = 0; i < LENGTH_OF(acks); i++) {
        acks[i] = (struct ack){ .pipe = pipe,
                                .upload = { .world = w, .number = first + i, .bytes = { bytes, sizeof bytes } } };
        acks[i].write = (struct meta_write){ .apply = meta_upload_apply,
                                             .arg = &acks[i].upload,
                                             .done = acknowledge_and_submit_next };
        if (!meta_submit(w->store, &acks[i].write))
            _exit(1);
    }
    for (;;)
        pause();
}

TEST(every_acknowledged_write_survives_kill_9)
{
    struct meta_world w;
    meta_world_init(&w, DATABASE_FILE, (struct meta_options){ 0 });
    meta_close(w.store);
    int64_t before = 0;
    for (int kill_number = 0; kill_number < rounds(ROUNDS_store_kills); kill_number++) {
        int round = kill_number + 1, acks = (kill_number % 20 + 1) * 37;
        int ends[2];
        EXPECT_EQ(pipe(ends), 0);
        pid_t child = fork();
        EXPECT(child >= 0);
        if (child == 0) {
            close(ends[0]);
            write_for_ever(&w, ends[1], (uint64_t)round << 32);
        }
        close(ends[1]);
        uint64_t number;
        size_t n = 0, room = 64;
        uint64_t *acknowledged = must_malloc(room * sizeof *acknowledged);
        while (read(ends[0], &number, sizeof number) == sizeof number) {
            if (n == room)
                acknowledged = must_realloc(acknowledged, (room *= 2) * sizeof *acknowledged);
            acknowledged[n++] = number;
            if (n == (size_t)acks)
                kill(child, SIGKILL); /* acknowledgements that are in the pipe already count, too */
        }
        close(ends[0]);
        waitpid(child, NULL, 0);
        EXPECT(n >= (size_t)acks);

        meta_world_open(&w);
        struct meta_tx *tx;
        EXPECT_OK(meta_read_begin(w.store, w.a, &tx));
        for (size_t i = 0; i < n; i++) {
            SCRATCH(s);
            unsigned char uuid[16] = { 0 };
            struct file f;
            struct object o;
            memcpy(uuid, &acknowledged[i], sizeof acknowledged[i]);
            EXPECT_OK(meta_file_by_uuid(tx, uuid, &s, &f));
            EXPECT_OK(meta_object_get(tx, f.object_id, &s, &o));
            EXPECT_EQ(o.inline_bytes.n, 4096);
        }
        struct account account;
        int64_t wrong;
        EXPECT_OK(meta_account_get(tx, w.account, w.a, &account));
        EXPECT(account.used_files >= before + (int64_t)n);
        before = account.used_files;
        EXPECT_OK(meta_usage_check(tx, false, w.a, &wrong)); /* and no upload is there in part */
        EXPECT_EQ(wrong, 0);
        meta_read_end(tx);
        EXPECT_OK(meta_verify(w.store, w.a));
        meta_close(w.store);
        free(acknowledged);
    }
    meta_world_open(&w);
    meta_world_release(&w);
}

RUN_TESTS(cmocka_unit_test(every_acknowledged_write_survives_kill_9))
