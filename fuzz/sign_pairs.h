/* SPDX-License-Identifier: Apache-2.0 */
/* Names and values of the requests that the targets of signatures read from their inputs. */
#ifndef CAIS_FUZZ_SIGN_PAIRS_H
#define CAIS_FUZZ_SIGN_PAIRS_H

#include "sign/sign.h"

#define PAIRS_MAX 200

struct pairs {
    struct sign_pair list[PAIRS_MAX + 1]; /* one more, which a target may add */
    size_t count;
};

static inline void cut_pairs(slice text, char between, char inside, struct pairs *to)
{
    slice piece;
    for (bool more = text.n > 0; more && to->count < PAIRS_MAX;) {
        more = slice_cut(text, between, &piece, &text);
        if (piece.n == 0)
            continue;
        struct sign_pair *p = &to->list[to->count++];
        slice_cut(piece, inside, &p->name, &p->value);
    }
}

#endif
