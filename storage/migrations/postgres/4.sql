-- Who claimed a source last: a host is asked by one worker at a time.
ALTER TABLE sources ADD COLUMN worker BIGINT NOT NULL DEFAULT 0;
CREATE INDEX sources_claimed ON sources (host) WHERE lease > 0;
