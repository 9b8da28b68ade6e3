/* SPDX-License-Identifier: Apache-2.0 */
#include "core/access/login_name.h"

#include "base/character.h"

enum unwanted { NOTHING_UNWANTED, NOT_UTF8, CONTROL, BLANK, INVISIBLE };

static enum unwanted find_unwanted(slice text)
{
    while (text.n) {
        size_t length;
        uint32_t c = character_first(text, &length);
        if (!length)
            return NOT_UTF8;
        if (character_is_control(c))
            return CONTROL;
        if (character_is_invisible(c))
            return INVISIBLE;
        if (character_is_blank(c))
            return BLANK;
        text = slice_from(text, length);
    }
    return NOTHING_UNWANTED;
}

err_t login_name_check(slice login, struct arena *a)
{
    enum unwanted found = find_unwanted(login);
    if (found == INVISIBLE)
        return err_make(a, ERR_INVALID,
                        "a login has no invisible characters, and none that change the direction of the text");
    return login.n && login.n <= LOGIN_NAME_MAX && !found
               ? NULL
               : err_make(a, ERR_INVALID, "a login is 1 to %d bytes of UTF-8 without blanks or control characters",
                          LOGIN_NAME_MAX);
}

err_t login_address_check(slice address, size_t max, struct arena *a)
{
    enum unwanted found = find_unwanted(address);
    if (address.n <= max && (!found || found == BLANK))
        return NULL;
    return err_make(a, ERR_INVALID,
                    "name and e-mail are at most %zu bytes of UTF-8 without control characters, and an"
                    " e-mail has no invisible ones",
                    max);
}
