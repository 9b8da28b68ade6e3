/* SPDX-License-Identifier: Apache-2.0 */
/* A browser is sent only to a callback: one address among those that the operator named, compared whole. Prefixes, patterns and
 * parsing are how others let codes escape. Callbacks are checked when they are added, and when they are read, because somebody
 * may have written the database by hand. */
#include "core/access/application_priv.h"
#include "core/store/credential_store.h"
#include "core/store/transaction.h"

#include <string.h>

/* Not the plain hash: the secret of an application must not be accepted where a key is looked up by its hash. */
static void hash_client_secret(slice secret, unsigned char ret_hash[SHA256_SIZE])
{
    hash_hmac_sha256(S("client secret"), secret, ret_hash);
}

/* ---- callbacks ---- */

static bool is_host_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static bool is_v6_letter(char c)
{
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

static size_t host_length(slice text)
{
    size_t n = 0;
    if (text.n && text.p[0] == '[') {
        for (n = 1; n < text.n && is_v6_letter(text.p[n]); n++)
            ;
        return n > 2 && n < text.n && text.p[n] == ']' ? n + 1 : 0;
    }
    while (n < text.n && is_host_letter(text.p[n]))
        n++;
    return n;
}

static size_t port_length(slice text)
{
    size_t n = 1;
    if (!text.n || text.p[0] != ':')
        return 0;
    while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
        n++;
    return n;
}

/* The length of "https://host:port"; 0: the address does not begin like that. */
static size_t origin_length(slice address)
{
    size_t scheme = slice_starts(address, S("https://")) ? 8 : slice_starts(address, S("http://")) ? 7 : 0;
    size_t host = scheme ? host_length(slice_from(address, scheme)) : 0;
    if (!host)
        return 0;
    size_t port = port_length(slice_from(address, scheme + host));
    return port == 1 || port > 6 ? 0 : scheme + host + port;
}

bool callback_is_valid(slice address)
{
    size_t origin = origin_length(address);
    if (!origin || address.n > CALLBACK_MAX)
        return false;
    if (origin < address.n && address.p[origin] != '/' && address.p[origin] != '?')
        return false;
    for (size_t i = 0; i < address.n; i++)
        if (address.p[i] <= ' ' || address.p[i] > '~' || strchr("#\"<>\\^`{|}", address.p[i]))
            return false;
    return true;
}

slice callback_origin(slice address)
{
    return slice_part(address, 0, origin_length(address));
}

err_t application_redirect(const struct application *app, slice asked, struct arena *a, slice *ret)
{
    const struct callback_list *list = &app->callbacks;
    slice found = S("");
    for (size_t i = 0; i < list->count && asked.n; i++)
        if (slice_eq(list->items[i], asked))
            found = list->items[i];
    if (!asked.n && list->count == 1)
        found = list->items[0];
    bool is_pin = !asked.n && !list->count;
    if (!is_pin && !callback_is_valid(found))
        return err_make(a, ERR_INVALID, "the application has no such callback");
    *ret = found;
    return NULL;
}

/* ---- adding ---- */

struct application_addition {
    struct core *core;
    const struct principal *who;
    const struct application_request *request;
    int64_t now_ms;
    struct minted_application minted;
};

static err_t add_first_token(struct meta_tx *tx, const struct application_addition *n, const struct credential *key,
                             struct arena *a, int64_t *ret_id)
{
    struct credential token = *key;
    token.form = CREDENTIAL_TOKEN;
    token.parent_id = key->id;
    hash_sha256(n->minted.token, token.secret_hash);
    return meta_credential_add(tx, &token, a, ret_id);
}

static err_t apply_application_add(struct meta_tx *tx, void *arg, struct arena *a)
{
    struct application_addition *n = arg;
    const struct key_request request = { .login = n->request->login,
                                         .purpose = n->request->purpose,
                                         .account_id = n->request->account_id };
    struct key_addition addition = { .core = n->core, .who = n->who, .request = &request, .now_ms = n->now_ms };
    struct credential key;
    hash_client_secret(n->minted.client_secret, addition.secret_hash);
    TRY(key_add(tx, &addition, a, &key));
    struct application app = { .key_id = key.id,
                               .client_id = n->minted.client_id,
                               .callbacks = n->request->callbacks,
                               .account_id = key.account_id,
                               .owner_id = key.user_id,
                               .purpose = key.purpose };
    TRY(add_first_token(tx, n, &key, a, &app.token_id));
    TRY(meta_application_add(tx, &app, a));
    struct code_addition pin = {
        .application = &app, .user_id = key.user_id, .now_ms = n->now_ms, .code = { .is_reusable = true }
    };
    hash_sha256(n->minted.pin, pin.hash);
    int64_t unused;
    TRY(code_add(tx, &pin, a, &unused));
    n->minted.id = key.id;
    return NULL;
}

err_t application_add(struct core *core, const struct principal *who, const struct application_request *request,
                      struct arena *a, struct minted_application *ret)
{
    const struct callback_list *callbacks = &request->callbacks;
    if (callbacks->count > APPLICATION_CALLBACKS_MAX)
        return err_make(a, ERR_INVALID, "an application has at most %d callbacks", APPLICATION_CALLBACKS_MAX);
    for (size_t i = 0; i < callbacks->count; i++)
        if (!callback_is_valid(callbacks->items[i]))
            return err_make(a, ERR_INVALID,
                            "a callback is an absolute http or https URL without user and fragment, of at most %d "
                            "characters",
                            CALLBACK_MAX);
    struct application_addition n = { .core = core, .who = who, .request = request, .now_ms = core_now_ms(core) };
    n.minted = (struct minted_application){
        .client_id = random_text(core->random, a, CLIENT_ID_LENGTH),
        .client_secret = random_text(core->random, a, APPLICATION_SECRET_LENGTH),
        .token = random_text(core->random, a, APPLICATION_SECRET_LENGTH),
        .pin = random_text(core->random, a, CODE_LENGTH),
    };
    TRY(meta_write(core->meta, apply_application_add, &n, a));
    *ret = n.minted;
    return NULL;
}

/* ---- finding ---- */

err_t application_find_in(struct meta_tx *tx, slice purpose, slice client_id, struct arena *a, struct application *ret)
{
    struct application app;
    TRY(meta_application_by_client_id(tx, client_id, a, &app));
    if (!slice_eq(app.purpose, purpose) || app.revoked_at_ms || app.owner_state != USER_ACTIVE)
        return err_make(a, ERR_NOT_FOUND, "no such application, or it has ended");
    *ret = app;
    return NULL;
}

err_t application_find(struct core *core, slice purpose, slice client_id, struct arena *a, struct application *ret)
{
    SCOPED(meta_read_endp) struct meta_tx *tx = NULL;
    if (client_id.n != CLIENT_ID_LENGTH || !slice_is_utf8(client_id))
        return err_make(a, ERR_NOT_FOUND, "no application has such a client_id");
    TRY(meta_read_begin(core->meta, a, &tx));
    return application_find_in(tx, purpose, client_id, a, ret);
}

/* ---- checking ---- */

slice application_guess_name(const struct application *app, const char *what, slice address, struct arena *a)
{
    return arena_printf(a, "%s of application " SLICE_FMT " from " SLICE_FMT, what, SLICE_ARG(app->client_id),
                        SLICE_ARG(address));
}

/* An unknown application has a hash that no secret has, so that it is refused in the same way. */
static err_t check_secret(struct core *core, const struct application_proof *proof, struct arena *a,
                          struct application *ret)
{
    struct application app = { 0 };
    unsigned char hash[SHA256_SIZE];
    hash_client_secret(proof->client_secret, hash);
    err_t e = application_find(core, proof->purpose, proof->client_id, a, &app);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    bool is_right = slice_eq_secret((slice){ (const char *)hash, SHA256_SIZE },
                                    (slice){ (const char *)app.secret_hash, SHA256_SIZE });
    if (e || !is_right)
        return err_make(a, ERR_UNAUTHENTICATED, "no such application, or another secret");
    *ret = app;
    return NULL;
}

err_t application_check(struct core *core, const struct application_proof *proof, struct arena *a,
                        struct application *ret)
{
    struct application named = { .client_id = slice_part(proof->client_id, 0, CLIENT_ID_LENGTH + 1) };
    slice name = application_guess_name(&named, "secret", proof->address, a);
    if (!login_limit_begin(core->logins, name, proof->address))
        return err_make(a, ERR_RATE, "too many guesses at the secret of an application");
    err_t e = check_secret(core, proof, a, ret);
    if (!err_is(e, ERR_UNAUTHENTICATED))
        login_limit_end(core->logins, name, proof->address, false);
    return e;
}
