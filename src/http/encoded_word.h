/* SPDX-License-Identifier: Apache-2.0 */
/* Text outside ASCII in header values that may have ASCII only, as encoded words: =?UTF-8?B?Y2Fmw6k=?=. Pure functions.
 * Spec: RFC 2047 sections 2, 4 and 6.2. */
#ifndef CAIS_HTTP_ENCODED_WORD_H
#define CAIS_HTTP_ENCODED_WORD_H

#include "base/arena.h"

/* The value with its encoded words decoded, in UTF-8; blanks between two words belong to neither. Words must be separated by blanks
 * from other text. A word that is malformed, or of another character set than UTF-8, US-ASCII and ISO-8859-1, stays as it is. The
 * result may have control characters. It is the value itself if there is no word, else it lives in `a`. */
slice encoded_words_decode(slice value, struct arena *a);
/* The text as encoded words of at most 75 characters each, if it has a byte outside ASCII; else the text itself. Text that is no
 * UTF-8 is named ISO-8859-1, so that no byte is lost. */
slice encoded_words_encode(slice text, struct arena *a);

#endif
