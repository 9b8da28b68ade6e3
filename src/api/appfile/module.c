/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/module.h"
#include "api/appfile/appfile.h"
#include "api/reserved_path.h"
#include "base/live.h"

static const struct config_key keys[] = {
#define CONFIG_LIST "api/appfile/options.def"
#define CONFIG_OFFSET(section, member) offsetof(struct appfile_options, member)
#include "base/config_rows.def"
};

static bool is_path_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* One or more names with a slash before each. The first is none that the server has pages or APIs under. */
static bool is_path_prefix(slice path)
{
    slice name, rest = slice_from(path, 1);
    bool more = true, good = path.p[0] == '/', first = true;
    while (good && more) {
        more = slice_cut(rest, '/', &name, &rest);
        good = name.n > 0 && !(first && path_is_reserved(name));
        for (size_t i = 0; i < name.n; i++)
            good = good && is_path_character(name.p[i]);
        first = false;
    }
    return good;
}

static err_t check_appfile(const void *options, struct arena *a)
{
    const struct appfile_options *o = options;
    if (o->pending_lifetime_ms < o->url_lifetime_ms + HOUR)
        return err_make(a, ERR_INVALID,
                        "appfile.pending_lifetime is less than appfile.url_lifetime and an hour: uploads that began in "
                        "time would be refused at their end");
    if (o->path_prefix.n && !is_path_prefix(o->path_prefix))
        return err_make(
            a, ERR_INVALID,
            "appfile.path_prefix is a path such as /carecloud, and begins with no name that the server uses "
            "itself");
    return NULL;
}

struct opened {
    struct appfile appfile;
    struct http_api api;
};

static err_t open_appfile(const struct api_params *params, struct arena *a, const struct http_api **ret)
{
    struct opened *o = arena_new(params->arena, struct opened);
    TRY(appfile_open(&o->appfile, params->core, params->options, params->links, params->log, a));
    o->api = appfile_api(&o->appfile);
    *ret = &o->api;
    return NULL;
}

static void close_appfile(const struct http_api *api)
{
    appfile_close(api->context);
}

/* Files that come by another protocol name neither an entity nor a folder: docs/apis/appfile.md 2. */
static void open_inbox(const struct http_api *api, struct inbox_options *ret)
{
    struct appfile *f = api->context;
    ret->bucket_id = f->bucket.id;
    ret->folder = S("files");
    ret->max_bytes = (uint64_t)LIVE(f->options.max_file_bytes);
    ret->idle_ms = LIVE(f->options.unused_lifetime_ms);
    ret->result = appfile_file_text;
    ret->result_arg = f;
}

const struct api_module appfile_module = {
    .name = "appfile",
    .key_form = API_KEYS_SECRET,
    .key_names = { "api_key" },
    .key_roles =
        (const struct api_key_role[]){
            { "viewer", KEY_READER }, { "uploader", KEY_WRITER }, { "admin", KEY_ADMIN }, { 0 } },
    .key_has_workspace = true,
    .keys = keys,
    .key_count = LENGTH_OF(keys),
    .options_size = sizeof(struct appfile_options),
    .options_at = offsetof(struct appfile, options),
    .reload = appfile_reload,
    .check = check_appfile,
    .open = open_appfile,
    .close = close_appfile,
    .inbox = open_inbox,
};
