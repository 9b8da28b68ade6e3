/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: a value for every key of config_keys.def and of each API, filled from five layers. A value never
 * replaces one from a stronger layer, so the order of the calls does not matter:
 *
 *     flag  >  --set section.key=value  >  environment CAIS_SECTION_KEY  >  file  >  default
 *
 * A list in a stronger layer replaces the whole list of a weaker one; within a layer, items are added.
 * Unknown keys and bad values are errors (INVALID) that say where the value stands, name the key and the value, and list
 * what is allowed. To add a key, see config_keys.def. */
#ifndef CAIS_CLI_CONFIG_H
#define CAIS_CLI_CONFIG_H

#include "base/config_list.h"
#include "base/err.h"
#include "base/log.h"

enum config_layer { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_SET, CONFIG_FLAG };
enum config_log_format { CONFIG_LOG_AUTO, CONFIG_LOG_JSON, CONFIG_LOG_TEXT };
enum config_durability { CONFIG_DURABILITY_FULL, CONFIG_DURABILITY_RELAXED };

/* One line of [hosts]: requests to this host name belong to this API. */
struct config_host {
    slice name; /* lower case, without a port */
    slice api;
    enum config_layer layer;
    struct config_host *next; /* the next one in the order of the configuration */
};

/* The keys of config_keys.def. The keys of the APIs follow them, with the numbers from CONFIG_KEY_COUNT on. */
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

#include "base/config_undef.def"
    CONFIG_KEY_COUNT
};

struct config {
#define CONFIG_LIST "cli/config_keys.def"
#include "base/config_members.def"
    void **api_options; /* of each API, in the order of api_modules */
    struct config_host *hosts;
    struct arena *arena;         /* of every string and every error */
    enum config_layer *layer_of; /* by the number of a key: the layer that set the value */
};

/* Set all defaults. Values that are set later live in `a`, and so do errors. */
void config_init(struct config *c, struct arena *a);
/* Read an INI file. Errors: NOT_FOUND, UNAVAILABLE it cannot be read; TOO_LARGE above 1 MiB; INVALID. */
MUST_USE err_t config_read_file(struct config *c, const char *path);
/* The same for text in memory; errors call it `name`. */
MUST_USE err_t config_read_text(struct config *c, slice text, const char *name);
/* Read CAIS_SECTION_KEY from an environment, and CAIS_HOSTS=name=API,… for [hosts]. A name whose second word is not a
 * section is ignored: CAIS_TOKEN is for the client, and Kubernetes sets CAIS_PORT for a service called cais. */
MUST_USE err_t config_read_environment(struct config *c, char *const *environment);
/* Set one key from `section.key=value`, the form of --set. */
MUST_USE err_t config_assign(struct config *c, enum config_layer layer, slice assignment, const char *origin);
/* Set one key. `origin` is the place of the value, for errors: "cais.ini:12", "--listen". */
MUST_USE err_t config_set(struct config *c, enum config_layer layer, slice section, slice key, slice value,
                          const char *origin);
/* Is the log text for people? */
bool config_log_is_text(const struct config *c);
/* Check what concerns several keys: certificates without private keys, listeners without certificates. Call it last. */
MUST_USE err_t config_check(struct config *c);

/* ---- a reload ---- */

/* Do they have different values for the key of that number? */
bool config_differs(const struct config *x, const struct config *y, size_t number);
bool config_hosts_differ(const struct config *x, const struct config *y);
/* Give the key of that number, or [hosts], the value that it has in the other. What is not a number or a bool is copied into the arena
 * of `to`. Other threads may read the numbers and bools meanwhile (base/live.h), and nothing else. */
void config_take(struct config *to, const struct config *from, size_t number);
void config_take_hosts(struct config *to, const struct config *from);
/* Copies the value of a key that is a number or a bool from one member of a struct of options to another. */
void config_take_scalar(void *to, const void *from, size_t number);
/* The number of a key of an API, from the positions of the API in api_modules and of the key in its list. */
size_t config_api_key(size_t api, size_t number);
/* Is it a number or a bool, which is read with LIVE? */
bool config_key_is_scalar(size_t number);

bool config_has_section(slice name);
/* The options of the API of that name: a struct of its own type, such as struct pyrus_options. There is such an API. */
const void *config_api_options(const struct config *c, slice api);
/* The list of keys, for tests. */
struct config_key_info {
    const char *section, *key, *by_default, *doc;
};
size_t config_key_count(void);
struct config_key_info config_key_info(size_t number);

#endif
