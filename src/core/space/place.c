/* SPDX-License-Identifier: Apache-2.0 */
#include "core/space/place.h"

#include "core/grant.h"
#include "core/reasons.h"
#include "core/store/enrolment_store.h"
#include "core/store/environment_store.h"

static enum course_role role_for(enum place_verb verb)
{
    switch (verb) {
    case PLACE_SEE:
        return ROLE_MEMBER;
    case PLACE_FILE:
        return ROLE_TUTOR;
    case PLACE_ARRANGE:
        return ROLE_TEACHER;
    case PLACE_ADMINISTER:
        break;
    }
    return ROLE_ADMINISTRATOR;
}

err_t place_role(struct meta_tx *tx, const struct principal *who, const struct place *p, struct arena *a,
                 enum course_role *ret)
{
    *ret = ROLE_NONE;
    if (!who || who->account_id != p->account_id)
        return NULL;
    if (who->is_admin || who->is_system) {
        *ret = ROLE_ADMINISTRATOR;
        return NULL;
    }
    return p->course_id ? meta_course_role(tx, p->environment_id, p->course_id, who->user_id, a, ret)
                        : meta_environment_role(tx, p->environment_id, who->user_id, a, ret);
}

err_t place_may(struct meta_tx *tx, const struct principal *who, enum place_verb verb, const struct place *p,
                struct arena *a)
{
    enum course_role role;
    TRY(place_role(tx, who, p, a, &role));
    return role >= role_for(verb) ? NULL : core_refuse(a, REASON_PLACE_ROLE_TOO_LOW);
}

err_t place_may_write(struct core *core, struct meta_tx *tx, const struct principal *who, enum place_verb verb,
                      const struct place *p, struct arena *a)
{
    TRY(grant_recheck_maker_in(core, tx, who, a));
    return place_may(tx, who, verb, p, a);
}
