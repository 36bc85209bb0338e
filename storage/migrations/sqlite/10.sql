-- The lists an entry stands in are read with it: s4 c3 c17 are the source 4 and the
-- categories 3 and 17. The lists themselves are asked by list alone.
ALTER TABLE entries ADD COLUMN lists TEXT NOT NULL DEFAULT '';
UPDATE entries SET lists = coalesce((SELECT group_concat(list, ' ') FROM
    (SELECT 0 AS kind, source_id AS id, 's' || source_id AS list FROM entry_sources WHERE entry_id = entries.id
      UNION ALL SELECT 1, category_id, 'c' || category_id FROM entry_categories WHERE entry_id = entries.id
    ORDER BY 1, 2) x), '')
  WHERE withdrawn = 0;
DROP INDEX entry_sources_entry;
DROP INDEX entry_categories_entry;
-- They have other names, so that a program of before that still runs writes nothing: it
-- would leave the column out.
ALTER TABLE entry_sources RENAME TO source_entries;
ALTER TABLE entry_categories RENAME TO category_entries;
