/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that ssh-keygen made, and what is wrong with others. */
#include "base/public_key.h"

#include "base/text.h"
#include "test.h"

#include <string.h>

#define ED25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILX/Qt+L5zAKyUDhGjg75ACTISrXbgbLKsCjLFlYGA6x"
#define P256                                                                                                           \
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBE8fux6PLBruxo59rDJdLTUs"                 \
    "TPIJRnLhcwpY3BgVeBbVg88Ezdo6KTIwxYIuB4b27KkZ9Zy8fnmpF3Ru1AndbUM="
#define P384                                                                                                           \
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBEITEQ++gi1EU99J4Rkwuc+i"                 \
    "+b/4dPF59bUefw9fHt6Lqeacg8GVPIEcf3zfZpyvwGPURP0uWQNEMLTI/oNAUNXvGbyL5N/7n+2sI/l65e/pRtTEsLhoE9ho"                 \
    "3FqTqLqQNA=="
#define P521                                                                                                           \
    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAA4vBRpZYSONmvALVZolcix"                 \
    "1F2I+j2HQjJrC9EmfWl4M8JeXJsfS7Z6uKyhNcTTw3zW3m0kLuS6fUtx8KQyAjD4UgDK3A5feBjEi/kozj/e/vYfgNlcV88g"                 \
    "phjHM5a0YmBNsFApIB4dIXrfSqW/lYPFnbYHeM7fwVWivIIoJ+JQib70Xg=="
#define RSA2048                                                                                                        \
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCltmiFT4dYIg4MYMsA5HMdCJWeP8nyb1Tj2G3dHuguCtB9Eqt7DrD6EF1M"                 \
    "Ryy8PApDwaYxLJuQUrOEMQhuHpFNCzd6EpKVlc3gMlObJQq6KGtUH/tMkTgfJ7e6KZX950tJb1aQxwd7zNJ56lx+tFJHsSS1"                 \
    "uOQ6Ld3w54ZTUfPO4fbn/EKDMRAV8tZY9PwAFh/p4X2G0tz4rmQ3bPDBPe6UP+jFbhmlrgjqFXvhZ5/Hp+cwuXrgzKiPah70"                 \
    "p4714a6YldMNp9FNq3ZWQKK8lTHfu/2bW7jbv2vcpHUPLe0GaT034eQJlQCkF7Zogwp0A3QXsvS1VjiTnr/JxyC/ckMr"
#define RSA1024                                                                                                        \
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCnqlfAP40FL+zXs1HeKkc/CgK4W3OH5YKWxELD4NX7A26+UXb9ckS8DfiG"                 \
    "x3TjbYe25n1Ksg4oTAyXRJpgVlcOb7cffOLWNPOyhSQ29tdcSoyT7ogh7kk1QQUZakSGet+Bayp1PIfe50zSBZMKWCL/O4cQ"                 \
    "l+2ejRDDoN82CSY+CQ=="
#define DSA                                                                                                            \
    "ssh-dss AAAAB3NzaC1kc3MAAACBALkGVRysJ/P05HJxyoBJQyTn4t19142vFyEQA9y4zpwC5kYCwLVGZroqlhf5iAr3h8UR"                 \
    "HrghH853fadHI1GA+PLpQVgW4Xo9pdDMHaF8XUUI2VoZOuZZTk6rPgOb/JGKOFd+K3oi+1ElSFfBb16xgdPm8oJNeKGQIBLp"                 \
    "gFhARn7XAAAAFQCrsA0KZSc1LYk0muXzsmlG2GJWyQAAAIBKfLOOhddTG+LzEpAY/lzqRgsUQfdAAZz0MBHPIAJJD2PR2yxW"                 \
    "U63NPu/ZyHOEv4m8XMAFgEqyJvb3E2ODJjDyax+aIaGTCjHYS0XQV5ixHDgs1G1qq/9vIWL+VfI7vaUK3kpA06W3uwD0Dp5C"                 \
    "kLjyACep3GC8bczBTk2PyQdECQAAAIABeds5lXfAMgWTfznfQkotIdKiTNix1N+HWWqIWv4JAxrKkWuJUBjgjIk8IdbAy/uW"                 \
    "wgmNDxCKLpvCmIbLewXhaHXre/r5mutyB0cvt1qM69wGJyGUtwoSSUsIPF2+b9NvSNvxy/1NDrRs/Zmjdo/gaJ7EyoCjq43S"                 \
    "XTYwc3fwaQ=="

