-- Entries whose texts are to be indexed: a commit puts them here, and whoever indexes
-- them takes them out. What they are found by is no part of the planet: it is made of
-- what is stored, in a file of its own.
CREATE TABLE unindexed (
  entry_id INTEGER PRIMARY KEY,
  again    INTEGER NOT NULL                  -- rises with every commit that puts it here
);
