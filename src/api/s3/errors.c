/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of errors.def, and the errors that stand for their rows. */
#include "api/s3/errors_priv.h"

#include "base/buf.h"

#include <assert.h>

#define PLACE S("{}") /* of a value in a text */
#define NUMBER(row) (S3_##row - ERR_REASONS_API)

#define ERROR_LIST "api/s3/errors.def"
#include "api/kit/error_tables.def"
const struct error_table s3_errors = ERROR_TABLE;

static const unsigned char faults[SIGN_FAULT_COUNT][3] = {
#define FAULT(fault, header, link)                                                                                     \
    [SIGN_##fault][S3_IN_HEADER] = NUMBER(header), [SIGN_##fault][S3_IN_LINK] = NUMBER(link),
#define FORM_FAULT(fault, row) [SIGN_##fault][S3_IN_FORM] = NUMBER(row),
#include "api/s3/errors.def"
};

static slice filled_text(struct arena *a, slice text, const slice *values, size_t count)
{
    SCOPED(buf_releasep) struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < count; i++) {
        size_t at = slice_find(text, PLACE);
        assert(at != SLICE_NONE);
        buf_add(&b, slice_part(text, 0, at));
        buf_add(&b, values[i]);
        text = slice_from(text, at + PLACE.n);
    }
    assert(slice_find(text, PLACE) == SLICE_NONE);
    buf_add(&b, text);
    return arena_copy(a, buf_slice(&b));
}

err_t s3_refuse_at(struct arena *a, const char *where, enum s3_error row, const slice *values, size_t count)
{
    struct err *e = arena_new(a, struct err);
    *e = *error_refuse_at(a, where, &s3_errors, NULL, row);
    if (count)
        e->msg = arena_cstr(a, filled_text(a, slice_of(e->msg), values, count));
    return e;
}

int s3_row_of_fault(enum s3_signed_in in, enum sign_fault fault)
{
    return faults[fault][in];
}

static size_t count_places(slice text)
{
    size_t n = 0;
    for (size_t at; (at = slice_find(text, PLACE)) != SLICE_NONE; n++)
        text = slice_from(text, at + PLACE.n);
    return n;
}

err_t s3_refuse_fault_at(struct arena *a, const char *where, enum s3_signed_in in, enum sign_fault fault, slice about)
{
    int row = s3_row_of_fault(in, fault);
    assert(row);
    const slice values[] = { slice_of(sign_fault_text(fault)), about };
    return s3_refuse_at(a, where, (enum s3_error)(ERR_REASONS_API + row), values,
                        count_places(slice_of(rows[row].text)));
}

struct error_row s3_words(err_t e)
{
    struct error_row words = error_words(&s3_errors, e);
    if (e->reason > ERR_REASONS_API) /* it has the text of its row, with the values filled in */
        words.text = e->msg;
    return words;
}
