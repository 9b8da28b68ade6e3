/* SPDX-License-Identifier: Apache-2.0 */
/* Names of spaces are not unique, so what a path names is looked for in every space that the caller sees. Two budgets bound what one
 * request costs, however many spaces there are and however large they are: spaces, and for a name alone folders. */
#include "core/space/folder.h"

#include "base/case_fold.h"
#include "core/reasons.h"
#include "core/space/folder_priv.h"
#include "core/space/space.h"
#include "core/store/folder_store.h"

enum {
    SPACES_MAX = 2000,    /* that are looked at for one path */
    SPACES_AT_ONCE = 100, /* in one transaction */
    FOLDERS_MAX = 20000,  /* that are looked at for one name */
    SEGMENTS_MAX = FOLDER_PATH_MAX + 3,
    MATCHES_MAX = 5 /* that the refusal of a name with several meanings names */
};

struct path_search {
    struct core *core;
    const struct principal *who;
    slice segments[SEGMENTS_MAX]; /* with their case folded */
    size_t count;
    int64_t matches[MATCHES_MAX];
    size_t match_count;
    int64_t looks;
};

static bool split_path(slice path, struct path_search *s, struct arena *a)
{
    while (path.n) {
        slice segment;
        slice_cut(path, '/', &segment, &path);
        if (!segment.n)
            continue;
        if (s->count == SEGMENTS_MAX)
            return false;
        s->segments[s->count++] = case_fold(a, segment);
    }
    return s->count > 0;
}

static void add_match(struct path_search *s, int64_t id)
{
    for (size_t i = 0; i < s->match_count; i++)
        if (s->matches[i] == id)
            return;
    if (s->match_count < MATCHES_MAX)
        s->matches[s->match_count++] = id;
}

/* From the root of the space down the segments from `at` on. */
static err_t descend(struct path_search *s, const struct space *space, size_t at, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    int64_t id = space->root_id;
    TRY(meta_read_begin(s->core->meta, a, &tx));
    for (size_t i = at; i < s->count && id; i++)
        TRY(meta_folder_named(tx, id, s->segments[i], a, &id));
    if (id)
        add_match(s, id);
    return NULL;
}

static bool is_segment(const struct path_search *s, size_t at, slice name, struct arena *a)
{
    return at < s->count && slice_eq(s->segments[at], case_fold(a, name));
}

/* The space may be named alone, or behind the path of its course, or behind those of environment and course. */
static err_t look_for_path(struct path_search *s, const struct space *space, struct arena *a)
{
    if (is_segment(s, 0, space->name, a))
        TRY(descend(s, space, 1, a));
    if (is_segment(s, 0, space->course_path, a) && is_segment(s, 1, space->name, a))
        TRY(descend(s, space, 2, a));
    if (is_segment(s, 0, space->environment_path, a) && is_segment(s, 1, space->course_path, a) &&
        is_segment(s, 2, space->name, a))
        TRY(descend(s, space, 3, a));
    return NULL;
}

/* The folders of the space that have the name, wherever they are in it. */
static err_t look_for_name(struct path_search *s, const struct space *space, struct arena *a)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct folder_search search = { .space_id = space->id,
                                    .part_key = s->segments[0],
                                    .is_whole_name = true,
                                    .looks = FOLDER_SEARCH_LOOKS,
                                    .limit = MATCHES_MAX + 1 };
    TRY(meta_read_begin(s->core->meta, a, &tx));
    do {
        struct folder_hit_list hits;
        if (s->looks >= FOLDERS_MAX)
            return core_refuse(a, REASON_FOLDER_TOO_MANY_LOOKS);
        TRY(meta_folder_search(tx, &search, a, &hits, &search.after_id));
        for (size_t i = 0; i < hits.count; i++)
            if (hits.items[i].folder_id)
                add_match(s, hits.items[i].id);
        s->looks += FOLDER_SEARCH_LOOKS;
    } while (search.after_id && s->match_count < MATCHES_MAX);
    return NULL;
}

typedef err_t (*look_fn)(struct path_search *, const struct space *, struct arena *);

/* One page of spaces, in memory that ends with it: a space may have a description of 4 KiB. */
static err_t look_in_page(struct path_search *s, look_fn look, struct space_cursor *after, struct arena *a,
                          size_t *ret_count)
{
    struct visible_space_list list;
    TRY(space_list_visible(s->core, s->who, after, SPACES_AT_ONCE, a, &list));
    for (size_t i = 0; i < list.count && s->match_count < MATCHES_MAX; i++)
        if (list.items[i].role >= ROLE_MEMBER)
            TRY(look(s, &list.items[i].space, a));
    if (list.count) {
        const struct space *last = &list.items[list.count - 1].space;
        *after = (struct space_cursor){ last->enrolment_id, last->environment_id, last->course_id, last->id };
    }
    *ret_count = list.count;
    return NULL;
}

static err_t look_in_spaces(struct path_search *s, look_fn look, struct arena *a)
{
    struct space_cursor after = { 0 };
    size_t count = SPACES_AT_ONCE;
    for (size_t seen = 0; count == SPACES_AT_ONCE && s->match_count < MATCHES_MAX; seen += count) {
        SCRATCH_OF(page, a);
        if (seen >= SPACES_MAX)
            return core_refuse(a, REASON_FOLDER_TOO_MANY_LOOKS);
        err_t e = look_in_page(s, look, &after, &page, &count);
        if (e)
            return err_copy(a, e);
    }
    return NULL;
}

static err_t refuse_several(const struct path_search *s, struct arena *a)
{
    slice ids = S("");
    for (size_t i = 0; i < s->match_count; i++)
        ids = arena_printf(a, SLICE_FMT "%s%lld", SLICE_ARG(ids), i ? ", " : "", (long long)s->matches[i]);
    return core_refuse_detail(a, REASON_FOLDER_SEVERAL,
                              "several folders are named so: " SLICE_FMT "%s; give the number of one, or a longer path",
                              SLICE_ARG(ids), s->match_count == MATCHES_MAX ? ", …" : "");
}

err_t folder_find_path(struct core *core, const struct principal *who, slice path, struct arena *a, struct folder *ret)
{
    struct path_search s = { .core = core, .who = who };
    if (!slice_is_utf8(path) || !split_path(path, &s, a))
        return core_refuse(a, REASON_FOLDER_NOT_THERE);
    TRY(look_in_spaces(&s, look_for_path, a));
    if (!s.match_count && s.count == 1)
        TRY(look_in_spaces(&s, look_for_name, a));
    if (s.match_count > 1)
        return refuse_several(&s, a);
    return s.match_count ? folder_find(core, who, PLACE_SEE, s.matches[0], a, ret)
                         : core_refuse(a, REASON_FOLDER_NOT_THERE);
}
