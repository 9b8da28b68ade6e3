/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary key is an HMAC over everything that the link says. Spec: docs/apis/runrun.md §6.5, §6.6. */
#include "api/runrun/errors_priv.h"
#include "api/runrun/key_link_priv.h"
#include "api/runrun/runrun_priv.h"
#include "base/text.h"
#include "core/access/people.h"
#include "core/records/user.h"
#include "http/target.h"

static slice claim_mac(struct runrun *r, const char *what, const struct principal *who, int64_t expires_at_ms,
                       slice ids, struct arena *a)
{
    unsigned char mac[SHA256_SIZE];
    slice text = arena_printf(a, "%s\n%lld\n%lld\n%lld\n" SLICE_FMT, what, (long long)who->account_id,
                              (long long)who->user_id, (long long)expires_at_ms, SLICE_ARG(ids));
    hash_hmac_sha256((slice){ (const char *)r->claim_key, sizeof r->claim_key }, text, mac);
    return hex_encode(a, (slice){ (const char *)mac, sizeof mac });
}

slice runrun_claim_link(struct http_exchange *x, const char *what, const int64_t *ids, size_t count)
{
    struct runrun *r = runrun_of(x);
    struct arena *a = &x->arena;
    const struct principal *who = runrun_who(x);
    int64_t expires_at_ms = core_now_ms(r->core) + r->options.link_lifetime_ms;
    SCOPED(buf_releasep) struct buf list;
    buf_init(&list, 0);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_byte(&list, ',');
        buf_add_i64(&list, ids[i]);
    }
    slice mac = claim_mac(r, what, who, expires_at_ms, buf_slice(&list), a);
    return arena_printf(a,
                        SLICE_FMT "/api/v1.0/documents/%s?ids=" SLICE_FMT "&account=%lld&user=%lld&expires=%lld"
                                  "&key=" SLICE_FMT,
                        SLICE_ARG(link_origin(r->links, &x->req, a)), what, SLICE_ARG(buf_slice(&list)),
                        (long long)who->account_id, (long long)who->user_id, (long long)expires_at_ms, SLICE_ARG(mac));
}

static bool query_i64(const struct query *q, slice name, int64_t *ret)
{
    slice text;
    return query_get(q, name, 0, &text) && slice_to_i64(text, ret);
}

/* Whom the claim names, as they are today: a user who was shut out meanwhile has no claim any more. */
static err_t claim_user(struct http_exchange *x, struct principal *who)
{
    struct user user;
    TRY(person_by_id(runrun_of(x)->core, who, who->user_id, &x->arena, &user));
    if (user.state != USER_ACTIVE)
        return err_make(&x->arena, ERR_NOT_FOUND, "the user is disabled");
    who->login = user.login;
    who->is_admin = user.is_admin;
    return NULL;
}

/* The numbers of a comma list, as many as there is room for. */
static void claim_ids(struct runrun_claim *claim, slice ids)
{
    slice one;
    while (ids.n && claim->count < LENGTH_OF(claim->ids)) {
        slice_cut(ids, ',', &one, &ids);
        if (slice_to_i64(one, &claim->ids[claim->count]))
            claim->count++;
    }
}

bool runrun_read_claim(struct http_exchange *x, const char *what, struct runrun_claim *ret)
{
    struct runrun *r = runrun_of(x);
    struct query q;
    slice ids, key;
    int64_t expires_at_ms;
    struct runrun_claim claim = { .who = { .request_id = x->req.id } };
    bool good = !query_parse(x->req.query, &x->arena, &q) && query_get(&q, S("ids"), 0, &ids) &&
                query_get(&q, S("key"), 0, &key) && query_i64(&q, S("account"), &claim.who.account_id) &&
                query_i64(&q, S("user"), &claim.who.user_id) && query_i64(&q, S("expires"), &expires_at_ms) &&
                ids.n <= RUNRUN_DOCUMENTS_IN_ZIP * 21;
    good = good && slice_eq_secret(claim_mac(r, what, &claim.who, expires_at_ms, ids, &x->arena), key) &&
           core_now_ms(r->core) < expires_at_ms;
    if (!good) {
        runrun_fail(x, RUNRUN_NO_RECORD);
        return false;
    }
    err_t e = claim_user(x, &claim.who);
    if (e) {
        runrun_fail_err(x, e);
        return false;
    }
    claim_ids(&claim, ids);
    *ret = claim;
    return true;
}
