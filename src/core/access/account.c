/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and users. Each change is one write together with its event. Checks run inside it, and a name
 * is taken by the statement that adds it, so two requests at once cannot both find it free. */
#include "base/live.h"
#include "base/password.h"
#include "core/access/access_priv.h"
#include "core/access/login_name.h"
#include "core/event.h"
#include "core/grant.h"
#include "core/store/account_store.h"
#include "core/store/credential_store.h"
#include "core/store/transaction.h"
#include "core/store/user_store.h"

#define DEFAULT_ACCOUNT S("default")
#define OPERATOR S("operator")

enum { ACCOUNT_NAME_MAX = 64, LABEL_MAX = 256, PASSWORD_MIN = 8, PASSWORD_MAX = 1024 };

static bool account_name_is_valid(slice name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
              c == '-'))
            return false;
    }
    return name.n >= 1 && name.n <= ACCOUNT_NAME_MAX;
}

/* No control characters (C0, DEL, C1). */
static bool text_is_plain(slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0))
            return false;
    }
    return slice_is_utf8(text);
}

slice user_subject(struct arena *a, slice login)
{
    return arena_printf(a, "user:" SLICE_FMT, SLICE_ARG(login));
}

/* ---- accounts ---- */

struct account_change {
    const struct principal *who;
    int64_t now_ms;
    slice name;
    int64_t max_bytes, max_files;
    int64_t ret_id;
};

static err_t apply_account_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct account_change *c = arg;
    struct account account = { .name = c->name, .created_at_ms = c->now_ms };
    TRY(meta_account_add(tx, &account, a, &c->ret_id));
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = c->who,
                                  .account_id = c->ret_id,
                                  .action = S("account.create"),
                                  .subject = arena_printf(a, "account:" SLICE_FMT, SLICE_ARG(c->name)) };
    return event_write(tx, &event, a);
}

err_t account_create(struct core *core, const struct principal *who, slice name, struct arena *a, struct account *ret)
{
    if (!account_name_is_valid(name))
        return err_make(a, ERR_INVALID, "an account name is 1 to 64 of A-Z a-z 0-9 . _ -");
    struct account_change c = { .who = who, .now_ms = core_now_ms(core), .name = name };
    TRY(meta_write(core->meta, apply_account_create, &c, a));
    *ret = (struct account){ .id = c.ret_id, .name = arena_copy(a, name), .created_at_ms = c.now_ms };
    return NULL;
}

static err_t apply_account_limits(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct account_change *c = arg;
    struct account account;
    TRY(meta_account_by_name(tx, c->name, a, &account));
    TRY(meta_account_set_limits(tx, account.id, c->max_bytes, c->max_files, a));
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = c->who,
                                  .account_id = account.id,
                                  .action = S("account.limit"),
                                  .subject = arena_printf(a, "account:" SLICE_FMT, SLICE_ARG(c->name)),
                                  .detail = arena_printf(a, "bytes %lld files %lld", (long long)c->max_bytes,
                                                         (long long)c->max_files) };
    return event_write(tx, &event, a);
}

err_t account_set_limits(struct core *core, const struct principal *who, slice name, int64_t max_bytes,
                         int64_t max_files, struct arena *a)
{
    if (max_bytes < 0 || max_files < 0)
        return err_make(a, ERR_INVALID, "a limit is not negative");
    struct account_change c = {
        .who = who, .now_ms = core_now_ms(core), .name = name, .max_bytes = max_bytes, .max_files = max_files
    };
    return meta_write(core->meta, apply_account_limits, &c, a);
}

err_t account_by_name(struct core *core, slice name, struct arena *a, struct account *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_account_by_name(tx, name, a, ret);
}

err_t account_get(struct core *core, int64_t id, struct arena *a, struct account *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_account_get(tx, id, a, ret);
}

err_t account_list(struct core *core, struct arena *a, struct account_list *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_account_list(tx, a, ret);
}

/* ---- users ---- */

