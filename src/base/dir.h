/* SPDX-License-Identifier: Apache-2.0 */
/* SCOPED(dir_closep) DIR *dir = opendir(path); closes the directory on every way out of the block. */
#ifndef CAIS_BASE_DIR_H
#define CAIS_BASE_DIR_H

#include <dirent.h>

static inline void dir_closep(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

#endif
