/* SPDX-License-Identifier: Apache-2.0 */
#include "http/language.h"

#include "http/field.h"

enum { WEIGHT_MAX = 1000 };

static slice primary_subtag(slice tag)
{
    slice primary, rest;
    slice_cut(tag, '-', &primary, &rest);
    return primary;
}

/* qvalue: 0 to 1 with at most three decimals, in thousandths; -1: it is none. */
static int parse_weight(slice text)
{
    int weight = 0, scale = WEIGHT_MAX;
    if (text.n < 1 || text.n > 5 || (text.n > 1 && text.p[1] != '.'))
        return -1;
    for (size_t i = 0; i < text.n; i++) {
        if (i == 1)
            continue;
        if (text.p[i] < '0' || text.p[i] > '9')
            return -1;
        weight += (text.p[i] - '0') * scale;
        scale /= 10;
    }
    return weight <= WEIGHT_MAX ? weight : -1;
}

static int weight_of(slice params)
{
    struct field_params rest = { .rest = params };
    slice name, value;
    int weight = WEIGHT_MAX;
    while (field_params_next(&rest, &name, &value))
        if (slice_eq_nocase(name, S("q")))
            weight = parse_weight(value);
    return rest.broken ? -1 : weight;
}

size_t language_choose(slice header, const slice *offered, size_t count)
{
    size_t best = 0;
    int best_weight = 0;
    slice item, tag, params;
    while (field_list_next(&header, &item)) {
        size_t at = slice_find_byte(item, ';');
        tag = primary_subtag(slice_trim(slice_part(item, 0, at == SLICE_NONE ? item.n : at)));
        params = slice_from(item, at == SLICE_NONE ? item.n : at);
        int weight = weight_of(params);
        for (size_t i = 0; i < count; i++)
            if (weight > best_weight && slice_eq_nocase(tag, primary_subtag(offered[i]))) {
                best = i;
                best_weight = weight;
            }
    }
    return best;
}
