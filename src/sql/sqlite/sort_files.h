/* SPDX-License-Identifier: Apache-2.0 */
/* What a reading connection sorts, and what it collects for DISTINCT or GROUP BY, may be more than memory should hold. Then SQLite uses
 * a file, which the default VFS makes in /var/tmp, or wherever the environment says. This VFS lies over the default one, and
 * makes these files beside the database, of mode 0600 and without a name: it is unlinked as soon as it is open. */
#ifndef CAIS_SQL_SQLITE_SORT_FILES_H
#define CAIS_SQL_SQLITE_SORT_FILES_H

/* A VFS for the reading connections of one database. path: of the database; copied. */
struct sort_files *sort_files_new(const char *path);
/* The name to open the database with. Thread: any. */
const char *sort_files_vfs(const struct sort_files *);
void sort_files_free(struct sort_files *); /* after its last connection was closed; NULL is fine */

#endif
