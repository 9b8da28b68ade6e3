/* A blob store that wraps another one and fails on command, for tests. Takes store; borrows plan. */
#ifndef CAIS_BLOB_FAULT_FAULT_H
#define CAIS_BLOB_FAULT_FAULT_H

#include "base/fault.h"
#include "core/blob_store.h"

struct blob_store *blob_fault_wrap(struct blob_store *store, struct fault_plan *plan);

#endif
