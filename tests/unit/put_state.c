/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "cli/put_state.h"
#include "tmpdir.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static struct put_state example(void)
{
    return (struct put_state){ .server = S("https://files.example.org"),
                               .account = S("ação"),
                               .path = S("/home/ana/\"50 %\"\n\xff\\.bin"),
                               .name = S("50 %.bin"),
                               .type = S("application/x-tar"),
                               .version = { 100000000000, 1764431999123456789 },
                               .upload = S("hwZSKkhGr7HeE01ei3k7qPeU5E6MyNlC"),
                               .begun_at_ms = 1764432000000 };
}

static void expect_equal(const struct put_state *s, const struct put_state *t)
{
    EXPECT(put_state_same_key(s, t));
    EXPECT_EQ(s->version.size_bytes, t->version.size_bytes);
    EXPECT_EQ(s->version.mtime_ns, t->version.mtime_ns);
    EXPECT_SLICE(s->upload, t->upload);
    EXPECT_EQ(s->begun_at_ms, t->begun_at_ms);
}

TEST(a_state_is_read_as_it_was_written)
{
    SCRATCH(a);
    struct put_state s = example(), back;
    slice text = put_state_format(&s, &a);
    EXPECT(slice_is_utf8(text));
    for (size_t i = 0; i + 1 < text.n; i++)
        EXPECT((unsigned char)text.p[i] >= ' ' && (unsigned char)text.p[i] < 0x7f); /* harmless in a terminal */
    EXPECT_OK(put_state_parse(text, &a, &back));
    expect_equal(&back, &s);
    s.type = s.account = S("");
    EXPECT_OK(put_state_parse(put_state_format(&s, &a), &a, &back));
    expect_equal(&back, &s);
}

/* The text of the example with one part replaced. */
static slice with(struct arena *a, const char *part, const char *other)
{
    struct put_state s = example();
    slice text = put_state_format(&s, a);
    size_t at = slice_find(text, slice_of(part));
    EXPECT(at != SLICE_NONE);
    slice parts[] = { slice_part(text, 0, at), slice_of(other), slice_from(text, at + strlen(part)) };
    return arena_join(a, parts, LENGTH_OF(parts));
}

TEST(other_texts_are_no_state)
{
    SCRATCH(a);
    static const char *const changes[][2] = {
        { "\"version\":1", "\"version\":2" },
        { "\"version\":1", "\"version\":\"1\"" },
        { "{", "" },
        { "{", "[{" },
        { "}", "" },
        { "/home/ana", "home/ana" }, /* of which folder? */
        { "/home/ana", "/home%00ana" },
        { "/home/ana", "/home%zzana" },
        { "100000000000", "-1" },
        { "100000000000", "1e11" },
        { "100000000000", "99999999999999999999" },
        { "1764431999123456789", "null" },
        { "hwZSKkhGr7HeE01ei3k7qPeU5E6MyNlC", "hwZSKkhGr7HeE01ei3k7qPeU5E6MyNl" },
        { "hwZSKkhGr7HeE01ei3k7qPeU5E6MyNlC", "../../../../v1/native/files/x123" },
        { "hwZSKkhGr7HeE01ei3k7qPeU5E6MyNlC", "hwZSKkhGr7HeE01ei3k7qPeU5E6MyN\\r\\n" },
        { "\"type\":\"application/x-tar\",", "" },
        { "\"type\":\"application/x-tar\"", "\"type\":7" },
        { "\"type\"", "\"path\"" }, /* twice */
    };
    struct put_state back;
    for (size_t i = 0; i < LENGTH_OF(changes); i++)
        EXPECT_ERR(put_state_parse(with(&a, changes[i][0], changes[i][1]), &a, &back), ERR_INVALID);
    EXPECT_ERR(put_state_parse(S(""), &a, &back), ERR_INVALID);
    EXPECT_ERR(put_state_parse(S("\0\0\0"), &a, &back), ERR_INVALID);
    struct put_state s = example();
    slice whole = put_state_format(&s, &a);
    for (size_t n = 0; n + 2 < whole.n; n++) /* cut anywhere */
        EXPECT_ERR(put_state_parse(slice_part(whole, 0, n), &a, &back), ERR_INVALID);
    char *blanks = arena_alloc(&a, PUT_STATE_MAX_BYTES + 1);
    memset(blanks, ' ', PUT_STATE_MAX_BYTES + 1);
    memcpy(blanks, whole.p, whole.n);
    EXPECT_OK(put_state_parse((slice){ blanks, PUT_STATE_MAX_BYTES }, &a, &back));
    EXPECT_ERR(put_state_parse((slice){ blanks, PUT_STATE_MAX_BYTES + 1 }, &a, &back), ERR_INVALID);
}

