/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for tags: Amazon S3 user guide, "Categorizing your objects using tags". */
#include "api/s3/tags_priv.h"

#include "base/text.h"

#include <string.h>

static size_t count_characters(slice utf8)
{
    size_t n = 0;
    for (size_t i = 0; i < utf8.n; i++)
        n += ((unsigned char)utf8.p[i] & 0xc0) != 0x80;
    return n;
}

/* S3 allows letters, digits and blanks of any script, and + - = . _ : / @. Other ASCII characters are refused. */
static bool is_tag_text(slice s, size_t min, size_t max)
{
    if (!slice_is_utf8(s) || count_characters(s) < min || count_characters(s) > max)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (c < 0x80 && !alnum && !memchr(" +-=._:/@", c, 9))
            return false;
    }
    return true;
}

static err_t check_tags(const struct s3_tag *tags, size_t count, struct arena *a)
{
    if (count > S3_TAGS_MAX)
        return s3_refuse(a, S3_TOO_MANY_TAGS);
    for (size_t i = 0; i < count; i++) {
        if (!is_tag_text(tags[i].name, 1, 128) || !is_tag_text(tags[i].value, 0, 256) ||
            slice_starts_nocase(tags[i].name, S("aws:")))
            return s3_refuse(a, S3_INVALID_TAG);
        for (size_t k = 0; k < i; k++)
            if (slice_eq(tags[k].name, tags[i].name))
                return s3_refuse(a, S3_INVALID_TAG);
    }
    return NULL;
}

err_t s3_tags_write(struct arena *a, const struct s3_tag *tags, size_t count, slice *ret_tags)
{
    TRY(check_tags(tags, count, a));
    slice text = S("");
    for (size_t i = 0; i < count; i++) {
        const slice parts[] = { text, i ? S("&") : S(""), percent_encode(a, tags[i].name, ""), S("="),
                                percent_encode(a, tags[i].value, "") };
        text = arena_join(a, parts, LENGTH_OF(parts));
    }
    *ret_tags = text;
    return NULL;
}

bool s3_tags_read(struct arena *a, slice tags, struct s3_tag ret[S3_TAGS_MAX], size_t *ret_count)
{
    struct query q;
    if (query_parse(tags, a, &q) || q.count > S3_TAGS_MAX)
        return false;
    for (size_t i = 0; i < q.count; i++)
        ret[i] = (struct s3_tag){ q.params[i].name, q.params[i].value };
    *ret_count = q.count;
    return true;
}
