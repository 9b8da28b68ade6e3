/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/module.h"
#include "api/kit/zone.h"
#include "api/runrun/runrun.h"
#include "api/runrun/webhook_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const struct config_key keys[] = {
#define CONFIG_LIST "api/runrun/options.def"
#define CONFIG_OFFSET(section, member) offsetof(struct runrun_options, member)
#include "base/config_rows.def"
};

static err_t check_runrun(const void *options, struct arena *a)
{
    const struct runrun_options *o = options;
    int minutes;
    if (!zone_parse(o->time_zone, &minutes))
        return err_make(a, ERR_INVALID, "runrun.time_zone: '" SLICE_FMT "' is not an offset such as -03:00",
                        SLICE_ARG(o->time_zone));
    if (o->pending_lifetime_ms < o->form_lifetime_ms + HOUR)
        return err_make(a, ERR_INVALID,
                        "runrun.pending_lifetime is less than runrun.form_lifetime and an hour: uploads in time would "
                        "be purged before they are confirmed");
    return NULL;
}

/* Forms for the bucket of tickets may carry additional fields that old programs send. */
static void get_runrun_exemption(const void *options, struct form_exemption *ret)
{
    const struct runrun_options *o = options;
    *ret = (struct form_exemption){ o->bucket, runrun_ignored_fields, LENGTH_OF(runrun_ignored_fields) };
}

#define BOARDS_MAX_BYTES (1 << 20)

static err_t read_boards(struct arena *kept, slice path, struct arena *a, slice *ret)
{
    SCOPED(fd_closep) int fd = open(arena_cstr(a, path), O_RDONLY | O_CLOEXEC);
    char *text = arena_alloc(kept, BOARDS_MAX_BYTES + 1);
    size_t have = 0;
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && have <= BOARDS_MAX_BYTES) {
        n = read(fd, text + have, BOARDS_MAX_BYTES + 1 - have);
        have += n > 0 ? (size_t)n : 0;
    }
    if (n < 0)
        return err_errno(a, errno, "runrun.boards_file: cannot read " SLICE_FMT, SLICE_ARG(path));
    if (have > BOARDS_MAX_BYTES)
        return err_make(a, ERR_INVALID, "runrun.boards_file: more than 1 MiB");
    *ret = (slice){ text, have };
    return NULL;
}

struct opened {
    struct runrun runrun;
    struct http_api api;
};

static err_t open_runrun(const struct api_params *params, struct arena *a, const struct http_api **ret)
{
    struct opened *o = arena_new(params->arena, struct opened);
    struct runrun_options options = *(const struct runrun_options *)params->options;
    zone_parse(options.time_zone, &options.zone_minutes); /* it is one: see check_runrun */
    if (options.boards_file.n)
        TRY(read_boards(params->arena, options.boards_file, a, &options.boards));
    TRY(runrun_open(&o->runrun, params->core, &options, params->links, params->log, a));
    o->api = runrun_api(&o->runrun);
    *ret = &o->api;
    return NULL;
}

static void close_runrun(const struct http_api *api)
{
    runrun_close(api->context);
}

const struct api_module runrun_module = {
    .name = "runrun",
    .key_form = API_KEYS_PAIR,
    .key_names = { "app_key", "user_token" },
    .webhook = &runrun_webhook,
    .keys = keys,
    .key_count = LENGTH_OF(keys),
    .options_size = sizeof(struct runrun_options),
    .options_at = offsetof(struct runrun, options),
    .reload = runrun_reload,
    .check = check_runrun,
    .form_exemption = get_runrun_exemption,
    .open = open_runrun,
    .close = close_runrun,
};