static const struct {
    const char *line, *type, *fingerprint;
    int bits;
} good[] = {
    { ED25519, "ssh-ed25519", "SHA256:4mQHWZO80EQtJLuu7paLo7GLG9c/jZpNMQ/+59bi5Eo", 256 },
    { P256, "ecdsa-sha2-nistp256", "SHA256:g4ozUMJMo8CCaHT51pD3MN2sShUapfKdniND3G85QHs", 256 },
    { P384, "ecdsa-sha2-nistp384", "SHA256:F7ECcZRn4YtLhompXIWRbz9yuaypVSe8xOdd6h1oFyE", 384 },
    { P521, "ecdsa-sha2-nistp521", "SHA256:doZj/LWbq2P+9urYwAeBpt0dG8FvGRkhJiLhEGNgAVE", 521 },
    { RSA2048, "ssh-rsa", "SHA256:u84s4RycTYZMEHM4ObmkVWQffhZ/k2i/7fX23xxClrk", 2048 },
};

static slice blob_of(const char *line, struct arena *a)
{
    slice type, base64, blob = { 0 };
    slice_cut(slice_of(line), ' ', &type, &base64);
    EXPECT(base64_decode(a, base64, &blob));
    return blob;
}

TEST(each_accepted_key_has_the_fingerprint_that_ssh_keygen_prints)
{
    SCRATCH(a);
    static const char *const ends[] = { "", " comment", " two words", "\n", " c\r\n", " c\n\n", "  " };
    for (size_t i = 0; i < LENGTH_OF(good); i++) {
        struct public_key key;
        EXPECT_OK(public_key_read_blob(blob_of(good[i].line, &a), &a, &key));
        for (size_t e = 0; e < LENGTH_OF(ends); e++) {
            EXPECT_OK(public_key_read_file(arena_printf(&a, "%s%s", good[i].line, ends[e]), &a, &key));
            EXPECT_SLICE(key.type, slice_of(good[i].type));
            EXPECT_SLICE(key.fingerprint, slice_of(good[i].fingerprint));
            EXPECT_EQ(key.bits, good[i].bits);
        }
    }
}

static void expect_refused(slice text, enum err_code code, const char *reason)
{
    SCRATCH(a);
    struct public_key key;
    err_t e = public_key_read_file(text, &a, &key);
    EXPECT_ERR(e, code);
    if (slice_find(slice_of(e->msg), slice_of(reason)) == SLICE_NONE)
        fail_msg("'%s' does not say '%s'", e->msg, reason);
}

TEST(weak_keys_and_keys_of_other_kinds_are_refused_with_a_reason)
{
    SCRATCH(a);
    struct public_key key;
    expect_refused(S(RSA1024), ERR_UNSUPPORTED, "2048 to 16384 bits, and this one has 1024");
    expect_refused(S(DSA), ERR_UNSUPPORTED, "type ssh-dss is not accepted");
    EXPECT_ERR(public_key_read_blob(S("\0\0\0\x1ask-ssh-ed25519@openssh.com\0\0\0\0"), &a, &key), ERR_UNSUPPORTED);
    EXPECT_ERR(public_key_read_blob(S("\0\0\0\x1cssh-ed25519-cert-v01@openssh.com"), &a, &key), ERR_UNSUPPORTED);
    EXPECT_ERR(public_key_read_blob(S("\0\0\0\x03"
                                      "a\nb"),
                                    &a, &key),
               ERR_INVALID);
}

TEST(files_of_another_form_are_refused_with_what_to_do)
{
    expect_refused(S("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n"), ERR_INVALID, "private key");
    expect_refused(S("-----BEGIN OPENSSH PRIVATE KEY-----\n"), ERR_INVALID, "private key");
    expect_refused(S("PuTTY-User-Key-File-3: ssh-ed25519\n"), ERR_INVALID, "private key");
    expect_refused(S("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n"), ERR_INVALID, "ssh-keygen -i");
    expect_refused(S("-----BEGIN PUBLIC KEY-----\nAAAA\n"), ERR_INVALID, "ssh-keygen -i");
    expect_refused(S(ED25519 "\n" P256 "\n"), ERR_INVALID, "not one line");
    expect_refused(S("from=\"*\" " ED25519), ERR_INVALID, "not one line");
    expect_refused(S("ssh-ed25519"), ERR_INVALID, "not one line");
    expect_refused(S(""), ERR_INVALID, "not one line");
    expect_refused(S("ssh-ed25519 %%%%"), ERR_INVALID, "not one line");
    expect_refused(S("ssh-ed25519 AAAA"), ERR_INVALID, "malformed");
    SCRATCH(a);
    slice rest = slice_from(S(ED25519), S("ssh-ed25519").n);
    expect_refused(arena_printf(&a, "ssh-rsa" SLICE_FMT, SLICE_ARG(rest)), ERR_INVALID, "is not that of the key");
}