err_t user_by_login(struct core *core, slice login, struct arena *a, struct user *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_user_by_login(tx, login, a, ret);
}

err_t user_get(struct core *core, int64_t id, struct arena *a, struct user *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    return meta_user_get(tx, id, a, ret);
}

struct user_change {
    struct core *core;
    const struct principal *who;
    int64_t now_ms;
    const struct user_request *request;
    slice login;
    enum user_state state;
    slice password_hash;
    int64_t max_bytes, max_files;
    struct user ret; /* its slices are those of the request */
};

/* The account is held, so that of two that are added at once, the second counts the first. */
static err_t check_user_count(struct meta_tx *tx, struct core *core, int64_t account_id, struct arena *a)
{
    int64_t count, max = LIVE(core->options.account_max_users);
    if (!max)
        return NULL;
    TRY(meta_account_hold(tx, account_id, a));
    TRY(meta_user_count(tx, account_id, max, a, &count));
    if (count < max)
        return NULL;
    return err_make(a, ERR_QUOTA,
                    "the account has %lld users, which is the most that accounts.max_users allows: remove one that is"
                    " not needed, or raise the limit",
                    (long long)count);
}

static err_t apply_user_create(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct user_change *c = arg;
    struct account account;
    TRY(grant_recheck_maker_in(c->core, tx, c->who, a));
    TRY(meta_account_by_name(tx, c->request->account.n ? c->request->account : DEFAULT_ACCOUNT, a, &account));
    TRY(check_user_count(tx, c->core, account.id, a));
    struct user user = { .account_id = account.id,
                         .login = c->request->login,
                         .name = c->request->name,
                         .email = c->request->email,
                         .kind = c->request->kind,
                         .is_admin = c->request->is_admin,
                         .max_bytes = c->request->max_bytes,
                         .max_files = c->request->max_files,
                         .created_at_ms = c->now_ms };
    TRY(meta_user_add(tx, &user, a, &user.id));
    TRY(c->core->user_added(tx, &user, c->now_ms, a));
    c->ret = user;
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = c->who,
                                  .account_id = account.id,
                                  .action = S("user.create"),
                                  .subject = user_subject(a, user.login),
                                  .detail = user.is_admin ? S("admin") : S("") };
    return event_write(tx, &event, a);
}

err_t user_create(struct core *core, const struct principal *who, const struct user_request *request, struct arena *a,
                  struct user *ret)
{
    TRY(login_name_check(request->login, a));
    TRY(login_address_check(request->email, LABEL_MAX, a));
    if (request->name.n > LABEL_MAX || !text_is_plain(request->name))
        return err_make(a, ERR_INVALID, "name and e-mail are at most %d bytes of UTF-8 without control characters",
                        LABEL_MAX);
    if (request->max_bytes < 0 || request->max_files < 0)
        return err_make(a, ERR_INVALID, "a limit is not negative");
    struct user_change c = { .core = core, .who = who, .now_ms = core_now_ms(core), .request = request };
    TRY(meta_write(core->meta, apply_user_create, &c, a));
    *ret = c.ret;
    ret->login = arena_copy(a, c.ret.login);
    ret->name = arena_copy(a, c.ret.name);
    ret->email = arena_copy(a, c.ret.email);
    return NULL;
}

static err_t apply_user_limits(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct user_change *c = arg;
    struct user user;
    TRY(meta_user_by_login(tx, c->login, a, &user));
    if (user.kind == USER_SYSTEM)
        return err_make(a, ERR_FORBIDDEN, "the server's own user stays as it is");
    TRY(meta_user_set_limits(tx, user.id, c->max_bytes, c->max_files, a));
    struct event_params event = { .at_ms = c->now_ms,
                                  .who = c->who,
                                  .account_id = user.account_id,
                                  .action = S("user.limit"),
                                  .subject = user_subject(a, user.login),
                                  .detail = arena_printf(a, "bytes %lld files %lld", (long long)c->max_bytes,
                                                         (long long)c->max_files) };
    return event_write(tx, &event, a);
}

