/* SPDX-License-Identifier: Apache-2.0 */
/* A machine of states that takes one byte after the other, since a piece may end anywhere. The levels that are open are bits of a
 * number. */
#include "base/json_feed.h"

enum {
    START,
    FIRST_NAME, /* or the end of the object */
    NAME,
    COLON,
    VALUE,
    FIRST_ELEMENT, /* or the end of the array */
    AFTER_VALUE,
    WHOLE, /* the object has ended */
    STRING,
    ESCAPE,    /* after a backslash */
    HEX,       /* digits of \u */
    PAIR,      /* the backslash of the second half must follow */
    PAIR_U,    /* and its u */
    CHARACTER, /* bytes of one beyond ASCII */
    WORD,
    MINUS,
    ZERO,
    DIGITS,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
};

enum taking { TAKEN, AGAIN /* in the new state */, BAD };

void json_feed_init(struct json_feed *f, slice wanted)
{
    *f = (struct json_feed){ .wanted = wanted, .state = START };
}

bool json_feed_is_whole(const struct json_feed *f)
{
    return f->state == WHOLE;
}

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static enum taking go(struct json_feed *f, int state)
{
    f->state = (unsigned char)state;
    return TAKEN;
}

/* ---- levels ---- */

static enum taking open_level(struct json_feed *f, bool is_object)
{
    if (f->depth == JSON_FEED_DEPTH_MAX)
        return BAD;
    uint64_t bit = UINT64_C(1) << f->depth++;
    f->objects = is_object ? f->objects | bit : f->objects & ~bit;
    return go(f, is_object ? FIRST_NAME : FIRST_ELEMENT);
}

static bool is_in_object(const struct json_feed *f)
{
    return f->objects >> (f->depth - 1) & 1;
}

static enum taking close_level(struct json_feed *f, unsigned char c)
{
    if (c != (is_in_object(f) ? '}' : ']'))
        return BAD;
    f->depth--;
    return go(f, f->depth ? AFTER_VALUE : WHOLE);
}

static enum taking take_after_value(struct json_feed *f, unsigned char c)
{
    if (is_blank(c))
        return TAKEN;
    if (c != ',')
        return close_level(f, c);
    return go(f, is_in_object(f) ? NAME : VALUE);
}

/* ---- strings ---- */

static enum taking begin_string(struct json_feed *f, bool is_name)
{
    f->is_name = is_name;
    f->matches = is_name && f->depth == 1;
    f->matched = 0;
    return go(f, STRING);
}

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 'a' - 'A') : c;
}

static void match_name(struct json_feed *f, unsigned char c)
{
    f->matches = f->matched < f->wanted.n && lower(c) == lower((unsigned char)f->wanted.p[f->matched]);
    f->matched++;
}

/* RFC 3629: no overlong forms, no surrogates, up to U+10FFFF. */
static enum taking begin_character(struct json_feed *f, unsigned char c)
{
    if (c < 0xc2 || c > 0xf4)
        return BAD;
    f->left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    f->min = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    f->max = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    f->matches = false;
    return go(f, CHARACTER);
}

static enum taking take_character(struct json_feed *f, unsigned char c)
{
    if (c < f->min || c > f->max)
        return BAD;
    f->min = 0x80;
    f->max = 0xbf;
    return --f->left ? TAKEN : go(f, STRING);
}

static enum taking take_string(struct json_feed *f, unsigned char c)
{
    if (c == '"') {
        f->matches = f->matches && f->matched == f->wanted.n;
        return go(f, f->is_name ? COLON : AFTER_VALUE);
    }
    if (c < 0x20)
        return BAD;
    if (c >= 0x80)
        return begin_character(f, c);
    if (c == '\\') {
        f->matches = false;
        return go(f, ESCAPE);
    }
    if (f->matches)
        match_name(f, c);
    return TAKEN;
}

static enum taking begin_unit(struct json_feed *f, bool is_second)
{
    f->left = 4;
    f->unit = 0;
    f->is_second = is_second;
    return go(f, HEX);
}

static enum taking take_escape(struct json_feed *f, unsigned char c)
{
    switch (c) {
    case 'u':
        return begin_unit(f, false);
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return go(f, STRING);
    default:
        return BAD;
    }
}

static enum taking end_unit(struct json_feed *f)
{
    bool is_high = f->unit >= 0xd800 && f->unit <= 0xdbff, is_low = f->unit >= 0xdc00 && f->unit <= 0xdfff;
    if (f->is_second)
        return is_low ? go(f, STRING) : BAD;
    if (!f->unit || is_low)
        return BAD;
    return go(f, is_high ? PAIR : STRING);
}

static enum taking take_hex(struct json_feed *f, unsigned char c)
{
    unsigned char letter = (unsigned char)(c | 0x20);
    if (is_digit(c))
        f->unit = f->unit << 4 | (unsigned)(c - '0');
    else if (letter >= 'a' && letter <= 'f')
        f->unit = f->unit << 4 | (unsigned)(letter - 'a' + 10);
    else
        return BAD;
    return --f->left ? TAKEN : end_unit(f);
}

