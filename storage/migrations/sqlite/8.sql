-- Who is told what happens to entries, by the names that the configuration gives them.
CREATE TABLE listeners (
  id     INTEGER PRIMARY KEY,
  name   TEXT    NOT NULL UNIQUE,
  lease  INTEGER NOT NULL DEFAULT 0,         -- whose turn it is to tell them, until then
  worker INTEGER NOT NULL DEFAULT 0          -- who has the turn
);

-- What they are owed, written with the outbox. What was taken is no longer here. A row of
-- the outbox whose event is relisted is owed as revised, to those alone who have to hear
-- that an entry stands in other categories; the world does not.
CREATE TABLE deliveries (
  listener_id INTEGER NOT NULL REFERENCES listeners (id) ON DELETE CASCADE,
  given_up    INTEGER NOT NULL DEFAULT 0,    -- 1: it is kept for people to see
  id          INTEGER NOT NULL,              -- of the row of the outbox
  entry_id    INTEGER NOT NULL REFERENCES entries (id),
  event       TEXT    NOT NULL,              -- new, revised, withdrawn
  at          INTEGER NOT NULL,
  tries       INTEGER NOT NULL DEFAULT 0,    -- that failed
  retry       INTEGER NOT NULL DEFAULT 0,    -- not before then
  failed      INTEGER NOT NULL DEFAULT 0,    -- when the last one did
  error       TEXT    NOT NULL DEFAULT '',   -- of the last one
  PRIMARY KEY (listener_id, given_up, id)
) WITHOUT ROWID;
CREATE INDEX deliveries_entry ON deliveries (listener_id, entry_id);

-- Which entries they were told of, and whether they have them by now.
CREATE TABLE told (
  listener_id INTEGER NOT NULL REFERENCES listeners (id) ON DELETE CASCADE,
  entry_id    INTEGER NOT NULL REFERENCES entries (id),
  has         INTEGER NOT NULL,
  PRIMARY KEY (listener_id, entry_id)
) WITHOUT ROWID;

-- Who listens at our own hub: feeds.HubSubscription, which explains the columns.
CREATE TABLE hub_subscriptions (
  hash       BLOB    PRIMARY KEY,            -- of topic and callback
  topic      TEXT    NOT NULL,
  callback   TEXT    NOT NULL,
  host       TEXT    NOT NULL,
  rev        INTEGER NOT NULL,
  secret     TEXT    NOT NULL,
  expires    INTEGER NOT NULL,
  mode       TEXT    NOT NULL,
  serial     INTEGER NOT NULL,
  new_secret TEXT    NOT NULL,
  lease      INTEGER NOT NULL,               -- nanoseconds
  reason     TEXT    NOT NULL,
  asks       INTEGER NOT NULL,
  ask_next   INTEGER NOT NULL,
  changed    INTEGER NOT NULL,
  told       INTEGER NOT NULL,
  digest     TEXT    NOT NULL,
  tries      INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  called     INTEGER NOT NULL,
  error      TEXT    NOT NULL,
  next       INTEGER NOT NULL,
  held       INTEGER NOT NULL
);
CREATE INDEX hub_subscriptions_topic ON hub_subscriptions (topic);
CREATE INDEX hub_subscriptions_host ON hub_subscriptions (host);
CREATE INDEX hub_subscriptions_next ON hub_subscriptions (next);

-- The hubs that call us: feeds.PushSubscription, which explains the columns.
CREATE TABLE push_subscriptions (
  source_id  INTEGER PRIMARY KEY REFERENCES sources (id),
  rev        INTEGER NOT NULL,
  hub        TEXT    NOT NULL,
  topic      TEXT    NOT NULL,
  id         TEXT    NOT NULL,
  secret     TEXT    NOT NULL,
  of_topic   TEXT    NOT NULL,
  expires    INTEGER NOT NULL,
  new_id     TEXT    NOT NULL,
  new_secret TEXT    NOT NULL,
  new_topic  TEXT    NOT NULL,
  asked      INTEGER NOT NULL,
  tries      INTEGER NOT NULL,
  error      TEXT    NOT NULL,
  renew      INTEGER NOT NULL,
  look       INTEGER NOT NULL,
  looked     INTEGER NOT NULL,
  next       INTEGER NOT NULL
);
CREATE INDEX push_subscriptions_id ON push_subscriptions (id);
CREATE INDEX push_subscriptions_new ON push_subscriptions (new_id);
CREATE INDEX push_subscriptions_next ON push_subscriptions (next);
