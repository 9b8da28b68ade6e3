/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object that comes in pieces, such as the body of a request, in constant memory: it is checked while it comes, as json_scan
 * checks a text, and the value of one member is found in it.
 *
 *   json_feed_init(&feed, S("Data"));
 *   for each piece
 *       while (json_feed_next(&feed, &piece, &part) == JSON_FEED_PART) use part;
 *   json_feed_is_whole(&feed)
 *
 * The parts, one after the other, are the text. Those of the wanted value are marked; it may be of any kind, and there may be several
 * members of that name. Names match in any case; one with escapes is no match.
 * Thread   any; a feed belongs to one at a time. */
#ifndef CAIS_BASE_JSON_FEED_H
#define CAIS_BASE_JSON_FEED_H

#include "base/slice.h"

#define JSON_FEED_DEPTH_MAX 64 /* as JSON_SCAN_DEPTH_MAX */

struct json_feed {
    slice wanted; /* ASCII; borrowed */
    unsigned char state;
    unsigned char left;     /* of a character or an escape: so many bytes follow */
    unsigned char min, max; /* of the next byte of a character */
    int depth;
    uint64_t objects; /* a bit for each level: it is an object */
    unsigned unit;    /* of an escape \u */
    bool is_second;   /* … which must be the second half of a pair */
    const char *word; /* what must follow of true, false or null */
    bool is_name, matches;
    size_t matched;   /* bytes of the name */
    bool is_in_value; /* the wanted one */
};

struct json_feed_part {
    slice bytes; /* never empty */
    bool is_value;
    bool is_first; /* of a wanted value */
};
enum json_feed_step {
    JSON_FEED_PART,
    JSON_FEED_MORE, /* the piece is used up */
    JSON_FEED_BAD,  /* it is no JSON object; the feed cannot be used any more */
};
void json_feed_init(struct json_feed *, slice wanted);
/* Takes the next part off the piece. */
enum json_feed_step json_feed_next(struct json_feed *, slice *piece, struct json_feed_part *ret);
/* The object has ended. */
bool json_feed_is_whole(const struct json_feed *);

#endif
