/* SPDX-License-Identifier: Apache-2.0 */
/* Listings: documents with a page of up to 1,000 items, or 10,000 buckets, which may have several MiB. They are sent in
 * pieces (api/kit/piece_reply.h).
 *
 * Because the end of a page is not known when its beginning is sent, items come in one order (common prefixes between
 * keys), and IsTruncated and what the next page needs stand behind them. Clients read elements by name. */
#ifndef CAIS_API_S3_LISTING_PRIV_H
#define CAIS_API_S3_LISTING_PRIV_H

#include "api/kit/piece_reply.h"
#include "api/s3/call_priv.h"

#define S3_ROWS_AT_ONCE 100 /* that a listing reads before it looks for room */

#endif
