-- How many entries a list has of each month: "" is the planet, "s ID" a source, "c ID" a
-- category or another list. What has no entries is left out.
CREATE TABLE months (
  list   TEXT PRIMARY KEY,
  counts TEXT NOT NULL                       -- month:entries with blanks between, in order; months from the year 0 on, UTC
) WITHOUT ROWID;

INSERT INTO months (list, counts)
  SELECT list, group_concat(month || ':' || n, ' ') FROM
    (SELECT list, CAST(strftime('%Y', second, 'unixepoch') AS INTEGER) * 12 + CAST(strftime('%m', second, 'unixepoch') AS INTEGER) - 1 AS month, count(*) AS n FROM
      -- A quotient of integers is rounded towards 0, and a time may lie before 1970.
      (SELECT list, (sort - (sort % 1000000 + 1000000) % 1000000) / 1000000 AS second FROM
        (SELECT '' AS list, sort FROM entries WHERE withdrawn = 0
          UNION ALL SELECT 's ' || source_id, sort FROM entry_sources
          UNION ALL SELECT 'c ' || category_id, sort FROM entry_categories) a) b
    GROUP BY 1, 2 ORDER BY 1, 2) c
  GROUP BY list;

-- How the visits of the last days went (feeds.Health).
ALTER TABLE sources ADD COLUMN health TEXT NOT NULL DEFAULT '';

-- When a source was visited last. The expression keeps it from questions that have an
-- index of their own.
CREATE INDEX sources_visited ON sources ((-last_visit)) WHERE retired = 0;
