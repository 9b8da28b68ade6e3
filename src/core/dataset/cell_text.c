/* SPDX-License-Identifier: Apache-2.0 */
/* A function here writes *ret_cell only if the value is accepted. */
#include "core/dataset/cell_text.h"

#include "base/civil.h"
#include "base/number.h"

#define MICROS INT64_C(1000000)
#define SECONDS_MIN (CIVIL_DAY_MIN * SECONDS_OF_DAY)
#define SECONDS_MAX (CIVIL_DAY_MAX * SECONDS_OF_DAY + SECONDS_OF_DAY - 1)
#define DECIMAL_END INT64_C(1000000000000000000) /* 10^12, as decimals are kept */

/* ---- numbers */

static bool read_signed(slice number, int64_t min, int64_t max, int64_t *ret)
{
    struct number n;
    if (!number_scale(number, 0, NUMBER_EXACT, &n) || n.magnitude > (uint64_t)INT64_MAX + n.is_negative)
        return false;
    int64_t v = n.is_negative ? (int64_t)(0 - n.magnitude) : (int64_t)n.magnitude;
    if (v < min || v > max)
        return false;
    *ret = v;
    return true;
}

static bool read_unsigned(slice number, uint64_t max, uint64_t *ret)
{
    struct number n;
    if (!number_scale(number, 0, NUMBER_EXACT, &n) || n.magnitude > max || (n.is_negative && n.magnitude))
        return false;
    *ret = n.magnitude;
    return true;
}

static bool read_decimal(slice number, decimal_t *ret)
{
    struct number n;
    if (!number_scale(number, DECIMAL_PLACES, NUMBER_HALF_EVEN, &n) || n.magnitude >= DECIMAL_END)
        return false;
    *ret = n.is_negative ? -(decimal_t)n.magnitude : (decimal_t)n.magnitude;
    return true;
}

/* ---- times */

struct moment {
    int64_t seconds; /* since 1970, rounded down */
    int64_t micros;  /* 0 to 999999, cut */
};

static bool set_moment(enum column_type type, struct moment m, struct cell *ret_cell)
{
    if (m.seconds < SECONDS_MIN || m.seconds > SECONDS_MAX)
        return false;
    int64_t v = m.seconds;
    if (type == COLUMN_DATE)
        v = floor_div(m.seconds, SECONDS_OF_DAY);
    else if (type == COLUMN_DATETIME64)
        v = m.seconds * MICROS + m.micros;
    *ret_cell = (struct cell){ .integer = v };
    return true;
}

static bool set_epoch(enum column_type type, slice number, struct cell *ret_cell)
{
    struct number n;
    if (!number_scale(number, 6, NUMBER_FLOOR, &n) || n.magnitude > INT64_MAX)
        return false;
    int64_t micros = n.is_negative ? -(int64_t)n.magnitude : (int64_t)n.magnitude;
    int64_t seconds = floor_div(micros, MICROS);
    return set_moment(type, (struct moment){ seconds, micros - seconds * MICROS }, ret_cell);
}

/* The number that these digits are; -1: they are no digits. */
static inline int read_digits(const char *p, int count)
{
    int v = 0;
    for (int i = 0; i < count; i++) {
        unsigned digit = (unsigned)(p[i] - '0');
        if (digit > 9)
            return -1;
        v = v * 10 + (int)digit;
    }
    return v;
}

static inline bool read_date(const char *p, int64_t *ret_day)
{
    struct civil_date d = { read_digits(p, 4), read_digits(p + 5, 2), read_digits(p + 8, 2) };
    if (p[4] != '-' || p[7] != '-' || !civil_is_valid(d))
        return false;
    *ret_day = civil_to_days(d);
    return true;
}

/* hh:mm, as a number of minutes; -1: it is none. */
static inline int read_minutes(const char *p)
{
    int hour = read_digits(p, 2), minute = read_digits(p + 3, 2);
    return p[2] == ':' && hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 ? hour * 60 + minute : -1;
}

/* [.f…] at the start of *text, which is moved behind it. */
static bool read_fraction(slice *text, int64_t *ret_micros)
{
    *ret_micros = 0;
    if (!text->n || text->p[0] != '.')
        return true;
    size_t n = 1;
    int64_t unit = MICROS / 10;
    for (; n < text->n && text->p[n] >= '0' && text->p[n] <= '9'; n++) {
        *ret_micros += (text->p[n] - '0') * unit;
        unit /= 10;
    }
    *text = slice_from(*text, n);
    return n > 1;
}

