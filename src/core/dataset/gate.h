/* SPDX-License-Identifier: Apache-2.0 */
/* A backup copies the metadata database, and then the rows of datasets and the records of sets. While it does, the gate is closed: no
 * file's rows are made visible, no batch of records is committed and no table is changed, so that all copies tell of the same files. A
 * file is read up to its last line, or up to the end of a batch, meanwhile. Thread: any. */
#ifndef CAIS_CORE_DATASET_GATE_H
#define CAIS_CORE_DATASET_GATE_H

#include "core/core.h"

struct job_run;

/* Close it, after what has entered has left. Every call needs one of dataset_gate_open. */
void dataset_gate_close(struct core *);
void dataset_gate_open(struct core *);
/* Wait until it is open, and enter. False, and nothing was entered: the run is stopping. */
MUST_USE bool dataset_gate_enter(struct core *, struct job_run *);
/* Enter if it is open. */
MUST_USE bool dataset_gate_try(struct core *);
void dataset_gate_leave(struct core *);

#endif
