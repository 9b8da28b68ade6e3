-- SPDX-License-Identifier: Apache-2.0
-- What finds courses, environments and enrolments without reading those of others, and a page without reading all others again.

-- Paths in an account. account_id is that of the environment, and never changes.
CREATE INDEX environments_account ON environments (account_id, id) WHERE removed_at_ms = 0;
ALTER TABLE courses ADD COLUMN account_id BIGINT NOT NULL DEFAULT 0;
UPDATE courses SET account_id = (SELECT e.account_id FROM environments e WHERE e.id = courses.environment_id);
CREATE INDEX courses_account_path ON courses (account_id, path_key, id) WHERE removed_at_ms = 0;

-- The courses of an environment are counted in the index.
DROP INDEX courses_environment;
CREATE INDEX courses_environment ON courses (environment_id, removed_at_ms, id);

-- In which environments a person takes part. environment_id is that of the course, and never changes. state 4: approved.
ALTER TABLE enrolments ADD COLUMN environment_id BIGINT NOT NULL DEFAULT 0;
UPDATE enrolments SET environment_id = (SELECT c.environment_id FROM courses c WHERE c.id = enrolments.course_id);
CREATE INDEX enrolments_approved ON enrolments (user_id, environment_id, course_id) WHERE state = 4;

-- The enrolments of a person, by id.
DROP INDEX enrolments_of_user;
CREATE INDEX enrolments_of_user ON enrolments (user_id, id) WHERE user_id IS NOT NULL;

-- The children of a folder in one branch, however many it has in others.
DROP INDEX folders_branch;
CREATE INDEX folders_branch ON folders (branch_id, parent_id, id);
