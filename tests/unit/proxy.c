/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "http/proxy.h"

static struct proxies *trusted(struct arena *a)
{
    static const char *const list[] = { "10.0.0.0/8", "fd00::1", NULL };
    struct proxies *p;
    EXPECT_OK(proxies_parse(list, a, &p));
    return p;
}

TEST(the_client_is_the_last_address_that_is_no_trusted_proxy)
{
    SCRATCH(a);
    struct proxies *p = trusted(&a);
    EXPECT_SLICE(proxies_client(p, "10.1.1.1", S("1.2.3.4, 5.6.7.8, fd00::1"), &a), S("5.6.7.8"));
    EXPECT_SLICE(proxies_client(p, "10.1.1.1", S("1.2.3.4, no address, 10.9.9.9"), &a), S("10.9.9.9"));
    EXPECT_SLICE(proxies_client(p, "10.1.1.1", S(""), &a), S("10.1.1.1"));
    proxies_free(p);
}

TEST(an_address_with_nul_was_trusted)
{
    SCRATCH(a);
    struct proxies *p = trusted(&a);
    EXPECT_SLICE(proxies_client(p, "10.1.1.1", S("1.2.3.4, 10.0.0.9\0, 10.0.0.8"), &a), S("10.0.0.8"));
    EXPECT_SLICE(proxies_client(p, "10.1.1.1", S("5.6.7.8\0 forged"), &a), S("10.1.1.1"));
    proxies_free(p);
}

RUN_TESTS(cmocka_unit_test(the_client_is_the_last_address_that_is_no_trusted_proxy),
          cmocka_unit_test(an_address_with_nul_was_trusted))
