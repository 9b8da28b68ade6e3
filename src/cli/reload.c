/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reload.h"

#include "base/buf.h"

#include <string.h>

/* Of the keys of the server. Of those of the APIs it changes the numbers and bools. */
static const char *const live_keys[] = {
    "server.tls_cert",
    "server.tls_key",
    "server.public_url",
    "log.level",
    "log.format",
    "log.file",
    "log.requests",
    "http.header_timeout",
    "http.idle_timeout",
    "http.body_rate_bytes",
    "http.body_rate_window",
    "http.send_rate_bytes",
    "http.send_rate_window",
    "http.max_connections",
    "http.max_connections_per_address",
    "http.shutdown_grace",
    "storage.reserve_free_space",
    "accounts.max_bytes",
    "accounts.max_files",
    "accounts.max_buckets",
    "accounts.max_uploads",
    "accounts.max_pending",
    "accounts.max_users",
    "accounts.max_keys",
    "logins.window",
    "logins.failures",
    "logins.failures_per_user",
    "logins.failures_per_address",
    "logins.per_user",
    "sessions.lifetime",
    "sessions.idle",
    "sessions.per_user",
    "files.purge_grace",
    "jobs.keep_finished",
    "scrub.period",
    "audit.keep",
};

static bool has_name(const struct config_key_info *key, const char *name)
{
    size_t n = strlen(key->section);
    return strncmp(name, key->section, n) == 0 && name[n] == '.' && strcmp(name + n + 1, key->key) == 0;
}

bool reload_changes(size_t number)
{
    struct config_key_info key = config_key_info(number);
    if (number >= CONFIG_KEY_COUNT)
        return config_key_is_scalar(number);
    for (size_t i = 0; i < LENGTH_OF(live_keys); i++)
        if (has_name(&key, live_keys[i]))
            return true;
    return false;
}

static void add_name(struct buf *b, const char *section, const char *key)
{
    buf_printf(b, "%s%s%s%s", b->n ? " " : "", section, *key ? "." : "", key);
}

void reload_take(struct config *in_use, const struct config *fresh, struct arena *a, struct reload_report *ret,
                 bool *ret_hosts)
{
    SCOPED(buf_releasep) struct buf changed;
    SCOPED(buf_releasep) struct buf waiting;
    buf_init(&changed, 0);
    buf_init(&waiting, 0);
    *ret_hosts = config_differs(in_use, fresh, CONFIG_server_public_url);
    for (size_t i = 0; i < config_key_count(); i++) {
        struct config_key_info key = config_key_info(i);
        if (!config_differs(in_use, fresh, i))
            continue;
        add_name(reload_changes(i) ? &changed : &waiting, key.section, key.key);
        if (reload_changes(i))
            config_take(in_use, fresh, i);
    }
    if (config_hosts_differ(in_use, fresh)) {
        *ret_hosts = true;
        add_name(&changed, "hosts", "");
        config_take_hosts(in_use, fresh);
    }
    *ret = (struct reload_report){ arena_copy(a, buf_slice(&changed)), arena_copy(a, buf_slice(&waiting)) };
}