/* [Z|±hh:mm], which is all of the text. */
static bool read_zone(slice text, int64_t *ret_seconds)
{
    *ret_seconds = 0;
    if (text.n == 0 || (text.n == 1 && text.p[0] == 'Z'))
        return true;
    if (text.n != 6 || (text.p[0] != '+' && text.p[0] != '-'))
        return false;
    int minutes = read_minutes(text.p + 1);
    *ret_seconds = (text.p[0] == '-' ? -60 : 60) * (int64_t)minutes;
    return minutes >= 0;
}

#define DATE_LENGTH 10 /* YYYY-MM-DD */
#define TIME_LENGTH 19 /* YYYY-MM-DD hh:mm:ss */

static bool set_time(enum column_type type, slice text, struct cell *ret_cell)
{
    int64_t day, zone;
    struct moment m;
    if (text.n < DATE_LENGTH || !read_date(text.p, &day))
        return false;
    if (text.n == DATE_LENGTH)
        return set_moment(type, (struct moment){ day * SECONDS_OF_DAY, 0 }, ret_cell);
    if (text.n < TIME_LENGTH || (text.p[10] != ' ' && text.p[10] != 'T') || text.p[16] != ':')
        return false;
    int minutes = read_minutes(text.p + 11), second = read_digits(text.p + 17, 2);
    slice rest = slice_from(text, TIME_LENGTH);
    if (minutes < 0 || second < 0 || second > 59 || !read_fraction(&rest, &m.micros) || !read_zone(rest, &zone))
        return false;
    m.seconds = day * SECONDS_OF_DAY + minutes * INT64_C(60) + second - zone;
    return set_moment(type, m, ret_cell);
}

/* ---- cells */

static bool set_number(enum column_type type, slice number, struct cell *ret_cell)
{
    struct cell c = { 0 };
    bool fits = false;
    switch (type) {
    case COLUMN_INT8:
        fits = read_signed(number, INT8_MIN, INT8_MAX, &c.integer);
        break;
    case COLUMN_INT16:
        fits = read_signed(number, INT16_MIN, INT16_MAX, &c.integer);
        break;
    case COLUMN_INT32:
        fits = read_signed(number, INT32_MIN, INT32_MAX, &c.integer);
        break;
    case COLUMN_INT64:
        fits = read_signed(number, INT64_MIN, INT64_MAX, &c.integer);
        break;
    case COLUMN_UINT8:
        fits = read_unsigned(number, UINT8_MAX, &c.natural);
        break;
    case COLUMN_UINT16:
        fits = read_unsigned(number, UINT16_MAX, &c.natural);
        break;
    case COLUMN_UINT32:
        fits = read_unsigned(number, UINT32_MAX, &c.natural);
        break;
    case COLUMN_UINT64:
        fits = read_unsigned(number, UINT64_MAX, &c.natural);
        break;
    case COLUMN_FLOAT:
        fits = number_to_double(number, &c.real);
        break;
    case COLUMN_DECIMAL:
    case COLUMN_DECIMAL_SUM:
        fits = read_decimal(number, &c.decimal);
        break;
    default:
        break;
    }
    if (fits)
        *ret_cell = c;
    return fits;
}

/* A number that stands in the JSON, not in a string, and is known to be one. */
static bool set_plain_number(enum column_type type, slice number, struct cell *ret_cell)
{
    uint64_t bit;
    if (column_type_is_text(type)) {
        *ret_cell = (struct cell){ .text = number };
        return true;
    }
    if (column_type_is_time(type))
        return set_epoch(type, number, ret_cell);
    if (type != COLUMN_BOOL)
        return set_number(type, number, ret_cell);
    if (!read_unsigned(number, 1, &bit))
        return false;
    *ret_cell = (struct cell){ .boolean = bit == 1 };
    return true;
}

bool cell_from_number(enum column_type type, slice number, struct cell *ret_cell)
{
    return json_is_number(number) && set_plain_number(type, number, ret_cell);
}

bool cell_from_bool(enum column_type type, bool value, struct cell *ret_cell)
{
    if (column_type_is_text(type))
        *ret_cell = (struct cell){ .text = value ? S("true") : S("false") };
    else if (type == COLUMN_BOOL)
        *ret_cell = (struct cell){ .boolean = value };
    else
        return false;
    return true;
}

static bool set_bool(slice text, struct cell *ret_cell)
{
    bool is_true = slice_eq(text, S("true")) || slice_eq(text, S("1"));
    if (!is_true && !slice_eq(text, S("false")) && !slice_eq(text, S("0")))
        return false;
    *ret_cell = (struct cell){ .boolean = is_true };
    return true;
}

