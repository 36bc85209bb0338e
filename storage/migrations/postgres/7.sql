-- How many entries a list has of each month: "" is the planet, "s ID" a source, "c ID" a
-- category or another list. What has no entries is left out.
CREATE TABLE months (
  list   TEXT COLLATE "C" PRIMARY KEY,
  counts TEXT NOT NULL                       -- month:entries with blanks between, in order; months from the year 0 on, UTC
);

INSERT INTO months (list, counts)
  SELECT list, string_agg(month || ':' || n, ' ' ORDER BY month) FROM
    (SELECT list, CAST(extract(YEAR FROM at) * 12 + extract(MONTH FROM at) - 1 AS BIGINT) AS month, count(*) AS n FROM
      (SELECT list, to_timestamp(floor(sort / 1000000.0)::double precision) AT TIME ZONE 'UTC' AS at FROM
        (SELECT '' AS list, sort FROM entries WHERE withdrawn = 0
          UNION ALL SELECT 's ' || source_id, sort FROM entry_sources
          UNION ALL SELECT 'c ' || category_id, sort FROM entry_categories) a) b
      GROUP BY 1, 2) c
  GROUP BY list;

-- How the visits of the last days went (feeds.Health).
ALTER TABLE sources ADD COLUMN health TEXT NOT NULL DEFAULT '';

-- When a source was visited last. The expression keeps it from questions that have an
-- index of their own.
CREATE INDEX sources_visited ON sources ((-last_visit)) WHERE retired = 0;
