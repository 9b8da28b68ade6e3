-- SPDX-License-Identifier: Apache-2.0
-- Applications, which users let act for them. Each has a key, a row of credentials with the hash of its secret. What a user gives to an
-- application is a row of credentials, too, made from that key.

CREATE TABLE applications (
    key_id INTEGER PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL UNIQUE CHECK (client_id <> ''),
    token_id BIGINT NOT NULL
);

-- Where an application lets browsers be sent back: absolute URLs, compared whole.
CREATE TABLE callbacks (
    key_id BIGINT NOT NULL REFERENCES applications (key_id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    address TEXT NOT NULL CHECK (address <> ''),
    PRIMARY KEY (key_id, number)
);

-- is_reusable: a PIN. used_at_ms: 0, or when it was exchanged.
CREATE TABLE codes (
    credential_id INTEGER PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
    redirect TEXT NOT NULL,
    is_reusable INTEGER NOT NULL CHECK (is_reusable BETWEEN 0 AND 1),
    challenge TEXT NOT NULL,
    used_at_ms BIGINT NOT NULL DEFAULT 0
);
