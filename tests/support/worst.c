/* SPDX-License-Identifier: Apache-2.0 */
#include "worst.h"

#include "base/buf.h"
#include "base/text.h"

#include <assert.h>
#include <string.h>

slice worst_repeat(struct arena *a, const char *begin, const char *unit, const char *end, size_t max_bytes)
{
    size_t before = strlen(begin), size = strlen(unit), after = strlen(end);
    size_t times = max_bytes > before + after + size ? (max_bytes - before - after) / size : 0;
    char *text = arena_alloc(a, before + times * size + after + 1), *to = text;
    to = (char *)memcpy(to, begin, before) + before;
    for (size_t i = 0; i < times; i++)
        to = (char *)memcpy(to, unit, size) + size;
    if (times) /* the comma */
        to--;
    memcpy(to, end, after);
    return (slice){ text, (size_t)(to - text) + after };
}

slice worst_count(struct arena *a, const char *begin, const char *unit, const char *end, size_t count)
{
    SCOPED(buf_releasep) struct buf b;
    const char *number = strstr(unit, "%zu");
    assert(number);
    buf_init(&b, 0);
    buf_add(&b, slice_of(begin));
    for (size_t i = 0; i < count; i++) {
        buf_add(&b, (slice){ unit, (size_t)(number - unit) });
        buf_add_u64(&b, i);
        buf_add(&b, slice_of(number + 3));
    }
    if (count)
        b.n--;
    buf_add(&b, slice_of(end));
    return arena_copy(a, buf_slice(&b));
}

static void add_worst(struct worst *w, slice body)
{
    assert(w->count < WORST_MAX);
    w->items[w->count++] = body;
}

#define DEEP "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],"

void worst_json(struct arena *a, size_t max, struct worst *ret)
{
    *ret = (struct worst){ 0 };
    add_worst(ret, worst_repeat(a, "[", "0,", "]", max));
    add_worst(ret, worst_repeat(a, "[", "0,", "]", max < 39000 ? max : 39000)); /* as many as a tree may have */
    add_worst(ret, worst_repeat(a, "[", "{},", "]", max < 29000 ? max : 29000));
    add_worst(ret, worst_repeat(a, "[", DEEP, "]", max));
    add_worst(ret, worst_repeat(a, "[", DEEP, "]", max < 38000 ? max : 38000));
    add_worst(ret, worst_count(a, "{", "\"%zu\":\"\",", "}", max < 1 << 20 ? max / 12 : 19900));
    add_worst(ret, worst_count(a, "{", "\"member that has a long name, to take more memory %zu\":0,", "}", max / 60));
    add_worst(ret, worst_repeat(a, "\"", "x", "\"", max));
    add_worst(ret, worst_repeat(a, "[\"", "\\u0001", "\"]", max));
    add_worst(ret, worst_repeat(a, "", "[", "", max));
}

void worst_form(struct arena *a, size_t max, struct worst *ret)
{
    *ret = (struct worst){ 0 };
    add_worst(ret, worst_count(a, "", "name%zu=x&", "", max < 1 << 16 ? 300 : 1000));
    add_worst(ret, worst_count(a, "", "a[][b]=%zu&", "", max < 1 << 16 ? 300 : 1000));
    add_worst(ret, worst_count(a, "", "a[%zu][b][c][d][e][f][g][h][i][j][k][l][m][n][o][p][q]=&", "",
                               max < 1 << 16 ? 50 : 1000));
    add_worst(ret, worst_repeat(a, "text=", "%01", "", max));
    add_worst(ret, worst_repeat(a, "a", "[a]", "=1", max));
    add_worst(ret, worst_repeat(a, "", "&", "", max));
}

void worst_xml(struct arena *a, size_t max, struct worst *ret)
{
    *ret = (struct worst){ 0 };
    add_worst(ret, worst_repeat(a, "<a>", "<b/> ", "</a>", max));
    add_worst(ret, worst_repeat(a, "<a>", "<b/>\n", "</a>", max < 499000 ? max : 499000)); /* as many as may be */
    add_worst(ret,
              worst_repeat(a, "<a>", "<b><c><d><e><f>x</f></e></d></c></b> ", "</a>", max < 700000 ? max : 700000));
    add_worst(ret, worst_count(a, "<a", " a%zu='' ", "/>", max < 1 << 20 ? max / 12 : 99000));
    add_worst(ret, worst_count(a, "<a", " attribute-of-a-long-name-%zu='some value' ", "/>", max / 50));
    add_worst(ret, worst_repeat(a, "<a>", "&amp; ", "</a>", max));
    add_worst(ret, worst_repeat(a, "<a>", "x", "</a>", max));
    add_worst(ret, worst_repeat(a, "<a ", "x", "=''/>", max));
}

void worst_multipart(struct arena *a, struct worst *ret)
{
#define PART "--b1\r\nContent-Disposition: form-data; name="
    *ret = (struct worst){ 0 };
    add_worst(ret, worst_count(a, "", PART "\"field%zu\"\r\n\r\nvalue\r\n", "\n--b1--\r\n", 1001));
    add_worst(ret, worst_count(a, "", PART "\"file\"; filename=\"%zu\"\r\n\r\nbytes\r\n", "\n--b1--\r\n", 1001));
    add_worst(ret, worst_repeat(a, PART "\"file\"; filename=\"", "\xff", "\"\r\n\r\nx\r\n--b1--\r\n", 8100));
    add_worst(ret, worst_repeat(a, PART "\"text\"\r\n\r\n", "x", "\r\n--b1--\r\n", (size_t)1 << 20));
    add_worst(ret, worst_repeat(a, "--b1\r\n", "X-Header: x\r\n", "\r\n\r\nx\r\n--b1--\r\n", 100000));
    add_worst(ret, worst_repeat(a, "", "\r\n", "\r\n--b1--\r\n", 100000));
}
