-- SPDX-License-Identifier: GPL-2.0-or-later
-- What the database of --format=sqlite begins with. Most columns come from the lists of fields
-- (include/whyrst/record.h, finding.h): schema.c adds those that are missing.

-- One row for each time that whyrst wrote into this database.
CREATE TABLE IF NOT EXISTS runs (
    run_id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    version TEXT NOT NULL
);

-- One row for each capture: the objects of type "file" in NDJSON.
CREATE TABLE IF NOT EXISTS files (
    file_id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs DEFERRABLE INITIALLY DEFERRED,
    file TEXT NOT NULL,
    path TEXT,
    packets INTEGER,
    tcp_segments INTEGER,
    connections INTEGER,
    resets INTEGER,
    quoted INTEGER,
    duplicates INTEGER,
    evicted INTEGER,
    reassembly_dropped INTEGER,
    skipped TEXT,
    first_time TEXT,
    last_time TEXT,
    head_sha256 TEXT,
    error TEXT
);
CREATE INDEX IF NOT EXISTS files_head ON files (head_sha256);
CREATE INDEX IF NOT EXISTS files_path ON files (path);

CREATE TABLE IF NOT EXISTS resets (
    reset_id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES files DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE IF NOT EXISTS connections (
    connection_id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES files DEFERRABLE INITIALLY DEFERRED
);

-- What the connections of all captures of a run together say (docs/FINDINGS.md).
CREATE TABLE IF NOT EXISTS endpoints (
    endpoint_id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE IF NOT EXISTS ja4s (
    ja4_id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs DEFERRABLE INITIALLY DEFERRED
);

-- What had no room in a run's diagnosis; no row when all had.
CREATE TABLE IF NOT EXISTS bounds (
    bounds_id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE IF NOT EXISTS findings (
    finding_id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES runs DEFERRABLE INITIALLY DEFERRED
);
