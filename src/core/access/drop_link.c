/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a link has a purpose that no API has, so it opens nothing but what asks for a link by drop_link_check. */
#include "core/access/drop_link.h"

#include "base/text.h"
#include "core/access/access_priv.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/store/credential_store.h"
#include "core/store/drop_link_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#include <string.h>

#define PURPOSE S("upload link")

struct link_change {
    struct core *core;
    const struct principal *who;
    const struct drop_link_request *request;
    struct grant grant;
    int64_t now_ms;
    unsigned char secret_hash[SHA256_SIZE];
    struct drop_link link;
};

/* ---- making ---- */

static err_t apply_link_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct link_change *c = arg;
    const struct key_request key_request = { .login = c->who->login,
                                             .purpose = PURPOSE,
                                             .role = KEY_WRITER,
                                             .expires_at_ms = c->now_ms + c->request->lifetime_ms };
    struct key_addition addition = { .core = c->core, .who = c->who, .request = &key_request, .now_ms = c->now_ms };
    struct credential key;
    struct user user;
    int64_t count;
    TRY(meta_user_get(tx, c->who->user_id, a, &user));
    if (user.kind == USER_SYSTEM)
        return err_make(a, ERR_FORBIDDEN, "the server's own user has no links");
    TRY(grant_recheck_in(c->core, tx, &c->grant, a));
    TRY(meta_drop_link_count(tx, c->who->user_id, a, &count));
    if (count >= DROP_LINKS_MAX)
        return err_make(a, ERR_QUOTA, "a user has at most %d links: remove some that have ended", DROP_LINKS_MAX);
    memcpy(addition.secret_hash, c->secret_hash, SHA256_SIZE);
    TRY(key_add(tx, &addition, a, &key));
    c->link.id = key.id;
    return meta_drop_link_add(tx, &c->link, a);
}

static err_t check_label(slice label, struct arena *a)
{
    bool is_good = label.n >= 1 && label.n <= DROP_LINK_LABEL_MAX && slice_is_utf8(label);
    for (size_t i = 0; is_good && i < label.n; i++)
        is_good = (unsigned char)label.p[i] >= ' ' && label.p[i] != 0x7f;
    return is_good ? NULL
                   : err_make(a, ERR_INVALID, "a label has 1 to %d bytes of UTF-8 without control characters",
                              DROP_LINK_LABEL_MAX);
}

static err_t check_link_request(const struct drop_link_request *r, struct arena *a)
{
    TRY(check_label(r->label, a));
    if (r->lifetime_ms < DROP_LINK_LIFETIME_MIN_MS || r->lifetime_ms > DROP_LINK_LIFETIME_MAX_MS)
        return err_make(a, ERR_INVALID, "a link lasts a minute to 366 days");
    if (r->max_files < 1 || r->max_files > DROP_LINK_FILES_MAX)
        return err_make(a, ERR_INVALID, "a link takes 1 to %d files", DROP_LINK_FILES_MAX);
    if (r->max_bytes < 1 || r->max_file_bytes < 0 || r->max_file_bytes > r->max_bytes)
        return err_make(a, ERR_INVALID, "a link takes at least a byte, and no file has more bytes than all may have");
    return NULL;
}

err_t drop_link_create(struct core *core, const struct principal *who, const struct drop_link_request *request,
                       struct arena *a, struct drop_link *ret, slice *ret_secret)
{
    TRY(check_link_request(request, a));
    if (who->link_id)
        return err_make(a, ERR_FORBIDDEN, "a link makes no links");
    int64_t now_ms = core_now_ms(core);
    struct link_change c = { .core = core, .who = who, .request = request, .grant = grant_of(who), .now_ms = now_ms };
    c.link =
        (struct drop_link){ .account_id = who->account_id,
                            .user_id = who->user_id,
                            .login = who->login,
                            .label = request->label,
                            .max_files = request->max_files,
                            .max_bytes = request->max_bytes,
                            .max_file_bytes = request->max_file_bytes ? request->max_file_bytes : request->max_bytes,
                            .created_at_ms = now_ms,
                            .expires_at_ms = now_ms + request->lifetime_ms };
    slice secret = random_text(core->random, a, SECRET_LENGTH);
    hash_sha256(secret, c.secret_hash);
    TRY(meta_write(core->meta, apply_link_create, &c, a));
    *ret = c.link;
    *ret_secret = secret;
    return NULL;
}

