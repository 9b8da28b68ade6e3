/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of routes.c, in the order of docs/apis/redu.md §6 and §8. */
#ifndef CAIS_API_REDU_HANDLERS_PRIV_H
#define CAIS_API_REDU_HANDLERS_PRIV_H

#include "http/http.h"

err_t redu_folder_get(struct http_exchange *);
err_t redu_folder_folders(struct http_exchange *);
err_t redu_space_folders(struct http_exchange *);
err_t redu_folder_create(struct http_exchange *);
err_t redu_folder_update(struct http_exchange *);
err_t redu_folder_delete(struct http_exchange *);
err_t redu_folder_files(struct http_exchange *);
err_t redu_file_upload(struct http_exchange *);
err_t redu_file_get(struct http_exchange *);
err_t redu_file_delete(struct http_exchange *);

err_t redu_me(struct http_exchange *);
err_t redu_user_get(struct http_exchange *);
err_t redu_user_enrollments(struct http_exchange *);
err_t redu_user_spaces(struct http_exchange *);
err_t redu_user_nothing(struct http_exchange *); /* links to what is not built */
err_t redu_environment_list(struct http_exchange *);
err_t redu_environment_create(struct http_exchange *);
err_t redu_environment_get(struct http_exchange *);
err_t redu_environment_update(struct http_exchange *);
err_t redu_environment_delete(struct http_exchange *);
err_t redu_environment_courses(struct http_exchange *);
err_t redu_course_create(struct http_exchange *);
err_t redu_course_get(struct http_exchange *);
err_t redu_course_update(struct http_exchange *);
err_t redu_course_delete(struct http_exchange *);
err_t redu_course_spaces(struct http_exchange *);
err_t redu_course_users(struct http_exchange *);
err_t redu_space_create(struct http_exchange *);
err_t redu_space_get(struct http_exchange *);
err_t redu_space_update(struct http_exchange *);
err_t redu_space_delete(struct http_exchange *);
err_t redu_space_users(struct http_exchange *);
err_t redu_space_nothing(struct http_exchange *);
err_t redu_course_enrollments(struct http_exchange *);
err_t redu_enrollment_create(struct http_exchange *);
err_t redu_enrollment_get(struct http_exchange *);
err_t redu_enrollment_update(struct http_exchange *);
err_t redu_enrollment_delete(struct http_exchange *);

#endif
