/* SPDX-License-Identifier: Apache-2.0 */
/* Files under upload URLs: the path, and the headers of the request. HOW (request_text.h) has no meaning. "/{url}" in a target is the
 * URL of a schema, "/{old}" one that has expired, and "{secret}" the secret of the first. Only a PUT below the URL stores
 * something, under a name that keeps the rules and with the bytes that came; every refusal has the form of Oracle's object storage, and no reply
 * shows the secret. */
#include "request_text.h"

#include "../tests/support/oci_fixture.h"
#include "api/kit/upload_url.h"
#include "base/text.h"
#include "core/file/file_name.h"

#include <string.h>

static struct world_kept kept;     /* a world with what set_up makes */
static struct oci_fixture *origin; /* it stays: the URLs point into it */
static slice url, old, secret;
static int64_t token;

static void set_up(void)
{
    origin = oci_fixture_new();
    old = oci_url(origin, "vendas", 1, NULL);
    datasnap_schema(origin->d, "metas", "\"fields\":{\"id\":\"integer\"}");
    world_wait(origin->w, minutes(1));
    url = oci_url(origin, "vendas", 60, &token);
    secret = slice_part(url, 3, 43);
    kept.image = world_image(origin->w);
}

static void check_name(slice name)
{
    slice rest = name, segment;
    HOLDS(name.n >= 1 && name.n <= 1024 && slice_is_utf8(name) && !file_name_has_control(name) && name.p[0] != '/');
    for (bool more = true; more;) {
        more = slice_cut(rest, '/', &segment, &rest);
        HOLDS(!slice_eq(segment, S(".")) && !slice_eq(segment, S("..")) && (segment.n || !more));
    }
}

static void check_stored(struct oci_fixture *f, const struct fake_request *r, const struct fake_reply *reply,
                         size_t before)
{
    struct dataset_file_list files = oci_files(f);
    unsigned char md5[MD5_SIZE];
    hash_md5(r->body, md5);
    HOLDS(files.count == before + 1 && reply->body.n == 0);
    struct upload_path path;
    HOLDS(slice_eq(slice_of(r->method), S("PUT")) && upload_path_split(r->target, f->a, &path));
    HOLDS(slice_eq(path.secret, secret));
    const struct dataset_file *file = &files.items[files.count - 1];
    check_name(file->name);
    HOLDS(memcmp(file->md5, md5, MD5_SIZE) == 0 && file->size_bytes == r->body.n && file->dataset_id == f->vendas.id);
    HOLDS(slice_eq(fake_reply_header(reply, "opc-content-md5"),
                   base64_encode(f->a, (slice){ (const char *)md5, MD5_SIZE })));
}

static void check_refused(struct oci_fixture *f, const struct fake_reply *reply)
{
    HOLDS(reply->status >= 400 && (reply->status < 500 || reply->status == 501));
    HOLDS(reply_text(f->a, reply, "code").n && reply_text(f->a, reply, "message").n);
}

/* What the path is taken apart into can be put together again. */
static void check_path(struct oci_fixture *f, slice target)
{
    slice path, query, name = S("");
    struct upload_path parts;
    const struct upload_prefix prefix = { .id = token, .account_id = origin->vendas.account_id };
    slice_cut(target, '?', &path, &query);
    if (!upload_path_split(path, f->a, &parts))
        return;
    HOLDS(parts.secret.n && parts.name_space.n && parts.bucket.n);
    if (upload_path_compare(&parts, &prefix, S("vendas"), f->a, &name) != UPLOAD_PATH_OK)
        return;
    struct upload_path again;
    slice encoded = percent_encode(f->a, name, "/"), other;
    slice pieces[] = { upload_url_path(percent_encode(f->a, parts.secret, ""), &prefix, S("vendas"), f->a), S("/"),
                       encoded };
    HOLDS(upload_path_split(arena_join(f->a, pieces, LENGTH_OF(pieces)), f->a, &again));
    HOLDS(upload_path_compare(&again, &prefix, S("vendas"), f->a, &other) == UPLOAD_PATH_OK);
    HOLDS(slice_eq(name, other) && slice_eq(parts.secret, again.secret));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    struct oci_fixture *f = oci_fixture_kept(&kept, origin);
    world_wait(f->w, minutes(1));
    slice rest = fuzz_slice(data, size);
    struct fake_request r;
    char how;
    for (int i = 0; i < TEXT_REQUESTS_MAX && text_next_request(&rest, f->a, &how, &r); i++) {
        size_t before = oci_files(f).count;
        r.target = text_replace(r.target, S("/{url}"), url, f->a);
        r.target = text_replace(r.target, S("/{old}"), old, f->a);
        r.target = text_replace(r.target, S("{secret}"), secret, f->a);
        check_path(f, r.target);
        struct fake_reply *reply = oci_send(f, r);
        HOLDS(fake_reply_header(reply, "opc-request-id").n > 0);
        if (reply->status == 200)
            check_stored(f, &r, reply, before);
        else
            check_refused(f, reply);
        HOLDS(reply->status == 200 || oci_files(f).count == before);
        /* 404 shows namespace and bucket as the client wrote them */
        HOLDS(reply->status == 404 || slice_find(reply->body, secret) == SLICE_NONE);
    }
    HOLDS(!oci_files(f).count || world_fsck(f->w, false) == 0);
    oci_fixture_free(f);
    return 0;
}
