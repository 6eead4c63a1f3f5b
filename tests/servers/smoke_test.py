"""Both private servers: made, asked, tormented, and gone without a trace, also when their test is killed."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from client import Server  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ENGINE = ""


def answers(server):
    """Does anybody take a connection and say something? PostgreSQL speaks only when asked: "do you speak TLS?"."""
    try:
        with socket.create_connection((server["host"], int(server["port"])), timeout=0.5) as link:
            if ENGINE == "postgresql":
                link.sendall(bytes((0, 0, 0, 8, 4, 210, 22, 47)))
            return len(link.recv(1)) == 1
    except OSError:
        return False


def wait_gone(directory):
    deadline = time.monotonic() + 60
    while os.path.exists(directory):
        assert time.monotonic() < deadline, f"{directory} is still there"
        time.sleep(0.02)


class PrivateServer(unittest.TestCase):
    def rows(self, server):
        return server.sql("SELECT n FROM kept ORDER BY n").split()

    def test_survives_what_faults_tests_do(self):
        with Server(ENGINE) as server:
            self.assertTrue(answers(server))
            port = server["port"]
            server.sql("CREATE TABLE kept (n BIGINT PRIMARY KEY); INSERT INTO kept VALUES (1)")
            server.stop()
            self.assertFalse(answers(server))
            server.start()
            self.assertEqual(server["port"], port)
            server.sql("INSERT INTO kept VALUES (2)")
            server.kill()
            self.assertFalse(answers(server))
            server.start()
            self.assertEqual(self.rows(server), ["1", "2"])
            server.hang()
            self.assertFalse(answers(server))
            server.resume()
            server.drop_connections()
            server.create_database("loft_other")
            server.sql("CREATE TABLE kept (n BIGINT PRIMARY KEY)", "loft_other")
            self.assertEqual(server.sql("SELECT count(*) FROM kept", "loft_other").split(), ["0"])
            with self.assertRaises(RuntimeError):
                server.sql("SELECT nothing FROM nowhere")
            directory = server["directory"]
        self.assertFalse(os.path.exists(directory))

    def test_has_a_certificate_that_its_authority_signed(self):
        with Server(ENGINE, tls=True) as server:
            protocol = {"postgresql": "postgres", "mariadb": "mysql"}[ENGINE]
            seen = subprocess.run(["openssl", "s_client", "-starttls", protocol, "-connect", f"127.0.0.1:{server['port']}",
                                   "-CAfile", server["ca"], "-verify_return_error", "-verify_ip", "127.0.0.1"],
                                  input="", capture_output=True, text=True, timeout=60, check=False)
            self.assertIn("Verification: OK", seen.stdout, seen.stderr)

    def test_its_disk_is_full_until_there_is_room(self):
        for disk in ("small", "limited"):
            with Server(ENGINE, disk=disk) as server:
                server.sql("CREATE TABLE kept (n BIGINT PRIMARY KEY, words CHAR(200))")
                rows = {"postgresql": "SELECT g, md5(CAST(g AS TEXT)) FROM generate_series({}, {}) g",
                        "mariadb": "SELECT seq, md5(seq) FROM seq_{}_to_{}"}[ENGINE]
                insert = "INSERT INTO kept " + rows
                server.sql(insert.format(1, 10))
                server.fill()
                with self.assertRaisesRegex(RuntimeError, "No space|too large|full"):
                    server.sql(insert.format(11, 200_000))
                self.assertEqual(server.sql("SELECT count(*) FROM kept").split(), ["10"])
                server.make_room()
                server.sql(insert.format(11, 2000))
                self.assertEqual(server.sql("SELECT count(*) FROM kept").split(), ["2000"])

    def test_a_setting_reaches_the_server(self):
        setting = {"postgresql": "max_connections=37", "mariadb": "max-connections=37"}[ENGINE]
        with Server(ENGINE, settings=[setting]) as server:
            show = {"postgresql": "SHOW max_connections", "mariadb": "SELECT @@max_connections"}[ENGINE]
            self.assertEqual(server.sql(show).split(), ["37"])

    def test_a_wrong_setting_is_told_with_the_servers_own_words(self):
        with self.assertRaisesRegex(RuntimeError, "no_such_setting"):
            Server(ENGINE, settings=["no_such_setting=1"])

    def test_leaves_nothing_when_its_test_is_killed(self):
        program = [os.path.join(HERE, "with_server"), ENGINE, "--", "sh", "-c", 'echo "$LOFT_TEST_DIRECTORY $LOFT_TEST_PID"; cat']
        with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True) as test:
            directory, pid = test.stdout.readline().split()
            self.assertTrue(os.path.exists(f"/proc/{pid}"))
            os.killpg(test.pid, signal.SIGKILL)
        wait_gone(directory)
        self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_with_server_hands_on_the_exit_code(self):
        done = subprocess.run([os.path.join(HERE, "with_server"), ENGINE, "--", "sh", "-c", 'test -e "$LOFT_TEST_SOCKET" && exit 7'],
                              check=False)
        self.assertEqual(done.returncode, 7)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    ENGINE = parser.parse_args().engine
    unittest.main(argv=sys.argv[:1], verbosity=2)
