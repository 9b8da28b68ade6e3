/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a data file, in the words of docs/apis/datasnap.md 5.2. */
#ifndef CAIS_API_DATASNAP_LINE_WORDS_H
#define CAIS_API_DATASNAP_LINE_WORDS_H

#include "base/arena.h"
#include "core/dataset/line_error.h"

/* In Portuguese; UTF-8, in `a`. The fault is not LINE_FINE. */
slice line_error_words(const struct line_error *, struct arena *a);

#endif
