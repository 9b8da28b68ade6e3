/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object on one line, the output of commands with --json. */
#ifndef CAIS_CLI_JSON_LINE_H
#define CAIS_CLI_JSON_LINE_H

#include "base/json.h"

#include <stdio.h>

struct json_line {
    struct buf text;
    struct json_out o; /* for the members of the object; writes into text */
};

void json_line_open(struct json_line *l);
void json_line_print(struct json_line *l, FILE *out); /* closes the object and frees the text */

#endif
