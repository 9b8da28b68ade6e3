/* SPDX-License-Identifier: Apache-2.0 */
/* A set of certificates is reference-counted, because connections made under the old set outlive a reload. */
#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONTEXTS 64
#define MAX_KEY_KINDS 4 /* RSA, P-256 … */

/* Loops look up names at the same time. They look at the leaf certificates kept here, because iterating over those of
 * an SSL_CTX changes its state. */
struct named_context {
    SSL_CTX *ctx;
    X509 *leaves[MAX_KEY_KINDS]; /* one for each kind of key */
    size_t leaf_count;
};

struct tls {
    int references; /* atomic */
    size_t count;
    struct named_context contexts[MAX_CONTEXTS]; /* the first is used when no other covers the name */
};

static const char *openssl_reason(void)
{
    unsigned long e = ERR_peek_last_error();
    const char *text = e ? ERR_reason_error_string(e) : NULL;
    return text ? text : "unknown reason";
}

static bool certificate_covers(const struct named_context *c, const char *name)
{
    for (size_t i = 0; i < c->leaf_count; i++)
        if (X509_check_host(c->leaves[i], name, 0, 0, NULL) == 1)
            return true;
    return false;
}

static int key_kind(X509 *leaf)
{
    return EVP_PKEY_get_base_id(X509_get0_pubkey(leaf));
}

static bool has_kind(const struct named_context *c, int kind)
{
    for (size_t i = 0; i < c->leaf_count; i++)
        if (key_kind(c->leaves[i]) == kind)
            return true;
    return c->leaf_count == MAX_KEY_KINDS;
}

static int select_certificate(SSL *ssl, int *alert, void *arg)
{
    (void)alert;
    struct tls *t = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    for (size_t i = 0; name && i < t->count; i++)
        if (certificate_covers(&t->contexts[i], name)) {
            SSL_set_SSL_CTX(ssl, t->contexts[i].ctx);
            break;
        }
    return SSL_TLSEXT_ERR_OK;
}

/* The context that this certificate joins: one that covers its first name and has no key of that kind yet. NULL:
 * none. */
static struct named_context *find_context(struct tls *t, X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    struct named_context *found = NULL;
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && !found; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        const char *dns = (const char *)ASN1_STRING_get0_data(name->d.dNSName);
        for (size_t k = 0; k < t->count && !found; k++)
            if (certificate_covers(&t->contexts[k], dns) && !has_kind(&t->contexts[k], key_kind(certificate)))
                found = &t->contexts[k];
        break;
    }
    GENERAL_NAMES_free(names);
    return found;
}

static SSL_CTX *new_context(struct tls *t)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        abort();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    static const unsigned char id[] = "cais";
    SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
    SSL_CTX_set_tlsext_servername_callback(ctx, select_certificate);
    SSL_CTX_set_tlsext_servername_arg(ctx, t);
    return ctx;
}

static err_t load_certificate(struct tls *t, const struct http_certificate *pair, struct arena *a)
{
    FILE *f = fopen(pair->certificate_file, "re");
    X509 *leaf = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    if (!leaf)
        return err_make(a, ERR_INVALID, "%s holds no certificate in PEM", pair->certificate_file);
    struct named_context *named = find_context(t, leaf);
    if (!named && t->count == MAX_CONTEXTS) {
        X509_free(leaf);
        return err_make(a, ERR_INVALID, "more than %d certificates", MAX_CONTEXTS);
    }
    if (!named) {
        named = &t->contexts[t->count++];
        named->ctx = new_context(t);
    }
    named->leaves[named->leaf_count++] = leaf;
    SSL_CTX *ctx = named->ctx;
    if (SSL_CTX_use_certificate_chain_file(ctx, pair->certificate_file) != 1)
        return err_because(a, err_library(a, "OpenSSL", openssl_reason()), ERR_INVALID,
                           "%s holds a certificate that cannot be used", pair->certificate_file);
    if (SSL_CTX_use_PrivateKey_file(ctx, pair->key_file, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        return err_because(a, err_library(a, "OpenSSL", openssl_reason()), ERR_INVALID,
                           "%s is not the private key of %s, in PEM and without a passphrase", pair->key_file,
                           pair->certificate_file);
    return NULL;
}

err_t tls_load(const struct http_certificate *pairs, size_t count, struct arena *a, struct tls **ret)
{
    struct tls *t = must_malloc(sizeof *t);
    t->references = 1;
    ERR_clear_error();
    for (size_t i = 0; i < count; i++) {
        err_t e = load_certificate(t, &pairs[i], a);
        if (e) {
            tls_release(t);
            return e;
        }
    }
    if (count == 0) {
        tls_release(t);
        return err_make(a, ERR_INVALID, "TLS needs a certificate and its key");
    }
    *ret = t;
    return NULL;
}

void tls_release(struct tls *t)
{
    if (!t || __atomic_sub_fetch(&t->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t k = 0; k < t->contexts[i].leaf_count; k++)
            X509_free(t->contexts[i].leaves[k]);
        SSL_CTX_free(t->contexts[i].ctx);
    }
    free(t);
}

static void release_reference(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    (void)parent, (void)ad, (void)index, (void)argl, (void)argp;
    tls_release(ptr);
}

/* The index under which an SSL object keeps its reference; created once per process, then constant. */
static int reference_index(void)
{
    static int index = -1;
    static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
    SCOPED(unlockp) pthread_mutex_t *held = lock(&guard);
    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, release_reference);
    return index;
}

SSL *tls_accept(struct tls *t, int fd)
{
    SSL *ssl = t->count ? SSL_new(t->contexts[0].ctx) : NULL;
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    __atomic_add_fetch(&t->references, 1, __ATOMIC_ACQ_REL);
    SSL_set_ex_data(ssl, reference_index(), t);
    SSL_set_accept_state(ssl);
    return ssl;
}