/* ---- files ---- */

struct place {
    char *tmp;
    struct arena arena;
    struct put_folder folder;
    slice path, last_ignored;
    size_t ignored;
};

static void place_open(struct place *p)
{
    *p = (struct place){ .tmp = tmpdir_make() };
    arena_init(&p->arena);
    p->path = arena_printf(&p->arena, "%s/state/cais/uploads", p->tmp);
    EXPECT_OK(put_folder_open(p->path, &p->arena, &p->folder));
}

static void place_close(struct place *p)
{
    put_folder_close(&p->folder);
    arena_release(&p->arena);
    tmpdir_remove(p->tmp);
}

static void count_ignored(void *arg, slice name, err_t why)
{
    struct place *p = arg;
    EXPECT(why != NULL);
    p->ignored++;
    p->last_ignored = arena_copy(&p->arena, name);
}

static size_t count_states(struct place *p)
{
    struct put_state_list list;
    p->ignored = 0;
    EXPECT_OK(put_folder_list(&p->folder, count_ignored, p, &p->arena, &list));
    return list.count;
}

static const char *name_of_state(struct place *p)
{
    struct put_state s = example();
    struct put_record r;
    EXPECT_OK(put_record_lock(&p->folder, &s, &p->arena, &r));
    slice parts[] = { r.key, S(".json") };
    put_record_unlock(&r);
    return arena_join(&p->arena, parts, LENGTH_OF(parts)).p;
}

