-- +goose Up
-- chatapp: widens signing_keys.seed, for a private key that is encrypted
-- chatapp: locks a table of two or three rows
ALTER TABLE signing_keys MODIFY COLUMN seed VARBINARY(128) NOT NULL;

-- +goose Down
SELECT 1;
