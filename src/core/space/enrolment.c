/* SPDX-License-Identifier: Apache-2.0 */
#include "core/space/enrolment.h"

#include "base/case_fold.h"
#include "base/random.h"
#include "base/text.h"
#include "core/reasons.h"
#include "core/records/record_size.h"
#include "core/space/course_write_priv.h"
#include "core/store/course_store.h"
#include "core/store/enrolment_store.h"
#include "core/store/user_store.h"

enum { EMAIL_MIN = 3, EMAIL_MAX = 254, TOKEN_BYTES = 16 };

static err_t find(struct meta_tx *tx, int64_t id, struct arena *a, struct enrolment *ret)
{
    err_t e = meta_enrolment_get(tx, id, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_ENROLMENT_NOT_THERE) : e;
}

static bool is_own(const struct principal *who, const struct enrolment *n)
{
    return who && n->user_id && who->user_id == n->user_id;
}

err_t enrolment_find(struct core *core, const struct principal *who, int64_t id, struct arena *a, struct enrolment *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct enrolment found;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find(tx, id, a, &found));
    if (!is_own(who, &found))
        TRY(place_may(tx, who, PLACE_SEE, PLACE_OF(&found), a));
    *ret = found;
    return NULL;
}

err_t enrolment_find_login(struct core *core, int64_t course_id, slice login, struct arena *a, struct enrolment *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct user user;
    TRY(meta_read_begin(core->meta, a, &tx));
    err_t e = meta_user_by_login(tx, login, a, &user);
    if (!e)
        e = meta_enrolment_of_user(tx, course_id, user.id, a, ret);
    return err_is(e, ERR_NOT_FOUND) ? core_refuse(a, REASON_ENROLMENT_NOT_THERE) : e;
}

err_t enrolment_find_to_change(struct core *core, const struct principal *who, int64_t id, struct arena *a,
                               struct enrolment *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct enrolment found;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(find(tx, id, a, &found));
    TRY(place_may(tx, who, PLACE_ADMINISTER, PLACE_OF(&found), a));
    *ret = found;
    return NULL;
}

err_t enrolment_list(struct core *core, int64_t course_id, const struct id_page *page, struct arena *a,
                     struct enrolment_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct enrolment_query q = { .course_id = course_id, .after_id = page->after_id, .limit = page->limit };
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_enrolment_list(tx, &q, a, ret);
}

err_t enrolment_list_own(struct core *core, const struct principal *who, const struct id_page *page, struct arena *a,
                         struct enrolment_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct enrolment_query q = { .user_id = who->user_id, .after_id = page->after_id, .limit = page->limit };
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_enrolment_list(tx, &q, a, ret);
}

/* ---- people ---- */

err_t course_people(struct core *core, int64_t course_id, enum course_role role, const struct id_page *page,
                    struct arena *a, struct user_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct course_people_query q = { course_id, role, page->after_id, page->limit };
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_course_people(tx, &q, a, ret);
}

err_t course_people_may_see(struct core *core, const struct principal *who, const struct user *other, struct arena *a,
                            bool *ret_may)
{
    if (who->account_id != other->account_id || who->user_id == other->id || who->is_admin || who->is_system) {
        *ret_may = who->account_id == other->account_id;
        return NULL;
    }
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_course_shared(tx, who->user_id, other->id, a, ret_may);
}

err_t enrolment_adopt(struct meta_tx *tx, const struct user *user, int64_t now_ms, struct arena *a)
{
    TRY(meta_enrolment_adopt(tx, user, case_fold(a, user->login), now_ms, a));
    return user->email.n ? meta_enrolment_adopt(tx, user, case_fold(a, user->email), now_ms, a) : NULL;
}

/* ---- changes ---- */

struct enrolment_write {
    struct course_write w;
    int64_t id, course_id;
    slice email, login, token;
    enum enrolment_state state;
    enum course_role role;
    bool is_new;
};

static err_t enter_course(struct meta_tx *tx, struct enrolment_write *w, struct arena *a)
{
    struct course course;
    err_t e = meta_course_get(tx, w->course_id, a, &course);
    if (err_is(e, ERR_NOT_FOUND))
        return core_refuse(a, REASON_COURSE_NOT_THERE);
    TRY(e);
    w->w.account_id = course.account_id;
    return place_may_write(w->w.core, tx, w->w.who, PLACE_ADMINISTER,
                           &(struct place){ course.account_id, course.environment_id, course.id }, a);
}

