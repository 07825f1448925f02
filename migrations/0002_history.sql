-- Schema version 2 of events: which requests belong together, and what an event brought back.
ALTER TABLE events ADD COLUMN correlation_id TEXT;
ALTER TABLE events ADD COLUMN restored_from INTEGER;

-- The events of each command that came with an idempotency key.
CREATE TABLE commands (
  idempotency_key TEXT PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Up to where the log has been compacted, and what carries its chain on. At most one row.
CREATE TABLE compaction (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  through_seq INTEGER NOT NULL,
  through_hash TEXT NOT NULL,
  retained INTEGER NOT NULL,
  retained_digest TEXT NOT NULL
) STRICT;
