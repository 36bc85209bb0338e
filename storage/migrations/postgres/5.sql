-- Which entries came into a list together, and in which order (RFC 5005 §4): "" is the
-- planet, "s ID" a source, "c ID" a category or another list. Row 0 is what is not closed
-- yet.
CREATE TABLE archives (
  list    TEXT COLLATE "C" NOT NULL,
  n       BIGINT NOT NULL,
  entries TEXT    NOT NULL,                  -- their ids, with blanks between
  PRIMARY KEY (list, n)
);

-- Entries that were taken back, in every list that they were in (RFC 6721).
CREATE TABLE tombstones (
  list     TEXT COLLATE "C" NOT NULL,
  at       BIGINT NOT NULL,
  entry_id BIGINT NOT NULL REFERENCES entries (id),
  PRIMARY KEY (list, at, entry_id)
);
CREATE INDEX tombstones_entry ON tombstones (entry_id);

-- What is there already is closed.
INSERT INTO archives (list, n, entries)
  SELECT '', k + 1, string_agg(id::text, ' ' ORDER BY id) FROM
    (SELECT id, (row_number() OVER (ORDER BY id) - 1) / 60 AS k FROM entries WHERE withdrawn = 0 ORDER BY id) x GROUP BY k;
INSERT INTO archives (list, n, entries)
  SELECT list, k + 1, string_agg(id::text, ' ' ORDER BY id) FROM
    (SELECT 's ' || es.source_id AS list, es.entry_id AS id, (row_number() OVER (PARTITION BY es.source_id ORDER BY es.entry_id) - 1) / 60 AS k
      FROM entry_sources es ORDER BY 1, 2) x GROUP BY list, k;
INSERT INTO archives (list, n, entries)
  SELECT list, k + 1, string_agg(id::text, ' ' ORDER BY id) FROM
    (SELECT 'c ' || ec.category_id AS list, ec.entry_id AS id, (row_number() OVER (PARTITION BY ec.category_id ORDER BY ec.entry_id) - 1) / 60 AS k
      FROM entry_categories ec ORDER BY 1, 2) x GROUP BY list, k;

-- Which came late is told by the archives.
DROP INDEX entries_arrived;
ALTER TABLE entries DROP COLUMN arrived;
