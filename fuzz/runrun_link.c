/* SPDX-License-Identifier: Apache-2.0 */
/* The claims of Runrun.it's links with a key of their own (documents as a zip, and one document). Input: the path's last word and
 * the claims, as "zip" or "file", a line break, and the query without its key. The target computes the key, so that what stands
 * behind it is reached. A reply is a document, a zip or 404; without the key, or with the key of another kind of link, it is 404
 * always; and nobody gets bytes of another account. */
#include "fuzz.h"

#include "../tests/support/runrun_fixture.h"
#include "base/hash.h"
#include "base/seal.h"
#include "base/text.h"
#include "http/target.h"

static struct world_kept kept; /* a world with what set_up makes */

static void set_up(void)
{
    struct runrun_fixture *f = runrun_fixture_new(NULL);
    struct runrun_user ana = runrun_user(f, "ana", "Ana Prado");
    runrun_user_of(f, "", "bia", "Bia Reis", true);
    struct account other;
    HOLDS(!account_create(&f->w->core, &f->w->operator_, S("other"), f->a, &other));
    struct runrun_user eve = runrun_user_of(f, "other", "eve", "Eve", true);
    int64_t task = runrun_new_task(f, &ana, "t");
    runrun_new_document(f, &ana, task, S("a.txt"), S("hello"));
    runrun_new_document(f, &ana, task, S("b.txt"), S(""));
    runrun_new_document(f, &ana, 0, S("c.txt"), S("loose"));
    runrun_new_document(f, &eve, 0, S("e.txt"), S("others"));
    kept.image = world_image(f->w);
    runrun_fixture_free(f);
}

static slice claim(const struct query *q, slice name)
{
    slice value;
    return query_get(q, name, 0, &value) ? value : S("");
}

/* As key_link.c computes it, from the claims as they are read there. Empty: the claims are not numbers. */
static slice key_of(struct runrun_fixture *f, const char *kind, const struct query *q, int64_t *ret_account)
{
    int64_t account, expires;
    struct principal who;
    unsigned char mac[SHA256_SIZE];
    if (!slice_to_i64(claim(q, S("account")), &account) ||
        !link_user_parse(claim(q, S("user")), &who.user_id, &who.credential_id) ||
        !slice_to_i64(claim(q, S("expires")), &expires))
        return S("");
    slice text =
        arena_printf(f->a, "%s\n%lld\n" SLICE_FMT "\n%lld\n" SLICE_FMT, kind, (long long)account,
                     SLICE_ARG(link_user_format(&who, f->a)), (long long)expires, SLICE_ARG(claim(q, S("ids"))));
    hash_hmac_sha256((slice){ (const char *)f->runrun.link_key, sizeof f->runrun.link_key }, text, mac);
    *ret_account = account;
    return hex_encode(f->a, (slice){ (const char *)mac, sizeof mac });
}

static struct fake_reply *follow(struct runrun_fixture *f, const char *kind, slice query, slice key)
{
    slice target = arena_printf(f->a, "/api/v1.0/documents/%s?key=" SLICE_FMT "&" SLICE_FMT, kind, SLICE_ARG(key),
                                SLICE_ARG(query));
    struct fake_reply *r = fake_http_send(&f->http, &(struct fake_request){ .target = target, .host = S("runrun.it") });
    HOLDS(r->status == 200 || (r->status >= 400 && r->status < 500));
    return r;
}

static bool is_query(slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '#')
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!kept.image.n)
        set_up();
    slice word, query;
    struct query q;
    slice_cut(fuzz_slice(data, size), '\n', &word, &query);
    if (!is_query(query))
        return 0;
    struct runrun_fixture *f = runrun_fixture_new_in(NULL, &(struct world_options){ .kept = &kept });
    bool is_zip = slice_eq(word, S("zip"));
    const char *kind = is_zip ? "zip" : "file", *other = is_zip ? "file" : "zip";
    slice with_key = arena_printf(f->a, "key=x&" SLICE_FMT, SLICE_ARG(query));
    if (!query_parse(with_key, f->a, &q) && slice_eq(claim(&q, S("key")), S("x"))) {
        int64_t account = 0;
        slice key = key_of(f, kind, &q, &account);
        struct fake_reply *r = follow(f, kind, query, key.n ? key : S("00"));
        HOLDS(r->status >= 400 || key.n);
        HOLDS(account == 1 || slice_find(r->body, S("hello")) == SLICE_NONE);
        HOLDS(account == 2 || slice_find(r->body, S("others")) == SLICE_NONE);
        HOLDS(follow(f, kind, query, S(""))->status == 404);
        HOLDS(follow(f, other, query, key.n ? key : S("00"))->status == 404);
    }
    runrun_fixture_free(f);
    return 0;
}
