-- Events name their subject by a number. An index over the names themselves was most of the cost of an append, and the
-- table of current objects, which held each object's text a second time, most of the rest.
CREATE TABLE subjects (
  id INTEGER PRIMARY KEY,
  subject_group TEXT NOT NULL,
  subject_kind TEXT NOT NULL,
  subject_namespace TEXT NOT NULL,
  subject_name TEXT NOT NULL,
  UNIQUE (subject_group, subject_kind, subject_namespace, subject_name)
) STRICT;

-- Where each subject stands. Apart from the names, so that many share a page: what an append writes is whole pages.
CREATE TABLE heads (
  subject INTEGER PRIMARY KEY,
  -- Its newest event, how many it has had, and the event that left the object as it is now: 0 when there is none.
  newest INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT;

-- Every 64th event of a subject: where a walk back through its events can begin.
CREATE TABLE waypoints (
  subject INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (subject, seq)
) STRICT, WITHOUT ROWID;

ALTER TABLE events RENAME TO events_by_name;
DROP INDEX events_by_subject;
DROP TRIGGER events_are_never_changed;
DROP TRIGGER events_are_never_deleted;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  subject INTEGER NOT NULL,
  -- The subject's event before this one (0: none), and how many it has had with this one.
  previous INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  subject_uid TEXT NOT NULL,
  actor_user TEXT NOT NULL,
  actor_via TEXT NOT NULL,
  request_id TEXT NOT NULL,
  -- Null: the request's own id.
  correlation_id TEXT,
  restored_from INTEGER,
  time TEXT NOT NULL,
  schema_version INTEGER NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  object TEXT NOT NULL
) STRICT;

INSERT INTO subjects (subject_group, subject_kind, subject_namespace, subject_name)
SELECT subject_group, subject_kind, subject_namespace, subject_name
FROM events_by_name GROUP BY subject_group, subject_kind, subject_namespace, subject_name ORDER BY min(seq);

INSERT INTO events
SELECT seq, subjects.id,
  coalesce(lag(seq) OVER (PARTITION BY subjects.id ORDER BY seq), 0),
  row_number() OVER (PARTITION BY subjects.id ORDER BY seq),
  events_by_name.id, type, subject_uid, actor_user, actor_via, request_id, correlation_id, restored_from, time,
  schema_version, prev_hash, hash, object
FROM events_by_name
  JOIN subjects USING (subject_group, subject_kind, subject_namespace, subject_name)
ORDER BY seq;

INSERT INTO heads
SELECT subject, max(seq), revision, iif(type IN ('Deleted', 'Compacted'), 0, seq) FROM events GROUP BY subject;

INSERT INTO waypoints SELECT subject, seq FROM events WHERE revision % 64 = 0;

DROP TABLE events_by_name;
DROP TABLE objects;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'the event log is append-only');
END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'the event log is append-only');
END;

-- SHA-256 over the row: a flipped bit in a key would let a retried command happen again. Null: of an older version.
ALTER TABLE commands ADD COLUMN digest TEXT;
