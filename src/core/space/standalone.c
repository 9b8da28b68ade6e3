/* SPDX-License-Identifier: Apache-2.0 */
/* Names are random where nobody sees them: the name of a standalone space is not unique, so that of its course cannot be made of it. */
#include "core/space/standalone.h"

#include "base/random.h"
#include "core/grant.h"
#include "core/reasons.h"
#include "core/space/course_priv.h"
#include "core/space/environment_priv.h"
#include "core/space/space_priv.h"
#include "core/store/course_store.h"
#include "core/store/environment_store.h"
#include "core/store/space_store.h"

enum { TAG_DIGITS = 16 };

struct standalone_write {
    struct course_write w;
    const struct space_request *request;
    slice tag; /* random */
    int64_t id;
};

/* Somebody else's environment may have the name, but not the path. */
static err_t add_environment(struct meta_tx *tx, const struct standalone_write *w, struct arena *a, int64_t *ret_id)
{
    struct environment_request request = { S("Spaces"), S(STANDALONE_ENVIRONMENT_PATH), S(""), S("") };
    const struct name_keys keys = course_name_keys(request.name, request.path, a);
    struct names_taken taken;
    TRY(meta_environment_taken(tx, w->w.account_id, &keys, 0, a, &taken));
    if (taken.name)
        request.name = arena_printf(a, "Spaces " SLICE_FMT, SLICE_ARG(w->tag));
    return environment_add(tx, &w->w, &request, a, ret_id);
}

static err_t find_environment(struct meta_tx *tx, const struct standalone_write *w, struct arena *a, int64_t *ret_id)
{
    struct environment found;
    TRY(meta_environment_lock_names(tx, w->w.account_id, a));
    err_t e = meta_environment_by_path(tx, w->w.account_id, S(STANDALONE_ENVIRONMENT_PATH), a, &found);
    if (err_is(e, ERR_NOT_FOUND))
        return add_environment(tx, w, a, ret_id);
    TRY(e);
    *ret_id = found.id;
    return NULL;
}

static err_t apply_standalone_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct standalone_write *w = arg;
    int64_t environment_id, course_id;
    TRY(grant_recheck_maker_in(w->w.core, tx, w->w.who, a));
    TRY(find_environment(tx, w, a, &environment_id));
    TRY(meta_course_lock_names(tx, environment_id, a));
    slice name = arena_printf(a, STANDALONE_COURSE_PREFIX SLICE_FMT, SLICE_ARG(w->tag));
    const struct course_request course = {
        .name = name, .path = name, .description = S(""), .environment_id = environment_id
    };
    TRY(course_add(tx, &w->w, &course, a, &course_id));
    return space_add(tx, &w->w, course_id, w->request, a, &w->id);
}

err_t standalone_create(struct core *core, const struct principal *who, const struct space_request *request,
                        struct arena *a, int64_t *ret_id)
{
    struct standalone_write w = { .w = { core, who, core_now_ms(core), who->account_id }, .request = request };
    if (!who->is_admin && !who->is_system)
        return core_refuse(a, REASON_PLACE_ROLE_TOO_LOW);
    TRY(space_check_texts(request, a));
    w.tag = random_hex(core->random, a, TAG_DIGITS);
    TRY(meta_write(core->meta, apply_standalone_create, &w, a));
    *ret_id = w.id;
    return NULL;
}

static err_t is_standalone(struct meta_tx *tx, const struct space *s, struct arena *a, bool *ret)
{
    struct space_list spaces;
    *ret = false;
    if (!slice_eq(s->environment_path, S(STANDALONE_ENVIRONMENT_PATH)) ||
        !slice_starts(s->course_path, S(STANDALONE_COURSE_PREFIX)))
        return NULL;
    TRY(meta_space_list(tx, s->course_id, 0, 2, a, &spaces));
    *ret = spaces.count == 1;
    return NULL;
}

/* The course is held first, as by all that give it back bytes; a space that is added meanwhile goes with it. */
static err_t apply_standalone_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct standalone_write *w = arg;
    struct space s;
    bool alone;
    TRY(space_read(tx, w->id, a, &s));
    w->w.account_id = s.account_id;
    TRY(is_standalone(tx, &s, a, &alone));
    TRY(place_may_write(w->w.core, tx, w->w.who, alone ? PLACE_ADMINISTER : PLACE_ARRANGE, PLACE_OF(&s), a));
    TRY(space_end(tx, &w->w, &s, a));
    return alone ? course_end(tx, &w->w, s.course_id, s.course_path, a) : NULL;
}

err_t standalone_remove(struct core *core, const struct principal *who, int64_t space_id, struct arena *a)
{
    struct standalone_write w = { .w = { core, who, core_now_ms(core), 0 }, .id = space_id };
    return meta_write(core->meta, apply_standalone_remove, &w, a);
}
