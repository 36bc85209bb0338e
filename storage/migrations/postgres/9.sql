-- What an entry is in follows from its copies: as copy_keys and sketches, these refer to
-- nothing on their own. Whom they name is never deleted, and to look for him, and lock
-- him, took longer than to write the row.
-- All at once, in the order in which those read that run meanwhile: one by one they would
-- wait for each other.
LOCK TABLE entries, entry_categories, categories, entry_sources, sources IN ACCESS EXCLUSIVE MODE;
ALTER TABLE entry_categories DROP CONSTRAINT IF EXISTS entry_categories_category_id_fkey, DROP CONSTRAINT IF EXISTS entry_categories_entry_id_fkey;
ALTER TABLE entry_sources DROP CONSTRAINT IF EXISTS entry_sources_source_id_fkey, DROP CONSTRAINT IF EXISTS entry_sources_entry_id_fkey;
