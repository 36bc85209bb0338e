-- Which entries came into a list together, and in which order (RFC 5005 §4): "" is the
-- planet, "s SLUG" a source, "c SLUG" a category or another list, as in versions. Row 0
-- is what is not closed yet.
CREATE TABLE archives (
  scope   TEXT COLLATE "C" NOT NULL,
  n       BIGINT NOT NULL,
  entries TEXT    NOT NULL,                  -- their ids, with blanks between
  PRIMARY KEY (scope, n)
);

-- Entries that were taken back, in every list that they were in (RFC 6721).
CREATE TABLE tombstones (
  scope    TEXT COLLATE "C" NOT NULL,
  at       BIGINT NOT NULL,
  entry_id BIGINT NOT NULL REFERENCES entries (id),
  PRIMARY KEY (scope, at, entry_id)
);
CREATE INDEX tombstones_entry ON tombstones (entry_id);

-- What is there already is closed.
INSERT INTO archives (scope, n, entries)
  SELECT '', k + 1, string_agg(id::text, ' ' ORDER BY id) FROM
    (SELECT id, (row_number() OVER (ORDER BY id) - 1) / 100 AS k FROM entries WHERE withdrawn = 0 ORDER BY id) x GROUP BY k;
INSERT INTO archives (scope, n, entries)
  SELECT scope, k + 1, string_agg(id::text, ' ' ORDER BY id) FROM
    (SELECT 's ' || s.slug AS scope, es.entry_id AS id, (row_number() OVER (PARTITION BY s.slug ORDER BY es.entry_id) - 1) / 100 AS k
      FROM entry_sources es JOIN sources s ON s.id = es.source_id ORDER BY 1, 2) x GROUP BY scope, k;
INSERT INTO archives (scope, n, entries)
  SELECT scope, k + 1, string_agg(id::text, ' ' ORDER BY id) FROM
    (SELECT 'c ' || c.slug AS scope, ec.entry_id AS id, (row_number() OVER (PARTITION BY c.slug ORDER BY ec.entry_id) - 1) / 100 AS k
      FROM entry_categories ec JOIN categories c ON c.id = ec.category_id ORDER BY 1, 2) x GROUP BY scope, k;

-- Which came late is told by the archives.
DROP INDEX entries_arrived;
ALTER TABLE entries DROP COLUMN arrived;
