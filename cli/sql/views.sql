-- SPDX-License-Identifier: GPL-2.0-or-later
-- Indexes, and views that answer the common questions. A reset that was captured twice (duplicate_of)
-- counts once.

-- A capture that goes takes its rows along. Endpoints and JA4s whose figures counted it go, too, as do findings
-- with frames of it; and a run of which no capture is left.
DROP TRIGGER IF EXISTS files_deleted;
CREATE TRIGGER files_deleted AFTER DELETE ON files BEGIN
    DELETE FROM resets WHERE file_id = OLD.file_id;
    DELETE FROM connections WHERE file_id = OLD.file_id;
    DELETE FROM endpoints WHERE run_id = OLD.run_id;
    DELETE FROM ja4s WHERE run_id = OLD.run_id;
    DELETE FROM bounds WHERE run_id = OLD.run_id;
    DELETE FROM findings WHERE run_id = OLD.run_id
        AND (frames_file = OLD.file OR NOT EXISTS (SELECT 1 FROM files WHERE run_id = OLD.run_id));
    DELETE FROM runs WHERE run_id = OLD.run_id
        AND NOT EXISTS (SELECT 1 FROM files WHERE run_id = OLD.run_id);
END;

CREATE INDEX IF NOT EXISTS resets_stream ON resets (file_id, stream);
CREATE INDEX IF NOT EXISTS resets_time ON resets (time);
CREATE INDEX IF NOT EXISTS resets_cause ON resets (cause);
CREATE INDEX IF NOT EXISTS resets_server ON resets (server_ip, server_port);
CREATE INDEX IF NOT EXISTS resets_ja4 ON resets (ja4) WHERE ja4 IS NOT NULL;
CREATE INDEX IF NOT EXISTS resets_sni ON resets (sni) WHERE sni IS NOT NULL;
CREATE INDEX IF NOT EXISTS connections_stream ON connections (file_id, stream);
CREATE INDEX IF NOT EXISTS connections_server ON connections (server_ip, server_port);
CREATE INDEX IF NOT EXISTS connections_ja4 ON connections (ja4) WHERE ja4 IS NOT NULL;

-- Each reset with the name of its capture.
DROP VIEW IF EXISTS reset_list;
CREATE VIEW reset_list AS
SELECT file, frame, time, stream,
       client_ip, client_port, server_ip, server_port, sni, ja4,
       rst_src, origin, cause, sender, confidence, evidence, advice
FROM resets JOIN files USING (file_id)
WHERE duplicate_of IS NULL
ORDER BY time, file, frame;

-- How often each cause hit each phase.
DROP VIEW IF EXISTS origin_by_cause;
CREATE VIEW origin_by_cause AS
SELECT origin, cause, count(*) AS resets,
       sum(confidence = 'high') AS high, sum(confidence = 'medium') AS medium, sum(confidence = 'low') AS low,
       sum(sender = 'client') AS by_client, sum(sender = 'server') AS by_server,
       sum(sender = 'middlebox') AS by_middlebox, sum(sender = 'unknown') AS by_unknown
FROM resets
WHERE duplicate_of IS NULL
GROUP BY origin, cause
ORDER BY resets DESC, origin, cause;

-- Connections of each server, and how they ended.
DROP VIEW IF EXISTS server_outcomes;
CREATE VIEW server_outcomes AS
SELECT server_ip, server_port, count(*) AS connections,
       sum(resets > 0) AS with_resets, round(100.0 * sum(resets > 0) / count(*), 2) AS percent,
       sum(close_type = 'refused') AS refused, sum(close_type = 'rst') AS rst,
       sum(close_type = 'fin-then-rst') AS fin_then_rst, sum(close_type = 'fin') AS fin,
       sum(close_type = 'open') AS open,
       count(DISTINCT client_ip) AS clients
FROM connections
GROUP BY server_ip, server_port
ORDER BY with_resets DESC, connections DESC, server_ip, server_port;

-- TLS connections of each JA4 to each server, and how many were reset in the TLS phase.
DROP VIEW IF EXISTS ja4_outcomes;
CREATE VIEW ja4_outcomes AS
SELECT c.server_ip, c.server_port, c.sni, c.ja4, count(*) AS connections,
       sum(c.resets > 0) AS with_resets, sum(t.file_id IS NOT NULL) AS reset_in_tls_phase,
       sum(c.close_type = 'fin') AS fin,
       count(DISTINCT c.client_ip) AS clients
FROM connections AS c
LEFT JOIN (SELECT DISTINCT file_id, stream FROM resets
           WHERE origin = 'tls-phase' AND duplicate_of IS NULL) AS t
       ON t.file_id = c.file_id AND t.stream = c.stream
WHERE c.ja4 IS NOT NULL
GROUP BY c.server_ip, c.server_port, c.sni, c.ja4
ORDER BY reset_in_tls_phase DESC, connections DESC, c.server_ip, c.server_port, c.ja4;

-- Silence before resets of idle connections, by server: the timer behind it.
DROP VIEW IF EXISTS idle_resets;
CREATE VIEW idle_resets AS
SELECT server_ip, server_port, cause, count(*) AS resets,
       min(idle_time) AS shortest, round(avg(idle_time), 3) AS mean, max(idle_time) AS longest,
       max(idle_timer) AS known_timer
FROM resets
WHERE origin = 'idle-timeout' AND duplicate_of IS NULL
GROUP BY server_ip, server_port, cause
ORDER BY resets DESC, server_ip, server_port;

-- Resets of each minute.
DROP VIEW IF EXISTS resets_by_minute;
CREATE VIEW resets_by_minute AS
SELECT substr(time, 1, 16) || ':00Z' AS minute, cause, count(*) AS resets
FROM resets
WHERE duplicate_of IS NULL
GROUP BY minute, cause
ORDER BY minute, resets DESC, cause;

-- What stands out, the latest run first.
DROP VIEW IF EXISTS finding_list;
CREATE VIEW finding_list AS
SELECT runs.time AS run, rank, kind, confidence, sender, text, advice, open, evidence
FROM findings JOIN runs USING (run_id)
ORDER BY run_id DESC, rank;
