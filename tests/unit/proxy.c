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

static void expect_client(const struct proxies *p, slice forwarded_for, slice want, size_t want_behind)
{
    SCRATCH(a);
    size_t behind;
    EXPECT_SLICE(proxies_client(p, "10.1.1.1", forwarded_for, &a, &behind), want);
    EXPECT_EQ(behind, want_behind);
}

TEST(the_client_is_the_last_address_that_is_no_trusted_proxy)
{
    SCRATCH(a);
    struct proxies *p = trusted(&a);
    expect_client(p, S("1.2.3.4, 5.6.7.8, fd00::1"), S("5.6.7.8"), 1);
    expect_client(p, S("1.2.3.4, no address, 10.9.9.9"), S("10.9.9.9"), 0);
    expect_client(p, S(""), S("10.1.1.1"), 0);
    proxies_free(p);
}

TEST(an_address_with_nul_was_trusted)
{
    SCRATCH(a);
    struct proxies *p = trusted(&a);
    expect_client(p, S("1.2.3.4, 10.0.0.9\0, 10.0.0.8"), S("10.0.0.8"), 0);
    expect_client(p, S("5.6.7.8\0 forged"), S("10.1.1.1"), 0);
    proxies_free(p);
}

/* Azure's gateway and IIS write the port. The log named the proxy, and its address was counted in limits. */
TEST(an_address_with_a_port_was_no_address)
{
    SCRATCH(a);
    struct proxies *p = trusted(&a);
    expect_client(p, S("203.0.113.7:51234"), S("203.0.113.7"), 0);
    expect_client(p, S("[2001:db8::1]:443"), S("2001:db8::1"), 0);
    expect_client(p, S("[2001:db8::1]"), S("2001:db8::1"), 0);
    expect_client(p, S("2001:db8::1:443"), S("2001:db8::1:443"), 0);
    expect_client(p, S("6.6.6.6, 203.0.113.7:51234, 10.0.0.9:80, [fd00::1]:65535"), S("203.0.113.7"), 2);
    static const char *const bad[] = { "203.0.113.7:",
                                       "203.0.113.7:x",
                                       "203.0.113.7:65536",
                                       "203.0.113.7:1:2",
                                       "[203.0.113.7]:80",
                                       "[::1",
                                       "[::1]80",
                                       "[::1]:",
                                       "[::1]:x",
                                       "[]",
                                       "::1]:80",
                                       "[[::1]]",
                                       "\"203.0.113.7\"",
                                       "unknown",
                                       ":80",
                                       "_hidden",
                                       "2001:db8::1]:80",
                                       "203.0.113.7:-1",
                                       "[fe80::1%eth0]",
                                       "[::1] :80" };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        expect_client(p, slice_of(bad[i]), S("10.1.1.1"), 0);
    proxies_free(p);
}

/* Two proxies that both append: "https, https". Links in replies then began with http. */
TEST(a_list_of_schemes_was_no_https)
{
    EXPECT(forwarded_is_https(S("https"), 0));
    EXPECT(forwarded_is_https(S("https, https"), 0) && forwarded_is_https(S("HTTPS,https"), 1));
    EXPECT(forwarded_is_https(S("https, http"), 1));
    EXPECT(!forwarded_is_https(S("http, https"), 1));
    EXPECT(forwarded_is_https(S("https"), 3) && !forwarded_is_https(S("http"), 3));
    EXPECT(!forwarded_is_https(S(""), 0) && !forwarded_is_https(S("wss"), 0) && !forwarded_is_https(S("https,"), 0));
    /* what a client has written in front of the elements of trusted proxies */
    EXPECT(!forwarded_is_https(S("https, http"), 0) && !forwarded_is_https(S("https, http, https"), 1));
}

RUN_TESTS(cmocka_unit_test(the_client_is_the_last_address_that_is_no_trusted_proxy),
          cmocka_unit_test(an_address_with_nul_was_trusted), cmocka_unit_test(an_address_with_a_port_was_no_address),
          cmocka_unit_test(a_list_of_schemes_was_no_https))
