/* SPDX-License-Identifier: Apache-2.0 */
/* A text is taken as its digits, without the point, times a power of ten. */
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger exponents are as good as this one: no text has as many digits, and nothing that large or small is distinguished. */
#define EXPONENT_MAX (INT64_C(1) << 40)

struct number_text {
    slice whole, fraction; /* the digits before and behind the point */
    int64_t exponent;      /* what stands behind the e */
    bool is_negative;
};

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int64_t read_exponent(const char *p, const char *end)
{
    bool is_negative = *p == '-';
    if (!is_digit(*p))
        p++;
    int64_t v = 0;
    for (; p < end; p++)
        if (v < EXPONENT_MAX)
            v = v * 10 + (*p - '0');
    v = v > EXPONENT_MAX ? EXPONENT_MAX : v;
    return is_negative ? -v : v;
}

static inline struct number_text split_number(slice text)
{
    struct number_text n = { .is_negative = text.p[0] == '-' };
    const char *p = text.p + n.is_negative, *end = text.p + text.n, *from = p;
    while (p < end && is_digit(*p))
        p++;
    n.whole = (slice){ from, (size_t)(p - from) };
    n.fraction = (slice){ p, 0 };
    if (p < end && *p == '.') {
        from = ++p;
        while (p < end && is_digit(*p))
            p++;
        n.fraction = (slice){ from, (size_t)(p - from) };
    }
    if (p < end)
        n.exponent = read_exponent(p + 1, end);
    return n;
}

static inline unsigned digit_at(const struct number_text *n, size_t i)
{
    return (unsigned)(i < n->whole.n ? n->whole.p[i] - '0' : n->fraction.p[i - n->whole.n] - '0');
}

/* What the digits from `at` on are worth, as a part of the digit before them. */
enum rest { REST_NONE, REST_BELOW_HALF, REST_HALF, REST_ABOVE_HALF };

static enum rest rest_of(const struct number_text *n, int64_t at, size_t count)
{
    bool is_far = at < 0; /* there are zeros in between, so it is below half whatever it is */
    unsigned first = 0;
    size_t i = is_far ? 0 : (size_t)at;
    if (!is_far && i < count)
        first = digit_at(n, i++);
    while (i < count && digit_at(n, i) == 0)
        i++;
    bool has_more = i < count;
    if (first == 0 && !has_more)
        return REST_NONE;
    if (is_far || first < 5)
        return REST_BELOW_HALF;
    return first == 5 && !has_more ? REST_HALF : REST_ABOVE_HALF;
}

static bool append_digit(uint64_t *v, unsigned digit)
{
    return !__builtin_mul_overflow(*v, (uint64_t)10, v) && !__builtin_add_overflow(*v, (uint64_t)digit, v);
}

bool number_scale(slice text, unsigned places, enum number_rounding rounding, struct number *ret)
{
    struct number_text n = split_number(text);
    size_t count = n.whole.n + n.fraction.n;
    int64_t keep = (int64_t)n.whole.n + n.exponent + (int64_t)places; /* so many digits are whole after scaling */
    size_t kept = keep < 0 ? 0 : keep < (int64_t)count ? (size_t)keep : count;
    uint64_t v = 0;
    for (size_t i = 0; i < kept; i++)
        if (!append_digit(&v, digit_at(&n, i)))
            return false;
    for (int64_t i = (int64_t)count; v && i < keep; i++)
        if (!append_digit(&v, 0))
            return false;
    enum rest rest = keep >= (int64_t)count ? REST_NONE : rest_of(&n, keep, count);
    if (rest != REST_NONE && rounding == NUMBER_EXACT)
        return false;
    bool is_up = rounding == NUMBER_FLOOR ? rest != REST_NONE && n.is_negative
                                          : rest == REST_ABOVE_HALF || (rest == REST_HALF && v % 2);
    if (is_up && __builtin_add_overflow(v, (uint64_t)1, &v))
        return false;
    *ret = (struct number){ n.is_negative, v };
    return true;
}

