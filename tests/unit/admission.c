/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/address.h"
#include "base/admission.h"
#include "cli/descriptors.h"

#include <stdio.h>

TEST(one_ipv6_network_took_every_connection)
{
    struct admission d;
    admission_init(&d, 1000, 10);
    char address[ADDRESS_TEXT_BYTES];
    int entered = 0;
    for (int i = 0; i < 500; i++) {
        snprintf(address, sizeof address, "2001:db8:1:2::%x", i);
        entered += admission_enter(&d, address, ADMISSION_BY_ADDRESS);
    }
    EXPECT_EQ(entered, 10);
    EXPECT(admission_enter(&d, "2001:db8:1:3::1", ADMISSION_BY_ADDRESS));
    admission_leave(&d, "2001:db8:1:2::1", ADMISSION_BY_ADDRESS); /* any address of the network gives one back */
    EXPECT(admission_enter(&d, "2001:db8:1:2:ffff::1", ADMISSION_BY_ADDRESS));
    EXPECT(!admission_enter(&d, "2001:db8:1:2:ffff::2", ADMISSION_BY_ADDRESS));
    admission_release(&d);
}

TEST(ipv4_addresses_are_counted_one_by_one_also_when_they_are_mapped)
{
    EXPECT(address_network(S("1.2.3.4")) != address_network(S("1.2.3.5")));
    EXPECT(address_network(S("1.2.3.4")) == address_network(S("::ffff:1.2.3.4")));
    EXPECT(address_network(S("1.2.3.4")) != address_network(S("::1.2.3.4")));
    EXPECT(address_network(S("2001:db8::1")) == address_network(S("2001:db8::2:3:4:5")));
    EXPECT(address_network(S("2001:db8::1")) != address_network(S("2001:db8:0:1::1")));
    EXPECT_EQ(address_network(S("1.2.3.4\0")), 0);
    EXPECT_EQ(address_network(S("unix")), 0);
    EXPECT_EQ(address_network(S("")), 0);
}

TEST(the_operator_was_locked_out_by_the_total_cap)
{
    struct admission d;
    admission_init(&d, 5, 0);
    for (int i = 0; i < 5; i++)
        EXPECT(admission_enter(&d, "1.2.3.4", ADMISSION_BY_ADDRESS));
    EXPECT(!admission_enter(&d, "5.6.7.8", ADMISSION_BY_ADDRESS));
    EXPECT(!admission_enter(&d, "unix", ADMISSION_IN_TOTAL));
    for (int i = 0; i < ADMISSION_APART_MAX; i++)
        EXPECT(admission_enter(&d, "unix", ADMISSION_APART));
    EXPECT(!admission_enter(&d, "unix", ADMISSION_APART)); /* nor can an operator's programs use all descriptors */
    admission_leave(&d, "unix", ADMISSION_APART);
    EXPECT(admission_enter(&d, "unix", ADMISSION_APART));
    EXPECT(!admission_enter(&d, "5.6.7.8", ADMISSION_BY_ADDRESS));
    admission_leave(&d, "1.2.3.4", ADMISSION_BY_ADDRESS);
    EXPECT(admission_enter(&d, "5.6.7.8", ADMISSION_BY_ADDRESS));
    admission_release(&d);
}

TEST(the_table_of_networks_forgets_those_without_connections)
{
    struct admission d;
    admission_init(&d, 1000, 10);
    char address[ADDRESS_TEXT_BYTES];
    for (int i = 0; i < 10000; i++) {
        snprintf(address, sizeof address, "2001:db8:%x::1", i);
        EXPECT(admission_enter(&d, address, ADMISSION_BY_ADDRESS));
        admission_leave(&d, address, ADMISSION_BY_ADDRESS);
    }
    EXPECT(d.slot_count <= 64);
    admission_release(&d);
}

TEST(connections_leave_descriptors_for_the_database_and_the_operator)
{
    EXPECT_EQ(descriptors_for_connections(500, 24), 0);
    size_t fit = descriptors_for_connections(20000, 24);
    EXPECT(fit > 9000 && 2 * fit + 257 + 6 * 24 + 2 * ADMISSION_APART_MAX < 20000);
    EXPECT(descriptors_for_connections(41000, 24) >= 20000);
}

RUN_TESTS(cmocka_unit_test(one_ipv6_network_took_every_connection),
          cmocka_unit_test(ipv4_addresses_are_counted_one_by_one_also_when_they_are_mapped),
          cmocka_unit_test(the_operator_was_locked_out_by_the_total_cap),
          cmocka_unit_test(the_table_of_networks_forgets_those_without_connections),
          cmocka_unit_test(connections_leave_descriptors_for_the_database_and_the_operator))
