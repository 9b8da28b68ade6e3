/* SPDX-License-Identifier: Apache-2.0 */
/* XML for protocols: parses small documents into a tree, and writes replies. Names are local: the prefix is dropped, and
 * namespaces are not looked at. Documents with a document type, entity definitions or processing instructions are refused,
 * because these have been the cause of many vulnerabilities. */
#ifndef CAIS_BASE_XML_H
#define CAIS_BASE_XML_H

#include "base/buf.h"
#include "base/err.h"

#define XML_DEPTH_MAX 16
#define XML_NODES_MAX 100000
#define XML_ATTRIBUTES_MAX 50000 /* more exactly: equals signs, some of which are the end of base64 */

struct xml {
    slice name;
    slice text; /* of the element itself, without that of its children; with blanks. May hold every byte but NUL */
    const struct xml *first, *next;
};
/* The tree lives in `a`. Errors: INVALID not well-formed, an element whose name is not NAME or PREFIX:NAME, or refused as above;
 * TOO_LARGE too deep, too many nodes or attributes, or more than the arena has room for; UNAVAILABLE the budget of the arena is
 * exceeded. */
MUST_USE err_t xml_parse(slice text, struct arena *a, const struct xml **ret_root);
/* The first child with that name; NULL when there is none, or when the parent is NULL. */
const struct xml *xml_child(const struct xml *, const char *name);
slice xml_child_text(const struct xml *, const char *name); /* .p is NULL when there is no such child */
#define XML_EACH(item, parent, child_name)                                                                             \
    for (const struct xml *item = (parent) ? (parent)->first : NULL; item; item = item->next)                          \
        if (slice_eq(item->name, slice_of(child_name)))

/* ---- writing; text is escaped ---- */

/* Add escaped text. Bytes that are not UTF-8 become U+FFFD. Control characters become references, which XML 1.0 allows
 * for tab and line ends only: a document that a strict reader refuses is better than one with a changed name. */
void xml_add(struct buf *, slice text);

void xml_begin(struct buf *); /* the declaration */
void xml_open(struct buf *, const char *name);
void xml_open_ns(struct buf *, const char *name, const char *ns);
void xml_close(struct buf *, const char *name);
void xml_text(struct buf *, const char *name, slice text); /* <name>text</name> */
void xml_int(struct buf *, const char *name, int64_t value);
void xml_bool(struct buf *, const char *name, bool value);

#endif
