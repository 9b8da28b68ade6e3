/* SPDX-License-Identifier: Apache-2.0 */
/* Named texts for what SQLite and PostgreSQL express differently. A statement that needs one of these is a macro with
 * the parameter IN, in which IN(sqlite, postgres) is one of its two texts, and is declared with STATEMENT_PAIR
 * (sql/sql.h). Migrations have pairs of their own: migrations/embed.py. docs/internals/writes.md explains both. */
#ifndef CAIS_META_DIALECT_PRIV_H
#define CAIS_META_DIALECT_PRIV_H

#include "sql/sql.h"

/* The length of a text in bytes. SQLite's LENGTH of a text counts characters, and stops at a NUL. */
#define BYTES_OF(IN, column) IN("LENGTH(CAST(" column " AS BLOB))", "OCTET_LENGTH(" column ")")

/* The value of a column whose index must not be used here. SQLite chooses an index by fixed rules and would choose this
 * one; PostgreSQL chooses by its statistics and needs no hint. */
#define WITHOUT_INDEX(IN, column) IN(column " + 0", column)

/* At the end of a SELECT in a write: the rows are held until the transaction ends. HELD keeps others from changing them;
 * HELD_FOR_REMOVAL also keeps others from adding rows that refer to them with a foreign key. SQLite has one writer. */
#define HELD(IN) IN("", " FOR NO KEY UPDATE")
#define HELD_FOR_REMOVAL(IN) IN("", " FOR UPDATE")

/* Has the JSON object in `column` a member `name` whose value, a text or a number, is the text `value`? False when the
 * column holds no object. A path ("$.name") cannot be used, because a name may have any characters. */
#define JSON_MEMBER_IS(IN, column, name, value)                                                                        \
    IN("EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(" column ") THEN " column " ELSE '{}' END) member"        \
       " WHERE member.key = " name                                                                                     \
       " AND member.type IN ('integer', 'real', 'text') AND CAST(member.atom AS TEXT) = " value ")",                   \
       "EXISTS (SELECT 1 FROM json_each(CASE WHEN " column " LIKE '{%' THEN CAST(" column " AS JSON) ELSE '{}' END)"   \
       " member WHERE member.key = " name                                                                              \
       " AND json_typeof(member.value) IN ('number', 'string') AND member.value #>> '{}' = " value ")")

#endif
