/* SPDX-License-Identifier: Apache-2.0 */
/* XML that is parsed, written and parsed again gives the same tree, which obeys the limits of depth and number. */
#include "fuzz.h"

#include "base/xml.h"

static size_t check_limits(const struct xml *node, size_t depth)
{
    HOLDS(depth <= XML_DEPTH_MAX && node->name.n && slice_is_utf8(node->name) && slice_is_utf8(node->text));
    HOLDS(slice_find_byte(node->text, 0) == SLICE_NONE && slice_find_byte(node->name, ':') == SLICE_NONE);
    size_t count = 1;
    for (const struct xml *c = node->first; c; c = c->next)
        count += check_limits(c, depth + 1);
    return count;
}

static void write_node(struct buf *to, const struct xml *node, struct arena *a)
{
    const char *name = arena_cstr(a, node->name);
    xml_open(to, name);
    xml_add(to, node->text);
    for (const struct xml *c = node->first; c; c = c->next)
        write_node(to, c, a);
    xml_close(to, name);
}

static bool same_xml(const struct xml *x, const struct xml *y)
{
    if (!slice_eq(x->name, y->name) || !slice_eq(x->text, y->text))
        return false;
    for (x = x->first, y = y->first; x && y; x = x->next, y = y->next)
        if (!same_xml(x, y))
            return false;
    return !x && !y;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCRATCH(a);
    const struct xml *first, *second;
    if (xml_parse(fuzz_slice(data, size), &a, &first))
        return 0;
    HOLDS(check_limits(first, 1) <= XML_NODES_MAX);
    SCOPED(buf_releasep) struct buf text = { 0 };
    xml_begin(&text);
    write_node(&text, first, &a);
    HOLDS(!text.failed);
    HOLDS(!xml_parse(buf_slice(&text), &a, &second) && same_xml(first, second));
    return 0;
}
