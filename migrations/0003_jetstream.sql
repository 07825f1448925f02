-- Where this file stands in the JetStream stream that it follows, moved in the transaction that folds a message.
-- At most one row; none in a file that follows no stream.
CREATE TABLE jetstream_position (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  stream TEXT NOT NULL,
  -- When the server created the stream: another stream of the same name has another time.
  created TEXT NOT NULL,
  -- The last message that is wholly folded, its SHA-256, and the log's own head after it.
  seq INTEGER NOT NULL,
  digest TEXT NOT NULL,
  head INTEGER NOT NULL,
  -- How many commands of the message after it are folded already.
  commands INTEGER NOT NULL
) STRICT;

-- Which messages of each writer have been folded: its newest number, and a bit for each of the 32 up to it.
CREATE TABLE jetstream_writers (
  writer TEXT PRIMARY KEY,
  newest INTEGER NOT NULL,
  seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
