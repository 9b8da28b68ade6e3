/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of folders: names, moves, removal of whole subtrees, the bytes of the course, searching. */
#include "rounds.h"
#include "school.h"
#include "test.h"

#include "core/bucket/entry.h"
#include "core/reasons.h"
#include "core/space/branch_priv.h"
#include "core/store/branch_store.h"
#include "core/store/folder_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum core_reason change(struct school *s, int64_t id, const char *name, int64_t parent)
{
    struct folder_change c = { .id = id, .name = slice_of(name), .parent_id = parent };
    err_t e = folder_change(&s->w->core, &s->tutor, &c, s->a);
    EXPECT(!e || err_reason(e));
    return err_reason(e);
}

static void remove_folder(struct school *s, int64_t id)
{
    EXPECT_OK(folder_remove(&s->w->core, &s->tutor, id, s->a));
}

static struct folder find_folder(struct school *s, int64_t id)
{
    struct folder folder;
    EXPECT_OK(folder_find(&s->w->core, &s->member, PLACE_SEE, id, s->a, &folder));
    return folder;
}

/* ---- names ---- */

TEST(names_are_unique_among_siblings_without_regard_to_case)
{
    SCHOOL(s);
    int64_t id, other = school_folder(s, s->root, "Outra");
    static const char *const pairs[][2] = {
        { "Listas", "LISTAS" }, { "Prova é", "prova É" }, { "ТЕСТ", "тест" }, { "Σίσυφος", "σίσυφοΣ" }
    };
    for (size_t i = 0; i < LENGTH_OF(pairs); i++) {
        school_folder(s, s->root, pairs[i][0]);
        EXPECT_REFUSED(school_try_folder(s, s->root, pairs[i][1], &id), REASON_FOLDER_NAME_TAKEN);
        school_folder(s, other, pairs[i][1]);
    }
    school_folder(s, s->root, "Prova e"); /* accents count */
    int64_t renamed = school_folder(s, s->root, "x");
    EXPECT_EQ(change(s, renamed, "listas", 0), REASON_FOLDER_NAME_TAKEN);
    EXPECT_EQ(change(s, renamed, "X", 0), REASON_NONE); /* its own name */
    EXPECT_SLICE(find_folder(s, renamed).name, S("X"));
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

TEST(names_have_1_to_255_characters_in_any_script)
{
    SCHOOL(s);
    static const char *const letters[] = { "a", "é", "д", "😀" };
    for (size_t i = 0; i < LENGTH_OF(letters); i++) {
        char name[256 * 4 + 1] = "";
        int64_t id;
        for (int k = 0; k < 255; k++)
            strcat(name, letters[i]);
        EXPECT_SLICE(find_folder(s, school_folder(s, s->root, name)).name, slice_of(name));
        strcat(name, letters[i]);
        EXPECT_REFUSED(school_try_folder(s, s->root, name, &id), REASON_FOLDER_NAME_TOO_LONG);
    }
    int64_t id;
    EXPECT_REFUSED(school_try_folder(s, s->root, "", &id), REASON_FOLDER_NAME_EMPTY);
    EXPECT_REFUSED(school_try_folder(s, s->root, " \t\n ", &id), REASON_FOLDER_NAME_EMPTY);
    EXPECT_ERR(school_try_folder(s, s->root, "\xff", &id), ERR_INVALID);
    static const char *const odd[] = { "'; DROP TABLE folders; --", "<script>alert(1)</script>", "a/b\\c", "..", "%_" };
    for (size_t i = 0; i < LENGTH_OF(odd); i++)
        EXPECT_SLICE(find_folder(s, school_folder(s, s->root, odd[i])).name, slice_of(odd[i]));
    EXPECT_SLICE(find_folder(s, school_folder(s, s->root, "a\x01\x7f\n b")).name, S("a b"));
}

TEST(files_of_one_name_differing_in_case_are_refused)
{
    SCHOOL(s);
    struct file file;
    int64_t other = school_folder(s, s->root, "a.pdf"); /* a folder of that name is no file of it */
    school_file(s, s->root, "a.pdf", S("hello"));
    EXPECT_REFUSED(school_upload(s, &s->tutor, s->root, "A.PDF", S("x"), &file), REASON_FOLDER_FILE_TAKEN);
    EXPECT_EQ(world_file_count(s->w), 1);
    school_file(s, other, "A.pdf", S("x"));
}

/* ---- moves ---- */

TEST(a_folder_cannot_be_moved_into_itself_or_below)
{
    SCHOOL(s);
    int64_t a = school_folder(s, s->root, "a"), b = school_folder(s, a, "b"), c = school_folder(s, b, "c");
    int64_t elsewhere = school_root(s, school_space(s, s->course, "other"));
    EXPECT_EQ(change(s, a, "", a), REASON_FOLDER_BAD_PARENT);
    EXPECT_EQ(change(s, a, "", b), REASON_FOLDER_BAD_PARENT);
    EXPECT_EQ(change(s, a, "", c), REASON_FOLDER_BAD_PARENT);
    EXPECT_EQ(change(s, a, "", elsewhere), REASON_FOLDER_BAD_PARENT);
    EXPECT_EQ(change(s, a, "", 12345), REASON_FOLDER_BAD_PARENT);
    EXPECT_EQ(change(s, s->root, "", a), REASON_FOLDER_BAD_PARENT);
    EXPECT_EQ(change(s, c, "", s->root), REASON_NONE);
    EXPECT_EQ(find_folder(s, c).parent_id, s->root);
    EXPECT_EQ(change(s, a, "new name", c), REASON_NONE);
    EXPECT_EQ(find_folder(s, a).parent_id, c);
    EXPECT_EQ(change(s, c, "", b), REASON_FOLDER_BAD_PARENT);
    school_folder(s, s->root, "B");
    EXPECT_EQ(change(s, b, "", s->root), REASON_FOLDER_NAME_TAKEN);
    EXPECT_EQ(find_folder(s, b).parent_id, a);
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

TEST(files_are_renamed_and_moved_within_their_space)
{
    SCHOOL(s);
    int64_t a = school_folder(s, s->root, "a"), elsewhere = school_root(s, school_space(s, s->course, "other"));
    struct file f = school_file(s, s->root, "x.pdf", S("hello"));
    school_file(s, a, "Y.pdf", S("x"));
    struct core *core = &s->w->core;
    EXPECT_REFUSED(folder_file_change(core, &s->tutor, &(struct folder_file_change){ f.id, S("y.pdf"), a }, s->a),
                   REASON_FOLDER_FILE_TAKEN);
    EXPECT_REFUSED(folder_file_change(core, &s->tutor, &(struct folder_file_change){ f.id, S(""), elsewhere }, s->a),
                   REASON_FOLDER_BAD_PARENT);
    EXPECT_REFUSED(folder_file_change(core, &s->member, &(struct folder_file_change){ f.id, S("z"), 0 }, s->a),
                   REASON_PLACE_ROLE_TOO_LOW);
    EXPECT_OK(folder_file_change(core, &s->tutor, &(struct folder_file_change){ f.id, S("z.pdf"), a }, s->a));
    struct folder_file found;
    EXPECT_OK(folder_file_find(core, &s->member, PLACE_SEE, f.id, s->a, &found));
    EXPECT_EQ(found.folder_id, a);
    EXPECT_SLICE(found.file.name, S("z.pdf"));
    EXPECT_EQ(find_folder(s, a).used_bytes, 6);
    EXPECT_EQ(find_folder(s, s->root).used_bytes, 0);
    EXPECT_EQ(world_fsck(s->w, true), 0);
    remove_folder(s, a);
    EXPECT(!school_finds_file(s, f.id));
    school_settle(s);
    EXPECT_EQ(world_file_count(s->w), 0);
}

/* ---- removal ---- */

TEST(a_removed_folder_is_gone_with_all_below_it_at_once)
{
    SCHOOL(s);
    int64_t a = school_folder(s, s->root, "a"), b = school_folder(s, a, "b"), c = school_folder(s, b, "c");
    struct file f = school_file(s, c, "x", S("hello")), kept = school_file(s, s->root, "y", S("hello!"));
    EXPECT_EQ(school_course_now(s).used_bytes, 11);
    EXPECT_REFUSED(folder_remove(&s->w->core, &s->tutor, s->root, s->a), REASON_FOLDER_IS_ROOT);
    EXPECT_REFUSED(folder_remove(&s->w->core, &s->member, a, s->a), REASON_PLACE_ROLE_TOO_LOW);
    remove_folder(s, a);
    EXPECT(!school_finds_folder(s, a) && !school_finds_folder(s, b) && !school_finds_folder(s, c));
    EXPECT(!school_finds_file(s, f.id) && school_finds_file(s, kept.id));
    EXPECT_EQ(school_course_now(s).used_bytes, 6);
    EXPECT_REFUSED(folder_remove(&s->w->core, &s->tutor, b, s->a), REASON_FOLDER_NOT_THERE);
    EXPECT_EQ(change(s, c, "x", 0), REASON_FOLDER_NOT_THERE);
    struct file none;
    EXPECT_REFUSED(school_upload(s, &s->tutor, c, "z", S("x"), &none), REASON_FOLDER_NOT_THERE);
    int64_t id;
    EXPECT_REFUSED(school_try_folder(s, b, "z", &id), REASON_FOLDER_NOT_THERE);
    school_folder(s, s->root, "A"); /* the name is free */
    EXPECT_EQ(world_fsck(s->w, false), 0);
    school_settle(s);
    EXPECT_EQ(world_file_count(s->w), 1);
    EXPECT_EQ(world_fsck(s->w, true), 0);
    struct account account = world_account(s->w);
    EXPECT_EQ(account.used_bytes, 6);
}

TEST(an_upload_into_a_folder_that_was_removed_meanwhile_leaves_nothing)
{
    SCHOOL(s);
    int64_t a = school_folder(s, s->root, "a"), b = school_folder(s, a, "b");
    struct folder_upload upload = { &s->w->core, &s->tutor, b };
    struct intake_request request = world_request(&s->tutor, S("x"));
    struct file file;
    EXPECT_OK(folder_upload_check(&upload, S("x"), 5, s->a));
    folder_upload_into(&upload, &request);
    remove_folder(s, a);
    EXPECT_REFUSED(world_put(s->w, &request, S("hello"), &file), REASON_FOLDER_NOT_THERE);
    EXPECT_REFUSED(world_put(s->w, &request, world_bytes(s->w, 40000), &file), REASON_FOLDER_NOT_THERE);
    EXPECT_EQ(world_file_count(s->w), 0);
    EXPECT_EQ(world_blob_count(s->w), 0);
    school_settle(s);
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

TEST(an_enrolment_that_ended_during_an_upload_ends_the_upload)
{
    SCHOOL(s);
    struct folder_upload upload = { &s->w->core, &s->tutor, s->root };
    struct intake_request request = world_request(&s->tutor, S("x"));
    struct file file;
    struct enrolment_list list;
    EXPECT_OK(folder_upload_check(&upload, S("x"), 5, s->a));
    folder_upload_into(&upload, &request);
    EXPECT_OK(enrolment_list_own(&s->w->core, &s->tutor, &(struct id_page){ 0, 10 }, s->a, &list));
    EXPECT_EQ(list.count, 1);
    EXPECT_OK(enrolment_remove(&s->w->core, &s->tutor, list.items[0].id, s->a));
    EXPECT_REFUSED(world_put(s->w, &request, S("hello"), &file), REASON_PLACE_ROLE_TOO_LOW);
    EXPECT_EQ(world_file_count(s->w), 0);
    EXPECT_EQ(school_course_now(s).used_bytes, 0);
}

TEST(the_limit_of_a_course_holds_exactly)
{
    SCHOOL(s);
    struct file file;
    EXPECT_OK(course_set_limit(&s->w->core, &s->w->operator_, s->course, 10, s->a));
    int64_t other = school_root(s, school_space(s, s->course, "other"));
    struct file first = school_file(s, s->root, "a", S("123456"));
    EXPECT_REFUSED(school_upload(s, &s->tutor, other, "b", S("12345"), &file), REASON_COURSE_FULL);
    school_file(s, other, "b", S("1234"));
    EXPECT_REFUSED(school_upload(s, &s->tutor, other, "c", S("1"), &file), REASON_COURSE_FULL);
    school_file(s, other, "empty", S(""));
    EXPECT_OK(folder_file_remove(&s->w->core, &s->tutor, first.id, s->a));
    school_file(s, other, "c", S("123456"));
    EXPECT_EQ(school_course_now(s).used_bytes, 10);
    EXPECT_EQ(world_file_count(s->w), 4); /* the removed one is purged later */
    school_settle(s);
    EXPECT_EQ(world_file_count(s->w), 3);
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

/* ---- large trees ---- */

static void expect_branches_in_bounds(struct school *s)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    EXPECT_OK(meta_read_begin(s->w->core.meta, s->a, &tx));
    for (int64_t id = 1;; id++) {
        SCRATCH(a);
        struct branch branch;
        if (meta_branch_get(tx, id, &a, &branch))
            break;
        EXPECT(branch.folder_count <= BRANCH_FOLDERS_MAX);
        EXPECT(id == 1 || branch.folder_count >= BRANCH_PART_MIN - 1);
    }
}

TEST(a_tree_1000_deep_is_cut_off_anywhere)
{
    SCHOOL(s);
    enum { DEEP = 1000 };
    int64_t at[DEEP];
    for (int i = 0; i < DEEP; i++)
        at[i] = school_folder(s, i ? at[i - 1] : s->root, "down");
    struct file deepest = school_file(s, at[DEEP - 1], "x", S("hello"));
    expect_branches_in_bounds(s);
    EXPECT_EQ(change(s, at[10], "", at[DEEP - 1]), REASON_FOLDER_BAD_PARENT);
    EXPECT_EQ(change(s, at[900], "up", s->root), REASON_NONE);
    remove_folder(s, at[500]);
    EXPECT(school_finds_folder(s, at[499]) && !school_finds_folder(s, at[500]) && !school_finds_folder(s, at[899]));
    EXPECT(school_finds_folder(s, at[900]) && school_finds_file(s, deepest.id));
    EXPECT_EQ(school_course_now(s).used_bytes, 5);
    remove_folder(s, at[950]);
    EXPECT(!school_finds_file(s, deepest.id) && school_finds_folder(s, at[949]));
    EXPECT_EQ(school_course_now(s).used_bytes, 0);
    EXPECT_EQ(world_fsck(s->w, false), 0);
    school_settle(s);
    EXPECT_EQ(world_fsck(s->w, true), 0);
    EXPECT_EQ(world_file_count(s->w), 0);
}

TEST(ten_thousand_siblings_are_listed_in_order_and_cut_off)
{
    SCHOOL(s);
    enum { WIDE = 10000 };
    int64_t top = school_folder(s, s->root, "top"), last = 0, seen = 0;
    for (int i = 0; i < WIDE; i++) {
        SCRATCH(a);
        int64_t id;
        EXPECT_OK(folder_create(&s->w->core, &s->tutor, top, arena_printf(&a, "folder %d", i), &a, &id));
    }
    expect_branches_in_bounds(s);
    struct folder_list page;
    do {
        SCRATCH(a);
        EXPECT_OK(folder_list(&s->w->core, top, &(struct id_page){ last, 1000 }, &a, &page));
        for (size_t i = 0; i < page.count; i++, seen++) {
            EXPECT(page.items[i].id > last);
            last = page.items[i].id;
        }
    } while (page.count == 1000);
    EXPECT_EQ(seen, WIDE);
    remove_folder(s, top);
    EXPECT(!school_finds_folder(s, last) && !school_finds_folder(s, top));
    school_settle(s);
    EXPECT_EQ(world_fsck(s->w, true), 0);
}

/* ---- against a model ---- */

enum { NODES = 1500 };
struct node {
    int64_t id;
    int parent; /* index; -1: the root */
    bool is_file, is_removed;
    int64_t bytes;
};
struct model {
    struct school *s;
    struct node nodes[NODES];
    int count;
    uint64_t seed;
};

static int below(struct model *m, int n)
{
    m->seed = m->seed * 6364136223846793005u + 1;
    return (int)((m->seed >> 33) % (uint64_t)n);
}

static bool is_gone(const struct model *m, int at)
{
    for (; at >= 0; at = m->nodes[at].parent)
        if (m->nodes[at].is_removed)
            return true;
    return false;
}

static bool is_above(const struct model *m, int above, int at)
{
    for (; at >= 0; at = m->nodes[at].parent)
        if (at == above)
            return true;
    return false;
}

/* A folder that is there; -1: the root. */
static int any_folder(struct model *m)
{
    for (int tries = 0; tries < 20 && m->count; tries++) {
        int at = below(m, 3) ? below(m, m->count) : m->count - 1 - below(m, m->count < 20 ? m->count : 20);
        if (!m->nodes[at].is_file && !is_gone(m, at))
            return at;
    }
    return -1;
}

static int64_t id_of(const struct model *m, int at)
{
    return at < 0 ? m->s->root : m->nodes[at].id;
}

static void add_node(struct model *m)
{
    char name[40];
    struct node n = { .parent = any_folder(m), .is_file = below(m, 4) == 0 };
    snprintf(name, sizeof name, "node %d", m->count);
    if (n.is_file) {
        n.bytes = below(m, 50);
        n.id = school_file(m->s, id_of(m, n.parent), name, world_bytes(m->s->w, (size_t)n.bytes)).id;
    } else {
        n.id = school_folder(m->s, id_of(m, n.parent), name);
    }
    m->nodes[m->count++] = n;
}

static void move_node(struct model *m)
{
    int at = below(m, m->count), to = any_folder(m);
    struct node *n = &m->nodes[at];
    if (n->is_file) {
        struct folder_file_change c = { .file_id = n->id, .folder_id = id_of(m, to) };
        err_t e = folder_file_change(&m->s->w->core, &m->s->tutor, &c, m->s->a);
        EXPECT_EQ(err_reason(e), is_gone(m, at) ? REASON_FILE_NOT_VISIBLE : REASON_NONE);
        n->parent = e ? n->parent : to;
        return;
    }
    enum core_reason want = is_gone(m, at)        ? REASON_FOLDER_NOT_THERE
                            : is_above(m, at, to) ? REASON_FOLDER_BAD_PARENT
                                                  : REASON_NONE;
    EXPECT_EQ(change(m->s, n->id, "", id_of(m, to)), want);
    n->parent = want ? n->parent : to;
}

static void remove_node(struct model *m)
{
    int at = below(m, m->count);
    struct node *n = &m->nodes[at];
    bool gone = is_gone(m, at);
    err_t e = n->is_file ? folder_file_remove(&m->s->w->core, &m->s->tutor, n->id, m->s->a)
                         : folder_remove(&m->s->w->core, &m->s->tutor, n->id, m->s->a);
    EXPECT_EQ(!e, !gone);
    n->is_removed = true;
}

static void expect_as_model(struct model *m)
{
    int64_t bytes = 0;
    for (int i = 0; i < m->count; i++) {
        const struct node *n = &m->nodes[i];
        bool gone = is_gone(m, i);
        EXPECT_EQ(n->is_file ? school_finds_file(m->s, n->id) : school_finds_folder(m->s, n->id), !gone);
        bytes += gone ? 0 : n->bytes;
        if (!gone && !n->is_file)
            EXPECT_EQ(find_folder(m->s, n->id).parent_id, id_of(m, n->parent));
    }
    EXPECT_EQ(school_course_now(m->s).used_bytes, bytes);
    EXPECT_EQ(world_fsck(m->s->w, false), 0);
}

TEST(random_trees_behave_as_a_model)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        SCHOOL(s);
        struct model *m = must_malloc(sizeof *m);
        *m = (struct model){ .s = s, .seed = seed };
        while (m->count < NODES) {
            int dice = below(m, 100);
            if (dice < 80 || m->count < 600)
                add_node(m);
            else if (dice < 97)
                move_node(m);
            else
                remove_node(m);
            if (below(m, 400) == 0)
                expect_as_model(m);
            if (below(m, 600) == 0)
                school_settle(s);
        }
        expect_as_model(m);
        school_settle(s);
        expect_as_model(m);
        EXPECT_EQ(world_fsck(s->w, true), 0);
        free(m);
    }
}

/* ---- failing stores ---- */

TEST(a_removal_that_fails_at_any_call_is_whole_or_not_at_all)
{
    for (int64_t nth = fault_first();; nth += fault_step()) {
        SCHOOL(s);
        int64_t a = school_folder(s, s->root, "a"), b = school_folder(s, a, "b");
        struct file f = school_file(s, b, "x", S("hello"));
        s->w->faults.fail_at = s->w->faults.calls + nth;
        err_t e = folder_remove(&s->w->core, &s->tutor, a, s->a);
        if (!e)
            e = remnants_remove(&s->w->core, NULL, s->a);
        s->w->faults.fail_at = 0;
        bool there = school_finds_folder(s, a);
        EXPECT_EQ(school_finds_folder(s, b), there);
        EXPECT_EQ(school_finds_file(s, f.id), there);
        EXPECT_EQ(school_course_now(s).used_bytes, there ? 5 : 0);
        EXPECT_EQ(world_fsck(s->w, false), 0);
        if (there)
            remove_folder(s, a);
        school_settle(s);
        EXPECT_EQ(world_file_count(s->w), 0);
        EXPECT_EQ(world_fsck(s->w, true), 0);
        if (!e) {
            EXPECT(nth > 20);
            break;
        }
    }
}

TEST(an_upload_into_a_folder_that_fails_at_any_call_leaves_nothing)
{
    for (int64_t nth = fault_first();; nth += fault_step()) {
        SCHOOL(s);
        struct file f;
        s->w->faults.fail_at = s->w->faults.calls + nth;
        err_t e = school_upload(s, &s->tutor, s->root, "x", S("hello"), &f);
        s->w->faults.fail_at = 0;
        EXPECT_EQ(school_course_now(s).used_bytes, e ? 0 : 5);
        EXPECT_EQ(world_file_count(s->w), e ? 0 : 1);
        EXPECT_EQ(world_fsck(s->w, true), 0);
        if (!e) {
            EXPECT(nth > 5);
            break;
        }
        school_file(s, s->root, "x", S("hello"));
    }
}

/* ---- reading by a key ---- */

static err_t open_key(struct school *s, const char *key, slice *ret)
{
    struct bucket bucket = { .id = 1, .name = S("guarded"), .kind = BUCKET_GUARDED };
    struct entry entry;
    struct content content;
    TRY(entry_open(&s->w->core, &bucket, slice_of(key), s->a, &entry, &content));
    *ret = entry.headers;
    content_close(&content);
    return NULL;
}

TEST(a_file_in_a_folder_is_read_by_the_key_that_has_its_id_and_name)
{
    SCHOOL(s);
    int64_t folder = school_folder(s, s->root, "a");
    struct file f = school_file(s, folder, "a b.pdf", S("hello"));
    slice key = folder_file_key(S("some/prefix"), &f, S("original"), s->a), headers;
    EXPECT_SLICE(key, arena_printf(s->a, "some/prefix/%lld/original/a b.pdf", (long long)f.id));
    EXPECT_OK(open_key(s, key.p, &headers));
    static const char *const wrong[] = { "some/prefix/%lld/original/a b.pd",
                                         "%lld/original/a b.pdf",
                                         "x/0%lldx/o/a b.pdf",
                                         "x/-%lld/o/a b.pdf",
                                         "x/9%lld/o/a b.pdf",
                                         "x/%lld/a b.pdf",
                                         "x" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        EXPECT_REFUSED(open_key(s, arena_printf(s->a, wrong[i], (long long)f.id).p, &headers), REASON_ENTRY_NOT_THERE);
    EXPECT_OK(folder_file_change(&s->w->core, &s->tutor, &(struct folder_file_change){ f.id, S("b.pdf"), 0 }, s->a));
    EXPECT_REFUSED(open_key(s, key.p, &headers), REASON_ENTRY_NOT_THERE);
    f.name = S("b.pdf");
    key = folder_file_key(S("p"), &f, S("original"), s->a);
    EXPECT_OK(open_key(s, key.p, &headers));
    remove_folder(s, folder);
    EXPECT_REFUSED(open_key(s, key.p, &headers), REASON_ENTRY_NOT_THERE);
}

TEST(a_key_of_a_removed_document_is_no_key_of_a_file_in_a_folder)
{
    SCHOOL(s);
    struct file f = school_file(s, s->root, "a.pdf", S("hello"));
    slice headers;
    const char *key = arena_printf(s->a, "data/enterprise/%lld/17/a.pdf", (long long)f.id).p;
    EXPECT_REFUSED(open_key(s, key, &headers), REASON_ENTRY_NOT_THERE);
    EXPECT_REFUSED(open_key(s, arena_printf(s->a, "p/%lld//a.pdf", (long long)f.id).p, &headers),
                   REASON_ENTRY_NOT_THERE);
}

/* ---- searching ---- */

TEST(a_search_finds_parts_of_names_without_regard_to_case)
{
    SCHOOL(s);
    int64_t a = school_folder(s, s->root, "Provas ANTIGAS"), b = school_folder(s, a, "prova 2"), after;
    struct file f = school_file(s, b, "Prova É.pdf", S("x"));
    school_folder(s, s->root, "Listas");
    struct folder_hit_list hits;
    struct folder_search_request q = { .space_id = s->space, .part = S("PROVA"), .limit = 10 };
    EXPECT_OK(folder_search(&s->w->core, &q, s->a, &hits, &after));
    EXPECT_EQ(hits.count, 2);
    EXPECT_EQ(after, 0);
    EXPECT_EQ(hits.items[0].id, a);
    EXPECT_EQ(hits.items[1].folder_id, a);
    q.limit = 1;
    EXPECT_OK(folder_search(&s->w->core, &q, s->a, &hits, &after));
    EXPECT_EQ(hits.count, 1);
    q.after_id = after;
    EXPECT_OK(folder_search(&s->w->core, &q, s->a, &hits, &after));
    EXPECT_EQ(hits.items[0].id, b);
    q = (struct folder_search_request){ .space_id = s->space, .files = true, .part = S("é.P"), .limit = 10 };
    EXPECT_OK(folder_search(&s->w->core, &q, s->a, &hits, &after));
    EXPECT_EQ(hits.count, 1);
    EXPECT_EQ(hits.items[0].id, f.id);
    EXPECT_SLICE(hits.items[0].name, S("Prova É.pdf"));
    remove_folder(s, a);
    EXPECT_OK(folder_search(&s->w->core, &q, s->a, &hits, &after));
    EXPECT_EQ(hits.count, 0);
}

static enum core_reason find_path(struct school *s, const char *path, int64_t *ret_id)
{
    SCRATCH(a);
    struct folder found = { 0 };
    err_t e = folder_find_path(&s->w->core, &s->member, slice_of(path), &a, &found);
    EXPECT(!e || err_reason(e));
    *ret_id = found.id;
    return (enum core_reason)err_reason(e);
}

TEST(a_removed_folder_has_no_path_and_no_name)
{
    SCHOOL(s);
    int64_t a = school_folder(s, s->root, "Provas"), b = school_folder(s, a, "Julho"), id;
    EXPECT_EQ(find_path(s, "julho", &id), REASON_NONE);
    EXPECT_EQ(id, b);
    EXPECT_EQ(find_path(s, "root", &id), REASON_FOLDER_NOT_THERE); /* nobody sees the name of a root */
    remove_folder(s, a);
    EXPECT_EQ(find_path(s, "julho", &id), REASON_FOLDER_NOT_THERE);
}

TEST(a_search_for_a_path_gives_up_after_2000_spaces_and_one_for_a_name_after_20000_folders)
{
    SCHOOL(s);
    enum { SPACES = 1999, FOLDERS = 20000 };
    int64_t id;
    school_folder(s, s->root, "first");
    for (int i = 2; i < FOLDERS - 1; i++) { /* with the root and the first, one fewer than the limit */
        SCRATCH(a);
        EXPECT_OK(folder_create(&s->w->core, &s->tutor, s->root, arena_printf(&a, "folder %d", i), &a, &id));
    }
    EXPECT_EQ(find_path(s, "folder 19998", &id), REASON_NONE);
    school_folder(s, s->root, "last");
    EXPECT_EQ(find_path(s, "last", &id), REASON_FOLDER_TOO_MANY_LOOKS);
    for (int i = 1; i < SPACES; i++)
        school_space(s, s->course, i + 1 < SPACES ? "other" : "last space");
    EXPECT_EQ(find_path(s, "last space", &id), REASON_NONE);
    EXPECT_EQ(find_path(s, "no space/a", &id), REASON_FOLDER_NOT_THERE);
    EXPECT_EQ(find_path(s, "other", &id), REASON_FOLDER_SEVERAL);
    school_space(s, s->course, "one more");
    school_space(s, s->course, "and one");
    EXPECT_EQ(find_path(s, "and one", &id), REASON_FOLDER_TOO_MANY_LOOKS);
}

RUN_TESTS(cmocka_unit_test(names_are_unique_among_siblings_without_regard_to_case),
          cmocka_unit_test(names_have_1_to_255_characters_in_any_script),
          cmocka_unit_test(files_of_one_name_differing_in_case_are_refused),
          cmocka_unit_test(a_folder_cannot_be_moved_into_itself_or_below),
          cmocka_unit_test(files_are_renamed_and_moved_within_their_space),
          cmocka_unit_test(a_removed_folder_is_gone_with_all_below_it_at_once),
          cmocka_unit_test(an_upload_into_a_folder_that_was_removed_meanwhile_leaves_nothing),
          cmocka_unit_test(an_enrolment_that_ended_during_an_upload_ends_the_upload),
          cmocka_unit_test(the_limit_of_a_course_holds_exactly), cmocka_unit_test(a_tree_1000_deep_is_cut_off_anywhere),
          cmocka_unit_test(ten_thousand_siblings_are_listed_in_order_and_cut_off),
          cmocka_unit_test(random_trees_behave_as_a_model),
          cmocka_unit_test(a_removal_that_fails_at_any_call_is_whole_or_not_at_all),
          cmocka_unit_test(an_upload_into_a_folder_that_fails_at_any_call_leaves_nothing),
          cmocka_unit_test(a_file_in_a_folder_is_read_by_the_key_that_has_its_id_and_name),
          cmocka_unit_test(a_key_of_a_removed_document_is_no_key_of_a_file_in_a_folder),
          cmocka_unit_test(a_search_finds_parts_of_names_without_regard_to_case),
          cmocka_unit_test(a_removed_folder_has_no_path_and_no_name),
          cmocka_unit_test(a_search_for_a_path_gives_up_after_2000_spaces_and_one_for_a_name_after_20000_folders))
