/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/auth_header.h"

#include <string.h>

static void reads_as(slice value, slice scheme, slice credentials)
{
    SCRATCH(a);
    struct auth_header h;
    EXPECT_OK(auth_header_parse(value, &a, &h));
    EXPECT(auth_header_is(&h, scheme));
    EXPECT_SLICE(h.credentials, credentials);
}

TEST(schemes_in_any_case_and_bare_tokens)
{
    reads_as(S("Bearer c1f0-._~+/=="), S("bearer"), S("c1f0-._~+/=="));
    reads_as(S(" bEARER \t abc "), S("Bearer"), S("abc"));
    reads_as(S("c1f0abc"), S(""), S("c1f0abc"));
    reads_as(S("Basic dXNlcjpwYXNz"), S("BASIC"), S("dXNlcjpwYXNz"));
    reads_as(S("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00"), S("AWS4-HMAC-SHA256"),
             S("Credential=a/b, SignedHeaders=host, Signature=00"));
}

TEST(a_scheme_alone_is_nobody)
{
    SCRATCH(a);
    struct auth_header h;
    const slice values[] = { S(""), S("  "), S("Bearer"), S("bearer "), S("BASIC\t") };
    for (size_t i = 0; i < LENGTH_OF(values); i++)
        EXPECT_ERR(auth_header_parse(values[i], &a, &h), ERR_EMPTY);
}

TEST(what_cannot_be_a_token_is_refused)
{
    SCRATCH(a);
    struct auth_header h;
    const slice values[] = { S("Bearer a b"), S("Bearer a\"b"), S("Bearer a\nb"), S("Bearer a\0b"), S("Bearer ж"),
                             S("Bearer ="),   S("Bearer a=b"),  S("a,b"),         S("x:y z"),       S("Bearer\x7f") };
    for (size_t i = 0; i < LENGTH_OF(values); i++)
        EXPECT_ERR(auth_header_parse(values[i], &a, &h), ERR_INVALID);
    char text[AUTH_HEADER_MAX_BYTES + 1];
    memset(text, 'a', sizeof text);
    EXPECT_OK(auth_header_parse((slice){ text, sizeof text - 1 }, &a, &h));
    EXPECT_ERR(auth_header_parse((slice){ text, sizeof text }, &a, &h), ERR_INVALID);
}

RUN_TESTS(cmocka_unit_test(schemes_in_any_case_and_bare_tokens), cmocka_unit_test(a_scheme_alone_is_nobody),
          cmocka_unit_test(what_cannot_be_a_token_is_refused))
