"""The proxy itself: it passes on what comes, and misbehaves when it is told to."""

import socket
import threading
import time
import unittest

from proxy import Proxy


class Echo:
    """A server that says everything back."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(link,), daemon=True).start()

    @staticmethod
    def _answer(link):
        try:
            while data := link.recv(1 << 16):
                link.sendall(data)
        except OSError:
            pass
        link.close()

    def close(self):
        self._listener.close()


class Misbehaving(unittest.TestCase):
    def setUp(self):
        self.echo = Echo()
        self.proxy = Proxy("127.0.0.1", self.echo.port)

    def tearDown(self):
        self.proxy.__exit__()
        self.echo.close()

    def link(self):
        link = socket.create_connection(("127.0.0.1", self.proxy.port), 10)
        self.addCleanup(link.close)
        return link

    @staticmethod
    def say(link, text):
        link.sendall(text)
        heard = b""
        while len(heard) < len(text):
            more = link.recv(1 << 16)
            if not more:
                break
            heard += more
        return heard

    def test_passes_on_whatever_comes(self):
        link = self.link()
        self.assertEqual(self.say(link, b"x" * 300_000), b"x" * 300_000)
        link.shutdown(socket.SHUT_WR)
        self.assertEqual(link.recv(1), b"")

    def test_delays_and_limits(self):
        link = self.link()
        self.proxy.delay(0.1)
        begin = time.monotonic()
        self.assertEqual(self.say(link, b"hello"), b"hello")
        self.assertGreater(time.monotonic() - begin, 0.19)
        self.proxy.delay(0)
        self.proxy.limit(400_000)
        begin = time.monotonic()
        self.assertEqual(len(self.say(link, b"x" * 100_000)), 100_000)  # there and back
        self.assertGreater(time.monotonic() - begin, 0.45)

    def test_freezes_and_forgets_nothing(self):
        link = self.link()
        self.assertEqual(self.say(link, b"one"), b"one")
        self.proxy.freeze()
        link.sendall(b"two")
        link.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            link.recv(3)
        link.settimeout(10)
        self.proxy.thaw()
        self.assertEqual(link.recv(3), b"two")

    def test_cuts_connections_and_takes_new_ones(self):
        link = self.link()
        self.assertEqual(self.say(link, b"one"), b"one")
        self.assertEqual(self.proxy.cut(), 1)
        with self.assertRaises(ConnectionResetError):
            link.recv(1)
        self.assertEqual(self.say(self.link(), b"two"), b"two")

    def test_closes_the_door_and_opens_it_again(self):
        self.proxy.close_door()
        with self.assertRaises(ConnectionRefusedError):
            self.link()
        self.proxy.open_door()
        self.assertEqual(self.say(self.link(), b"one"), b"one")


if __name__ == "__main__":
    unittest.main(verbosity=2)
