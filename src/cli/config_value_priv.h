/* SPDX-License-Identifier: Apache-2.0 */
/* How the text of one value is checked and parsed, by the type of its key. Bad values are INVALID errors that name the
 * origin, the key, the value, and what is allowed. */
#ifndef CAIS_CLI_CONFIG_VALUE_PRIV_H
#define CAIS_CLI_CONFIG_VALUE_PRIV_H

#include "base/config_key.h"
#include "base/err.h"

/* A value as it was given: its key, its text, and its source ("cais.ini:12", "--listen"). */
struct config_given {
    const struct config_key *key;
    slice text;
    const char *origin;
};
/* Parse a value that is not a list, and write it to the member `to`. */
MUST_USE err_t config_value_set(struct arena *a, const struct config_given *, void *to);
/* Add the items of a list to those that `list` has. Commas separate the items; blanks do too, except between paths,
 * which may contain them. */
MUST_USE err_t config_list_add(struct arena *a, const struct config_given *, struct config_list *list);

/* The position of `text` in "first|second|…". Returns false when it is not there. */
bool config_choice_index(slice choices, slice text, unsigned *ret);
/* "first, second, …" */
slice config_choices_text(struct arena *a, const char *choices);

#endif
