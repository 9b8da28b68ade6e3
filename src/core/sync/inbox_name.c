/* SPDX-License-Identifier: Apache-2.0 */
/* Names and paths of an inbox: text alone. */
#include "core/file/file_name.h"
#include "core/sync/inbox_priv.h"

#define RESULT_ENDING S(".result.json")

static bool ends_nocase(slice name, slice ending)
{
    return name.n >= ending.n && slice_eq_nocase(slice_from(name, name.n - ending.n), ending);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool inbox_name_split(slice shown, slice *ret_name, slice *ret_handle)
{
    if (shown.n < SYNC_HANDLE_LENGTH + 2)
        return false;
    size_t at = shown.n - SYNC_HANDLE_LENGTH;
    bool fits = shown.p[at - 1] == '~';
    for (size_t i = at; i < shown.n; i++)
        fits = fits && is_hex(shown.p[i]);
    *ret_name = slice_part(shown, 0, at - 1);
    *ret_handle = slice_from(shown, at);
    return fits;
}

bool inbox_name_of_result(slice shown, slice *ret_name)
{
    *ret_name = slice_part(shown, 0, shown.n - (shown.n < RESULT_ENDING.n ? shown.n : RESULT_ENDING.n));
    return ret_name->n && slice_ends(shown, RESULT_ENDING);
}

bool inbox_name_is_sound(slice name)
{
    return name.n && name.n <= FILE_NAME_MAX_BYTES && slice_is_utf8(name) && !file_name_has_control(name) &&
           slice_find_byte(name, '/') == SLICE_NONE && !slice_eq(name, S(".")) && !slice_eq(name, S(".."));
}

err_t inbox_name_check(slice name, struct arena *a)
{
    slice unused;
    bool is_made = slice_eq(name, S("done")) || slice_eq(name, S("failed")) || ends_nocase(name, RESULT_ENDING) ||
                   inbox_name_split(name, &unused, &unused);
    return inbox_name_is_sound(name) && !is_made ? NULL : core_refuse(a, REASON_INBOX_BAD_NAME);
}

bool inbox_name_is_in_progress(slice name)
{
    return slice_starts(name, S(".")) || ends_nocase(name, S(".part")) || ends_nocase(name, S(".tmp")) ||
           ends_nocase(name, S(".filepart"));
}

bool inbox_name_is_imported(slice name, enum sync_form *ret)
{
    *ret = ends_nocase(name, S(".json")) ? SYNC_JSON : SYNC_LINES;
    return *ret == SYNC_JSON || ends_nocase(name, S(".cc5txt"));
}

/* ---- paths ---- */

/* One component further down. False: there is nothing there. */
static bool descend(struct inbox_path *path, slice component)
{
    if (path->name.n)
        return false;
    switch (path->folder) {
    case INBOX_ROOT:
        path->folder = INBOX_IMPORT;
        return slice_eq(component, S("import"));
    case INBOX_IMPORT:
        if (slice_eq(component, S("done")))
            path->folder = INBOX_DONE;
        else if (slice_eq(component, S("failed")))
            path->folder = INBOX_FAILED;
        else
            path->name = component;
        return true;
    case INBOX_DONE:
    case INBOX_FAILED:
        path->name = component;
        return true;
    }
    return false;
}

static void ascend(struct inbox_path *path)
{
    if (path->name.n)
        path->name = S("");
    else
        path->folder = path->folder == INBOX_DONE || path->folder == INBOX_FAILED ? INBOX_IMPORT : INBOX_ROOT;
}

err_t inbox_path_read(slice raw, struct arena *a, struct inbox_path *ret)
{
    struct inbox_path path = { INBOX_ROOT, S("") };
    slice component, rest = raw;
    bool more = true, fits = true;
    while (more && fits) {
        more = slice_cut(rest, '/', &component, &rest);
        if (slice_eq(component, S("..")))
            ascend(&path);
        else if (component.n && !slice_eq(component, S(".")))
            fits = descend(&path, component);
    }
    if (!fits)
        return core_refuse(a, REASON_INBOX_NO_FILE);
    *ret = path;
    return NULL;
}

slice inbox_path_text(const struct inbox_path *path, struct arena *a)
{
    static const char *const folders[] = {
        [INBOX_ROOT] = "/", [INBOX_IMPORT] = "/import", [INBOX_DONE] = "/import/done", [INBOX_FAILED] = "/import/failed"
    };
    return arena_printf(a, "%s%s" SLICE_FMT, folders[path->folder], path->name.n ? "/" : "", SLICE_ARG(path->name));
}
