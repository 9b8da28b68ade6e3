/* SPDX-License-Identifier: Apache-2.0 */
/* XML for protocols: small documents read into a tree, answers written. Names are local ones: a prefix and its
 * namespace are dropped. No document type, no entities of its own, no processing instructions (CVE lists are full of
 * them). */
#ifndef CAIS_BASE_XML_H
#define CAIS_BASE_XML_H

#include "base/buf.h"
#include "base/err.h"

#define XML_DEPTH_MAX 16
#define XML_NODES_MAX 100000

struct xml {
    slice name;
    slice text; /* of the element itself, without that of its children; blanks kept. May hold anything but NUL */
    const struct xml *first, *next;
};
/* Everything lives in `a`. Errors: INVALID not well-formed, or not as above; TOO_LARGE too deep or too many. */
MUST_USE err_t xml_parse(slice text, struct arena *a, const struct xml **ret_root);
/* First child of that name; NULL is fine, and what is returned when there is none. */
const struct xml *xml_child(const struct xml *, const char *name);
slice xml_child_text(const struct xml *, const char *name); /* .p NULL: there is none */
#define XML_EACH(item, parent, child_name)                                                                             \
    for (const struct xml *item = (parent) ? (parent)->first : NULL; item; item = item->next)                          \
        if (slice_eq(item->name, slice_of(child_name)))

/* ---- writing; escapes what must be ---- */

/* Bytes that are no UTF-8 become U+FFFD. Control characters become references, which XML 1.0 allows for tab and line
 * ends only: better a document that strict readers refuse than one that says another name. */
void xml_add(struct buf *, slice text);

void xml_begin(struct buf *); /* the declaration */
void xml_open(struct buf *, const char *name);
void xml_open_ns(struct buf *, const char *name, const char *ns);
void xml_close(struct buf *, const char *name);
void xml_text(struct buf *, const char *name, slice text); /* <name>text</name> */
void xml_int(struct buf *, const char *name, int64_t value);
void xml_bool(struct buf *, const char *name, bool value);

#endif
