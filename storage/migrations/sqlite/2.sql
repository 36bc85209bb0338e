-- What a polite visitor remembers of a source: how often to come, where it moved,
-- what it answered last, how far its past was read.
ALTER TABLE sources ADD COLUMN host     TEXT    NOT NULL DEFAULT '';   -- the domain that is asked (feeds.DomainOf)
ALTER TABLE sources ADD COLUMN address  TEXT    NOT NULL DEFAULT '';   -- where it has moved for good
ALTER TABLE sources ADD COLUMN moving   TEXT    NOT NULL DEFAULT '{}'; -- feeds.Move, JSON
ALTER TABLE sources ADD COLUMN pace     TEXT    NOT NULL DEFAULT '{}'; -- feeds.Pace, JSON
ALTER TABLE sources ADD COLUMN answer   TEXT    NOT NULL DEFAULT '{}'; -- feeds.Answer, JSON
ALTER TABLE sources ADD COLUMN backfill TEXT    NOT NULL DEFAULT '{}'; -- feeds.Backfill, JSON
ALTER TABLE sources ADD COLUMN paused   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN held     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sources ADD COLUMN same_as  INTEGER NOT NULL DEFAULT 0;    -- the source at the address it moved to
ALTER TABLE sources ADD COLUMN reader   INTEGER NOT NULL DEFAULT 0;    -- which version of feeds.Reader read what is stored

-- Hosts that asked to be left alone, for all their sources.
CREATE TABLE hosts (
  host  TEXT    PRIMARY KEY,
  until INTEGER NOT NULL
) WITHOUT ROWID;
