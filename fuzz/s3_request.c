/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests to S3, one after the other, signed after they were made, so that the code behind the signature is reached. HOW
 * (request_text.h) is the signature:
 *   h  by header, version 4; x-amz-content-sha256 is that of the input, else the digest of the body
 *   c  the same, and the body is sent in signed chunks (the input has its decoded length)
 *   q  a link, version 4        2  a link, version 2
 *   w  by header, with a wrong secret        u  none: what the input says is all there is
 * "{upload}" in a target is an upload of two parts to /photos/open; the body "{parts}" completes it. /photos/whole has two parts.
 * No request causes an internal error, every refusal is XML, without a valid signature nothing succeeds, and what is stored
 * stays whole. */
#include "request_text.h"

#include "../tests/support/s3_fixture.h"
#include "base/text.h"
#include "http/target.h"
#include "sign/chunks.h"
#include "sign/sigv2.h"

#define PARAMS_MAX 60
#define TAG S("x-amz-content-sha256")

static struct s3_fixture *origin; /* it stays: the keys point into it */
static struct world_kept kept;    /* a world with what set_up makes */
static struct s3_user ana;
static slice upload, all_parts; /* of the upload that is open: its id, and the document that completes it */

static const char *with_query(struct s3_fixture *f, const char *target, const char *query, slice id)
{
    return arena_printf(f->a, "%s?%s" SLICE_FMT, target, query, SLICE_ARG(id)).p;
}

static slice open_upload(struct s3_fixture *f, const char *target)
{
    struct fake_reply *begun = s3_send(f, &ana, "POST", with_query(f, target, "uploads", S("")), "");
    slice id = s3_text(f, begun, "InitiateMultipartUploadResult.UploadId");
    s3_put_object(f, &ana, with_query(f, target, "partNumber=1&uploadId=", id), "12345678");
    s3_put_object(f, &ana, with_query(f, target, "partNumber=2&uploadId=", id), "90");
    return id;
}

static void set_up_uploads(struct s3_fixture *f)
{
    static const char format[] =
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" SLICE_FMT
        "</ETag></Part><Part><PartNumber>2</PartNumber><ETag>" SLICE_FMT "</ETag></Part></CompleteMultipartUpload>";
    slice first = s3_etag_of(f, "12345678"), second = s3_etag_of(f, "90");
    all_parts = arena_printf(f->a, format, SLICE_ARG(first), SLICE_ARG(second));
    slice whole = open_upload(f, "/photos/whole");
    HOLDS(s3_send(f, &ana, "POST", with_query(f, "/photos/whole", "uploadId=", whole), all_parts.p)->status == 200);
    upload = open_upload(f, "/photos/open");
}

static void set_up(void)
{
    struct s3_fixture *f = origin = s3_fixture_new(NULL);
    ana = s3_user(f, "ana");
    HOLDS(s3_send(f, &ana, "PUT", "/photos", "")->status == 200);
    HOLDS(s3_send(f, &ana, "PUT", "/other", "")->status == 200);
    s3_put_object(f, &ana, "/photos/a", "hello");
    s3_put_object(f, &ana, "/photos/dir/b", "");
    set_up_uploads(f);
    kept.image = world_image(f->w);
}

/* ---- signing ---- */

struct signing {
    struct sign_request request;
    struct sign_pair headers[TEXT_HEADERS_MAX + 1], query[PARAMS_MAX];
    slice tag; /* empty: the input has none */
};

static bool signing_init(struct signing *s, const struct fake_request *r, struct arena *a)
{
    struct query q;
    slice path, text;
    size_t count = 0;
    *s = (struct signing){ .tag = S("") };
    s->headers[count++] = (struct sign_pair){ S("host"), r->host.n ? r->host : S("cais.test") };
    for (size_t i = 0; r->headers[i].name.n; i++)
        if (slice_eq_nocase(r->headers[i].name, TAG))
            s->tag = r->headers[i].value;
        else
            s->headers[count++] = (struct sign_pair){ r->headers[i].name, r->headers[i].value };
    if (!slice_cut(r->target, '?', &path, &text))
        text = S("");
    if (query_parse(text, a, &q) || q.count > PARAMS_MAX)
        return false;
    for (size_t i = 0; i < q.count; i++)
        s->query[i] = (struct sign_pair){ q.params[i].raw_name, q.params[i].raw_value };
    s->request = (struct sign_request){ slice_of(r->method), path, s->query, q.count, s->headers, count };
    return true;
}

