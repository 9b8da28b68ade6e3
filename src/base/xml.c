/* SPDX-License-Identifier: Apache-2.0 */
/* expat parses, and the tree is built in the arena. No other file names expat.
 * A document type is always refused. So the only entities are the five of XML and character references, and nothing
 * expands. A document is read as UTF-8 whatever encoding it declares, so the text in the tree is valid UTF-8.
 * expat does not resolve namespaces, because it would copy the name of a namespace for each attribute with a prefix: half a
 * megabyte of text would take gigabytes. So we remove prefixes, and accept one that is not bound. */
#include "base/xml.h"

#include <assert.h>
#include <expat.h>
#include <limits.h>
#include <stdlib.h>

/* What expat allocates for an attribute, at most: its name and value, and its place in two tables. */
#define BYTES_OF_ATTRIBUTE ((size_t)200)

struct xml_builder {
    XML_Parser parser;
    struct arena *a;
    err_t e;      /* the first error */
    size_t depth; /* open elements */
    size_t nodes;
    const struct xml *root;
    struct xml_level {
        struct xml *node;
        const struct xml **tail; /* where the next child goes */
        struct buf text;
    } levels[XML_DEPTH_MAX];
};

static void stop_parsing(struct xml_builder *b, err_t e)
{
    if (!b->e)
        b->e = e;
    XML_StopParser(b->parser, XML_FALSE);
}

/* What follows the prefix; empty when this is no name of XML with namespaces. expat has checked the characters, but not that
 * a name begins after the colon. No protocol has names that begin beyond ASCII, so with a prefix they are refused, too. */
static slice local_name_of(slice name)
{
    size_t at = slice_find_byte(name, ':');
    if (at == SLICE_NONE)
        return name;
    slice local = slice_from(name, at + 1);
    char first = at && local.n ? local.p[0] : '\0';
    bool begins = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '_';
    return begins && slice_find_byte(local, ':') == SLICE_NONE ? local : S("");
}

static void XMLCALL on_element_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    (void)attributes;
    struct xml_builder *b = arg;
    if (b->e)
        return;
    if (b->depth == XML_DEPTH_MAX) {
        stop_parsing(b, err_make(b->a, ERR_TOO_LARGE, "XML nested deeper than %d levels", XML_DEPTH_MAX));
        return;
    }
    if (++b->nodes > XML_NODES_MAX) {
        stop_parsing(b, err_make(b->a, ERR_TOO_LARGE, "XML of more than %d elements", XML_NODES_MAX));
        return;
    }
    err_t e = arena_check(b->a);
    if (e) {
        stop_parsing(b, e);
        return;
    }
    slice local = local_name_of(slice_of(name));
    if (!local.n) {
        stop_parsing(b, err_make(b->a, ERR_INVALID, "XML with an element whose name has no part after its prefix"));
        return;
    }
    struct xml *node = arena_new(b->a, struct xml);
    node->name = arena_copy(b->a, local);
    if (b->depth) {
        struct xml_level *parent = &b->levels[b->depth - 1];
        *parent->tail = node;
        parent->tail = &node->next;
    } else {
        b->root = node;
    }
    struct xml_level *level = &b->levels[b->depth++];
    level->node = node;
    level->tail = &node->first;
    buf_clear(&level->text);
}

static void XMLCALL on_element_end(void *arg, const XML_Char *name)
{
    (void)name;
    struct xml_builder *b = arg;
    if (b->e)
        return;
    struct xml_level *level = &b->levels[--b->depth];
    level->node->text = arena_copy_if_room(b->a, buf_slice(&level->text));
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int n)
{
    struct xml_builder *b = arg;
    if (!b->e && b->depth)
        buf_add(&b->levels[b->depth - 1].text, (slice){ text, (size_t)n });
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
                               int has_subset)
{
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    struct xml_builder *b = arg;
    stop_parsing(b, err_make(b->a, ERR_INVALID, "XML with a document type"));
}

static void XMLCALL on_instruction(void *arg, const XML_Char *target, const XML_Char *data)
{
    (void)target, (void)data;
    struct xml_builder *b = arg;
    stop_parsing(b, err_make(b->a, ERR_INVALID, "XML with a processing instruction"));
}

/* Count what expat allocates outside of the arena; *ret_bytes is what to give back. expat reads all attributes of an
 * element before it calls us, so they are counted beforehand. */
static err_t charge_parser(slice text, struct arena *a, size_t *ret_bytes)
{
    size_t attributes = 0;
    for (slice before, rest = text; slice_cut(rest, '=', &before, &rest);)
        attributes++;
    if (attributes > XML_ATTRIBUTES_MAX)
        return err_make(a, ERR_TOO_LARGE, "XML of more than %d attributes", XML_ATTRIBUTES_MAX);
    size_t bytes = attributes * BYTES_OF_ATTRIBUTE + 3 * text.n;
    if (!arena_has_room(a, bytes))
        return err_make(a, ERR_TOO_LARGE, "XML that takes more memory than one request may use");
    arena_charge(a, bytes);
    *ret_bytes = bytes;
    return NULL;
}

