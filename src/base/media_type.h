/* SPDX-License-Identifier: Apache-2.0 */
/* Media types: which one a file probably has, and which ones a browser may show. The probable one is derived from the extension of its name: for files whose bytes have not arrived
 * yet. The table is our own, so that the result does not depend on the machine. Source of the names: the IANA registry
 * of media types. */
#ifndef CAIS_BASE_MEDIA_TYPE_H
#define CAIS_BASE_MEDIA_TYPE_H

#include "base/arena.h"

/* The extension of a name: what follows the last dot, in lower case (ASCII). Empty when there is no dot, when nothing
 * follows it, or when it is the first character (".profile"). */
slice file_extension(slice name, struct arena *a);
/* The type for an extension in lower case; "application/octet-stream" when it is unknown. A literal. */
slice media_type_of(slice extension);
/* May a browser show bytes of this type, which somebody else sent, with the rights of the host that sends them? True only for one
 * type of a list of those that have no scripts, compared whole and without regard to case, with at most a charset that
 * reads ASCII as ASCII. Everything else is false: unknown types, types that end with +xml, lists with commas (of which
 * browsers take the last type), and other parameters. Source: MIME Sniffing Standard (WHATWG) §4, Fetch Standard
 * (WHATWG), "extract a MIME type". */
bool media_type_is_inert(slice type);

#endif
