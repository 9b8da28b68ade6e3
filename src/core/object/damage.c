/* SPDX-License-Identifier: Apache-2.0 */
#include "core/object/damage.h"

err_t damage_found(struct core *core, err_t e)
{
    __atomic_add_fetch(&core->damage_count, 1, __ATOMIC_RELAXED);
    if (core->on_damage)
        core->on_damage(core->on_damage_arg, e);
    return e;
}

uint64_t damage_count(struct core *core)
{
    return __atomic_load_n(&core->damage_count, __ATOMIC_RELAXED);
}

void damage_listen(struct core *core, void (*found)(void *arg, err_t e), void *arg)
{
    core->on_damage_arg = arg;
    core->on_damage = found;
}
