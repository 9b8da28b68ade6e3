/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys in the form of SSH, which are too weak or of another kind than this program accepts, or not. Only the form is checked
 * here; whether a key is a point of its curve is found out by whoever verifies a signature with it. Thread: any. */
#ifndef CAIS_BASE_PUBLIC_KEY_H
#define CAIS_BASE_PUBLIC_KEY_H

#include "base/arena.h"
#include "base/err.h"

#define PUBLIC_KEY_BLOB_MAX 8192 /* bytes */
#define PUBLIC_KEY_RSA_MIN_BITS 2048
#define PUBLIC_KEY_RSA_MAX_BITS 16384

struct public_key {
    slice
        type; /* "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"; static */
    int bits;
    slice fingerprint; /* "SHA256:" and the base64 of the digest of the blob, without padding; in `a` */
};
/* blob: as it is sent (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4). Errors: INVALID it is malformed; UNSUPPORTED another kind of key,
 * or an RSA key of another length. The text says what to do. */
MUST_USE err_t public_key_read_blob(slice blob, struct arena *a, struct public_key *ret);
/* text: of the file that ssh-keygen calls .pub: one line of type, base64 and a comment. Errors: as above; INVALID also a private key, or
 * more than one line. */
MUST_USE err_t public_key_read_file(slice text, struct arena *a, struct public_key *ret);

#endif
