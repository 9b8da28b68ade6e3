/* SPDX-License-Identifier: Apache-2.0 */
#include "base/public_key.h"

#include "base/hash.h"
#include "base/text.h"

#define ACCEPTED "keys of the types ed25519, ecdsa and rsa are accepted: ssh-keygen -t ed25519 makes one"

static err_t malformed(struct arena *a)
{
    return err_make(a, ERR_INVALID, "the public key is malformed");
}

/* ---- the parts of a blob (RFC 4251 §5) ---- */

static bool cut_string(slice *rest, slice *ret)
{
    const unsigned char *p = (const unsigned char *)rest->p;
    if (rest->n < 4)
        return false;
    size_t length = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    if (length > rest->n - 4)
        return false;
    *ret = slice_part(*rest, 4, length);
    *rest = slice_from(*rest, 4 + length);
    return true;
}

static unsigned char byte_at(slice s, size_t at)
{
    return (unsigned char)s.p[at];
}

/* A positive number in its shortest form, without the zero that keeps it positive. */
static bool cut_number(slice *rest, slice *ret)
{
    slice number;
    if (!cut_string(rest, &number) || !number.n || byte_at(number, 0) >= 0x80)
        return false;
    if (byte_at(number, 0) == 0) {
        if (number.n < 2 || byte_at(number, 1) < 0x80)
            return false;
        number = slice_from(number, 1);
    }
    *ret = number;
    return true;
}

static int bits_of(slice number)
{
    int bits = 8 * (int)number.n;
    for (unsigned char first = byte_at(number, 0); first < 0x80; first = (unsigned char)(first << 1))
        bits--;
    return bits;
}

static bool is_odd(slice number)
{
    return byte_at(number, number.n - 1) & 1;
}

/* ---- kinds ---- */

struct kind {
    slice type, curve; /* curve: empty for a key that names none */
    int bits;          /* 0: as the key says */
    size_t size;       /* of the key, or the point, in bytes */
};
static const struct kind kinds[] = { { { "ssh-ed25519", 11 }, { "", 0 }, 256, 32 },
                                     { { "ecdsa-sha2-nistp256", 19 }, { "nistp256", 8 }, 256, 65 },
                                     { { "ecdsa-sha2-nistp384", 19 }, { "nistp384", 8 }, 384, 97 },
                                     { { "ecdsa-sha2-nistp521", 19 }, { "nistp521", 8 }, 521, 133 },
                                     { { "ssh-rsa", 7 }, { "", 0 }, 0, 0 } };

static const struct kind *find_kind(slice type)
{
    for (size_t i = 0; i < LENGTH_OF(kinds); i++)
        if (slice_eq(kinds[i].type, type))
            return &kinds[i];
    return NULL;
}

static err_t refuse_kind(slice type, struct arena *a)
{
    bool printable = type.n > 0 && type.n <= 64;
    for (size_t i = 0; printable && i < type.n; i++)
        printable = type.p[i] > ' ' && type.p[i] < 0x7f;
    if (!printable)
        return malformed(a);
    return err_make(a, ERR_UNSUPPORTED, "a key of the type " SLICE_FMT " is not accepted; " ACCEPTED, SLICE_ARG(type));
}

static err_t read_rsa(slice *rest, struct arena *a, int *ret_bits)
{
    slice exponent, modulus;
    if (!cut_number(rest, &exponent) || !cut_number(rest, &modulus) || !is_odd(exponent) || !is_odd(modulus) ||
        bits_of(exponent) < 2)
        return malformed(a);
    int bits = bits_of(modulus);
    if (bits < PUBLIC_KEY_RSA_MIN_BITS || bits > PUBLIC_KEY_RSA_MAX_BITS)
        return err_make(a, ERR_UNSUPPORTED, "an RSA key has %d to %d bits, and this one has %d; " ACCEPTED,
                        PUBLIC_KEY_RSA_MIN_BITS, PUBLIC_KEY_RSA_MAX_BITS, bits);
    *ret_bits = bits;
    return NULL;
}

static err_t read_bytes(const struct kind *kind, slice *rest, struct arena *a)
{
    slice curve, bytes;
    if (kind->curve.n && (!cut_string(rest, &curve) || !slice_eq(curve, kind->curve)))
        return malformed(a);
    if (!cut_string(rest, &bytes) || bytes.n != kind->size)
        return malformed(a);
    return kind->curve.n && byte_at(bytes, 0) != 4 ? malformed(a) : NULL; /* a point that is not compressed */
}

static slice fingerprint_of(slice blob, struct arena *a)
{
    unsigned char digest[SHA256_SIZE];
    hash_sha256(blob, digest);
    slice text = base64_encode(a, (slice){ (const char *)digest, sizeof digest });
    while (slice_ends(text, S("=")))
        text.n--;
    return arena_printf(a, "SHA256:" SLICE_FMT, SLICE_ARG(text));
}

err_t public_key_read_blob(slice blob, struct arena *a, struct public_key *ret)
{
    slice rest = blob, type;
    if (blob.n > PUBLIC_KEY_BLOB_MAX || !cut_string(&rest, &type))
        return malformed(a);
    const struct kind *kind = find_kind(type);
    if (!kind)
        return refuse_kind(type, a);
    int bits = kind->bits;
    TRY(kind->size ? read_bytes(kind, &rest, a) : read_rsa(&rest, a, &bits));
    if (rest.n)
        return malformed(a);
    *ret = (struct public_key){ kind->type, bits, fingerprint_of(blob, a) };
    return NULL;
}

/* ---- files ---- */

static err_t refuse_file(slice text, struct arena *a)
{
    if (slice_find(text, S("PRIVATE KEY-----")) != SLICE_NONE || slice_starts(text, S("PuTTY-User-Key-File")))
        return err_make(a, ERR_INVALID,
                        "that is a private key, which belongs to nobody but its owner: the public key is in the file"
                        " that ends in .pub");
    if (slice_find(text, S(" PUBLIC KEY")) != SLICE_NONE)
        return err_make(a, ERR_INVALID,
                        "the file has several lines: ssh-keygen -i -f FILE (for a PEM file: -i -m PKCS8 -f FILE)"
                        " prints the key in one line");
    return err_make(a, ERR_INVALID,
                    "the file is not one line with the type of the key, the key in base64, and a comment, as"
                    " ssh-keygen writes it into the file that ends in .pub");
}

err_t public_key_read_file(slice text, struct arena *a, struct public_key *ret)
{
    slice line, others, type, base64, comment, blob;
    struct public_key key;
    slice_cut(text, '\n', &line, &others);
    while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
        line.n--;
    for (size_t i = 0; i < others.n; i++)
        if (others.p[i] != '\n' && others.p[i] != '\r')
            return refuse_file(text, a);
    if (slice_starts(line, S("---")) || !slice_cut(line, ' ', &type, &base64))
        return refuse_file(text, a);
    slice_cut(base64, ' ', &base64, &comment);
    if (base64.n > 2 * PUBLIC_KEY_BLOB_MAX || !base64_decode(a, base64, &blob))
        return refuse_file(text, a);
    TRY(public_key_read_blob(blob, a, &key));
    if (!slice_eq(key.type, type))
        return err_make(a, ERR_INVALID, "the type in front of the key is not that of the key");
    *ret = key;
    return NULL;
}
