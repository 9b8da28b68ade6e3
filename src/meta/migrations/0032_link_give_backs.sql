-- SPDX-License-Identifier: Apache-2.0
-- How many uploads by a link were given back unfinished, less what time has taken off (core/store/drop_link_store.h), and the hour
-- since 1970 in which that was counted last.

ALTER TABLE drop_links ADD COLUMN given_back BIGINT NOT NULL DEFAULT 0 CHECK (given_back >= 0);
ALTER TABLE drop_links ADD COLUMN given_back_hour BIGINT NOT NULL DEFAULT 0;
