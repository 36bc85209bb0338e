-- What an entry is in follows from its copies: as copy_keys and sketches, these refer to
-- nothing on their own. Whom they name is never deleted, and to look for him took as long
-- as to write the row.
CREATE TABLE entry_categories_9 (
  category_id INTEGER NOT NULL,
  sort        INTEGER NOT NULL,
  public_id   TEXT    NOT NULL,
  entry_id    INTEGER NOT NULL,
  PRIMARY KEY (category_id, sort DESC, public_id)
) WITHOUT ROWID;
INSERT INTO entry_categories_9 (category_id, sort, public_id, entry_id)
  SELECT category_id, sort, public_id, entry_id FROM entry_categories ORDER BY category_id, sort DESC, public_id;
DROP TABLE entry_categories;
ALTER TABLE entry_categories_9 RENAME TO entry_categories;
CREATE INDEX entry_categories_entry ON entry_categories (entry_id);

CREATE TABLE entry_sources_9 (
  source_id INTEGER NOT NULL,
  sort      INTEGER NOT NULL,
  public_id TEXT    NOT NULL,
  entry_id  INTEGER NOT NULL,
  PRIMARY KEY (source_id, sort DESC, public_id)
) WITHOUT ROWID;
INSERT INTO entry_sources_9 (source_id, sort, public_id, entry_id)
  SELECT source_id, sort, public_id, entry_id FROM entry_sources ORDER BY source_id, sort DESC, public_id;
DROP TABLE entry_sources;
ALTER TABLE entry_sources_9 RENAME TO entry_sources;
CREATE INDEX entry_sources_entry ON entry_sources (entry_id);