/* A blob of these parts. */
static slice blob_with(slice type, slice one, slice two, struct arena *a)
{
    slice parts[] = { type, one, two };
    slice all = S("");
    for (size_t i = 0; i < LENGTH_OF(parts) && parts[i].p; i++) {
        unsigned char length[4] = { 0, 0, (unsigned char)(parts[i].n >> 8), (unsigned char)parts[i].n };
        slice three[] = { all, { (const char *)length, 4 }, parts[i] };
        all = arena_join(a, three, 3);
    }
    return all;
}

TEST(malformed_keys_are_refused_at_every_length)
{
    for (size_t i = 0; i < LENGTH_OF(good); i++) {
        SCRATCH(a);
        struct public_key key;
        slice blob = blob_of(good[i].line, &a), with_one_more = blob;
        for (size_t n = 0; n < blob.n; n++)
            EXPECT_ERR(public_key_read_blob(arena_copy(&a, slice_part(blob, 0, n)), &a, &key), ERR_INVALID);
        slice two[] = { blob, S("x") };
        with_one_more = arena_join(&a, two, 2);
        EXPECT_ERR(public_key_read_blob(with_one_more, &a, &key), ERR_INVALID);
    }
}

TEST(numbers_and_points_have_one_form)
{
    SCRATCH(a);
    struct public_key key;
    char bytes[257];
    memset(bytes, 0xff, sizeof bytes);
    bytes[0] = 0;
    slice modulus = { bytes, 257 }, none = { 0 };
    EXPECT_OK(public_key_read_blob(blob_with(S("ssh-rsa"), S("\3"), modulus, &a), &a, &key));
    EXPECT_EQ(key.bits, 2048);
    const slice bad_exponents[] = { S(""), S("\0"), S("\1"), S("\4"), S("\0\3"), S("\x81") };
    for (size_t i = 0; i < LENGTH_OF(bad_exponents); i++)
        EXPECT_ERR(public_key_read_blob(blob_with(S("ssh-rsa"), bad_exponents[i], modulus, &a), &a, &key), ERR_INVALID);
    EXPECT_ERR(public_key_read_blob(blob_with(S("ssh-rsa"), S("\3"), slice_from(modulus, 1), &a), &a, &key),
               ERR_INVALID);
    bytes[256] = (char)0xfe; /* even */
    EXPECT_ERR(public_key_read_blob(blob_with(S("ssh-rsa"), S("\3"), modulus, &a), &a, &key), ERR_INVALID);
    bytes[256] = (char)0xff;
    bytes[1] = 0x7f; /* 2047 bits, so the zero in front is too much */
    EXPECT_ERR(public_key_read_blob(blob_with(S("ssh-rsa"), S("\3"), modulus, &a), &a, &key), ERR_INVALID);
    EXPECT_ERR(public_key_read_blob(blob_with(S("ssh-rsa"), S("\3"), slice_from(modulus, 1), &a), &a, &key),
               ERR_UNSUPPORTED);
    char *large = arena_alloc(&a, 4096);
    memset(large, 0x7f, 4096);
    EXPECT_ERR(public_key_read_blob(blob_with(S("ssh-rsa"), S("\3"), (slice){ large, 2049 }, &a), &a, &key),
               ERR_UNSUPPORTED);
    char point[65] = { 2 };
    EXPECT_ERR(
        public_key_read_blob(blob_with(S("ecdsa-sha2-nistp256"), S("nistp256"), (slice){ point, 65 }, &a), &a, &key),
        ERR_INVALID);
    point[0] = 4;
    EXPECT_OK(
        public_key_read_blob(blob_with(S("ecdsa-sha2-nistp256"), S("nistp256"), (slice){ point, 65 }, &a), &a, &key));
    EXPECT_ERR(
        public_key_read_blob(blob_with(S("ecdsa-sha2-nistp256"), S("nistp384"), (slice){ point, 65 }, &a), &a, &key),
        ERR_INVALID);
    EXPECT_ERR(public_key_read_blob(blob_with(S("ssh-ed25519"), (slice){ point, 31 }, none, &a), &a, &key),
               ERR_INVALID);
}

RUN_TESTS(cmocka_unit_test(each_accepted_key_has_the_fingerprint_that_ssh_keygen_prints),
          cmocka_unit_test(weak_keys_and_keys_of_other_kinds_are_refused_with_a_reason),
          cmocka_unit_test(files_of_another_form_are_refused_with_what_to_do),
          cmocka_unit_test(malformed_keys_are_refused_at_every_length),
          cmocka_unit_test(numbers_and_points_have_one_form))
