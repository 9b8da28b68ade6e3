-- SPDX-License-Identifier: Apache-2.0
-- The jobs of an account are listed, newest first.
CREATE INDEX jobs_account ON jobs (account_id, id);
