/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of struct core that core_init creates and that the rooms of core implement. */
#ifndef CAIS_CORE_CORE_PRIV_H
#define CAIS_CORE_CORE_PRIV_H

#include "core/core.h"

struct access_cache *access_cache_new(void);
void access_cache_free(struct access_cache *);
struct key_uses *key_uses_new(void);
void key_uses_free(struct key_uses *);
struct bucket_cache *bucket_cache_new(void);
void bucket_cache_free(struct bucket_cache *);
struct check_memory *check_memory_new(void);
void check_memory_free(struct check_memory *);
struct dataset_gate *dataset_gate_new(void);
void dataset_gate_free(struct dataset_gate *);
struct file_cache *file_cache_new(uint64_t max_bytes);
void file_cache_free(struct file_cache *);
struct meta_job_changes;
struct job_signal *job_signal_new(void);
void job_signal_free(struct job_signal *);
void job_signal_raise(void *signal, const struct meta_job_changes *);
struct part_map_cache *part_map_cache_new(void);
void part_map_cache_free(struct part_map_cache *);
struct transfer_shards *transfer_shards_new(void);
void transfer_shards_free(struct transfer_shards *);
struct free_space *free_space_new(void);
void free_space_free(struct free_space *);
/* The stores note their writes there from now on, and must not be written any more when it is freed. */
struct writes *writes_new(struct core *);
void writes_free(struct core *);
user_added_fn enrolment_adopt;                                                     /* enrolment.c */
err_t task_person_arrived(struct meta_tx *, const struct user *, struct arena *a); /* task_members.c */
extern const struct entry_guard ticket_entry_guard;                                /* entry_ticket.c */
extern const struct entry_guard sync_entry_guard;                                  /* sync_entry.c */
extern const struct entry_guard folder_entry_guard;                                /* folder_entry.c */
extern const struct entry_guard reader_entry_guard;                                /* reader_entry.c */
#define HOLDER(number, NAME, name, what) extern const struct holder_rules name##_holder;
#include "core/records/holders.def"
#undef HOLDER

#endif
