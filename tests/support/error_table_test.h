/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CAIS_TESTS_ERROR_TABLE_TEST_H
#define CAIS_TESTS_ERROR_TABLE_TEST_H

#include "api/kit/error_table.h"

/* Every error that the API can meet has a row: every code, every refusal of the engine, and every rule of core but those of
 * the groups that it never meets, which have none. Every row has a status of an error, a code, and words. */
void expect_complete_error_table(const struct error_table *);

#endif
