-- Times are microseconds since 1970 UTC, 0: none. Identities of any length are
-- indexed by a hash of them.

CREATE TABLE sources (
  id           INTEGER PRIMARY KEY,
  slug         TEXT    NOT NULL UNIQUE,
  url          TEXT    NOT NULL UNIQUE,
  config       TEXT    NOT NULL,             -- what the configuration says, JSON
  retired      INTEGER NOT NULL DEFAULT 0,
  feed         TEXT    NOT NULL DEFAULT '{}', -- what its feed says of itself, JSON
  last_visit   INTEGER NOT NULL DEFAULT 0,
  last_success INTEGER NOT NULL DEFAULT 0,
  next_visit   INTEGER NOT NULL DEFAULT 0,
  retry_after  INTEGER NOT NULL DEFAULT 0,
  failures     INTEGER NOT NULL DEFAULT 0,
  gone         INTEGER NOT NULL DEFAULT 0,
  last_error   TEXT    NOT NULL DEFAULT '',
  status       INTEGER NOT NULL DEFAULT 0,
  lease        INTEGER NOT NULL DEFAULT 0,   -- claimed until then
  fence        INTEGER NOT NULL DEFAULT 0,   -- of the newest claim
  answered_url  TEXT   NOT NULL DEFAULT '',  -- the validators, byte for byte
  etag          BLOB   NOT NULL DEFAULT '',
  last_modified BLOB   NOT NULL DEFAULT '',
  body_hash     TEXT   NOT NULL DEFAULT '',
  rules         TEXT   NOT NULL DEFAULT ''   -- which rules put its entries into their categories; '': unknown
);
CREATE INDEX sources_due ON sources (next_visit) WHERE retired = 0;

-- A folder's memory of its files; apart, because it is large and rarely wanted.
CREATE TABLE listings (
  source_id INTEGER PRIMARY KEY REFERENCES sources (id),
  listing   BLOB NOT NULL
);

-- A post as the planet shows it.
CREATE TABLE entries (
  id         INTEGER PRIMARY KEY,
  public_id  TEXT    NOT NULL UNIQUE,
  guid       TEXT    NOT NULL,               -- as it first came, never changed
  copy_id    INTEGER NOT NULL DEFAULT 0,     -- the primary copy
  first_seen INTEGER NOT NULL,
  sort       INTEGER NOT NULL,               -- min(published, first seen), never changed
  changed    INTEGER NOT NULL,
  withdrawn  INTEGER NOT NULL DEFAULT 1      -- shown once a copy is merged into it
);
CREATE INDEX entries_order ON entries (sort DESC, public_id) WHERE withdrawn = 0;

-- A post as one source has it.
CREATE TABLE copies (
  id         INTEGER PRIMARY KEY,
  source_id  INTEGER NOT NULL REFERENCES sources (id),
  guid_hash  BLOB    NOT NULL,
  entry_id   INTEGER NOT NULL REFERENCES entries (id),
  hash       TEXT    NOT NULL,
  revision   INTEGER NOT NULL DEFAULT 0,
  local      INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  changed    INTEGER NOT NULL,
  updated    INTEGER NOT NULL DEFAULT 0,     -- as the source says
  withdrawn  INTEGER NOT NULL DEFAULT 0,
  body       TEXT    NOT NULL,               -- feeds.Entry, JSON
  categories TEXT    NOT NULL,               -- []feeds.CategoryName, JSON
  UNIQUE (source_id, guid_hash)
);
CREATE INDEX copies_entry ON copies (entry_id);

-- Which post an identity means, whatever source it comes from.
CREATE TABLE keys (
  hash     BLOB    PRIMARY KEY,
  entry_id INTEGER NOT NULL REFERENCES entries (id)
) WITHOUT ROWID;

CREATE TABLE categories (
  id    INTEGER PRIMARY KEY,
  slug  TEXT NOT NULL UNIQUE,
  fold  TEXT NOT NULL UNIQUE,                -- how its title is compared
  title TEXT NOT NULL,
  configured INTEGER NOT NULL DEFAULT 0      -- shown also when it is empty
);

-- The feeds of categories and of sources in their order.
CREATE TABLE entry_categories (
  category_id INTEGER NOT NULL REFERENCES categories (id),
  sort        INTEGER NOT NULL,
  public_id   TEXT    NOT NULL,
  entry_id    INTEGER NOT NULL REFERENCES entries (id),
  PRIMARY KEY (category_id, sort DESC, public_id)
) WITHOUT ROWID;
CREATE INDEX entry_categories_entry ON entry_categories (entry_id);

CREATE TABLE entry_sources (
  source_id INTEGER NOT NULL REFERENCES sources (id),
  sort      INTEGER NOT NULL,
  public_id TEXT    NOT NULL,
  entry_id  INTEGER NOT NULL REFERENCES entries (id),
  PRIMARY KEY (source_id, sort DESC, public_id)
) WITHOUT ROWID;
CREATE INDEX entry_sources_entry ON entry_sources (entry_id);

-- What changed last in a feed: '' is the planet, 'c' and 's' with a slug the others.
CREATE TABLE versions (
  scope   TEXT    PRIMARY KEY,
  seq     INTEGER NOT NULL,
  changed INTEGER NOT NULL
);

-- What is to be told to the world.
CREATE TABLE outbox (
  id       INTEGER PRIMARY KEY,
  entry_id INTEGER NOT NULL REFERENCES entries (id),
  event    TEXT    NOT NULL,                 -- new, revised, withdrawn
  at       INTEGER NOT NULL
);
