/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for a new password at the terminal: twice, and without showing it. */
#ifndef CAIS_CLI_PASSWORD_PROMPT_H
#define CAIS_CLI_PASSWORD_PROMPT_H

#include "base/err.h"

#include <stdio.h>

/* Standard input is a terminal. The prompts go to `out`. A signal that ends the command restores the terminal first.
 *
 * login  whose password it is, for the prompt
 * ret    in `a`, without a line end; may be empty
 * Errors: INVALID the second one differs; UNAVAILABLE */
MUST_USE err_t password_prompt(slice login, FILE *out, struct arena *a, slice *ret);

#endif
