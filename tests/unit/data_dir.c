/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"
#include "tmpdir.h"

#include "core/care/ballast.h"
#include "core/care/data_dir.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

TEST(a_data_directory_with_mode_0777_was_accepted)
{
    SCRATCH(a);
    char *dir = tmpdir_make();
    static const mode_t good[] = { 0700, 0750, 0755, 02755 }, bad[] = { 0777, 0770, 0720, 0702, 01777 };
    for (size_t i = 0; i < LENGTH_OF(good); i++) {
        EXPECT_EQ(chmod(dir, good[i]), 0);
        EXPECT_OK(data_dir_check_private(dir, geteuid(), &a));
    }
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        EXPECT_EQ(chmod(dir, bad[i]), 0);
        err_t e = data_dir_check_private(dir, geteuid(), &a);
        EXPECT_ERR(e, ERR_FORBIDDEN);
        EXPECT(strstr(e->msg, arena_printf(&a, "'chmod 0700 %s'", dir).p) != NULL); /* the command that mends it */
    }
    tmpdir_remove(dir);
}

TEST(a_data_directory_of_another_user_was_accepted)
{
    SCRATCH(a);
    char *dir = tmpdir_make();
    uid_t other = geteuid() + 1;
    err_t e = data_dir_check_private(dir, other, &a);
    EXPECT_ERR(e, ERR_FORBIDDEN);
    EXPECT(strstr(e->msg, arena_printf(&a, "'chown -R %u %s'", (unsigned)other, dir).p) != NULL);
    tmpdir_remove(dir);
}

TEST(a_data_directory_that_cannot_be_looked_at_is_no_private_one)
{
    SCRATCH(a);
    EXPECT_ERR(data_dir_check_private("/proc/self/nothing", geteuid(), &a), ERR_NOT_FOUND);
}

/* A growing blob holds acknowledged bytes, whose record is lost with the database. */
TEST(a_growing_blob_shows_that_there_was_a_database)
{
    SCRATCH(a);
    char *dir = tmpdir_make();
    bool holds = true;
    EXPECT_OK(data_dir_holds_data(dir, &a, &holds));
    EXPECT(!holds);
    slice blobs = arena_printf(&a, "%s/" DATA_DIR_BLOBS, dir), growing = arena_printf(&a, "%s/growing", blobs.p);
    EXPECT_EQ(mkdir(blobs.p, 0700), 0);
    EXPECT_EQ(mkdir(arena_printf(&a, "%s/00", blobs.p).p, 0700), 0);
    EXPECT_EQ(mkdir(growing.p, 0700), 0);
    EXPECT_OK(data_dir_holds_data(dir, &a, &holds));
    EXPECT(!holds); /* a first start that was killed made the directories */
    SCOPED(fd_closep) int fd = creat(arena_printf(&a, "%s/ab-x", growing.p).p, 0600);
    EXPECT(fd >= 0);
    EXPECT_OK(data_dir_holds_data(dir, &a, &holds));
    EXPECT(holds);
    tmpdir_remove(dir);
}

/* Rows and records are lost with the database that names them, too. */
TEST(a_table_shows_that_there_was_a_database)
{
    static const char *const folders[] = { DATA_DIR_DATASETS, DATA_DIR_RECORDS };
    for (size_t i = 0; i < LENGTH_OF(folders); i++) {
        SCRATCH(a);
        char *dir = tmpdir_make();
        bool holds = true;
        const char *folder = arena_printf(&a, "%s/%s", dir, folders[i]).p;
        EXPECT_EQ(mkdir(folder, 0700), 0);
        EXPECT_OK(data_dir_holds_data(dir, &a, &holds));
        EXPECT(!holds);
        SCOPED(fd_closep) int fd = creat(arena_printf(&a, "%s/1.db", folder).p, 0600);
        EXPECT(fd >= 0);
        EXPECT_OK(data_dir_holds_data(dir, &a, &holds));
        EXPECT(holds);
        tmpdir_remove(dir);
    }
}

static int64_t bytes_on_disk(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? (int64_t)st.st_blocks * 512 : -1;
}

TEST(a_ballast_that_a_copy_had_made_a_hole_of_gave_back_no_room)
{
    SCRATCH(a);
    char *dir = tmpdir_make();
    const char *path = arena_printf(&a, "%s/" DATA_DIR_BALLAST, dir).p;
    {
        SCOPED(fd_closep) int fd = creat(path, 0600);
        EXPECT_EQ(ftruncate(fd, BALLAST_BYTES), 0); /* as cp and rsync --sparse make it */
    }
    EXPECT_EQ(bytes_on_disk(path), 0);
    EXPECT(!ballast_make(dir, BALLAST_BYTES, 0)); /* no room */
    EXPECT(ballast_make(dir, (uint64_t)1 << 30, 0));
    EXPECT(bytes_on_disk(path) >= BALLAST_BYTES);
    tmpdir_remove(dir);
}

TEST(a_fifo_in_place_of_the_ballast_held_up_every_start)
{
    SCRATCH(a);
    char *dir = tmpdir_make();
    const char *path = arena_printf(&a, "%s/" DATA_DIR_BALLAST, dir).p;
    EXPECT_EQ(mkfifo(path, 0600), 0);
    EXPECT(!ballast_make(dir, (uint64_t)1 << 30, 0));
    SCOPED(fd_closep) int reader = open(path, O_RDONLY | O_NONBLOCK);
    EXPECT(!ballast_make(dir, (uint64_t)1 << 30, 0));
    tmpdir_remove(dir);
}

RUN_TESTS(cmocka_unit_test(a_ballast_that_a_copy_had_made_a_hole_of_gave_back_no_room),
          cmocka_unit_test(a_fifo_in_place_of_the_ballast_held_up_every_start),
          cmocka_unit_test(a_table_shows_that_there_was_a_database),
          cmocka_unit_test(a_growing_blob_shows_that_there_was_a_database),
          cmocka_unit_test(a_data_directory_with_mode_0777_was_accepted),
          cmocka_unit_test(a_data_directory_of_another_user_was_accepted),
          cmocka_unit_test(a_data_directory_that_cannot_be_looked_at_is_no_private_one))
