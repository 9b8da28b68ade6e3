/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the configuration, as tables. A list of keys is a .def file in this language:
 *
 * STRING(section, key, default, doc)                          slice
 * ADDRESS(…), URL(…)                                          slice, checked; the same four arguments
 * ADDRESSES(…), NETWORKS(…), PATHS(…), ORIGINS(…)             struct config_list, checked; the same four arguments
 * INTEGER(section, key, default, min, max, doc)               int64_t
 * SIZE(section, key, member, default, min, max, doc)          int64_t in bytes, called `member`
 * DURATION(section, key, default, min_ms, max_ms, doc)        int64_t in milliseconds, called key_ms
 * BOOLEAN(section, key, default, doc)                         bool
 * CHOICE(section, key, enum, choices, default, doc)           the enum; choices in the order of its constants
 *
 * config_members.def makes such a list the members of a struct, and config_rows.def makes it the rows of a table:
 *
 *     struct pyrus_options {
 *     #define CONFIG_LIST "api/pyrus/options.def"
 *     #include "base/config_members.def"
 *     };
 *
 *     static const struct config_key keys[] = {
 *     #define CONFIG_LIST "api/pyrus/options.def"
 *     #define CONFIG_OFFSET(section, member) offsetof(struct pyrus_options, member)
 *     #include "base/config_rows.def"
 *     }; */
#ifndef CAIS_BASE_CONFIG_KEY_H
#define CAIS_BASE_CONFIG_KEY_H

#include "base/config_list.h"

#include <stddef.h>

#define KiB INT64_C(1024)
#define MiB (1024 * KiB)
#define GiB (1024 * MiB)
#define TiB (1024 * GiB)
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

enum config_type {
    CONFIG_TYPE_STRING,
    CONFIG_TYPE_ADDRESS,
    CONFIG_TYPE_URL,
    CONFIG_TYPE_INTEGER,
    CONFIG_TYPE_SIZE,
    CONFIG_TYPE_DURATION,
    CONFIG_TYPE_BOOLEAN,
    CONFIG_TYPE_CHOICE,
    CONFIG_TYPE_ADDRESSES, /* this type and those after it are lists */
    CONFIG_TYPE_NETWORKS,
    CONFIG_TYPE_PATHS,
    CONFIG_TYPE_ORIGINS,
};

struct config_key {
    const char *section, *name;
    enum config_type type;
    size_t offset; /* of the member in its struct, in bytes */
    const char *by_default;
    int64_t min, max;    /* of INTEGER, SIZE, DURATION */
    const char *choices; /* of CHOICE: "full|relaxed" */
    const char *doc;
};

#endif