static err_t add(struct meta_tx *tx, struct enrolment_write *w, const struct enrolment *n, struct arena *a)
{
    TRY(course_take_room(tx, &w->w, enrolment_record_size(n), a));
    err_t e = meta_enrolment_add(tx, n, case_fold(a, n->email), a, &w->id);
    if (err_is(e, ERR_CONFLICT))
        return err_make(a, ERR_UNAVAILABLE, "the person was enrolled at the same time");
    TRY(e);
    w->is_new = true;
    slice detail = arena_printf(a, "course=%lld role=%d", (long long)n->course_id, n->role);
    return course_write_event(tx, &w->w, &(struct course_event){ S("enrolment.add"), "enrolment", w->id, detail }, a);
}

/* An invitation to an address of the user may still wait: it was sent in another case, or beside one to the other address. */
static err_t find_of_user(struct meta_tx *tx, int64_t course_id, const struct user *user, int64_t now_ms,
                          struct arena *a, struct enrolment *ret)
{
    err_t e = meta_enrolment_of_user(tx, course_id, user->id, a, ret);
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    TRY(enrolment_adopt(tx, user, now_ms, a));
    return meta_enrolment_of_user(tx, course_id, user->id, a, ret);
}

/* The write that adds the user adopts them all. */
static err_t refuse_too_many_waiting(struct meta_tx *tx, const struct enrolment_write *w, struct arena *a)
{
    int64_t waiting;
    TRY(meta_enrolment_waiting(tx, w->w.account_id, case_fold(a, w->email), ENROLMENTS_WAITING_MAX, a, &waiting));
    return waiting < ENROLMENTS_WAITING_MAX
               ? NULL
               : err_make(a, ERR_QUOTA, "the address is invited to %d courses already", ENROLMENTS_WAITING_MAX);
}

static err_t apply_invite(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct enrolment_write *w = arg;
    struct user user = { 0 };
    struct enrolment known;
    w->is_new = false;
    TRY(enter_course(tx, w, a));
    err_t e = meta_user_by_address(tx, w->w.account_id, w->email, a, &user);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    e = user.id ? find_of_user(tx, w->course_id, &user, w->w.now_ms, a, &known)
                : meta_enrolment_by_email(tx, w->course_id, case_fold(a, w->email), a, &known);
    if (!err_is(e, ERR_NOT_FOUND)) {
        w->id = e ? 0 : known.id;
        return e;
    }
    if (!user.id)
        TRY(refuse_too_many_waiting(tx, w, a));
    struct enrolment n = { .course_id = w->course_id,
                           .user_id = user.id,
                           .email = w->email,
                           .state = user.id ? ENROLMENT_INVITED : ENROLMENT_INVITED_UNKNOWN,
                           .token = user.id ? S("") : w->token,
                           .created_at_ms = w->w.now_ms,
                           .modified_at_ms = w->w.now_ms };
    return add(tx, w, &n, a);
}

static bool is_address(slice email)
{
    size_t at = slice_find_byte(email, '@');
    if (email.n < EMAIL_MIN || email.n > EMAIL_MAX || at == SLICE_NONE || at == 0 || at + 1 == email.n ||
        !slice_is_utf8(email))
        return false;
    for (size_t i = 0; i < email.n; i++)
        if ((unsigned char)email.p[i] <= ' ' || email.p[i] == 0x7f || (email.p[i] == '@' && i != at))
            return false;
    return true;
}

err_t enrolment_invite(struct core *core, const struct principal *who, int64_t course_id, slice email, struct arena *a,
                       struct invitation *ret)
{
    unsigned char token[TOKEN_BYTES];
    if (!is_address(email))
        return err_make(a, ERR_INVALID, "that is no e-mail address");
    random_fill(core->random, token, sizeof token);
    struct enrolment_write w = { .w = { core, who, core_now_ms(core), 0 },
                                 .course_id = course_id,
                                 .email = email,
                                 .token = hex_encode(a, (slice){ (const char *)token, sizeof token }) };
    TRY(meta_write(core->meta, apply_invite, &w, a));
    *ret = (struct invitation){ w.id, w.is_new };
    return NULL;
}

