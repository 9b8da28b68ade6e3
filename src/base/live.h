/* SPDX-License-Identifier: Apache-2.0 */
/* A setting that changes while other threads read it: a number or a bool, which is read and written as a whole. Whoever reads two
 * settings may see one of before and one of after the change; so no rule may hold between them that memory safety needs. */
#ifndef CAIS_BASE_LIVE_H
#define CAIS_BASE_LIVE_H

#define LIVE(setting) __atomic_load_n(&(setting), __ATOMIC_RELAXED)
#define LIVE_SET(setting, value) __atomic_store_n(&(setting), (value), __ATOMIC_RELAXED)

#endif
