/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/auth_header.h"

#include <string.h>

static void expect_credentials(slice value, slice scheme, slice credentials)
{
    SCRATCH(a);
    struct auth_header h;
    EXPECT_OK(auth_header_parse(value, &a, &h));
    EXPECT(auth_header_is(&h, scheme));
    EXPECT_SLICE(h.credentials, credentials);
}

TEST(a_scheme_has_any_case_and_a_token_may_have_none)
{
    expect_credentials(S("Bearer c1f0-._~+/=="), S("bearer"), S("c1f0-._~+/=="));
    expect_credentials(S(" bEARER \t abc "), S("Bearer"), S("abc"));
    expect_credentials(S("c1f0abc"), S(""), S("c1f0abc"));
    expect_credentials(S("Basic dXNlcjpwYXNz"), S("BASIC"), S("dXNlcjpwYXNz"));
    expect_credentials(S("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00"), S("AWS4-HMAC-SHA256"),
                       S("Credential=a/b, SignedHeaders=host, Signature=00"));
}

TEST(a_scheme_without_credentials_is_anonymous)
{
    SCRATCH(a);
    struct auth_header h;
    const slice values[] = { S(""), S("  "), S("Bearer"), S("bearer "), S("BASIC\t") };
    for (size_t i = 0; i < LENGTH_OF(values); i++)
        EXPECT_ERR(auth_header_parse(values[i], &a, &h), ERR_EMPTY);
}

TEST(malformed_tokens_are_refused)
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

RUN_TESTS(cmocka_unit_test(a_scheme_has_any_case_and_a_token_may_have_none),
          cmocka_unit_test(a_scheme_without_credentials_is_anonymous), cmocka_unit_test(malformed_tokens_are_refused))
