/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/manifest.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"

#define MANIFEST_FORMAT 1

slice manifest_text(const struct manifest *m, struct arena *a)
{
    const struct backup_report *report = &m->report;
    SCOPED(buf_releasep) struct buf text;
    buf_init(&text, 0);
    struct json_out o;
    json_out_init(&o, &text);
    json_open_object(&o);
    json_put_int(&o, "format", MANIFEST_FORMAT);
    json_put_string(&o, "version", S(CAIS_VERSION));
    json_put_int(&o, "created_at_ms", report->created_at_ms);
    json_put_string(&o, "created_at", time_format_utc(a, report->created_at_ms));
    json_put_int(&o, "objects", report->objects);
    json_put_int(&o, "blobs", report->blobs);
    json_put_int(&o, "blob_bytes", (int64_t)report->blob_bytes);
    json_put_int(&o, "datasets", report->datasets);
    json_put_int(&o, "record_sets", report->record_sets);
    json_put_string(&o, "database_sha256", m->database_sha256);
    if (m->record_sets_sha256.n)
        json_put_string(&o, "record_sets_sha256", m->record_sets_sha256);
    if (m->key_sha256.n)
        json_put_string(&o, "master_key_sha256", m->key_sha256);
    json_close_object(&o);
    buf_add_byte(&text, '\n');
    return arena_copy(a, buf_slice(&text));
}

/* A member that is a number of things. */
static bool count_member(const struct json *manifest, const char *name, int64_t *ret)
{
    return json_to_i64(json_get(manifest, name), ret) && *ret >= 0;
}

/* Older backups have none. */
static bool table_count_member(const struct json *manifest, const char *name, int64_t *ret)
{
    return !json_get(manifest, name) || count_member(manifest, name, ret);
}

static bool is_sha256(slice hex)
{
    for (size_t i = 0; i < hex.n; i++)
        if (!((hex.p[i] >= '0' && hex.p[i] <= '9') || (hex.p[i] >= 'a' && hex.p[i] <= 'f')))
            return false;
    return hex.n == 2 * (size_t)SHA256_SIZE;
}

err_t manifest_parse(slice text, struct arena *a, struct manifest *ret_manifest)
{
    struct manifest m = { 0 };
    struct backup_report *ret = &m.report;
    const struct json *manifest;
    int64_t format, bytes;
    err_t e = text.n > MANIFEST_MAX ? err_make(a, ERR_TOO_LARGE, "it has more than %d bytes", MANIFEST_MAX)
                                    : json_parse(a, text, &manifest);
    if (e || !count_member(manifest, "format", &format))
        return err_because(a, e, ERR_CORRUPT, "the MANIFEST is damaged");
    if (format > MANIFEST_FORMAT)
        return err_make(a, ERR_UNSUPPORTED, "the backup was made by a newer version");
    m.database_sha256 = json_str(manifest, "database_sha256");
    m.key_sha256 = json_str(manifest, "master_key_sha256");
    ret->with_key = json_get(manifest, "master_key_sha256") != NULL;
    if (!count_member(manifest, "created_at_ms", &ret->created_at_ms) ||
        !count_member(manifest, "objects", &ret->objects) || !count_member(manifest, "blobs", &ret->blobs) ||
        !count_member(manifest, "blob_bytes", &bytes) || !is_sha256(m.database_sha256) ||
        (ret->with_key && !is_sha256(m.key_sha256)))
        return err_make(a, ERR_CORRUPT, "the MANIFEST is damaged");
    m.record_sets_sha256 = json_str(manifest, "record_sets_sha256");
    if (!table_count_member(manifest, "datasets", &ret->datasets) ||
        !table_count_member(manifest, "record_sets", &ret->record_sets) ||
        (ret->record_sets ? !is_sha256(m.record_sets_sha256) : m.record_sets_sha256.n > 0))
        return err_make(a, ERR_CORRUPT, "the MANIFEST is damaged");
    ret->blob_bytes = (uint64_t)bytes;
    *ret_manifest = m;
    return NULL;
}
