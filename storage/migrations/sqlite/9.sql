-- Whether another worker has claimed a source of a host is answered without looking at
-- what this one has.
DROP INDEX sources_claimed;
CREATE INDEX sources_claimed ON sources (host, worker) WHERE lease > 0;
