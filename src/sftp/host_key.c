/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/host_key.h"

#include "base/secret_file.h"
#include "core/care/data_dir.h"

#include <string.h>

#define KEY_FILE_MAX ((size_t)16 << 10)

/* The key is the server's from then on. */
static err_t add_key(ssh_bind bind, const char *path, slice text, struct arena *a)
{
    ssh_key key = NULL;
    char *copy = arena_cstr(a, text);
    int failed = ssh_pki_import_privkey_base64(copy, NULL, NULL, NULL, &key);
    explicit_bzero(copy, text.n);
    if (failed != SSH_OK)
        return err_make(a, ERR_INVALID, "%s holds no private key without a passphrase", path);
    enum ssh_keytypes_e type = ssh_key_type(key);
    bool is_known = type == SSH_KEYTYPE_ED25519 || type == SSH_KEYTYPE_ECDSA_P256 || type == SSH_KEYTYPE_ECDSA_P384 ||
                    type == SSH_KEYTYPE_ECDSA_P521 || type == SSH_KEYTYPE_RSA;
    if (!is_known || ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, key) != SSH_OK) {
        ssh_key_free(key);
        return err_make(a, ERR_INVALID, "%s is a key of a type that clients do not accept", path);
    }
    return NULL;
}

err_t host_keys_load(ssh_bind bind, const char *const *paths, size_t count, struct arena *a)
{
    for (size_t i = 0; i < count; i++) {
        slice text;
        TRY(secret_file_read(paths[i], KEY_FILE_MAX, a, &text));
        err_t e = add_key(bind, paths[i], text, a);
        secret_wipe(text);
        TRY(e);
    }
    return NULL;
}

static err_t make_key(const char *data_dir, const char *name, enum ssh_keytypes_e type, int parameter, struct arena *a)
{
    ssh_key key = NULL;
    char *text = NULL;
    bool made = ssh_pki_generate(type, parameter, &key) == SSH_OK &&
                ssh_pki_export_privkey_base64(key, NULL, NULL, NULL, &text) == SSH_OK;
    err_t e = made ? secret_file_make(data_dir, name, slice_of(text), a)
                   : err_make(a, ERR_UNAVAILABLE, "no host key can be made");
    if (text)
        secret_wipe(slice_of(text));
    ssh_string_free_char(text);
    ssh_key_free(key);
    return e;
}

err_t host_keys_ensure(ssh_bind bind, const char *data_dir, struct arena *a)
{
    static const struct {
        const char *name;
        enum ssh_keytypes_e type;
        int parameter;
    } wanted[] = { { DATA_DIR_HOST_KEY_ED25519, SSH_KEYTYPE_ED25519, 0 },
                   { DATA_DIR_HOST_KEY_ECDSA, SSH_KEYTYPE_ECDSA_P256, 256 } };
    for (size_t i = 0; i < LENGTH_OF(wanted); i++) {
        const char *path = arena_printf(a, "%s/%s", data_dir, wanted[i].name).p;
        err_t e = host_keys_load(bind, &path, 1, a);
        if (err_is(e, ERR_NOT_FOUND)) {
            TRY(make_key(data_dir, wanted[i].name, wanted[i].type, wanted[i].parameter, a));
            e = host_keys_load(bind, &path, 1, a);
        }
        TRY(e);
    }
    return secret_file_keep(data_dir, a);
}
