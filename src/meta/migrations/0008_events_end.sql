-- SPDX-License-Identifier: Apache-2.0
-- The oldest events may be removed, and no others.

-- The log begins with this id. A write that removes events first raises it, by the rules of the triggers below: only what
-- is older can be removed, and the newest event never is, so that no id is used again.
CREATE TABLE events_kept (
    id BIGINT PRIMARY KEY CHECK (id = 1), -- there is one row
    from_id BIGINT NOT NULL
);
INSERT INTO events_kept (id, from_id) VALUES (1, 1);

DROP TRIGGER events_stay;
CREATE TRIGGER events_stay BEFORE DELETE ON events
WHEN OLD.id >= (SELECT COALESCE(MAX(from_id), 0) FROM events_kept)
BEGIN
    SELECT RAISE(ABORT, 'events are never removed but the oldest');
END;
CREATE TRIGGER events_kept_rises BEFORE UPDATE ON events_kept
WHEN NEW.from_id < OLD.from_id OR NEW.from_id > (SELECT COALESCE(MAX(id), 0) FROM events)
BEGIN
    SELECT RAISE(ABORT, 'the beginning of the events only rises, to the newest at most');
END;
CREATE TRIGGER events_kept_stays BEFORE DELETE ON events_kept
BEGIN
    SELECT RAISE(ABORT, 'the beginning of the events is never removed');
END;
