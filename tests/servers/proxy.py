"""A TCP proxy that a test puts between Loft and a database server, to make the network misbehave when it says so.

    with Proxy(server["host"], int(server["port"])) as proxy:
        proxy.port                      # Loft connects here
        proxy.delay(0.1)                # whatever is passed on waits so long, in each direction
        proxy.limit(200_000)            # bytes a second, all connections and directions together
        proxy.freeze(); proxy.thaw()    # connections stay, nothing is passed on; what was sent meanwhile comes then
        proxy.cut()                     # all connections are reset; new ones are taken
        proxy.close_door(); proxy.open_door()   # who connects is refused
    proxy.lose(question=b"…")       # the answer to the next request with these bytes in it never comes: the connection
    proxy.lose(answer=b"…")         # is reset in its place, and nobody gets in any more. Or: the answer with these bytes
    proxy.lost                      # whether that has happened

Each call has taken effect when it returns.
"""

import asyncio
import socket
import struct
import threading

PIECE = 1 << 16


class Proxy:
    def __init__(self, host, port):
        self._target, self._links = (host, port), set()
        self._delay, self._rate, self._free_at = 0.0, None, 0.0
        self._question, self._asked, self._answer, self.lost = None, None, None, False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = None
        self.port = 0
        self._run(self._begin())
        self.open_door()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close_door()
        self.cut()
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # what a test says

    def delay(self, seconds):
        self._run(self._set("_delay", seconds))

    def limit(self, bytes_a_second):
        """None: as fast as it goes."""
        self._run(self._set("_rate", bytes_a_second))

    def freeze(self):
        self._run(self._act(self._open.clear))

    def thaw(self):
        self._run(self._act(self._open.set))

    def cut(self):
        """Returns how many there were."""
        return self._run(self._reset())

    def lose(self, question=None, answer=None):
        self._run(self._act(lambda: self._set_loss(question, answer)))

    def close_door(self):
        if self._server is not None:
            self._run(self._close_door())

    def open_door(self):
        """On the same port as before."""
        if self._server is None:
            self._run(self._listen())

    # in the loop

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _begin(self):
        self._open = asyncio.Event()
        self._open.set()

    async def _set(self, name, value):
        setattr(self, name, value)

    def _set_loss(self, question, answer):
        self._question, self._answer, self.lost = question, answer, False

    @staticmethod
    async def _act(act):
        act()

    async def _listen(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close_door(self):
        self._server.close()
        self._server = None

    async def _reset(self):
        links, self._links = self._links, set()
        for writers in links:
            for writer in writers:
                if writer.is_closing():
                    continue
                # A reset, not a goodbye: as when the machine between has lost its memory.
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        return len(links)

    @staticmethod
    async def _end():
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        link = (writer, far_writer)
        self._links.add(link)
        await asyncio.gather(self._pass_on(reader, far_writer, lambda data: self._hear(data, reader)),
                             self._pass_on(far_reader, writer, lambda data: self._is_to_lose(data, reader)))
        self._links.discard(link)

    async def _pass_on(self, reader, writer, ends):
        """`ends` looks at each piece: whether it is the one that never arrives."""
        try:
            while data := await reader.read(PIECE):
                if ends(data):
                    await self._close_door()
                    await self._reset()
                    self.lost = True
                    return
                await self._hold(len(data))
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    def _hear(self, question, asker):
        if self._question is not None and self._question in question:
            self._question, self._asked = None, asker
        return False

    def _is_to_lose(self, answer, asked):
        found = asked is self._asked or (self._answer is not None and self._answer in answer)
        if found:
            self._answer = self._asked = None
        return found

    async def _hold(self, size):
        if self._delay:
            await asyncio.sleep(self._delay)
        if self._rate:
            begin = max(self._free_at, self._loop.time())
            self._free_at = begin + size / self._rate
            await asyncio.sleep(self._free_at - self._loop.time())
        await self._open.wait()
