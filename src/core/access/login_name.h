/* SPDX-License-Identifier: Apache-2.0 */
/* What a login is. Two that look alike are a way to act as somebody else, so it has no character that nobody sees. Only new logins are
 * checked: those that are there were made by older rules, and go on working. Thread: any. */
#ifndef CAIS_CORE_ACCESS_LOGIN_NAME_H
#define CAIS_CORE_ACCESS_LOGIN_NAME_H

#include "base/arena.h"
#include "base/err.h"

enum { LOGIN_NAME_MAX = 128 }; /* bytes */

/* 1 to LOGIN_NAME_MAX bytes of UTF-8 without blanks, control characters, and characters that are invisible or change the direction of
 * the text (base/character.h). Errors: INVALID, and the text says what is wrong. */
MUST_USE err_t login_name_check(slice login, struct arena *a);
/* The same for an e-mail address, with which one logs in, too; it may be empty, and have up to max bytes and blanks. */
MUST_USE err_t login_address_check(slice address, size_t max, struct arena *a);

#endif
