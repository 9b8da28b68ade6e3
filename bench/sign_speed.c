/* SPDX-License-Identifier: Apache-2.0 */
/* How long the check of a signature takes, and how fast checksums are. Without I/O: CPU time of one core.
 *
 *   sign-speed [rounds 200000] */
#include "base/crc.h"
#include "sign/chunks.h"
#include "sign/form_policy.h"
#include "sign/sigv2.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOW ((int64_t)1369353600000)
#define SECRET S("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

static uint64_t rounds = 200000;

static void must(enum sign_fault fault)
{
    if (!fault)
        return;
    fprintf(stderr, "%s\n", sign_fault_text(fault));
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void report(const char *what, int64_t start_us, uint64_t count)
{
    printf("%-44s %7.2f us\n", what, (double)(now_us() - start_us) / (double)count);
}

/* Does what a server does, without the look-up of the key: parse the signature, then verify it. */
static void check_requests(const char *what, const struct sign_request *r, const struct sigv4_key *key)
{
    int64_t start_us = now_us();
    for (uint64_t i = 0; i < rounds; i++) {
        char memory[8192];
        struct arena a;
        struct sigv4 claim;
        arena_init_with(&a, memory, sizeof memory);
        must(sigv4_parse(r, S("us-east-1"), &a, &claim, NULL));
        must(key ? sigv4_verify_with_key(&claim, r, key, NOW, &a, NULL)
                 : sigv4_verify(&claim, r, SECRET, NOW, &a, NULL));
        arena_release(&a);
    }
    report(what, start_us, rounds);
}

static void measure_header_form(const struct sigv4_signer *who, struct arena *a)
{
    struct sign_pair headers[] = {
        { S("Host"), S("files.example.org") },
        { S("Content-Type"), S("application/octet-stream") },
        { S("User-Agent"), S("aws-sdk-js/3.1169.0 ua/2.1 os/linux lang/js md/nodejs") },
        { S("amz-sdk-invocation-id"), S("b2f4b3d2-4d3e-4b6a-9c53-1c1f4f0e9f11") },
        { S("amz-sdk-request"), S("attempt=1; max=3") },
        { S("x-amz-checksum-crc32"), S("NhCmhg==") },
        { S("x-amz-sdk-checksum-algorithm"), S("CRC32") },
        { S("x-amz-user-agent"), S("aws-sdk-js/3.1169.0") },
        { S("content-length"), S("4096") },
        { S("x-amz-content-sha256"), S("") },
        { S("x-amz-date"), S("") },
        { S("authorization"), S("") },
    };
    const struct sign_pair query[] = { { S("x-id"), S("PutObject") } };
    struct sign_request r = { S("PUT"), S("/bucket/data/enterprise/1/9001/nota%20fiscal.csv"), query, 1, headers, 9 };
    struct sigv4_signed s;
    must(sigv4_sign(who, &r, S("UNSIGNED-PAYLOAD"), NOW, a, &s));
    headers[9].value = S("UNSIGNED-PAYLOAD");
    headers[10].value = s.timestamp;
    headers[11].value = s.authorization;
    r.header_count = 12;
    check_requests("header form, 11 signed headers", &r, NULL);
    check_requests("header form, key kept", &r, &s.key);
    int64_t start_us = now_us();
    r.header_count = 9;
    for (uint64_t i = 0; i < rounds; i++) {
        SCRATCH(each);
        must(sigv4_sign(who, &r, S("UNSIGNED-PAYLOAD"), NOW, &each, &s));
    }
    report("signing the header form", start_us, rounds);
}

static void measure_links(const struct sigv4_signer *who, struct arena *a)
{
    const struct sign_pair headers[] = { { S("Host"), S("files.example.org") }, { S("Accept"), S("*/*") } };
    struct sign_request r = { .method = S("PUT"),
                              .path = S("/bucket/656794c8b147c21eb9813610/import/a.cc5txt"),
                              .headers = headers,
                              .header_count = 1 };
    struct sign_pair query[8];
    slice text, piece;
    must(sigv4_sign_link(who, &r, 900, NOW, a, &text));
    for (bool more = true; more; r.query_count++) {
        more = slice_cut(text, '&', &piece, &text);
        slice_cut(piece, '=', &query[r.query_count].name, &query[r.query_count].value);
    }
    r.query = query;
    r.header_count = 2;
    struct sigv4_key key;
    sigv4_key_derive(SECRET, S("20130524"), S("us-east-1"), &key);
    check_requests("link", &r, NULL);
    check_requests("link, key kept", &r, &key);
}

static void measure_form_policies(const struct sigv4_signer *who, struct arena *a)
{
    const struct policy_condition conditions[] = {
        { .name = S("bucket"), .value = S("runrunit") },
        { .name = S("key"), .value = S("data/enterprise/1/9001/nota.csv") },
        { .kind = POLICY_LENGTH, .min_bytes = 22, .max_bytes = 22 },
        { .name = S("success_action_status"), .value = S("201") },
        { .name = S("x-amz-algorithm"), .value = S("AWS4-HMAC-SHA256") },
        { .name = S("x-amz-credential"), .value = sigv4_credential(a, who, NOW) },
        { .name = S("x-amz-date"), .value = sigv4_timestamp(a, NOW) },
    };
    slice text = policy_build(a, NOW + 1000, conditions, LENGTH_OF(conditions));
    const struct sign_pair fields[] = {
        { S("key"), conditions[1].value },
        { S("Policy"), text },
        { S("X-Amz-Algorithm"), conditions[4].value },
        { S("X-Amz-Credential"), conditions[5].value },
        { S("X-Amz-Date"), conditions[6].value },
        { S("X-Amz-Signature"), policy_v4_sign(a, who, text, NOW) },
        { S("success_action_status"), S("201") },
    };
    const struct policy_form form = { .bucket = S("runrunit"), .fields = fields, .field_count = LENGTH_OF(fields) };
    int64_t start_us = now_us();
    for (uint64_t i = 0; i < rounds; i++) {
        SCRATCH(each);
        struct sigv4 claim;
        struct policy p;
        must(policy_v4_parse(fields, LENGTH_OF(fields), S(""), &each, &claim, NULL));
        must(policy_v4_verify(&claim, text, SECRET));
        must(policy_parse(text, &each, &p, NULL));
        must(policy_check(&p, &form, NOW, NULL));
    }
    report("form policy: signature, JSON, conditions", start_us, rounds);
    start_us = now_us();
    for (uint64_t i = 0; i < rounds; i++) {
        SCRATCH(each);
        struct sigv4 claim;
        must(policy_v4_parse(fields, LENGTH_OF(fields), S(""), &each, &claim, NULL));
        must(policy_v4_verify(&claim, text, SECRET));
    }
    report("form policy, its signature alone", start_us, rounds);
    start_us = now_us();
    for (uint64_t i = 0; i < rounds; i++) {
        SCRATCH(each);
        policy_v4_sign(&each, who, policy_build(&each, NOW + 1000, conditions, LENGTH_OF(conditions)), NOW);
    }
    report("making and signing a form policy", start_us, rounds);
}

static void report_rate(const char *what, int64_t start_us, size_t bytes)
{
    printf("%-44s %7.2f GB/s\n", what, (double)bytes / 1000.0 / (double)(now_us() - start_us));
}

static void measure_bodies(void)
{
    enum { BYTES = 1 << 20, TIMES = 500 };
    slice data = { must_malloc(BYTES), BYTES }, in, out;
    uint64_t crc = 0;
    int64_t start_us = now_us();
    for (int i = 0; i < TIMES; i++)
        crc = crc32_update((uint32_t)crc, data);
    report_rate("CRC-32", start_us, (size_t)BYTES * TIMES);
    start_us = now_us();
    for (int i = 0; i < TIMES; i++)
        crc = crc64nvme_update(crc, data);
    report_rate("CRC-64/NVME", start_us, (size_t)BYTES * TIMES);
    for (int mode = CHUNKS_SIGNED; mode <= CHUNKS_UNSIGNED_TRAILER; mode += 2) {
        struct chunks_seed seed = { .mode = (enum chunks_mode)mode,
                                    .timestamp = S("20130524T000000Z"),
                                    .scope = S("20130524/us-east-1/s3/aws4_request"),
                                    .signature =
                                        S("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9") };
        struct chunks_writer w;
        struct buf body = { 0 };
        chunks_writer_init(&w, &seed);
        for (size_t at = 0; at < BYTES; at += 65536)
            chunks_write(&w, slice_part(data, at, 65536), &body);
        chunks_write_end(&w, NULL, 0, &body);
        start_us = now_us();
        for (int i = 0; i < TIMES / 5; i++) {
            struct chunks_reader *r = chunks_reader_new(&seed, BYTES, S(""));
            for (in = buf_slice(&body); in.n;)
                must(chunks_read(r, &in, &out));
            must(chunks_end(r));
            chunks_reader_free(r);
        }
        report_rate(mode == CHUNKS_SIGNED ? "signed chunks of 64 KiB, read" : "unsigned chunks of 64 KiB, read",
                    start_us, (size_t)BYTES * (TIMES / 5));
        buf_release(&body);
    }
    free((void *)(uintptr_t)data.p);
    if (crc == 1)
        puts("");
}

int main(int argc, char **argv)
{
    SCRATCH(a);
    const struct sigv4_signer who = { S("AKIAIOSFODNN7EXAMPLE"), SECRET, S("us-east-1") };
    if (argc > 1 && (!slice_to_u64(slice_of(argv[1]), &rounds) || rounds == 0)) {
        fputs("sign-speed [rounds]\n", stderr);
        return 2;
    }
    measure_header_form(&who, &a);
    measure_links(&who, &a);
    measure_form_policies(&who, &a);
    measure_bodies();
    return 0;
}
