/* SPDX-License-Identifier: Apache-2.0 */
/* docs/apis/datasnap.md 5.1: a file under an upload URL.
 *
 * The guard decides who sends, from the URL alone: its method, its form, its secret. An unknown secret costs one read by an
 * index, on the loop. The handler then reads the rest of the head, and everything that it can refuse is refused before the
 * first byte of the body and before 100 Continue.
 *
 * The secret is in no log, error or metric: the API hides its targets, and its errors do not quote them. */
#include "api/kit/guard.h"
#include "api/kit/upload.h"
#include "api/kit/upload_url.h"
#include "api/oci/oci_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "core/dataset/dataset_file.h"
#include "core/dataset/prefix.h"
#include "core/file/file_name.h"

enum { CONTENT_TYPE_MAX = 255 };

struct oci_put {
    struct oci *oci;
    struct upload_path path;
    struct prefix_use use;
    slice name; /* of the file, behind the URL */
    struct dataset_upload upload;
    struct http_watch watch;
    struct prefix_watch grant; /* what the watch asks about */
};

/* ---- who sends ---- */

/* Methods that read or remove find what a client without the right to do so finds. */
static err_t check_method(struct http_exchange *x, bool has_form)
{
    static const char *const hidden[] = { "GET", "HEAD", "DELETE" };
    bool is_hidden = false;
    for (size_t i = 0; i < LENGTH_OF(hidden); i++)
        is_hidden = is_hidden || slice_eq(x->req.method, slice_of(hidden[i]));
    if (!is_hidden && !slice_eq(x->req.method, S("PUT")))
        return oci_refuse(&x->arena, OCI_METHOD_NOT_ALLOWED);
    if (!has_form)
        return oci_refuse(&x->arena, OCI_NOT_AUTHENTICATED);
    return is_hidden ? oci_refuse(&x->arena, OCI_BUCKET_NOT_FOUND) : NULL;
}

static err_t check_watch(struct http_watch *watch)
{
    struct oci_put *put = CONTAINER_OF(watch, struct oci_put, watch);
    return prefix_recheck(put->oci->core, &put->grant);
}

static err_t find_name(struct oci_put *put, struct arena *a)
{
    switch (upload_path_compare(&put->path, &put->use.prefix, put->use.dataset.slug, a, &put->name)) {
    case UPLOAD_PATH_OK:
        return oci_check_name(put->name, a);
    case UPLOAD_PATH_MALFORMED:
        return oci_refuse(a, OCI_INVALID_OBJECT_NAME);
    case UPLOAD_PATH_OTHER:
        break;
    }
    return oci_refuse(a, OCI_NOT_AUTHENTICATED);
}

static err_t oci_guard(struct http_exchange *x)
{
    struct oci_put *put = arena_new(&x->arena, struct oci_put);
    put->oci = oci_of(x);
    bool has_form = upload_path_split(x->req.path, &x->arena, &put->path);
    TRY(check_method(x, has_form));
    TRY(prefix_open(put->oci->core, put->path.secret, &x->arena, &put->use));
    TRY(find_name(put, &x->arena));
    guard_admit(x, put->oci->core, &put->use.owner);
    put->grant = prefix_watch_begin(&put->use);
    put->watch.check = check_watch;
    http_watch(x, &put->watch); /* it also asks what guard_admit would ask */
    x->work = put;
    return NULL;
}

/* ---- the file ---- */

/* The record of the file shows the last segment. One that is too long for it begins later; the whole is kept with the dataset. */
static err_t name_in_record(slice name, struct arena *a, slice *ret)
{
    err_t e = file_name_clean_long(name, a, ret);
    if (!err_is(e, ERR_TOO_LARGE))
        return e;
    slice end = slice_from(name, name.n - FILE_NAME_MAX_BYTES);
    while (end.n && ((unsigned char)end.p[0] & 0xc0) == 0x80) /* not in the middle of a character */
        end = slice_from(end, 1);
    return file_name_clean_long(end, a, ret);
}

static slice content_type_of(const struct http_request *req)
{
    slice type = http_header(req, "Content-Type");
    return type.n && type.n <= CONTENT_TYPE_MAX && slice_is_utf8(type) ? type : S("application/octet-stream");
}

static err_t check_condition(struct http_exchange *x, const struct oci_put *put)
{
    bool was_sent;
    if (!put->upload.refuse_name)
        return NULL;
    TRY(dataset_file_was_sent(put->oci->core, put->use.prefix.id, put->name, &x->arena, &was_sent));
    return was_sent ? core_refuse(&x->arena, REASON_DATASET_NAME_TAKEN) : NULL;
}

static err_t reply_stored(struct http_exchange *x, const struct file *f)
{
    struct arena *a = &x->arena;
    slice md5 = { (const char *)f->md5, MD5_SIZE };
    TRY(arena_check(a));
    oci_add_headers(x);
    http_reply_header(x, "ETag", arena_printf(a, "\"" SLICE_FMT "\"", SLICE_ARG(hex_encode(a, md5))));
    http_reply_header(x, "opc-content-md5", base64_encode(a, md5));
    http_reply_header(x, "Last-Modified", time_format_http(a, f->stored_at_ms));
    http_reply(x, 200, NULL, S(""));
    return NULL;
}

static err_t oci_put(struct http_exchange *x)
{
    struct oci_put *put = x->work;
    const struct principal *owner = x->principal;
    put->upload = (struct dataset_upload){
        .core = put->oci->core, .dataset_id = put->use.dataset.id, .prefix_id = put->use.prefix.id, .name = put->name
    };
    struct intake_request request = { .account_id = owner->account_id,
                                      .owner_id = owner->user_id,
                                      .owner_login = owner->login,
                                      .origin = OCI_ORIGIN,
                                      .content_type = content_type_of(&x->req),
                                      .request_id = x->req.id,
                                      .grant = grant_of(owner),
                                      .max_bytes = (uint64_t)LIVE(put->oci->options.max_file_bytes),
                                      .exact_bytes = x->req.content_length };
    if (request.exact_bytes >= 0 && !http_has_header(&x->req, "Content-Length"))
        return oci_refuse(&x->arena, OCI_LENGTH_REQUIRED);
    TRY(oci_read_condition(x, &put->upload.refuse_name));
    TRY(oci_read_md5(x, &request.md5));
    TRY(oci_read_metadata(x, &put->upload.headers));
    TRY(check_condition(x, put));
    TRY(name_in_record(put->name, &x->arena, &request.name));
    dataset_upload_into(&put->upload, &request);
    return upload_body(x, put->oci->core, &request, reply_stored);
}

/* ---- the API ---- */

/* The pattern is what the log shows. The memory is for the head, which is decoded several times, and a small body. */
static const struct http_route put_route = {
    "PUT",          UPLOAD_URL_ROOT "/{secret}/n/{namespace}/b/{bucket}/o/{name}", oci_put, HTTP_STREAM, 0, "5.1",
    (size_t)1 << 20
};
static const char *const oci_prefixes[] = { UPLOAD_URL_ROOT, NULL };

struct http_api oci_api(struct oci *oci)
{
    return (struct http_api){ .name = "oci",
                              .prefixes = oci_prefixes,
                              .below_prefixes = &put_route,
                              .hides_targets = true,
                              .on_all_hosts = true,
                              .joins = "s3",
                              .guard = oci_guard,
                              .fail = oci_fail,
                              .context = oci };
}
