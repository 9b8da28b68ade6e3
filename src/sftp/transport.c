/* SPDX-License-Identifier: Apache-2.0 */
/* What SSH may use here, whatever the configuration of the machine says.
 *
 * The Terrapin attack (CVE-2023-48795) drops packets from the beginning of a connection when the cipher is ChaCha20-Poly1305, or
 * CBC with a MAC of the kind "encrypt then MAC". "Strict key exchange" prevents it, and libssh 0.10.6 offers that
 * (kex-strict-s-v00@openssh.com), but it takes effect only when the client knows it, too; nothing in libssh can refuse a client that does
 * not. So there is no ChaCha20-Poly1305, no CBC and no MAC of that kind: what remains is safe with every client. AES-GCM
 * comes first because it is the fastest; a client that names CTR before it gets CTR.
 *
 * Group exchange is missing because it reads /etc/ssh/moduli; RSA with SHA-1 and DSA because they can be forged. There is no
 * compression: it is a bomb to unpack, and costs memory for each connection. */
#include "sftp/host_key.h"
#include "sftp/service_priv.h"

#define CIPHERS "aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr"
#define MACS "hmac-sha2-256,hmac-sha2-512"
#define KEY_EXCHANGES                                                                                                  \
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"         \
    "diffie-hellman-group16-sha512,diffie-hellman-group14-sha256"
#define HOST_KEYS "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"
enum { RSA_BITS_MIN = 2048 };

static bool set_algorithms(ssh_bind b)
{
    static const struct {
        enum ssh_bind_options_e option;
        const char *value;
    } texts[] = { { SSH_BIND_OPTIONS_CIPHERS_C_S, CIPHERS },
                  { SSH_BIND_OPTIONS_CIPHERS_S_C, CIPHERS },
                  { SSH_BIND_OPTIONS_HMAC_C_S, MACS },
                  { SSH_BIND_OPTIONS_HMAC_S_C, MACS },
                  { SSH_BIND_OPTIONS_KEY_EXCHANGE, KEY_EXCHANGES },
                  { SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, HOST_KEYS },
                  { SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, HOST_KEYS },
                  { SSH_BIND_OPTIONS_BANNER, "cais" } };
    bool no = false;
    int bits = RSA_BITS_MIN;
    bool done = ssh_bind_options_set(b, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) == SSH_OK &&
                ssh_bind_options_set(b, SSH_BIND_OPTIONS_RSA_MIN_SIZE, &bits) == SSH_OK;
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        done = done && ssh_bind_options_set(b, texts[i].option, texts[i].value) == SSH_OK;
    return done;
}

err_t service_bind_open(const struct sftp_options *o, struct arena *a, ssh_bind *ret)
{
    ssh_bind b = ssh_bind_new();
    if (!b || !set_algorithms(b)) {
        err_t e = err_because(a, err_library(a, "libssh", b ? ssh_get_error(b) : NULL), ERR_UNSUPPORTED,
                              "the libssh of this system does not have what SFTP needs");
        ssh_bind_free(b);
        return e;
    }
    size_t count = 0;
    while (o->host_keys && o->host_keys[count])
        count++;
    err_t e = count ? host_keys_load(b, o->host_keys, count, a) : host_keys_ensure(b, o->data_dir, a);
    if (e)
        ssh_bind_free(b);
    else
        *ret = b;
    return e;
}
