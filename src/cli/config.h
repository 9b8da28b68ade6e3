/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: one struct with a named member for every key of config_keys.def, filled from five layers. A value
 * never replaces one from a stronger layer, so the order of calls does not matter:
 *
 *     flag  >  --set section.key=value  >  environment CAIS_SECTION_KEY  >  file  >  default
 *
 * A list in a stronger layer replaces the whole list of a weaker one; within a layer, items add up.
 * Unknown keys and bad values are errors (INVALID) that name where they stand, the key, what was given and what may be.
 */
#ifndef CAIS_CLI_CONFIG_H
#define CAIS_CLI_CONFIG_H

#include "base/err.h"
#include "base/log.h"

enum config_layer { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_SET, CONFIG_FLAG };
enum config_log_format { CONFIG_LOG_JSON, CONFIG_LOG_TEXT };
enum config_durability { CONFIG_DURABILITY_FULL, CONFIG_DURABILITY_RELAXED };

struct config_list {
    slice *items;
    size_t count;
};

/* [hosts]: this host name is spoken to in this API. */
struct config_host {
    slice name; /* lower case, without a port */
    slice api;
    enum config_layer layer;
    struct config_host *next; /* in the order in which they were given */
};

enum config_key_id {
#define SECTION(section)
#define SECTION_END(section)
#define STRING(section, key, ...) CONFIG_##section##_##key,
#define ADDRESS STRING
#define ADDRESSES STRING
#define NETWORKS STRING
#define PATHS STRING
#define ORIGINS STRING
#define URL STRING
#define INTEGER STRING
#define SIZE STRING
#define DURATION STRING
#define BOOLEAN STRING
#define CHOICE STRING
#include "cli/config_keys.def"
#include "cli/config_undef.def"
    CONFIG_KEY_COUNT
};

struct config {
#define SECTION(section) struct {
#define SECTION_END(section)                                                                                           \
    }                                                                                                                  \
    section;
#define STRING(section, key, ...) slice key;
#define ADDRESS STRING
#define URL STRING
#define ADDRESSES(section, key, ...) struct config_list key;
#define NETWORKS ADDRESSES
#define PATHS ADDRESSES
#define ORIGINS ADDRESSES
#define INTEGER(section, key, ...) int64_t key;
#define SIZE(section, key, member, ...) int64_t member;
#define DURATION(section, key, ...) int64_t key##_ms;
#define BOOLEAN(section, key, ...) bool key;
#define CHOICE(section, key, type, ...) enum type key;
#include "cli/config_keys.def"
#include "cli/config_undef.def"
    struct config_host *hosts;
    struct arena *arena;                          /* every string and every error lives here */
    enum config_layer layer_of[CONFIG_KEY_COUNT]; /* which layer gave the value */
};

/* All defaults. What is set later lives in `a`, errors too. */
void config_init(struct config *c, struct arena *a);
/* Read an INI file. Errors: NOT_FOUND, UNAVAILABLE it cannot be read; TOO_LARGE above 1 MiB; INVALID. */
MUST_USE err_t config_read_file(struct config *c, const char *path);
/* The same for text at hand; `name` stands in the errors. */
MUST_USE err_t config_read_text(struct config *c, slice text, const char *name);
/* Take CAIS_SECTION_KEY out of an environment, and CAIS_HOSTS=name=API,… for [hosts]. Names whose second word is
 * no section are left alone: CAIS_TOKEN is for the client, and Kubernetes gives CAIS_PORT to a service called cais. */
MUST_USE err_t config_read_environment(struct config *c, char *const *environment);
/* One `section.key=value`, as --set takes it. */
MUST_USE err_t config_assign(struct config *c, enum config_layer layer, slice assignment, const char *origin);
/* One value. `origin` is where it was given, for the errors: "cais.ini:12", "--listen". */
MUST_USE err_t config_set(struct config *c, enum config_layer layer, slice section, slice key, slice value,
                          const char *origin);
/* What no single key can tell: certificates without keys, listeners without certificates. Call it last. */
MUST_USE err_t config_check(struct config *c);

/* The list of keys, for help and tests. */
struct config_key_info {
    const char *section, *key, *by_default, *doc;
};
struct config_key_info config_key_info(enum config_key_id id);

#endif
