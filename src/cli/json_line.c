/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json_line.h"

void json_line_open(struct json_line *l)
{
    buf_init(&l->text, 0);
    json_out_init(&l->o, &l->text);
    json_open_object(&l->o);
}

void json_line_print(struct json_line *l, FILE *out)
{
    json_close_object(&l->o);
    fprintf(out, SLICE_FMT "\n", SLICE_ARG(buf_slice(&l->text)));
    buf_release(&l->text);
}
