-- What the store remembers of itself.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- A post as one source has it. What decides between copies stands before the body,
-- which is long: the engine would read all of it to come to what is behind.
CREATE TABLE copies_3 (
  id         INTEGER PRIMARY KEY,
  source_id  INTEGER NOT NULL REFERENCES sources (id),
  guid_hash  BLOB    NOT NULL,
  entry_id   INTEGER REFERENCES entries (id), -- NULL only within a transaction
  born       INTEGER NOT NULL DEFAULT 0,     -- the entry that was made for it; 0: it came to another's
  joined     TEXT    NOT NULL DEFAULT '',    -- why it is in its entry, of the copy it was joined to
  hash       TEXT    NOT NULL,
  revision   INTEGER NOT NULL DEFAULT 0,
  revised    INTEGER NOT NULL DEFAULT 0,     -- when a revision was told last
  local      INTEGER NOT NULL,
  rank       INTEGER NOT NULL DEFAULT 2,     -- 0 local, 1 its author's own site, 2 elsewhere
  secure     INTEGER NOT NULL DEFAULT 0,     -- its address is https
  length     INTEGER NOT NULL DEFAULT 0,     -- of its text in bytes
  first_seen INTEGER NOT NULL,
  sort       INTEGER NOT NULL DEFAULT 0,     -- min(published, first seen), never changed
  changed    INTEGER NOT NULL,
  updated    INTEGER NOT NULL DEFAULT 0,     -- as the source says
  withdrawn  INTEGER NOT NULL DEFAULT 0,
  purged     INTEGER NOT NULL DEFAULT 0,     -- too old to keep; known for ever
  title      INTEGER NOT NULL DEFAULT 0,     -- a hash of it, 0 for none
  keys       BLOB    NOT NULL DEFAULT '',    -- a byte for the kind and 16 of the hash, each
  sketch     BLOB    NOT NULL DEFAULT '',    -- 8 bytes a value
  categories TEXT    NOT NULL,               -- []feeds.CategoryName, JSON
  body       TEXT    NOT NULL,               -- feeds.Entry, JSON
  UNIQUE (source_id, guid_hash)
);
INSERT INTO copies_3 (id, source_id, guid_hash, entry_id, hash, revision, local, first_seen, changed, updated, withdrawn, categories, body,
    born, sort)
  SELECT id, source_id, guid_hash, entry_id, hash, revision, local, first_seen, changed, updated, withdrawn, categories, body,
    CASE WHEN id = (SELECT min(o.id) FROM copies o WHERE o.entry_id = copies.entry_id) THEN entry_id ELSE 0 END,
    (SELECT e.sort FROM entries e WHERE e.id = copies.entry_id) FROM copies;
DROP TABLE copies;
ALTER TABLE copies_3 RENAME TO copies;
CREATE INDEX copies_entry ON copies (entry_id);

-- Which copies have an identity. Which of them are one post follows: feeds.Cluster.
-- This and the next are indexes of copies.keys and copies.sketch: nothing of theirs
-- refers to anything on its own.
DROP TABLE keys;
CREATE TABLE copy_keys (
  hash    BLOB    NOT NULL,
  copy_id INTEGER NOT NULL,
  PRIMARY KEY (hash, copy_id)
) WITHOUT ROWID;

-- By what copies with nearly the same text find each other: feeds.SketchOf. The time
-- is that of the copy, since few of the same time are looked at.
CREATE TABLE sketches (
  hash    INTEGER NOT NULL,
  sort    INTEGER NOT NULL,
  copy_id INTEGER NOT NULL,
  PRIMARY KEY (hash, sort, copy_id)
) WITHOUT ROWID;

-- What ties or parts two copies beside their keys: feeds.Tie.
CREATE TABLE ties (
  a    INTEGER NOT NULL REFERENCES copies (id), -- a < b
  b    INTEGER NOT NULL REFERENCES copies (id),
  kind INTEGER NOT NULL,
  at   INTEGER NOT NULL,
  PRIMARY KEY (a, b, kind)
) WITHOUT ROWID;
CREATE INDEX ties_b ON ties (b);

-- What a copy said before.
CREATE TABLE revisions (
  copy_id INTEGER NOT NULL REFERENCES copies (id),
  n       INTEGER NOT NULL,                  -- copies.revision of that time
  at      INTEGER NOT NULL,                  -- until when it was shown
  body    TEXT    NOT NULL,
  PRIMARY KEY (copy_id, n)
) WITHOUT ROWID;

ALTER TABLE entries ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0; -- a person took it off
ALTER TABLE entries ADD COLUMN held   INTEGER NOT NULL DEFAULT 0; -- until then: one of a flood
ALTER TABLE entries ADD COLUMN merged INTEGER NOT NULL DEFAULT 0; -- the entry that it was found to be the same as
ALTER TABLE entries ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0; -- when it was first seen, if that was long after its date
CREATE INDEX entries_arrived ON entries (arrived) WHERE arrived > 0;
CREATE INDEX entries_held ON entries (held) WHERE held > 0;
