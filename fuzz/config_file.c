/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file, and the same text as one assignment of --set. A value is accepted or refused with a message that names
 * the place; control characters of the file never reach the terminal. */
#include "fuzz.h"

#include "cli/config.h"

static void check_error(err_t e)
{
    for (; e; e = e->cause) {
        HOLDS(e->code == ERR_INVALID || e->code == ERR_TOO_LARGE);
        for (const char *p = e->msg; *p; p++)
            HOLDS((unsigned char)*p >= ' ' && *p != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    struct config c;
    config_init(&c, &a);
    slice text = fuzz_slice(data, size);
    err_t e = config_read_text(&c, text, "cais.ini");
    if (!e)
        e = config_check(&c);
    check_error(e);
    if (size < 1000)
        check_error(config_assign(&c, CONFIG_SET, text, "--set"));
    return 0;
}
