/* SPDX-License-Identifier: Apache-2.0 */
/* How an entry of an inbox looks in SFTP. */
#ifndef CAIS_SFTP_ENTRY_H
#define CAIS_SFTP_ENTRY_H

#include "core/sync/inbox.h"
#include "sftp/packet.h"

struct sftp_attributes entry_attributes(const struct inbox_entry *);
/* A line as of `ls -l`, in `a`. now_ms: whether the time or the year is shown follows from it. */
slice entry_long_name(const struct inbox_entry *, int64_t now_ms, struct arena *a);

#endif
