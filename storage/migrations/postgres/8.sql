-- Who is told what happens to entries, by the names that the configuration gives them.
CREATE TABLE listeners (
  id     BIGINT PRIMARY KEY,
  name   TEXT COLLATE "C" NOT NULL UNIQUE,
  lease  BIGINT NOT NULL DEFAULT 0,         -- whose turn it is to tell them, until then
  worker BIGINT NOT NULL DEFAULT 0          -- who has the turn
);

-- What they are owed, written with the outbox. What was taken is no longer here. A row of
-- the outbox whose event is relisted is owed as revised, to those alone who have to hear
-- that an entry stands in other categories; the world does not.
CREATE TABLE deliveries (
  listener_id BIGINT NOT NULL REFERENCES listeners (id) ON DELETE CASCADE,
  given_up    BIGINT NOT NULL DEFAULT 0,    -- 1: it is kept for people to see
  id          BIGINT NOT NULL,              -- of the row of the outbox
  entry_id    BIGINT NOT NULL REFERENCES entries (id),
  event       TEXT   NOT NULL,              -- new, revised, withdrawn
  at          BIGINT NOT NULL,
  tries       BIGINT NOT NULL DEFAULT 0,    -- that failed
  retry       BIGINT NOT NULL DEFAULT 0,    -- not before then
  failed      BIGINT NOT NULL DEFAULT 0,    -- when the last one did
  error       TEXT   NOT NULL DEFAULT '',   -- of the last one
  PRIMARY KEY (listener_id, given_up, id)
);
CREATE INDEX deliveries_entry ON deliveries (listener_id, entry_id);

-- Which entries they were told of, and whether they have them by now.
CREATE TABLE told (
  listener_id BIGINT NOT NULL REFERENCES listeners (id) ON DELETE CASCADE,
  entry_id    BIGINT NOT NULL REFERENCES entries (id),
  has         BIGINT NOT NULL,
  PRIMARY KEY (listener_id, entry_id)
);

-- Who listens at our own hub: feeds.HubSubscription, which explains the columns.
CREATE TABLE hub_subscriptions (
  hash       BYTEA  PRIMARY KEY,            -- of topic and callback
  topic      TEXT COLLATE "C" NOT NULL,
  callback   TEXT   NOT NULL,
  host       TEXT COLLATE "C" NOT NULL,
  rev        BIGINT NOT NULL,
  secret     TEXT   NOT NULL,
  expires    BIGINT NOT NULL,
  mode       TEXT   NOT NULL,
  serial     BIGINT NOT NULL,
  new_secret TEXT   NOT NULL,
  lease      BIGINT NOT NULL,               -- nanoseconds
  reason     TEXT   NOT NULL,
  asks       BIGINT NOT NULL,
  ask_next   BIGINT NOT NULL,
  changed    BIGINT NOT NULL,
  told       BIGINT NOT NULL,
  digest     TEXT   NOT NULL,
  tries      BIGINT NOT NULL,
  not_before BIGINT NOT NULL,
  called     BIGINT NOT NULL,
  error      TEXT   NOT NULL,
  next       BIGINT NOT NULL,
  held       BIGINT NOT NULL
);
CREATE INDEX hub_subscriptions_topic ON hub_subscriptions (topic);
CREATE INDEX hub_subscriptions_host ON hub_subscriptions (host);
CREATE INDEX hub_subscriptions_next ON hub_subscriptions (next);

-- The hubs that call us: feeds.PushSubscription, which explains the columns.
CREATE TABLE push_subscriptions (
  source_id  BIGINT PRIMARY KEY REFERENCES sources (id),
  rev        BIGINT NOT NULL,
  hub        TEXT   NOT NULL,
  topic      TEXT   NOT NULL,
  id         TEXT COLLATE "C" NOT NULL,
  secret     TEXT   NOT NULL,
  of_topic   TEXT   NOT NULL,
  expires    BIGINT NOT NULL,
  new_id     TEXT COLLATE "C" NOT NULL,
  new_secret TEXT   NOT NULL,
  new_topic  TEXT   NOT NULL,
  asked      BIGINT NOT NULL,
  tries      BIGINT NOT NULL,
  error      TEXT   NOT NULL,
  renew      BIGINT NOT NULL,
  look       BIGINT NOT NULL,
  looked     BIGINT NOT NULL,
  next       BIGINT NOT NULL
);
CREATE INDEX push_subscriptions_id ON push_subscriptions (id);
CREATE INDEX push_subscriptions_new ON push_subscriptions (new_id);
CREATE INDEX push_subscriptions_next ON push_subscriptions (next);
