#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""--format=sqlite: what a database holds, and what becomes of it over several runs.

    database_test.py WHYRST [unittest options]
"""
import glob
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest

from captures import Connection, START_NS, client_hello, many, mixed, pcap, refusals
from support import SAMPLES, WHYRST, CliTest

DOC = os.path.join(SAMPLES, "..", "docs", "SQL.md")
HAS_SQLITE = "--format=sqlite: needs" in subprocess.run(
    [WHYRST, "--format=sqlite", "x"], capture_output=True, text=True, check=False).stderr


@unittest.skipUnless(HAS_SQLITE, "built without SQLite")
class DatabaseTest(CliTest):
    def setUp(self):
        super().setUp()
        self.database = os.path.join(self.dir, "resets.db")

    def load(self, *args, **kwargs):
        return self.run_tool("--format=sqlite", "-o", self.database, *args, **kwargs)

    def query(self, sql, *values):
        database = sqlite3.connect(self.database)
        database.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in database.execute(sql, values)]
        finally:
            database.close()

    def one(self, sql, *values):
        rows = self.query(sql, *values)
        self.assertEqual(len(rows), 1, rows)
        return next(iter(rows[0].values()))

    def counts(self):
        return tuple(self.one(f"SELECT count(*) FROM {table}")
                     for table in ("files", "connections", "resets"))


class Content(DatabaseTest):
    TABLES = {"rst": "resets", "connection": "connections", "file": "files", "endpoint": "endpoints",
              "ja4": "ja4s", "finding": "findings"}

    def check_equal(self, row, expected):
        """Every key of the NDJSON object is a column with the same value; other columns are empty."""
        for key, value in expected.items():
            if key in ("type", "file"):
                continue
            if isinstance(value, (list, dict)):
                self.assertEqual(json.loads(row[key]), value, key)
            else:
                self.assertEqual(row[key], value, key)
        own = {"file_id", "run_id", "reset_id", "connection_id", "endpoint_id", "ja4_id", "finding_id", "path", "file"}
        self.assertEqual([key for key in row if row[key] is not None and key not in expected
                          and key not in own], [])

    def test_same_as_ndjson(self):
        captures = sorted(glob.glob(os.path.join(SAMPLES, "*", "client.pcap")))
        self.assertGreater(len(captures), 50)
        self.load(*captures)
        expected = self.everything("--connections", *captures)
        for kind, table in self.TABLES.items():
            join = "JOIN files USING (file_id) " if kind in ("rst", "connection") else ""
            rows = self.query(f"SELECT {table}.*{', file' if join else ''} FROM {table} {join} "
                              f"ORDER BY {table[:-1]}_id")
            objects = [o for o in expected if o["type"] == kind]
            self.assertEqual(len(rows), len(objects))
            self.assertGreater(len(rows), 0)
            for row, wanted in zip(rows, objects):
                self.assertEqual(row.get("file"), wanted.get("file"))
                self.check_equal(row, wanted)

    def test_bounds(self):
        """Findings beyond 20 of a kind are counted, and only then; the row goes with its captures."""
        self.load(self.file("few.pcap", pcap(mixed())))
        self.assertEqual(self.query("SELECT * FROM bounds"), [])
        capture = self.file("scan.pcap", pcap(refusals(25)))
        self.load(capture)
        expected = next(o for o in self.everything(capture) if o["type"] == "bounds")
        self.assertEqual(self.query("SELECT given_up, findings_left_out FROM bounds"),
                         [{key: expected[key] for key in ("given_up", "findings_left_out")}])
        self.assertEqual(expected["findings_left_out"], 5)
        self.load(capture)
        self.assertEqual(self.one("SELECT count(*) FROM bounds"), 1)

    def test_order_does_not_depend_on_jobs(self):
        captures = sorted(glob.glob(os.path.join(SAMPLES, "*", "server.pcap")))[:20]
        listing = []
        for jobs in ("1", "7"):
            self.load("-j", jobs, *captures)
            listing.append(self.query("SELECT file, frame, cause FROM resets JOIN files USING (file_id) "
                                      "ORDER BY reset_id"))
        self.assertEqual(*listing)

    def test_views(self):
        self.load(self.file("a.pcap", pcap(mixed())))
        self.assertEqual(len(self.query("SELECT * FROM reset_list")), 3)
        self.assertEqual(self.one("SELECT sum(resets) FROM origin_by_cause"), 3)
        self.assertEqual(self.one("SELECT sum(by_client + by_server + by_middlebox + by_unknown) FROM origin_by_cause"),
                         3)
        self.assertEqual(self.one("SELECT sum(resets) FROM resets_by_minute"), 3)
        self.assertEqual(
            [(r["server_port"], r["connections"], r["with_resets"], r["percent"], r["refused"], r["fin"])
             for r in self.query("SELECT * FROM server_outcomes")],
            [(81, 2, 2, 100.0, 2, 0), (443, 1, 1, 100.0, 0, 0), (80, 1, 0, 0.0, 0, 1)])

    def test_ja4_outcomes(self):
        frames = (Connection(50001).reset_by_server(client_hello(b"a.example")) +
                  Connection(50002).closed())
        self.load(self.file("a.pcap", pcap(frames)))
        row, = self.query("SELECT sni, connections, reset_in_tls_phase FROM ja4_outcomes")
        self.assertEqual(tuple(row.values()), ("a.example", 1, 1))

    def test_text_from_the_wire(self):
        name = b"'); DROP TABLE resets;--\x1b[2J\"\\"
        self.load(self.file("a.pcap", pcap(Connection(5).reset_by_server(client_hello(name)))))
        self.assertEqual(self.one("SELECT sni FROM resets"),
                         "'); DROP TABLE resets;--\\u001b[2J\"\\")

    def test_filters(self):
        self.load("--origin", "refused-handshake", self.file("a.pcap", pcap(mixed())))
        self.assertEqual(self.counts(), (1, 4, 2))

    def test_continue_names_files(self):
        frames = Connection(5).reset_by_server()
        first = self.file("1.pcap", pcap(frames[:3]))
        second = self.file("2.pcap", pcap(frames[3:], start_ns=START_NS + 10_000_000))
        self.load("--continue", first, second)
        row, = self.query("SELECT file, frame, syn_frame, syn_frame_file, trigger_frame_file "
                          "FROM resets JOIN files USING (file_id)")
        self.assertEqual((row["file"], row["frame"]), (second, 2))
        self.assertEqual((row["syn_frame"], row["syn_frame_file"]), (1, first))
        self.assertIsNone(row["trigger_frame_file"])
        self.assertEqual(self.counts(), (2, 1, 1))

    def test_pipe(self):
        self.load("-", input=pcap(mixed()))
        self.assertEqual(self.query("SELECT file, path, packets FROM files"),
                         [{"file": "-", "path": None, "packets": 15}])

    def test_questions_of_the_documentation(self):
        with open(DOC, encoding="utf-8") as file:
            questions = re.findall(r"```sql\n(.*?)```", file.read(), re.DOTALL)
        self.assertGreaterEqual(len(questions), 5)
        self.load(*sorted(glob.glob(os.path.join(SAMPLES, "*", "client.pcap"))))
        answers = [self.query(sql) for sql in questions]
        self.assertNotIn([], answers)
        # Which rows come first depends on the samples there are: the facts below are among all.
        answers = [self.query(re.sub(r"LIMIT \d+", "", sql)) for sql in questions]
        servers, ja4s, unanswered, instants, forged, findings = answers
        self.assertTrue(all(row["open"].startswith("tshark ") for row in findings))
        self.assertTrue(all(row["connections"] >= 10 for row in servers))
        groups = {}
        for row in ja4s:
            groups.setdefault((row["server_ip"], row["server_port"], row["sni"]), []).append(row["reset_in_tls_phase"])
        self.assertTrue(groups)
        for resets in groups.values():  # a name whose every client is reset is no matter of JA4s
            self.assertTrue(min(resets) == 0 < max(resets))
        self.assertTrue(any("http-connect" in row["file"] or row["http_method"] for row in unanswered))
        self.assertTrue(any("process-exit" in row["causes"] for row in instants))
        self.assertTrue(any(row["cause"] == "injected" and "TTL" in row["evidence"] for row in forged))


class Runs(DatabaseTest):
    def test_again_is_no_duplicate(self):
        capture = self.file("a.pcap", pcap(mixed()))
        self.load(capture)
        self.load(capture)
        self.load(capture, capture)
        self.assertEqual(self.counts(), (1, 4, 3))
        self.assertEqual(self.one("SELECT count(*) FROM pragma_foreign_key_check"), 0)

    def test_other_captures_are_added(self):
        self.load(self.file("a.pcap", pcap(mixed())))
        self.load(self.file("b.pcap", pcap(Connection(9).refused())))
        self.assertEqual(self.counts(), (2, 5, 4))
        self.assertEqual(self.one("SELECT count(DISTINCT run_id) FROM files"), 2)

    def test_copy_counts_once(self):
        self.load(self.file("a.pcap", pcap(mixed())))
        copy = self.file("copy.pcap", pcap(mixed()))
        self.load(copy)
        self.assertEqual(self.counts(), (1, 4, 3))
        self.assertEqual(self.one("SELECT file FROM files"), copy)

    def test_capture_that_grew(self):
        self.load(self.file("a.pcap", pcap(mixed())))
        self.load(self.file("a.pcap", pcap(mixed() + Connection(9).refused())))
        self.assertEqual(self.counts(), (1, 5, 4))

    def test_grown_through_another_name(self):
        os.mkdir(os.path.join(self.dir, "sub"))
        self.load(self.file("a.pcap", pcap(mixed())))
        self.file("a.pcap", pcap(mixed() + Connection(9).refused()))
        self.load(os.path.join(self.dir, "sub", "..", "a.pcap"))
        self.assertEqual(self.counts(), (1, 5, 4))

    def test_ring_buffer_reuses_names(self):
        self.load(self.file("ring0", pcap(mixed())))
        self.load(self.file("ring0", pcap(mixed(), start_ns=START_NS + 3_600_000_000_000)))
        self.assertEqual(self.counts(), (2, 8, 6))

    def test_part_of_a_capture_is_another(self):
        self.load(self.file("a.pcap", pcap(mixed())))
        self.load(self.file("head.pcap", pcap(mixed()[:2])))
        self.assertEqual(self.counts(), (2, 5, 4))

    def test_unreadable_until_it_can_be_read(self):
        capture = self.file("a.pcap", b"no capture")
        self.load(capture, status=1)
        self.load(capture, status=1)
        self.assertEqual(self.counts(), (1, 0, 0))
        self.assertIn("no capture", self.one("SELECT error FROM files"))
        self.load(self.file("a.pcap", pcap(mixed())))
        self.assertEqual(self.counts(), (1, 4, 3))
        self.assertIsNone(self.one("SELECT error FROM files"))

    def test_cut_short(self):
        self.load(self.file("a.pcap", pcap(mixed())[:-10]), status=1)
        self.assertEqual(self.one("SELECT packets FROM files"), 14)
        self.assertTrue(self.one("SELECT error FROM files"))

    def test_schema_version_and_new_columns(self):
        self.load(self.file("a.pcap", pcap(mixed())))
        self.assertEqual(self.one("PRAGMA user_version"), 1)
        self.assertEqual(self.one("PRAGMA application_id"), 0x57525354)
        database = sqlite3.connect(self.database)
        # As if made before the field existed.
        database.executescript("ALTER TABLE resets DROP COLUMN reset_text; ALTER TABLE resets "
                               "DROP COLUMN mptcp_reason")
        database.close()
        self.load(self.file("b.pcap", pcap(Connection(9).refused())))
        names = [row["name"] for row in self.query("SELECT name FROM pragma_table_info('resets')")]
        self.assertIn("reset_text", names)
        self.assertEqual(self.counts(), (2, 5, 4))


class Findings(DatabaseTest):
    def setUp(self):
        super().setUp()
        self.first = self.healthy_and_not("first.pcap", 10)
        self.second = self.healthy_and_not("second.pcap", 20)

    def healthy_and_not(self, name, host):
        """A server that resets half of its connections: a finding."""
        frames = []
        for i in range(40):
            connection = Connection(2000 + i, client="10.0.0.5", server=f"192.0.2.{host}")
            frames += connection.reset_by_server() if i % 2 else connection.closed()
        return self.file(name, pcap(frames))

    def servers(self, table, column):
        return [row[column] for row in self.query(f"SELECT {column} FROM {table} ORDER BY run_id, {table[:-1]}_id")]

    def test_each_run_has_its_own(self):
        self.load(self.first)
        self.load(self.second)
        self.assertEqual(self.servers("endpoints", "name"), ["192.0.2.10:443", "192.0.2.20:443"])
        self.assertEqual(len(self.query("SELECT * FROM finding_list")), 2)

    def test_again_is_no_duplicate(self):
        for _ in range(2):
            self.load(self.first, self.second)
        self.assertEqual(len(self.servers("endpoints", "name")), 2)
        self.assertEqual(len(self.servers("findings", "server")), 2)
        self.assertEqual(self.one("SELECT count(*) FROM runs"), 1)

    def test_part_of_a_run_again(self):
        self.load(self.first, self.second)
        self.load(self.second)
        self.assertEqual(self.servers("endpoints", "name"), ["192.0.2.20:443"])
        self.assertEqual(self.servers("findings", "server"), ["192.0.2.10:443", "192.0.2.20:443"])

    def test_deleting_a_capture(self):
        self.load(self.first)
        database = sqlite3.connect(self.database)
        with database:
            database.execute("DELETE FROM files WHERE file = ?", (self.first,))
        database.close()
        for table in ("files", "resets", "connections", "endpoints", "ja4s", "findings", "runs"):
            self.assertEqual(self.one(f"SELECT count(*) FROM {table}"), 0, table)


class Failures(DatabaseTest):
    def fails(self, message, *args, status=1):
        done = self.load(*args, status=status)
        self.assertIn(message, done.stderr.decode())
        self.assertEqual(done.stdout, b"")

    def test_usage(self):
        capture = self.file("a.pcap", pcap(mixed()))
        for args in ([], ["-o", "-"], ["-o", self.database, "--summary"]):
            done = self.run_tool("--format=sqlite", *args, capture, status=2)
            self.assertIn(b"--format=sqlite", done.stderr)
        self.assertEqual(os.listdir(self.dir), ["a.pcap"])

    def test_never_over_an_input(self):
        capture = self.file("a.pcap", pcap(mixed()))
        self.run_tool("--format=sqlite", "-o", capture, capture, status=2)
        with open(capture, "rb") as file:
            self.assertEqual(file.read(), pcap(mixed()))

    def test_not_a_database(self):
        text = b"Dear diary, today nobody was reset.\n" * 40
        self.file("resets.db", text)
        self.fails("is no database", self.file("a.pcap", pcap(mixed())))
        with open(self.database, "rb") as file:
            self.assertEqual(file.read(), text)

    def test_database_of_another_program(self):
        database = sqlite3.connect(self.database)
        database.execute("CREATE TABLE recipes (name)")
        database.close()
        self.fails("another program", self.file("a.pcap", pcap(mixed())))
        self.assertEqual(self.one("SELECT count(*) FROM sqlite_schema"), 1)

    def test_newer_schema(self):
        self.load(self.file("a.pcap", pcap(mixed())))
        database = sqlite3.connect(self.database)
        database.execute("PRAGMA user_version = 99")
        database.close()
        self.fails("newer version", self.file("a.pcap", pcap(mixed())))

    def test_no_such_folder(self):
        self.database = os.path.join(self.dir, "none", "resets.db")
        self.fails("No such file or directory", self.file("a.pcap", pcap(mixed())))
        self.database = self.dir
        self.fails("Is a directory", self.file("b.pcap", pcap(mixed())))

    def test_disk_full(self):
        """A limit on the size of files stands in for the end of the disk."""
        self.load(self.file("a.pcap", pcap(mixed())))
        size = os.path.getsize(self.database) + 20_000
        big = self.file("big.pcap", pcap(many(2_000)))
        done = self.load(big, status=1,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
        self.assertRegex(done.stderr.decode(), r"resets\.db: .*(full|File too large|disk I/O error)")
        self.assertEqual(self.counts(), (1, 4, 3))
        self.assertEqual(self.one("PRAGMA integrity_check"), "ok")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "needs a mount namespace")
    def test_full_and_read_only_filesystem(self):
        self.file("big.pcap", pcap(many(2_000)))
        self.file("a.pcap", pcap(mixed()))
        script = ("mkdir small && mount -t tmpfs -o size=512k none small || exit 77\n"
                  "\"$0\" -f sqlite -o small/resets.db a.pcap || exit 3\n"
                  "\"$0\" -f sqlite -o small/resets.db big.pcap; echo status $?\n"
                  "mount -o remount,ro small && \"$0\" -f sqlite -o small/resets.db a.pcap; echo status $?\n"
                  "cp small/resets.db .\n")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, WHYRST], cwd=self.dir, timeout=300,
                              capture_output=True, text=True, check=False)
        if done.returncode == 77 or "unshare" in done.stderr:
            self.skipTest("may not mount")
        self.assertEqual(done.stdout, "status 1\nstatus 1\n", done.stderr)
        self.assertIn("small/resets.db: database or disk is full", done.stderr)
        self.assertIn("small/resets.db: Read-only file system", done.stderr)
        self.assertEqual(self.counts(), (1, 4, 3))

    def test_analysis_that_dies(self):
        """What a killed analysis had half sent is not kept; what was complete before is."""
        self.load(self.file("a.pcap", pcap(mixed())))
        data = pcap(many(300), step_ns=100_000_000)  # 60 s: some verdicts are final before the end
        process = subprocess.Popen([WHYRST, "-f", "sqlite", "-o", self.database, "-"],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(data)
        process.stdin.flush()
        for _ in range(1000):
            if os.path.exists(self.database + "-journal"):
                break
            time.sleep(0.01)
        begun = os.path.exists(self.database + "-journal")
        process.kill()
        process.wait()
        process.stdin.close()
        process.stderr.read()  # until the loader, too, has ended
        process.stderr.close()
        self.assertTrue(begun, "no transaction was begun")
        self.assertEqual(self.counts(), (1, 4, 3))
        self.assertEqual(os.path.exists(self.database + "-journal"), False)


if __name__ == "__main__":
    unittest.main()
