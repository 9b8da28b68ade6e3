/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "core/care/data_dir.h"
#include "core/care/master_key.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "tmpdir.h"

struct key_dir {
    struct arena arena, *a;
    char *dir;
    const char *path;
    struct random_seeded random;
};

static void key_dir_init(struct key_dir *p)
{
    arena_init(&p->arena);
    p->a = &p->arena;
    p->dir = tmpdir_make();
    p->path = arena_printf(p->a, "%s/" DATA_DIR_MASTER_KEY, p->dir).p;
    random_seeded_init(&p->random, 7);
}

static void key_dir_release(struct key_dir *p)
{
    tmpdir_remove(p->dir);
    arena_release(p->a);
}
#define PLACE(name)                                                                                                    \
    SCOPED(key_dir_release) struct key_dir name;                                                                       \
    key_dir_init(&name)

static void write_key(struct key_dir *p, slice text, mode_t mode)
{
    (void)unlink(p->path);
    int fd = open(p->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n && fchmod(fd, mode) == 0);
    close(fd);
}

static slice read_text(struct key_dir *p)
{
    char *text = arena_alloc(p->a, 200);
    int fd = open(p->path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, 200);
    assert_true(fd >= 0 && n >= 0);
    close(fd);
    return (slice){ text, (size_t)n };
}

static err_t key_of(struct key_dir *p, unsigned char ret[SEAL_KEY_SIZE])
{
    return master_key_ensure(p->dir, &p->random.random, p->a, ret);
}

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1F"

TEST(ensure_makes_a_key_of_mode_0600_and_keeps_it)
{
    PLACE(p);
    unsigned char first[SEAL_KEY_SIZE], second[SEAL_KEY_SIZE];
    EXPECT_ERR(master_key_read(p.dir, p.a, first), ERR_NOT_FOUND);
    mode_t before = umask(0); /* the mode must not depend on the umask */
    EXPECT_OK(key_of(&p, first));
    umask(before);
    struct stat st;
    assert_true(stat(p.path, &st) == 0);
    EXPECT_EQ(st.st_mode & 07777, 0600);
    EXPECT_EQ(st.st_size, 65);
    EXPECT_EQ(st.st_nlink, 1);
    EXPECT_OK(key_of(&p, second));
    EXPECT(memcmp(first, second, sizeof first) == 0);
}

TEST(read_accepts_a_key_with_and_without_line_end)
{
    PLACE(p);
    unsigned char key[SEAL_KEY_SIZE];
    slice good[] = { S(HEX), S(HEX "\n") };
    for (size_t i = 0; i < LENGTH_OF(good); i++) {
        memset(key, 0xff, sizeof key);
        write_key(&p, good[i], 0600);
        EXPECT_OK(key_of(&p, key));
        for (int at = 0; at < SEAL_KEY_SIZE; at++)
            EXPECT_EQ(key[at], at);
    }
    write_key(&p, S(HEX "\n"), 0400); /* a stricter mode is fine */
    EXPECT_OK(key_of(&p, key));
}

TEST(read_refuses_a_file_that_is_not_a_key)
{
    PLACE(p);
    unsigned char key[SEAL_KEY_SIZE];
    slice bad[] = {
        S(""),         S("\n"),     S("00"),
        S(HEX "\n\n"), S(HEX HEX),  S(HEX " "),
        S("x" HEX),    { HEX, 63 }, S("g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n")
    };
    for (size_t i = 0; i < LENGTH_OF(bad); i++) {
        write_key(&p, bad[i], 0600);
        EXPECT_ERR(key_of(&p, key), ERR_CORRUPT);
        EXPECT_SLICE(read_text(&p), bad[i]);
    }
    assert_true(unlink(p.path) == 0 && mkdir(p.path, 0700) == 0);
    EXPECT_ERR(key_of(&p, key), ERR_CORRUPT);
    assert_true(rmdir(p.path) == 0 && mkfifo(p.path, 0600) == 0);
    EXPECT_ERR(key_of(&p, key), ERR_CORRUPT); /* opening a FIFO does not wait for its writer */
}

TEST(read_refuses_a_key_that_other_users_may_read)
{
    PLACE(p);
    unsigned char key[SEAL_KEY_SIZE];
    mode_t modes[] = { 0644, 0640, 0604, 0620, 0602, 0660, 0610 };
    for (size_t i = 0; i < LENGTH_OF(modes); i++) {
        write_key(&p, S(HEX "\n"), modes[i]);
        EXPECT_ERR(key_of(&p, key), ERR_FORBIDDEN);
    }
}

TEST(ensure_succeeds_after_an_interrupted_start)
{
    PLACE(p);
    unsigned char key[SEAL_KEY_SIZE];
    const char *made = arena_printf(p.a, "%s.new", p.path).p;
    int fd = open(made, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    assert_true(fd >= 0 && write(fd, "00", 2) == 2);
    close(fd);
    EXPECT_ERR(master_key_read(p.dir, p.a, key), ERR_NOT_FOUND);
    EXPECT_OK(key_of(&p, key));
    EXPECT_EQ(read_text(&p).n, 65);
    EXPECT(access(made, F_OK) != 0);
}

TEST(write_never_replaces_a_key)
{
    PLACE(p);
    unsigned char key[SEAL_KEY_SIZE] = { 1 };
    write_key(&p, S(HEX "\n"), 0600);
    EXPECT_ERR(master_key_write(p.dir, key, p.a), ERR_CONFLICT);
    EXPECT_SLICE(read_text(&p), S(HEX "\n"));
    EXPECT(access(arena_printf(p.a, "%s.new", p.path).p, F_OK) != 0);
}

RUN_TESTS(cmocka_unit_test(ensure_makes_a_key_of_mode_0600_and_keeps_it),
          cmocka_unit_test(read_accepts_a_key_with_and_without_line_end),
          cmocka_unit_test(read_refuses_a_file_that_is_not_a_key),
          cmocka_unit_test(read_refuses_a_key_that_other_users_may_read),
          cmocka_unit_test(ensure_succeeds_after_an_interrupted_start), cmocka_unit_test(write_never_replaces_a_key))