static err_t apply_grant(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct enrolment_write *w = arg;
    struct user user;
    struct enrolment known;
    TRY(enter_course(tx, w, a));
    TRY(meta_user_by_login(tx, w->login, a, &user));
    if (user.account_id != w->w.account_id)
        return err_make(a, ERR_NOT_FOUND, "the account has no such user");
    err_t e = find_of_user(tx, w->course_id, &user, w->w.now_ms, a, &known);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    if (!e) {
        w->id = known.id;
        TRY(meta_enrolment_set(tx, known.id, ENROLMENT_APPROVED, w->role, w->w.now_ms, a));
        slice detail = arena_printf(a, "role=%d", w->role);
        return course_write_event(tx, &w->w,
                                  &(struct course_event){ S("enrolment.change"), "enrolment", w->id, detail }, a);
    }
    struct enrolment n = { .course_id = w->course_id,
                           .user_id = user.id,
                           .email = user.email,
                           .state = ENROLMENT_APPROVED,
                           .role = w->role,
                           .token = S(""),
                           .created_at_ms = w->w.now_ms,
                           .modified_at_ms = w->w.now_ms };
    return add(tx, w, &n, a);
}

err_t enrolment_grant(struct core *core, const struct principal *who, const struct enrolment_request *request,
                      struct arena *a, int64_t *ret_id)
{
    struct enrolment_write w = { .w = { core, who, core_now_ms(core), 0 },
                                 .course_id = request->course_id,
                                 .login = request->login,
                                 .role = request->role };
    if (request->role == ROLE_NONE)
        return err_make(a, ERR_INVALID, "a role is needed");
    TRY(meta_write(core->meta, apply_grant, &w, a));
    *ret_id = w.id;
    return NULL;
}

static err_t find_for_write(struct meta_tx *tx, struct enrolment_write *w, bool or_own, struct arena *a,
                            struct enrolment *ret)
{
    TRY(find(tx, w->id, a, ret));
    w->w.account_id = ret->account_id;
    return or_own && is_own(w->w.who, ret)
               ? NULL
               : place_may_write(w->w.core, tx, w->w.who, PLACE_ADMINISTER, PLACE_OF(ret), a);
}

static err_t apply_set(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct enrolment_write *w = arg;
    struct enrolment n;
    TRY(find_for_write(tx, w, false, a, &n));
    if (!n.user_id)
        return err_make(a, ERR_CONFLICT, "nobody has that address yet");
    TRY(meta_enrolment_set(tx, w->id, w->state, w->role, w->w.now_ms, a));
    slice detail = arena_printf(a, "state=%d role=%d", w->state, w->role);
    return course_write_event(tx, &w->w, &(struct course_event){ S("enrolment.change"), "enrolment", w->id, detail },
                              a);
}

err_t enrolment_set(struct core *core, const struct principal *who, int64_t id, enum enrolment_state state,
                    enum course_role role, struct arena *a)
{
    struct enrolment_write w = { .w = { core, who, core_now_ms(core), 0 }, .id = id, .state = state, .role = role };
    if (state == ENROLMENT_INVITED_UNKNOWN)
        return err_make(a, ERR_INVALID, "no person can be in that state");
    return meta_write(core->meta, apply_set, &w, a);
}

static err_t apply_remove(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct enrolment_write *w = arg;
    struct enrolment n;
    TRY(find_for_write(tx, w, true, a, &n));
    TRY(meta_enrolment_remove(tx, w->id, a));
    TRY(course_take_room(tx, &w->w, -enrolment_record_size(&n), a));
    slice detail = arena_printf(a, "course=%lld", (long long)n.course_id);
    return course_write_event(tx, &w->w, &(struct course_event){ S("enrolment.remove"), "enrolment", w->id, detail },
                              a);
}

err_t enrolment_remove(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct enrolment_write w = { .w = { core, who, core_now_ms(core), 0 }, .id = id };
    return meta_write(core->meta, apply_remove, &w, a);
}
