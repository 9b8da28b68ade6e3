-- SPDX-License-Identifier: Apache-2.0
-- Who has no token names no account: the path alone finds the environment.

CREATE INDEX environments_path_key ON environments (path_key, id) WHERE removed_at_ms = 0;
