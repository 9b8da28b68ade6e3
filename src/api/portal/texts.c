/* SPDX-License-Identifier: Apache-2.0 */
#include "api/portal/portal_priv.h"

static const char *const texts[PORTAL_TEXTS][PAGE_LANGUAGES] = {
#define TEXT(NAME, ...) [PORTAL_TEXT_##NAME] = { __VA_ARGS__ },
#include "api/portal/texts.def"
#undef TEXT
};

slice portal_text(enum page_language language, enum portal_text text)
{
    return slice_of(texts[text][language]);
}
