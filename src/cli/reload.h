/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys of the configuration change while the server runs, and which wait for its next start. docs/configuration.md has the list,
 * which a test compares with this one. */
#ifndef CAIS_CLI_RELOAD_H
#define CAIS_CLI_RELOAD_H

#include "cli/config.h"

/* What a reload found, as names of keys with blanks between them; empty: none. In the arena of reload_take. */
struct reload_report {
    slice changed; /* in use from here on */
    slice waiting; /* differ from what is in use, which stays until the next start */
};

/* Does a reload change the key of that number? [hosts] always changes. */
bool reload_changes(size_t number);
/* Gives `in_use` the values that `fresh` has for the keys that a reload changes (config_take). *ret_hosts: [hosts] or server.public_url
 * have changed. One thread at a time. */
void reload_take(struct config *in_use, const struct config *fresh, struct arena *a, struct reload_report *ret,
                 bool *ret_hosts);

#endif
