/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX extended regular expressions (IEEE 1003.1, section 9.4) over UTF-8, for patterns that anybody may send: whether a pattern
 * is found anywhere in a text. The time is at most the length of the text times REGEX_STEPS_MAX, whatever the pattern, because all
 * ways through it are followed at once and none twice; the memory follows from the pattern alone.
 *
 *   .  [a-z]  [^a-z]  [[:alpha:]]  (…)  *  +  ?  {3}  {3,}  {3,9}  |  ^  $      as POSIX has them
 *   \                takes the meaning of the next character, which is no letter and no digit
 *   .                any character, also a line end; ^ and $ are the ends of the text alone
 *   [[:alpha:]]      classes know ASCII alone; [a-z] is a range of code points; [[.x.]] and [[=x=]] are the character
 *
 * Refused is what POSIX leaves open: a repetition of nothing, {,3}, an unmatched bracket of any kind, a backslash before a letter, a
 * digit or the end. An empty alternative is found everywhere. Case counts.
 *
 * Thread   One at a time, for each of them. */
#ifndef CAIS_BASE_REGEX_H
#define CAIS_BASE_REGEX_H

#include "base/arena.h"

#define REGEX_PATTERN_MAX 1024 /* bytes */
#define REGEX_REPEAT_MAX 255
#define REGEX_DEPTH_MAX 50   /* of brackets, and of repetitions of repetitions */
#define REGEX_STEPS_MAX 2000 /* of what a pattern becomes when its repetitions are written out */

enum regex_fault {
    REGEX_FINE,
    REGEX_TOO_LONG,  /* REGEX_PATTERN_MAX */
    REGEX_TOO_LARGE, /* REGEX_STEPS_MAX or REGEX_DEPTH_MAX */
    REGEX_NOT_UTF8,
    REGEX_BAD_BRACKETS, /* ( ) [ ] { } that do not match, a range that is none, an unknown class */
    REGEX_BAD_REPEAT,   /* a repetition of nothing, or beyond REGEX_REPEAT_MAX, or from more to less */
    REGEX_BAD_ESCAPE,
};

struct regex;

/* The pattern is borrowed for the call; the result lives in `a`, some 100 KiB at most. */
MUST_USE enum regex_fault regex_compile(slice pattern, struct arena *a, struct regex **ret);

/* Asked about every REGEX_LOOK steps. NULL: nobody is asked. */
#define REGEX_LOOK ((uint64_t)1 << 16)
struct regex_watch {
    bool (*must_stop)(void *arg);
    void *arg;
};
enum regex_result { REGEX_ABSENT, REGEX_FOUND, REGEX_STOPPED };
/* text: UTF-8; a byte that is not counts as a character of its own, which only . and [^…] take. watch: may be NULL. */
enum regex_result regex_search(struct regex *, slice text, const struct regex_watch *watch);

#endif
