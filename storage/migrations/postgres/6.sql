-- Entries whose texts are to be indexed: a commit puts them here, and whoever indexes
-- them takes them out.
CREATE TABLE unindexed (
  entry_id BIGINT PRIMARY KEY,
  again    BIGINT NOT NULL                   -- rises with every commit that puts it here
);

-- By what entries are found. It is no part of the planet: it is made of what is stored.
CREATE TABLE search_index (
  entry_id BIGINT   PRIMARY KEY,
  sort     BIGINT   NOT NULL,
  words    TSVECTOR NOT NULL
);
-- As copies.body: to compress takes longer than to write.
ALTER TABLE search_index ALTER COLUMN words SET STORAGE EXTERNAL;
CREATE INDEX search_index_words ON search_index USING gin (words);
CREATE INDEX search_index_order ON search_index (sort DESC);