/* ---- doubles */

/* The first digits as a number, and the power of ten that belongs to it. */
struct decimal {
    uint64_t digits;
    int64_t exponent;
    bool is_cut; /* there are more digits */
};

static struct decimal decimal_of(const struct number_text *n)
{
    struct decimal d = { .exponent = n->exponent - (int64_t)n->fraction.n };
    size_t count = n->whole.n + n->fraction.n, i = 0;
    for (; i < count && d.digits < UINT64_C(1000000000000000000); i++)
        d.digits = d.digits * 10 + digit_at(n, i);
    for (; i < count && !d.is_cut; i++) {
        d.is_cut = digit_at(n, i) != 0;
        d.exponent++;
    }
    return d;
}

#define POWERS 20
static const uint64_t powers_of_ten[POWERS] = { UINT64_C(1),
                                                UINT64_C(10),
                                                UINT64_C(100),
                                                UINT64_C(1000),
                                                UINT64_C(10000),
                                                UINT64_C(100000),
                                                UINT64_C(1000000),
                                                UINT64_C(10000000),
                                                UINT64_C(100000000),
                                                UINT64_C(1000000000),
                                                UINT64_C(10000000000),
                                                UINT64_C(100000000000),
                                                UINT64_C(1000000000000),
                                                UINT64_C(10000000000000),
                                                UINT64_C(100000000000000),
                                                UINT64_C(1000000000000000),
                                                UINT64_C(10000000000000000),
                                                UINT64_C(100000000000000000),
                                                UINT64_C(1000000000000000000),
                                                UINT64_C(10000000000000000000) };

__extension__ typedef unsigned __int128 wide_t;

/* digits / 10^places, digits > 0: both are shifted to the top of 64 bits, so that the quotient has 63 or 64 of them. Its
 * last bit is set when there is a remainder, which the conversion to 53 bits rounds like the whole of it. */
static double divide(uint64_t digits, unsigned places)
{
    uint64_t divisor = powers_of_ten[places];
    int up = __builtin_clzll(digits), down = __builtin_clzll(divisor);
    wide_t top = (wide_t)(digits << up) << 63;
    divisor <<= down;
    uint64_t quotient = (uint64_t)(top / divisor), is_inexact = (wide_t)quotient * divisor != top;
    return ldexp((double)(quotient | is_inexact), down - up - 63);
}

/* For the texts that are too long or too large for the above: strtod reads a shorter text, which has the same nearest double.
 * No double, and no middle between two, has more than 768 digits; so the last of more digits only says that they are
 * not all zero. */
#define DIGITS_MAX 800

static double convert_slowly(const struct number_text *n)
{
    char text[DIGITS_MAX + 32];
    size_t count = n->whole.n + n->fraction.n, i = 0, length = 0;
    while (i < count && digit_at(n, i) == 0)
        i++;
    for (; i < count && length < DIGITS_MAX; i++)
        text[length++] = (char)('0' + digit_at(n, i));
    int64_t exponent = n->exponent - (int64_t)n->fraction.n + (int64_t)(count - i);
    if (rest_of(n, (int64_t)i, count) != REST_NONE) {
        text[length++] = '1';
        exponent--;
    }
    exponent = exponent > 99999 ? 99999 : exponent < -99999 ? -99999 : exponent;
    snprintf(text + length, sizeof text - length, "e%d", (int)exponent);
    return strtod(text, NULL);
}

bool number_to_double(slice text, double *ret)
{
    struct number_text n = split_number(text);
    struct decimal d = decimal_of(&n);
    double v;
    if (d.digits == 0)
        v = 0;
    else if (!d.is_cut && d.exponent < 0 && d.exponent > -POWERS)
        v = divide(d.digits, (unsigned)-d.exponent);
    else if (!d.is_cut && d.exponent >= 0 && d.exponent < POWERS)
        v = (double)((wide_t)d.digits * powers_of_ten[d.exponent]);
    else
        v = convert_slowly(&n);
    if (isinf(v))
        return false;
    *ret = n.is_negative ? -v : v;
    return true;
}