/* ---- numbers and words ---- */

/* The value has ended before this byte. */
static enum taking end_number(struct json_feed *f)
{
    f->state = AFTER_VALUE;
    return AGAIN;
}

static enum taking take_number(struct json_feed *f, unsigned char c)
{
    switch (f->state) {
    case MINUS:
        return is_digit(c) ? go(f, c == '0' ? ZERO : DIGITS) : BAD;
    case POINT:
        return is_digit(c) ? go(f, FRACTION) : BAD;
    case EXPONENT:
        if (c == '+' || c == '-')
            return go(f, EXPONENT_SIGN);
        return is_digit(c) ? go(f, EXPONENT_DIGITS) : BAD;
    case EXPONENT_SIGN:
        return is_digit(c) ? go(f, EXPONENT_DIGITS) : BAD;
    default:
        break;
    }
    if (is_digit(c) && f->state != ZERO)
        return TAKEN;
    if (c == '.' && (f->state == ZERO || f->state == DIGITS))
        return go(f, POINT);
    if ((c == 'e' || c == 'E') && f->state != EXPONENT_DIGITS)
        return go(f, EXPONENT);
    return end_number(f);
}

static enum taking begin_word(struct json_feed *f, const char *rest)
{
    f->word = rest;
    return go(f, WORD);
}

static enum taking take_word(struct json_feed *f, unsigned char c)
{
    if (c != (unsigned char)*f->word)
        return BAD;
    return *++f->word ? TAKEN : go(f, AFTER_VALUE);
}

static enum taking take_value(struct json_feed *f, unsigned char c)
{
    switch (c) {
    case '{':
    case '[':
        return open_level(f, c == '{');
    case '"':
        return begin_string(f, false);
    case 't':
        return begin_word(f, "rue");
    case 'f':
        return begin_word(f, "alse");
    case 'n':
        return begin_word(f, "ull");
    case '-':
        return go(f, MINUS);
    default:
        return is_digit(c) ? go(f, c == '0' ? ZERO : DIGITS) : BAD;
    }
}

/* ---- the machine ---- */

/* Between tokens. */
static enum taking take_token(struct json_feed *f, unsigned char c)
{
    if (is_blank(c))
        return TAKEN;
    switch (f->state) {
    case START:
        return c == '{' ? open_level(f, true) : BAD;
    case FIRST_NAME:
        return c == '"' ? begin_string(f, true) : close_level(f, c);
    case NAME:
        return c == '"' ? begin_string(f, true) : BAD;
    case COLON:
        return c == ':' ? go(f, VALUE) : BAD;
    case FIRST_ELEMENT:
        return c == ']' ? close_level(f, c) : take_value(f, c);
    case VALUE:
        return take_value(f, c);
    default:
        return BAD;
    }
}

static enum taking take_byte(struct json_feed *f, unsigned char c)
{
    switch (f->state) {
    case STRING:
        return take_string(f, c);
    case ESCAPE:
        return take_escape(f, c);
    case HEX:
        return take_hex(f, c);
    case PAIR:
        return c == '\\' ? go(f, PAIR_U) : BAD;
    case PAIR_U:
        return c == 'u' ? begin_unit(f, true) : BAD;
    case CHARACTER:
        return take_character(f, c);
    case WORD:
        return take_word(f, c);
    case AFTER_VALUE:
        return take_after_value(f, c);
    case START:
    case FIRST_NAME:
    case NAME:
    case COLON:
    case VALUE:
    case FIRST_ELEMENT:
    case WHOLE:
        return take_token(f, c);
    default:
        return take_number(f, c);
    }
}

static bool value_begins(const struct json_feed *f, unsigned char c)
{
    return f->state == VALUE && f->depth == 1 && f->matches && !f->is_in_value && !is_blank(c);
}

static bool value_has_ended(const struct json_feed *f)
{
    return f->is_in_value && f->state == AFTER_VALUE && f->depth == 1;
}

static enum json_feed_step hand_out(slice *piece, size_t n, bool is_value, struct json_feed_part *ret)
{
    ret->bytes = slice_part(*piece, 0, n);
    ret->is_value = is_value;
    *piece = slice_from(*piece, n);
    return JSON_FEED_PART;
}

enum json_feed_step json_feed_next(struct json_feed *f, slice *piece, struct json_feed_part *ret)
{
    *ret = (struct json_feed_part){ 0 };
    for (size_t i = 0; i < piece->n;) {
        unsigned char c = (unsigned char)piece->p[i];
        if (value_begins(f, c)) {
            if (i)
                return hand_out(piece, i, false, ret);
            f->is_in_value = ret->is_first = true;
        }
        enum taking taking = take_byte(f, c);
        if (taking == BAD)
            return JSON_FEED_BAD;
        i += taking == TAKEN;
        if (value_has_ended(f)) {
            f->is_in_value = f->matches = false;
            if (i)
                return hand_out(piece, i, true, ret);
        }
    }
    return piece->n ? hand_out(piece, piece->n, f->is_in_value, ret) : JSON_FEED_MORE;
}