err_t user_set_limits(struct core *core, const struct principal *who, slice login, int64_t max_bytes, int64_t max_files,
                      struct arena *a)
{
    if (max_bytes < 0 || max_files < 0)
        return err_make(a, ERR_INVALID, "a limit is not negative");
    struct user_change c = {
        .who = who, .now_ms = core_now_ms(core), .login = login, .max_bytes = max_bytes, .max_files = max_files
    };
    return meta_write(core->meta, apply_user_limits, &c, a);
}

err_t user_write_event(struct meta_tx *tx, const struct user_write *w, slice action, slice detail, struct arena *a)
{
    struct event_params event = { .at_ms = w->now_ms,
                                  .who = w->who,
                                  .account_id = w->user.account_id,
                                  .action = action,
                                  .subject = user_subject(a, w->user.login),
                                  .detail = detail };
    return event_write(tx, &event, a);
}

static err_t revoke_credentials(struct meta_tx *tx, int64_t user_id, int64_t now_ms, struct arena *a)
{
    struct credential_list keys;
    TRY(meta_credential_list(tx, user_id, CREDENTIAL_KEY, a, &keys));
    for (size_t i = 0; i < keys.count; i++)
        TRY(meta_credential_revoke(tx, keys.items[i].id, now_ms, a));
    return meta_credential_revoke_tokens(tx, user_id, now_ms, a);
}

err_t user_write_state(struct meta_tx *tx, const struct user_write *w, enum user_state state, struct arena *a)
{
    static const slice actions[] = { [USER_ACTIVE] = { "user.enable", 11 },
                                     [USER_DISABLED] = { "user.disable", 12 },
                                     [USER_DELETED] = { "user.delete", 11 } };
    if (state == USER_DELETED)
        TRY(revoke_credentials(tx, w->user.id, w->now_ms, a));
    else if (state == USER_DISABLED)
        TRY(meta_credential_revoke_tokens(tx, w->user.id, w->now_ms, a));
    TRY(meta_user_set_state(tx, w->user.id, state, a));
    return user_write_event(tx, w, actions[state], S(""), a);
}

/* The user whom a write of the operator names by the login. */
static err_t find_user_to_write(struct meta_tx *tx, const struct user_change *c, struct arena *a,
                                struct user_write *ret)
{
    *ret = (struct user_write){ .who = c->who, .now_ms = c->now_ms };
    TRY(meta_user_by_login(tx, c->login, a, &ret->user));
    if (ret->user.kind == USER_SYSTEM)
        return err_make(a, ERR_FORBIDDEN, "the server's own user stays as it is");
    return NULL;
}

static err_t apply_user_state(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct user_change *c = arg;
    struct user_write w;
    TRY(find_user_to_write(tx, c, a, &w));
    return user_write_state(tx, &w, c->state, a);
}

err_t user_list(struct core *core, slice account_name, const struct id_page *page, struct arena *a,
                struct user_list *ret)
{
    struct account account = { 0 };
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    if (account_name.n)
        TRY(meta_account_by_name(tx, account_name, a, &account));
    return meta_user_list(tx, account.id, page, a, ret);
}

err_t user_set_state(struct core *core, const struct principal *who, slice login, enum user_state state,
                     struct arena *a)
{
    struct user_change c = { .who = who, .now_ms = core_now_ms(core), .login = login, .state = state };
    return meta_write(core->meta, apply_user_state, &c, a);
}

err_t user_write_password(struct meta_tx *tx, const struct user_write *w, slice hash, struct arena *a)
{
    TRY(meta_user_set_password(tx, w->user.id, hash, a));
    TRY(meta_credential_revoke_tokens(tx, w->user.id, w->now_ms, a));
    return user_write_event(tx, w, S("user.password"), hash.n ? S("") : S("none"), a);
}

