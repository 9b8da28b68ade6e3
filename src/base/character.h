/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of Unicode in UTF-8, one at a time. Thread: any. */
#ifndef CAIS_BASE_CHARACTER_H
#define CAIS_BASE_CHARACTER_H

#include "base/slice.h"

/* The character that a well-formed sequence of n bytes encodes, 1 to 4. */
uint32_t character_decode(const char *p, size_t n);
/* The first character of the text, and its length in bytes. *ret_length 0: the text does not begin with well-formed UTF-8. */
uint32_t character_first(slice text, size_t *ret_length);
/* A control character (C0, DEL, C1). */
bool character_is_control(uint32_t c);
/* A blank of any width (category Zs of Unicode), and those line ends that are no control characters. */
bool character_is_blank(uint32_t c);
/* Nothing is seen of it, or it changes how the text around it is shown: marks and overrides of the direction, joiners, fillers, variation
 * selectors, tags, the soft hyphen, the byte order mark, annotations. Control characters and blanks are none of them. */
bool character_is_invisible(uint32_t c);

#endif