/* ---- looking ---- */

static err_t read_link(struct meta_tx *tx, const struct principal *who, int64_t id, struct arena *a,
                       struct drop_link *ret)
{
    struct drop_link found;
    err_t e = meta_drop_link_get(tx, id, a, &found);
    bool is_visible =
        !e && found.account_id == who->account_id && !who->link_id && (who->is_admin || found.user_id == who->user_id);
    if (err_is(e, ERR_NOT_FOUND) || (!e && !is_visible))
        return err_make(a, ERR_NOT_FOUND, "there is no such link");
    TRY(e);
    *ret = found;
    return NULL;
}

err_t drop_link_list(struct core *core, const struct principal *who, const struct drop_link_listing *listing,
                     struct arena *a, struct drop_link_list *ret)
{
    const struct drop_link_page page = { .account_id = who->account_id,
                                         .user_id = who->is_admin ? 0 : who->user_id,
                                         .before_id = listing->before_id,
                                         .limit = listing->limit };
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_drop_link_list(tx, &page, a, ret);
}

err_t drop_link_get(struct core *core, const struct principal *who, int64_t id, struct arena *a, struct drop_link *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return read_link(tx, who, id, a, ret);
}

err_t drop_link_files(struct core *core, const struct principal *who, int64_t id,
                      const struct drop_link_listing *listing, struct arena *a, struct file_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    struct drop_link link;
    TRY(meta_read_begin(core->meta, a, &tx));
    TRY(read_link(tx, who, id, a, &link));
    return meta_drop_link_files(tx, id, listing->before_id, listing->limit, a, ret);
}

err_t drop_link_of_file(struct core *core, const struct file *file, struct arena *a, struct drop_link *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_drop_link_of_file(tx, file->id, a, ret);
}

/* ---- the end ---- */

static err_t apply_link_revoke(struct meta_tx *tx, void *arg, struct arena *a)
{
    const struct link_change *c = arg;
    struct drop_link link;
    TRY(read_link(tx, c->who, c->link.id, a, &link));
    bool has_ended = link.revoked_at_ms || link.expires_at_ms <= c->now_ms;
    TRY(has_ended ? meta_drop_link_remove(tx, link.id, c->now_ms, a)
                  : meta_credential_revoke(tx, link.id, c->now_ms, a));
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = c->who,
                                  .account_id = link.account_id,
                                  .action = has_ended ? S("key.remove") : S("key.revoke"),
                                  .subject = key_subject(a, link.id),
                                  .detail = link.label };
    return event_write(tx, &event, a);
}

err_t drop_link_revoke(struct core *core, const struct principal *who, int64_t id, struct arena *a)
{
    struct link_change c = { .core = core, .who = who, .now_ms = core_now_ms(core), .link = { .id = id } };
    return meta_write(core->meta, apply_link_revoke, &c, a);
}

/* ---- use ---- */

/* Nobody guesses a secret of 43 random letters, so a right one is let in whatever others of its network have tried: else ten requests of
 * anybody would end the uploads of all behind one address. Nor do wrong ones keep anybody from signing in: they have a count of their
 * own. */
err_t drop_link_check(struct core *core, slice secret, slice address, struct arena *a, struct principal *ret)
{
    err_t e = access_check(core, PURPOSE, CREDENTIAL_KEY, secret, a, ret);
    if (err_is(e, ERR_UNAUTHENTICATED) && !login_limit_count_guess(core->logins, PURPOSE, address))
        return err_make(a, ERR_RATE, "too many wrong links");
    TRY(e);
    ret->link_id = ret->credential_id;
    ret->is_admin = false;
    return NULL;
}

err_t drop_link_own(struct core *core, const struct principal *who, struct arena *a, struct drop_link *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_drop_link_get(tx, who->link_id, a, ret);
}
