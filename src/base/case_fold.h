/* SPDX-License-Identifier: Apache-2.0 */
/* Names that differ only in upper and lower case have the same folded form: simple case folding of Unicode 15.0
 * (CaseFolding.txt, status C and S). It does not depend on a language, so I folds to i, and İ and ı to themselves; ß does
 * not become ss. Nothing is normalised: an accent counts, and a composed letter differs from a decomposed one.
 *
 * Folded names are stored, and compared with names that are folded later. The table is therefore a part of the source
 * and never that of the machine that builds or runs the program. */
#ifndef CAIS_BASE_CASE_FOLD_H
#define CAIS_BASE_CASE_FOLD_H

#include "base/arena.h"

/* Fold a text of well-formed UTF-8; a byte that is not part of a well-formed character stays as it is.
 *
 * text      borrowed, of any length
 * Result    in `a`, never `text` itself; from a third of its length to one and a half times its length. Folding it again
 *           changes nothing. Empty, with arena_mark_over, when `a` has no room for it.
 * Thread    any */
slice case_fold(struct arena *a, slice text);

#endif