static void write_file(struct place *p, const char *name, slice bytes)
{
    SCOPED(fd_closep) int fd = openat(p->folder.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EXPECT(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
}

TEST(the_folder_and_its_files_are_for_the_user_alone)
{
    struct place p;
    place_open(&p);
    struct put_state s = example();
    struct put_record r;
    struct stat st;
    EXPECT(fstat(p.folder.fd, &st) == 0);
    EXPECT_EQ(st.st_mode & 07777, 0700);
    EXPECT_OK(put_record_lock(&p.folder, &s, &p.arena, &r));
    EXPECT_OK(put_record_write(&r, &s, &p.arena));
    put_record_unlock(&r);
    EXPECT(fstatat(p.folder.fd, name_of_state(&p), &st, 0) == 0);
    EXPECT_EQ(st.st_mode & 07777, 0600);
    put_folder_close(&p.folder);
    EXPECT(chmod(p.path.p, 0770) == 0);
    EXPECT_ERR(put_folder_open(p.path, &p.arena, &p.folder), ERR_FORBIDDEN);
    EXPECT(chmod(p.path.p, 0700) == 0);
    EXPECT_OK(put_folder_open(p.path, &p.arena, &p.folder));
    place_close(&p);
}

TEST(one_process_has_a_state_at_a_time)
{
    struct place p;
    place_open(&p);
    struct put_state s = example(), other = example(), back;
    other.name = S("other");
    struct put_record first, second;
    EXPECT_OK(put_record_lock(&p.folder, &s, &p.arena, &first));
    EXPECT_ERR(put_record_lock(&p.folder, &s, &p.arena, &second), ERR_CONFLICT);
    EXPECT_OK(put_record_lock(&p.folder, &other, &p.arena, &second));
    put_record_unlock(&second);
    EXPECT_ERR(put_record_read(&first, &p.arena, &back), ERR_NOT_FOUND);
    EXPECT_OK(put_record_write(&first, &s, &p.arena));
    s.upload = S("00000000000000000000000000000000");
    EXPECT_OK(put_record_write(&first, &s, &p.arena));
    put_record_unlock(&first);
    EXPECT_OK(put_record_lock(&p.folder, &s, &p.arena, &second));
    EXPECT_OK(put_record_read(&second, &p.arena, &back));
    expect_equal(&back, &s);
    EXPECT_EQ(count_states(&p), 1);
    put_record_remove(&second);
    EXPECT_ERR(put_record_read(&second, &p.arena, &back), ERR_NOT_FOUND);
    put_record_unlock(&second);
    EXPECT_EQ(count_states(&p), 0);
    EXPECT_EQ(p.ignored, 0);
    place_close(&p);
}

TEST(states_are_listed_by_when_they_were_begun)
{
    struct place p;
    place_open(&p);
    for (int i = 0; i < 40; i++) {
        struct put_state s = example();
        struct put_record r;
        s.path = arena_printf(&p.arena, "/%d", i);
        s.begun_at_ms = 1000 + (i * 7) % 40;
        EXPECT_OK(put_record_lock(&p.folder, &s, &p.arena, &r));
        EXPECT_OK(put_record_write(&r, &s, &p.arena));
        put_record_unlock(&r);
    }
    struct put_state_list list;
    EXPECT_OK(put_folder_list(&p.folder, count_ignored, &p, &p.arena, &list));
    EXPECT_EQ(list.count, 40);
    for (size_t i = 0; i < list.count; i++)
        EXPECT_EQ(list.items[i].begun_at_ms, 1000 + i);
    place_close(&p);
}

/* The file is not used, neither by its key nor in the list, and nothing waits for it. */
static void expect_ignored(struct place *p)
{
    struct put_state s = example(), back;
    struct put_record r;
    EXPECT_EQ(count_states(p), 0);
    EXPECT_EQ(p->ignored, 1);
    EXPECT_OK(put_record_lock(&p->folder, &s, &p->arena, &r));
    EXPECT_ERR(put_record_read(&r, &p->arena, &back), ERR_INVALID);
    put_record_unlock(&r);
}

TEST(files_that_we_did_not_write_are_ignored)
{
    struct place p;
    place_open(&p);
    const char *name = name_of_state(&p);
    struct put_state s = example();
    slice good = put_state_format(&s, &p.arena);
    write_file(&p, name, good);
    EXPECT_EQ(count_states(&p), 1);
    write_file(&p, name, S("\033[2J"));
    expect_ignored(&p);
    s.path = S("/etc/passwd"); /* under the name of another upload */
    write_file(&p, name, put_state_format(&s, &p.arena));
    expect_ignored(&p);
    EXPECT(unlinkat(p.folder.fd, name, 0) == 0);
    EXPECT(mkfifoat(p.folder.fd, name, 0600) == 0);
    expect_ignored(&p);
    EXPECT(unlinkat(p.folder.fd, name, 0) == 0);
    EXPECT(mkdirat(p.folder.fd, name, 0700) == 0);
    expect_ignored(&p);
    EXPECT(unlinkat(p.folder.fd, name, AT_REMOVEDIR) == 0);
    write_file(&p, "good", good);
    EXPECT(symlinkat("good", p.folder.fd, name) == 0);
    expect_ignored(&p);
    EXPECT(unlinkat(p.folder.fd, name, 0) == 0);
    write_file(&p, name, good);
    EXPECT(truncate(arena_printf(&p.arena, SLICE_FMT "/%s", SLICE_ARG(p.path), name).p, (off_t)1 << 40) == 0);
    expect_ignored(&p);
    EXPECT_SLICE(p.last_ignored, slice_of(name));
    if (geteuid() == 0) {
        write_file(&p, name, good);
        EXPECT(fchownat(p.folder.fd, name, 12345, 12345, 0) == 0);
        expect_ignored(&p);
    }
    place_close(&p);
}

RUN_TESTS(cmocka_unit_test(a_state_is_read_as_it_was_written), cmocka_unit_test(other_texts_are_no_state),
          cmocka_unit_test(the_folder_and_its_files_are_for_the_user_alone),
          cmocka_unit_test(one_process_has_a_state_at_a_time),
          cmocka_unit_test(states_are_listed_by_when_they_were_begun),
          cmocka_unit_test(files_that_we_did_not_write_are_ignored))