/* ---- the shortest decimal of a double */

__extension__ typedef unsigned __int128 wide;

#define FIXED_MIN 1e-4 /* %g writes smaller numbers with an exponent */
#define FIXED_MAX 1e15

/* A double below FIXED_MAX that is no integer, as mantissa / 2^shift. */
struct binary {
    uint64_t mantissa; /* its highest bit is 2^52 */
    int shift;         /* 4 to 66 */
};

static struct binary split_double(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return (struct binary){ .mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52,
                            .shift = 1075 - (int)(bits >> 52) };
}

static wide power_of_ten(int exponent)
{
    static const uint64_t powers[] = {
        1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, UINT64_C(10000000000)
    };
    return exponent <= 10 ? powers[exponent] : (wide)powers[10] * power_of_ten(exponent - 10);
}

/* The number nearest to it with so many places, as *ret_units of the last place. True: it is read as the double again, because it is
 * nearer to it than the middle between the double and the next one, or in the middle when the mantissa is even. (Below a
 * power of two the next double is half as far away. But the powers that come here, from 2^-13 to 2^-1, have at most 13 digits.)
 * All of this is exact: 2^53 * 10^20 and 10^17 * 2^66 are below 2^127. */
static bool round_to_places(struct binary b, int places, uint64_t *ret_units)
{
    wide power = power_of_ten(places), exact = b.mantissa * power; /* times 2^shift */
    wide units = exact >> b.shift, below = exact - (units << b.shift), above = ((wide)1 << b.shift) - below;
    bool is_up = above < below || (above == below && (units & 1));
    wide twice = 2 * (is_up ? above : below);
    *ret_units = (uint64_t)units + is_up;
    return twice < power || (twice == power && !(b.mantissa & 1));
}

static void add_places(struct buf *to, uint64_t units, int places)
{
    char text[32], *p = text + sizeof text;
    for (; places > 0 && units % 10 == 0; places--)
        units /= 10;
    for (int i = 0; i < places; i++, units /= 10)
        *--p = (char)('0' + units % 10);
    if (places)
        *--p = '.';
    do
        *--p = (char)('0' + units % 10);
    while (units /= 10);
    buf_add(to, (slice){ p, (size_t)(text + sizeof text - p) });
}

/* The exponent of the first digit: 10^exponent is not above v, which is FIXED_MIN or more. */
static int first_place(double v)
{
    static const double powers[] = { 1e-3, 1e-2, 1e-1, 1e0, 1e1,  1e2,  1e3,  1e4,  1e5,
                                     1e6,  1e7,  1e8,  1e9, 1e10, 1e11, 1e12, 1e13, 1e14 };
    int exponent = -4;
    while (exponent < 14 && v >= powers[exponent + 4])
        exponent++;
    return exponent;
}

/* 17 digits always suffice. With 15 there is only one candidate, and the shorter ones are this one without zeros at its end. */
static void add_fixed(struct buf *to, double v)
{
    struct binary b = split_double(fabs(v));
    int places = 14 - first_place(fabs(v));
    uint64_t units;
    while (!round_to_places(b, places, &units))
        places++;
    if (signbit(v))
        buf_add_byte(to, '-');
    add_places(to, units, places);
}

void buf_add_double(struct buf *b, double v)
{
    char text[32];
    if (fabs(v) < FIXED_MAX && v == (double)(int64_t)v && !(v == 0 && signbit(v))) {
        buf_add_i64(b, (int64_t)v);
        return;
    }
    if (fabs(v) >= FIXED_MIN && fabs(v) < FIXED_MAX) {
        add_fixed(b, v);
        return;
    }
    int n = 0;
    for (int digits = isnormal(v) ? 15 : 1; digits <= 17; digits++) {
        n = snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    buf_add(b, (slice){ text, (size_t)n });
}