bool cell_from_text(enum column_type type, slice text, struct cell *ret_cell)
{
    if (column_type_is_text(type)) {
        *ret_cell = (struct cell){ .text = text };
        return true;
    }
    if (text.n == 0) {
        *ret_cell = (struct cell){ .is_null = true };
        return true;
    }
    if (column_type_is_time(type))
        return set_time(type, text, ret_cell);
    if (type == COLUMN_BOOL)
        return set_bool(text, ret_cell);
    return json_is_number(text) && set_number(type, text, ret_cell);
}

/* Arrays and objects, and every value of a JSON column. */
static bool set_compact(enum column_type type, const struct json_value *value, struct arena *a, struct cell *ret_cell)
{
    struct cell c = { 0 };
    if (!column_type_is_text(type) || json_value_compact(value, a, &c.text))
        return false;
    *ret_cell = c;
    return true;
}

bool cell_from_json(enum column_type type, const struct json_value *value, struct arena *a, struct cell *ret_cell)
{
    slice text;
    if (value->kind == JSON_KIND_NULL) {
        *ret_cell = (struct cell){ .is_null = true };
        return true;
    }
    if (type == COLUMN_JSON)
        return set_compact(type, value, a, ret_cell);
    switch (value->kind) {
    case JSON_KIND_STRING:
        return !json_value_text(value, a, &text) && cell_from_text(type, text, ret_cell);
    case JSON_KIND_NUMBER:
        return set_plain_number(type, value->raw, ret_cell);
    case JSON_KIND_BOOL:
        return cell_from_bool(type, value->raw.p[0] == 't', ret_cell);
    default:
        return set_compact(type, value, a, ret_cell);
    }
}

/* ---- writing */

static char *put_digits(char *to, int count, uint64_t v)
{
    for (int i = count; i-- > 0; v /= 10)
        to[i] = (char)('0' + v % 10);
    return to + count;
}

static void add_decimal(struct buf *to, decimal_t v)
{
    char text[CELL_TEXT_MAX], *end = text + sizeof text, *p = end;
    bool is_negative = v < 0;
    for (int places = 0; v || places <= DECIMAL_PLACES; v /= 10, places++) {
        if (places == DECIMAL_PLACES && p != end)
            *--p = '.';
        int digit = (int)(v % 10);
        if (digit || p != end || places >= DECIMAL_PLACES) /* without the zeros at the end */
            *--p = (char)('0' + (is_negative ? -digit : digit));
    }
    if (is_negative)
        *--p = '-';
    buf_add(to, (slice){ p, (size_t)(end - p) });
}

static char *put_date(char *to, int64_t day)
{
    struct civil_date d = civil_from_days(day);
    to = put_digits(to, 4, (uint64_t)d.year);
    *to++ = '-';
    to = put_digits(to, 2, (uint64_t)d.month);
    *to++ = '-';
    return put_digits(to, 2, (uint64_t)d.day);
}

static char *put_time(char *to, int64_t seconds)
{
    int64_t day = floor_div(seconds, SECONDS_OF_DAY);
    uint64_t of_day = (uint64_t)(seconds - day * SECONDS_OF_DAY);
    to = put_date(to, day);
    *to++ = ' ';
    to = put_digits(to, 2, of_day / 3600);
    *to++ = ':';
    to = put_digits(to, 2, of_day / 60 % 60);
    *to++ = ':';
    return put_digits(to, 2, of_day % 60);
}

static void add_time(struct buf *to, enum column_type type, int64_t v)
{
    char text[CELL_TEXT_MAX], *end = text;
    if (type == COLUMN_DATE) {
        end = put_date(text, v);
    } else if (type == COLUMN_DATETIME) {
        end = put_time(text, v);
    } else {
        int64_t seconds = floor_div(v, MICROS);
        end = put_time(text, seconds);
        *end++ = '.';
        end = put_digits(end, 6, (uint64_t)(v - seconds * MICROS));
    }
    buf_add(to, (slice){ text, (size_t)(end - text) });
}

void cell_add_text(struct buf *to, enum column_type type, const struct cell *c)
{
    if (c->is_null)
        buf_add(to, S("null"));
    else if (column_type_is_text(type))
        buf_add(to, c->text);
    else if (type == COLUMN_BOOL)
        buf_add(to, c->boolean ? S("true") : S("false"));
    else if (column_type_is_unsigned(type))
        buf_add_u64(to, c->natural);
    else if (column_type_is_time(type))
        add_time(to, type, c->integer);
    else if (type == COLUMN_FLOAT)
        buf_add_double(to, c->real);
    else if (column_type_is_signed(type))
        buf_add_i64(to, c->integer);
    else
        add_decimal(to, c->decimal);
}
