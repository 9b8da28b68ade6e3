/* SPDX-License-Identifier: Apache-2.0 */
#include "s3_fixture.h"

#include "test.h"

#include "base/text.h"
#include "core/records/user.h"
#include "http/target.h"
#include "sign/sigv4.h"

#include <stdlib.h>
#include <string.h>

struct s3_options s3_fixture_options(void)
{
    return (struct s3_options){
        .region = S("us-east-1"),
        .max_object_bytes = 1 << 20,
        .max_upload_bytes = 1 << 22,
        .min_part_bytes = 8,
        .upload_expires_ms = hours(24),
    };
}

static const struct link_listener listeners[] = { { { "127.0.0.1:8080", 14 }, false } };

struct s3_fixture *s3_fixture_new_in(const struct s3_options *options, const struct world_options *world)
{
    struct s3_fixture *f = must_malloc(sizeof *f);
    struct s3_options defaults = s3_fixture_options();
    f->w = world_new_with(world);
    f->a = f->w->a;
    f->links = (struct link_base){ NULL, 0, S("https://files.example.org"), listeners, 1 };
    s3_init(&f->s3, &f->w->core, options ? options : &defaults, &f->links, NULL);
    f->http_api = s3_api(&f->s3);
    f->http = fake_http_new(&f->http_api);
    return f;
}

struct s3_fixture *s3_fixture_new(const struct s3_options *options)
{
    return s3_fixture_new_in(options, &(struct world_options){ 0 });
}

void s3_fixture_free(struct s3_fixture *f)
{
    fake_http_release(&f->http);
    s3_release(&f->s3);
    world_free(f->w);
    free(f);
}

struct s3_user s3_user_of(struct s3_fixture *f, const char *account, const char *login)
{
    struct s3_user p = { .login = slice_of(login) };
    struct user user;
    struct minted_key minted;
    slice secret;
    EXPECT_OK(user_create(&f->w->core, &f->w->operator_,
                          &(struct user_request){ .account = slice_of(account), .login = p.login, .name = p.login },
                          f->a, &user));
    struct key_request wanted = { p.login, S3_PURPOSE };
    EXPECT_OK(key_mint_signing(&f->w->core, &f->w->operator_, &wanted, f->a, &minted));
    p.access_key = minted.key;
    p.secret = minted.secret;
    EXPECT_OK(access_signing(&f->w->core, S3_PURPOSE, p.access_key, f->a, &p.who, &secret));
    return p;
}

struct s3_user s3_user(struct s3_fixture *f, const char *login)
{
    return s3_user_of(f, "", login);
}

/* ---- requests ---- */

#define TAG_HEADER S("x-amz-content-sha256")

static void add_header(struct fake_request *r, slice name, slice value)
{
    size_t i = 0;
    while (r->headers[i].name.n)
        i++;
    EXPECT(i + 1 < FAKE_MAX_HEADERS);
    r->headers[i] = (struct http_header){ name, value };
}

static void sign(struct s3_fixture *f, const struct s3_user *p, struct fake_request *r)
{
    struct sign_pair headers[FAKE_MAX_HEADERS + 1] = { { S("host"), r->host.n ? r->host : S("cais.test") } };
    struct sign_pair query[QUERY_PARAMS_MAX];
    struct query parsed;
    slice path, text;
    size_t count = 1;
    slice tag = S("");
    for (size_t i = 0; i < FAKE_MAX_HEADERS && r->headers[i].name.n; i++)
        if (slice_eq(r->headers[i].name, TAG_HEADER))
            tag = r->headers[i].value;
        else
            headers[count++] = (struct sign_pair){ r->headers[i].name, r->headers[i].value };
    if (!slice_cut(r->target, '?', &path, &text))
        text = S("");
    EXPECT_OK(query_parse(text, f->a, &parsed));
    EXPECT(parsed.count <= LENGTH_OF(query));
    for (size_t i = 0; i < parsed.count; i++)
        query[i] = (struct sign_pair){ parsed.params[i].raw_name, parsed.params[i].raw_value };
    struct sign_request request = {
        slice_of(r->method ? r->method : "GET"), path, query, parsed.count, headers, count,
    };
    bool has_tag = tag.n > 0;
    unsigned char digest[SHA256_SIZE];
    hash_sha256(r->body, digest);
    if (!has_tag)
        tag = hex_encode(f->a, (slice){ (const char *)digest, sizeof digest });
    struct sigv4_signed made;
    EXPECT_EQ(sigv4_sign(&(struct sigv4_signer){ p->access_key, p->secret, S("us-east-1") }, &request, tag,
                         core_now_ms(&f->w->core), f->a, &made),
              SIGN_OK);
    add_header(r, S("Host"), headers[0].value);
    add_header(r, S("x-amz-date"), made.timestamp);
    if (!has_tag)
        add_header(r, TAG_HEADER, tag);
    add_header(r, S("Authorization"), made.authorization);
}

struct fake_reply *s3_send_request(struct s3_fixture *f, const struct s3_user *p, const struct fake_request *request)
{
    struct fake_request r = *request;
    if (p)
        sign(f, p, &r);
    return fake_http_send(&f->http, &r);
}

struct fake_reply *s3_send(struct s3_fixture *f, const struct s3_user *p, const char *method, const char *target,
                           const char *body)
{
    return s3_send_request(
        f, p, &(struct fake_request){ .method = method, .target = slice_of(target), .body = slice_of(body) });
}

void s3_put_object(struct s3_fixture *f, const struct s3_user *p, const char *target, const char *bytes)
{
    EXPECT_STATUS(s3_send(f, p, "PUT", target, bytes), 200);
}

slice s3_etag_of(struct s3_fixture *f, const char *bytes)
{
    unsigned char md5[MD5_SIZE];
    hash_md5(slice_of(bytes), md5);
    return arena_printf(f->a, "\"" SLICE_FMT "\"", SLICE_ARG(hex_encode(f->a, (slice){ (char *)md5, MD5_SIZE })));
}

/* ---- replies ---- */

static const struct xml *nth(const struct xml *first, slice name, uint64_t n)
{
    for (const struct xml *x = first; x; x = x->next)
        if (slice_eq(x->name, name) && n-- == 0)
            return x;
    return NULL;
}

const struct xml *s3_at(struct s3_fixture *f, const struct fake_reply *r, const char *path)
{
    const struct xml *at;
    slice rest = slice_of(path), step, name, place;
    if (xml_parse(r->body, f->a, &at))
        fail_msg("%d, not XML: %.*s", r->status, SLICE_ARG(r->body));
    for (bool more = true; more && at; at = more ? at->first : at) {
        uint64_t n = 0;
        more = slice_cut(rest, '.', &step, &rest);
        if (slice_cut(step, '#', &name, &place))
            EXPECT(slice_to_u64(place, &n));
        at = nth(at, name, n);
        if (!at)
            return NULL;
    }
    return at;
}

slice s3_text(struct s3_fixture *f, const struct fake_reply *r, const char *path)
{
    const struct xml *x = s3_at(f, r, path);
    if (!x)
        fail_msg("no element %s in %d %.*s", path, r->status, SLICE_ARG(r->body));
    return x->text;
}

size_t s3_count(struct s3_fixture *f, const struct fake_reply *r, const char *path, const char *name)
{
    size_t n = 0;
    XML_EACH(item, s3_at(f, r, path), name)
    n++;
    return n;
}
