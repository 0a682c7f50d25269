-- +goose Up
-- Who may write to a person first; no row: everyone, without asking.
-- who: 0 everyone, 1 people this person has written to, 2 nobody new.
CREATE TABLE IF NOT EXISTS contact_policies (
  user_id   BINARY(16)       NOT NULL PRIMARY KEY,
  who       TINYINT UNSIGNED NOT NULL,
  ask_first TINYINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The same where a post reads anyway: what stands between this member and the
-- other's messages. Bits: 1 a request, 2 ignored, 4 ask first, 8 closed.
-- 0, which all that were there before have: nothing.
ALTER TABLE members ADD COLUMN gate TINYINT UNSIGNED NOT NULL DEFAULT 0, ALGORITHM=INSTANT;

-- +goose Down
ALTER TABLE members DROP COLUMN gate;
DROP TABLE IF EXISTS contact_policies;