static err_t apply_user_password(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct user_change *c = arg;
    struct user_write w;
    TRY(find_user_to_write(tx, c, a, &w));
    return user_write_password(tx, &w, c->password_hash, a);
}

err_t password_check_length(slice password, struct arena *a)
{
    if (password.n < PASSWORD_MIN || password.n > PASSWORD_MAX)
        return err_make(a, ERR_INVALID, "a password has 8 to 1024 bytes");
    return NULL;
}

err_t user_set_password(struct core *core, const struct principal *who, slice login, slice password, struct arena *a)
{
    TRY(password_check_length(password, a));
    struct user_change c = { .who = who,
                             .now_ms = core_now_ms(core),
                             .login = login,
                             .password_hash = password_hash(core->random, a, password) };
    return meta_write(core->meta, apply_user_password, &c, a);
}

static err_t check_password(struct core *core, const struct password_login *login, struct arena *a, struct user *ret,
                            slice *ret_hash)
{
    struct user user = { 0 };
    slice hash = S("");
    {
        SCOPED(meta_read_endp) struct meta_tx *tx = NULL; /* ends before the slow part */
        TRY(meta_read_begin(core->meta, a, &tx));
        err_t e = meta_user_by_login(tx, login->login, a, &user);
        if (e && e->code != ERR_NOT_FOUND)
            return e;
        if (!e)
            TRY(meta_user_password(tx, user.id, a, &hash));
    }
    bool right = login->password.n <= PASSWORD_MAX && password_check(hash, login->password);
    if (!right || user.state != USER_ACTIVE)
        return err_make(a, ERR_UNAUTHENTICATED, "login or password is wrong");
    *ret = user;
    *ret_hash = hash;
    return NULL;
}

err_t access_check_password(struct core *core, const struct password_login *login, struct arena *a, struct user *ret,
                            slice *ret_hash)
{
    if (!login_limit_begin(core->logins, login->login, login->address))
        return err_make(a, ERR_RATE, "too many logins");
    err_t e = check_password(core, login, a, ret, ret_hash);
    if (!err_is(e, ERR_UNAUTHENTICATED))
        login_limit_end(core->logins, login->login, login->address, !e);
    return e;
}

err_t user_check_password(struct core *core, const struct password_login *login, struct arena *a, struct user *ret)
{
    slice unused;
    return access_check_password(core, login, a, ret, &unused);
}

/* ---- at the start of the server ---- */

/* The account and the user are there already, except at the very first start. */
static err_t apply_bootstrap(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct account_change *c = arg;
    struct account account = { .name = DEFAULT_ACCOUNT, .created_at_ms = c->now_ms };
    err_t e = meta_account_add(tx, &account, a, &account.id);
    if (err_is(e, ERR_CONFLICT))
        e = meta_account_by_name(tx, DEFAULT_ACCOUNT, a, &account);
    TRY(e);
    struct user user = { .account_id = account.id,
                         .login = OPERATOR,
                         .name = S("Operator"),
                         .kind = USER_SYSTEM,
                         .is_admin = true,
                         .created_at_ms = c->now_ms };
    e = meta_user_add(tx, &user, a, &user.id);
    return err_is(e, ERR_CONFLICT) ? NULL : e;
}

err_t access_bootstrap(struct core *core, struct arena *a)
{
    struct account_change c = { .now_ms = core_now_ms(core) };
    return meta_write(core->meta, apply_bootstrap, &c, a);
}

err_t access_operator(struct core *core, slice account_name, struct arena *a, struct principal *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    TRY(meta_read_begin(core->meta, a, &tx));
    struct account account;
    struct user user;
    TRY(meta_account_by_name(tx, account_name.n ? account_name : DEFAULT_ACCOUNT, a, &account));
    TRY(meta_user_by_login(tx, OPERATOR, a, &user));
    *ret = (struct principal){
        .account_id = account.id, .user_id = user.id, .login = user.login, .is_admin = true, .request_id = S("")
    };
    return NULL;
}
