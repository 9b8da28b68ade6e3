-- SPDX-License-Identifier: Apache-2.0
-- Courses: who takes part in them with which role, and the trees of folders that belong to their spaces.

-- name_key, path_key and email_key are the texts with the case of their letters folded: what differs in case only is equal.
-- removed_at_ms: 0, or when it was removed. From then on nobody finds it, and what belongs to it is removed piece by piece.
CREATE TABLE environments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    creator_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    path_key TEXT NOT NULL,
    initials TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    modified_at_ms BIGINT NOT NULL,
    removed_at_ms BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX environments_name ON environments (account_id, name_key) WHERE removed_at_ms = 0;
CREATE UNIQUE INDEX environments_path ON environments (account_id, path_key) WHERE removed_at_ms = 0;
CREATE INDEX environments_removed ON environments (id) WHERE removed_at_ms > 0;

-- Who administers an environment and so all of its courses.
CREATE TABLE environment_admins (
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    PRIMARY KEY (environment_id, user_id)
);
CREATE INDEX environment_admins_user ON environment_admins (user_id, environment_id);

-- used_bytes: of the files in its spaces. max_bytes: 0, or how many they may be.
CREATE TABLE courses (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id BIGINT NOT NULL REFERENCES environments (id),
    creator_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    path TEXT NOT NULL,
    path_key TEXT NOT NULL,
    description TEXT NOT NULL,
    workload BIGINT NOT NULL,
    max_bytes BIGINT NOT NULL DEFAULT 0 CHECK (max_bytes >= 0),
    used_bytes BIGINT NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
    created_at_ms BIGINT NOT NULL,
    modified_at_ms BIGINT NOT NULL,
    removed_at_ms BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX courses_name ON courses (environment_id, name_key) WHERE removed_at_ms = 0;
CREATE UNIQUE INDEX courses_path ON courses (environment_id, path_key) WHERE removed_at_ms = 0;
CREATE INDEX courses_path_key ON courses (path_key, id) WHERE removed_at_ms = 0;
CREATE INDEX courses_environment ON courses (environment_id, id);
CREATE INDEX courses_removed ON courses (id) WHERE removed_at_ms > 0;

-- user_id is NULL while nobody has an account with that address. token: what the invitation shows who invited.
CREATE TABLE enrolments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    course_id BIGINT NOT NULL REFERENCES courses (id),
    user_id BIGINT REFERENCES users (id),
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    state INTEGER NOT NULL,
    role INTEGER NOT NULL,
    token TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    modified_at_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX enrolments_user ON enrolments (course_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX enrolments_email ON enrolments (course_id, email_key) WHERE user_id IS NULL;
CREATE INDEX enrolments_course ON enrolments (course_id, id);
CREATE INDEX enrolments_of_user ON enrolments (user_id, course_id) WHERE user_id IS NOT NULL;
CREATE INDEX enrolments_waiting ON enrolments (email_key, id) WHERE user_id IS NULL;

CREATE TABLE spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    course_id BIGINT NOT NULL REFERENCES courses (id),
    creator_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    root_id BIGINT NOT NULL DEFAULT 0, -- its folder without a parent
    branch_count INTEGER NOT NULL DEFAULT 0,
    created_at_ms BIGINT NOT NULL,
    modified_at_ms BIGINT NOT NULL,
    removed_at_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX spaces_course ON spaces (course_id, id);
CREATE INDEX spaces_removed ON spaces (id) WHERE removed_at_ms > 0;

-- Folders of one space that hang together, at most 256 of them: all of them below the folder parent_folder_id, which belongs to
-- the branch parent_id (both 0: the root of the space is in this branch). A branch that is cut off (cut_at_ms) takes its folders
-- and their files with it, whose rows are then removed piece by piece. used_bytes: of the files in its folders.
CREATE TABLE branches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space_id BIGINT NOT NULL REFERENCES spaces (id),
    parent_id BIGINT NOT NULL,
    parent_folder_id BIGINT NOT NULL,
    folder_count INTEGER NOT NULL CHECK (folder_count >= 0),
    used_bytes BIGINT NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
    cut_at_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX branches_parent ON branches (parent_id, parent_folder_id);
CREATE INDEX branches_space ON branches (space_id, id);
CREATE INDEX branches_cut ON branches (id) WHERE cut_at_ms > 0;

-- parent_id: 0 for the root of a space, and for a folder that was cut off. used_bytes: of the files in it, without its folders.
CREATE TABLE folders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space_id BIGINT NOT NULL REFERENCES spaces (id),
    branch_id BIGINT NOT NULL REFERENCES branches (id),
    parent_id BIGINT NOT NULL,
    creator_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    used_bytes BIGINT NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
    created_at_ms BIGINT NOT NULL,
    modified_at_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX folders_name ON folders (parent_id, name_key) WHERE parent_id > 0;
CREATE INDEX folders_parent ON folders (parent_id, id);
CREATE INDEX folders_branch ON folders (branch_id, id);
CREATE INDEX folders_space ON folders (space_id, id);

-- A file is in one folder at most, which is its holder.
CREATE TABLE folder_files (
    file_id BIGINT PRIMARY KEY REFERENCES files (id),
    folder_id BIGINT NOT NULL REFERENCES folders (id),
    space_id BIGINT NOT NULL,
    name_key TEXT NOT NULL
);
CREATE UNIQUE INDEX folder_files_name ON folder_files (folder_id, name_key);
CREATE INDEX folder_files_folder ON folder_files (folder_id, file_id);
CREATE INDEX folder_files_space ON folder_files (space_id, file_id);
