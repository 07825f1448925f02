-- The append-only log. One row an event; seq is dense and is the resourceVersion that clients see.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  subject_group TEXT NOT NULL,
  subject_kind TEXT NOT NULL,
  subject_namespace TEXT NOT NULL,
  subject_name TEXT NOT NULL,
  subject_uid TEXT NOT NULL,
  object TEXT NOT NULL,
  actor_user TEXT NOT NULL,
  actor_via TEXT NOT NULL,
  request_id TEXT NOT NULL,
  time TEXT NOT NULL,
  schema_version INTEGER NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_subject ON events (subject_group, subject_kind, subject_namespace, subject_name, seq);

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'the event log is append-only');
END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'the event log is append-only');
END;

-- The current objects: moves in the same transaction as the events, so that a start reads no history.
CREATE TABLE objects (
  object_group TEXT NOT NULL,
  object_kind TEXT NOT NULL,
  object_namespace TEXT NOT NULL,
  object_name TEXT NOT NULL,
  version INTEGER NOT NULL,
  changed_at TEXT NOT NULL,
  object TEXT NOT NULL,
  PRIMARY KEY (object_group, object_kind, object_namespace, object_name)
) STRICT, WITHOUT ROWID;