static slice chunked_body(const struct sigv4_signed *made, slice body, struct arena *a)
{
    const struct chunks_seed seed = { CHUNKS_SIGNED, made->key, made->timestamp, made->scope, made->signature };
    struct chunks_writer w;
    SCOPED(buf_releasep) struct buf to = { 0 };
    chunks_writer_init(&w, &seed);
    for (; body.n; body = slice_from(body, 1000))
        chunks_write(&w, slice_part(body, 0, 1000), &to);
    chunks_write_end(&w, NULL, 0, &to);
    return arena_copy(a, buf_slice(&to));
}

static bool sign_header_v4(struct s3_fixture *f, char how, struct signing *s, struct fake_request *r)
{
    unsigned char digest[SHA256_SIZE];
    struct sigv4_signed made;
    hash_sha256(r->body, digest);
    bool has_tag = s->tag.n > 0;
    slice tag = has_tag ? s->tag : hex_encode(f->a, (slice){ (const char *)digest, sizeof digest });
    if (how == 'c')
        tag = S("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    const struct sigv4_signer who = { ana.access_key, how == 'w' ? S("wrong") : ana.secret, S("us-east-1") };
    if (sigv4_sign(&who, &s->request, tag, core_now_ms(&f->w->core), f->a, &made))
        return false;
    text_add_header(r, S("x-amz-date"), made.timestamp);
    if (!has_tag || how == 'c')
        text_add_header(r, TAG, tag);
    text_add_header(r, S("Authorization"), made.authorization);
    if (how == 'c')
        r->body = chunked_body(&made, r->body, f->a);
    return true;
}

static bool sign_link(struct s3_fixture *f, char how, const struct signing *s, struct fake_request *r)
{
    const struct sigv4_signer who = { ana.access_key, ana.secret, S("us-east-1") };
    int64_t now_ms = core_now_ms(&f->w->core);
    slice query;
    enum sign_fault fault =
        how == 'q' ? sigv4_sign_link(&who, &s->request, 60, now_ms, f->a, &query)
                   : sigv2_sign_link(ana.access_key, ana.secret, &s->request, now_ms / 1000 + 60, f->a, &query);
    slice parts[] = { s->request.path, S("?"), query };
    if (!fault)
        r->target = arena_join(f->a, parts, LENGTH_OF(parts));
    return !fault;
}

/* False: the request cannot be signed in this way. */
static bool sign_as(struct s3_fixture *f, char how, struct fake_request *r)
{
    struct signing s;
    if (how == 'u')
        return true;
    if (!signing_init(&s, r, f->a) || sign_scheme_of(&s.request) != SIGN_SCHEME_NONE)
        return false;
    return how == 'q' || how == '2' ? sign_link(f, how, &s, r) : sign_header_v4(f, how, &s, r);
}

/* ---- replies ---- */

static void check_reply(struct s3_fixture *f, const struct fake_request *r, const struct fake_reply *reply)
{
    const struct xml *root;
    HOLDS(reply->status >= 200 && reply->status < 600 && reply->status != 500);
    if (reply->status < 400 || reply->body.n == 0 || slice_eq(slice_of(r->method), S("HEAD")))
        return;
    /* XML 1.0 cannot express the control characters that a key in a path may have. */
    if (!xml_parse(reply->body, f->a, &root))
        HOLDS(xml_child_text(root, "Code").n || reply->is_content);
}

/* True: the request changed something. */
static bool send_request(struct s3_fixture *f, char how, struct fake_request *r)
{
    r->target = text_replace(r->target, S("{upload}"), upload, f->a);
    if (slice_eq(r->body, S("{parts}")))
        r->body = all_parts;
    if (!sign_as(f, how, r))
        return false;
    text_add_header(r, S("Host"), r->host.n ? r->host : S("cais.test"));
    r->piece = 700;
    struct fake_reply *reply = fake_http_send(&f->http, r);
    check_reply(f, r, reply);
    if (how == 'u' || how == 'w')
        HOLDS(reply->status >= 400 || slice_eq(slice_of(r->method), S("OPTIONS")));
    return reply->status < 300 && !slice_eq(slice_of(r->method), S("GET")) && !slice_eq(slice_of(r->method), S("HEAD"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!origin)
        set_up();
    struct s3_fixture *f = s3_fixture_new_in(NULL, &(struct world_options){ .kept = &kept });
    slice rest = fuzz_slice(data, size);
    struct fake_request r;
    char how;
    bool changed = false;
    for (int i = 0; i < TEXT_REQUESTS_MAX && text_next_request(&rest, f->a, &how, &r); i++)
        changed |= send_request(f, how, &r);
    HOLDS(!changed || world_fsck(f->w, true) == 0);
    s3_fixture_free(f);
    return 0;
}
