/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of jobs of the product. To add one, add its row to the table in kinds.c, and call job_add where it is needed
 * unless it is periodic. */
#ifndef CAIS_JOBS_KINDS_H
#define CAIS_JOBS_KINDS_H

#include "jobs/kind.h"

extern const struct job_kind job_kinds[];
extern const size_t job_kind_count;

#endif
