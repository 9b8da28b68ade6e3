/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the language of a page by the Accept-Language header. Spec: RFC 9110 §12.5.4, §12.4.2. */
#ifndef CAIS_HTTP_LANGUAGE_H
#define CAIS_HTTP_LANGUAGE_H

#include "base/slice.h"

/* The index of the offered language that the client likes most; 0 when it likes none of them, and for an empty header.
 * offered: language tags, such as "en" and "pt-BR". Only their first part counts, on both sides and in any case, so "pt-PT"
 * gets "pt-BR". Of languages that are liked equally, the one that the client names first. Malformed elements of the header
 * are ignored. */
size_t language_choose(slice header, const slice *offered, size_t count);

#endif
