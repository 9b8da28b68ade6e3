/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kit/guard.h"
#include "api/runrun/errors_priv.h"
#include "api/runrun/key_link_priv.h"
#include "api/runrun/runrun_priv.h"
#include "base/live.h"
#include "base/text.h"
#include "core/access/people.h"
#include "core/grant.h"
#include "core/records/user.h"
#include "http/target.h"

static slice key_link_mac(struct runrun *r, const char *kind, const struct principal *who, int64_t expires_at_ms,
                          slice ids, struct arena *a)
{
    unsigned char mac[SHA256_SIZE];
    slice text = arena_printf(a, "%s\n%lld\n" SLICE_FMT "\n%lld\n" SLICE_FMT, kind, (long long)who->account_id,
                              SLICE_ARG(link_user_format(who, a)), (long long)expires_at_ms, SLICE_ARG(ids));
    hash_hmac_sha256((slice){ (const char *)r->link_key, sizeof r->link_key }, text, mac);
    return hex_encode(a, (slice){ (const char *)mac, sizeof mac });
}

slice runrun_key_link_make(struct http_exchange *x, const char *kind, const int64_t *ids, size_t count)
{
    struct runrun *r = runrun_of(x);
    struct arena *a = &x->arena;
    const struct principal *who = runrun_caller(x);
    int64_t expires_at_ms = core_now_ms(r->core) + LIVE(r->options.link_lifetime_ms);
    SCOPED(buf_releasep) struct buf list;
    buf_init(&list, 0);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_add_byte(&list, ',');
        buf_add_i64(&list, ids[i]);
    }
    slice mac = key_link_mac(r, kind, who, expires_at_ms, buf_slice(&list), a);
    return arena_printf(a,
                        SLICE_FMT "/api/v1.0/documents/%s?ids=" SLICE_FMT "&account=%lld&user=" SLICE_FMT
                                  "&expires=%lld&key=" SLICE_FMT,
                        SLICE_ARG(link_origin(r->links, &x->req, a)), kind, SLICE_ARG(buf_slice(&list)),
                        (long long)who->account_id, SLICE_ARG(link_user_format(who, a)), (long long)expires_at_ms,
                        SLICE_ARG(mac));
}

static bool query_i64(const struct query *q, slice name, int64_t *ret)
{
    slice text;
    return query_get(q, name, 0, &text) && slice_to_i64(text, ret);
}

/* Fills in login and rights of the user that the link names, as they are now. A user who was disabled after the link was
 * made is not found, and neither is a link that was asked for with a key that was revoked. */
static err_t check_key_link_user(struct http_exchange *x, struct principal *who)
{
    struct user user;
    const struct grant grant = grant_of(who);
    err_t e = grant_check(runrun_of(x)->core, &grant, &x->arena);
    if (err_is(e, ERR_REVOKED) || err_is(e, ERR_BLOCKED))
        return err_make(&x->arena, ERR_NOT_FOUND, "the user is disabled, or the key revoked");
    TRY(e);
    TRY(person_by_id(runrun_of(x)->core, who, who->user_id, &x->arena, &user));
    who->login = user.login;
    who->is_admin = user.is_admin;
    return NULL;
}

/* Reads the ids of a list with commas, up to the number that a link can hold. */
static void read_key_link_ids(struct runrun_key_link *link, slice ids)
{
    slice one;
    while (ids.n && link->count < LENGTH_OF(link->ids)) {
        slice_cut(ids, ',', &one, &ids);
        if (slice_to_i64(one, &link->ids[link->count]))
            link->count++;
    }
}

err_t runrun_key_link_check(struct http_exchange *x, const char *kind, struct runrun_key_link *ret)
{
    struct runrun *r = runrun_of(x);
    struct query q;
    slice ids, user, key;
    int64_t expires_at_ms;
    struct runrun_key_link link = { .who = { .request_id = x->req.id } };
    bool good = !query_parse(x->req.query, &x->arena, &q) && query_get(&q, S("ids"), 0, &ids) &&
                query_get(&q, S("key"), 0, &key) && query_i64(&q, S("account"), &link.who.account_id) &&
                query_get(&q, S("user"), 0, &user) &&
                link_user_parse(user, &link.who.user_id, &link.who.credential_id) &&
                query_i64(&q, S("expires"), &expires_at_ms) && ids.n <= RUNRUN_DOCUMENTS_IN_ZIP * 21;
    good = good && slice_eq_secret(key_link_mac(r, kind, &link.who, expires_at_ms, ids, &x->arena), key) &&
           core_now_ms(r->core) < expires_at_ms;
    if (!good)
        return runrun_refuse(&x->arena, RUNRUN_NO_RECORD);
    x->share = (uint64_t)link.who.account_id;
    grant_begin(r->core, &link.who);
    TRY(check_key_link_user(x, &link.who));
    guard_watch(x, r->core, &link.who);
    read_key_link_ids(&link, ids);
    *ret = link;
    return NULL;
}
