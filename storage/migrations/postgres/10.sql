-- The lists an entry stands in are read with it: s4 c3 c17 are the source 4 and the
-- categories 3 and 17. The lists themselves are asked by list alone.
ALTER TABLE entries ADD COLUMN lists TEXT NOT NULL DEFAULT '';
UPDATE entries SET lists = l.lists FROM
    (SELECT entry_id, string_agg(list, ' ' ORDER BY kind, id) AS lists FROM
      (SELECT entry_id, 0 AS kind, source_id AS id, 's' || source_id AS list FROM entry_sources
        UNION ALL SELECT entry_id, 1, category_id, 'c' || category_id FROM entry_categories) x
    GROUP BY entry_id) l
  WHERE l.entry_id = entries.id;
DROP INDEX entry_sources_entry;
DROP INDEX entry_categories_entry;
-- They have other names, so that a program of before that still runs writes nothing: it
-- would leave the column out.
ALTER TABLE entry_sources RENAME TO source_entries;
ALTER TABLE entry_categories RENAME TO category_entries;
ALTER INDEX IF EXISTS entry_sources_order RENAME TO source_entries_order;
ALTER INDEX IF EXISTS entry_categories_order RENAME TO category_entries_order;
