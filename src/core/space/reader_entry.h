/* SPDX-License-Identifier: Apache-2.0 */
/* The key under which one user reads the bytes of one file in a guarded bucket (core/bucket/entry_guard.h), by a link that the server's own
 * key signed: a file of the user, of the account for its administrators, or one of a folder that the user may see. It exists
 * while the user may see the file, whatever the file is called and wherever it is moved. */
#ifndef CAIS_CORE_SPACE_READER_ENTRY_H
#define CAIS_CORE_SPACE_READER_ENTRY_H

#include "base/arena.h"

/* In `a`. */
slice reader_entry_key(int64_t user_id, const unsigned char uuid[16], struct arena *a);

#endif