err_t xml_parse(slice text, struct arena *a, const struct xml **ret_root)
{
    size_t charged = 0;
    if (text.n > INT_MAX)
        return err_make(a, ERR_TOO_LARGE, "XML of more than %d bytes", INT_MAX);
    if (!slice_is_utf8(text)) /* expat would follow a byte order mark of UTF-16 */
        return err_make(a, ERR_INVALID, "XML that is not UTF-8");
    TRY(charge_parser(text, a, &charged));
    static const XML_Memory_Handling_Suite memory = { must_malloc, must_realloc, free };
    struct xml_builder b = { .a = a, .parser = XML_ParserCreate_MM("UTF-8", &memory, NULL) };
    assert(b.parser);
    for (size_t i = 0; i < XML_DEPTH_MAX; i++)
        buf_init_on(&b.levels[i].text, 0, a);
    XML_SetUserData(b.parser, &b);
    XML_SetElementHandler(b.parser, on_element_start, on_element_end);
    XML_SetCharacterDataHandler(b.parser, on_text);
    XML_SetStartDoctypeDeclHandler(b.parser, on_doctype);
    XML_SetProcessingInstructionHandler(b.parser, on_instruction);
    bool whole = XML_Parse(b.parser, text.p ? text.p : "", (int)text.n, XML_TRUE) == XML_STATUS_OK;
    if (!whole && !b.e)
        b.e = err_make(a, ERR_INVALID, "line %lu, column %lu: not well-formed XML",
                       (unsigned long)XML_GetCurrentLineNumber(b.parser),
                       (unsigned long)XML_GetCurrentColumnNumber(b.parser));
    XML_ParserFree(b.parser);
    for (size_t i = 0; i < XML_DEPTH_MAX; i++)
        buf_release(&b.levels[i].text);
    arena_discharge(a, charged);
    if (!b.e)
        b.e = arena_check(a);
    if (!b.e)
        *ret_root = b.root;
    return b.e;
}

const struct xml *xml_child(const struct xml *parent, const char *name)
{
    XML_EACH(item, parent, name)
    return item;
    return NULL;
}

slice xml_child_text(const struct xml *parent, const char *name)
{
    const struct xml *child = xml_child(parent, name);
    return child ? child->text : (slice){ NULL, 0 };
}

/* ---- writing ---- */

void xml_begin(struct buf *to)
{
    buf_add(to, S("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
}

void xml_open(struct buf *to, const char *name)
{
    buf_add_byte(to, '<');
    buf_add(to, slice_of(name));
    buf_add_byte(to, '>');
}

void xml_open_ns(struct buf *to, const char *name, const char *ns)
{
    buf_add_byte(to, '<');
    buf_add(to, slice_of(name));
    buf_add(to, S(" xmlns=\""));
    xml_add(to, slice_of(ns));
    buf_add(to, S("\">"));
}

void xml_close(struct buf *to, const char *name)
{
    buf_add(to, S("</"));
    buf_add(to, slice_of(name));
    buf_add_byte(to, '>');
}

static bool needs_no_escape(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '<' && c != '>' && c != '&' && c != '"';
}

void xml_add(struct buf *to, slice text)
{
    for (size_t i = 0; i < text.n;) {
        size_t plain = i;
        while (plain < text.n && needs_no_escape((unsigned char)text.p[plain]))
            plain++;
        buf_add(to, slice_part(text, i, plain - i));
        i = plain;
        if (i == text.n)
            break;
        unsigned char c = (unsigned char)text.p[i];
        size_t length = c >= 0x80 ? slice_utf8_length(slice_from(text, i)) : 1;
        switch (c) {
        case '<':
            buf_add(to, S("&lt;"));
            break;
        case '>':
            buf_add(to, S("&gt;"));
            break;
        case '&':
            buf_add(to, S("&amp;"));
            break;
        case '"':
            buf_add(to, S("&quot;"));
            break;
        default:
            if (c < 0x20)
                buf_printf(to, "&#%d;", c);
            else
                buf_add(to, length ? slice_part(text, i, length) : S("\xef\xbf\xbd"));
        }
        i += length ? length : 1;
    }
}

void xml_text(struct buf *to, const char *name, slice text)
{
    xml_open(to, name);
    xml_add(to, text);
    xml_close(to, name);
}

void xml_int(struct buf *to, const char *name, int64_t value)
{
    xml_open(to, name);
    buf_add_i64(to, value);
    xml_close(to, name);
}

void xml_bool(struct buf *to, const char *name, bool value)
{
    xml_text(to, name, value ? S("true") : S("false"));
}
