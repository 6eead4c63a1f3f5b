// How connections end.
#include <catch2/catch.hpp>

#include <sys/resource.h>
#include <sys/socket.h>

#include <stdexcept>
#include <thread>

#include "fixture.hpp"

using namespace net_test;
using loft::CloseHow;

namespace {

int as_int(CloseReason reason) { return static_cast<int>(reason); }

}  // namespace

TEST_CASE("close with flush delivers ten megabytes to a slow reader") {
  loft::net::EngineOptions options;
  options.outbox_bytes = 16 << 20;
  Host host(options);
  constexpr std::size_t total = 10 << 20;
  host.transport.behaviour->bytes = [](Link& link, Bytes bytes) {
    link.write(std::string(total, 'z'));
    link.close(CloseHow::flush);
    link.write("not sent any more");
    return bytes.size();
  };
  host.start();
  Client client(host.port, 8192);
  REQUIRE(client.send("x"));
  REQUIRE(client.send("more than anybody will read"));
  std::size_t got = 0;
  while (got < total) {
    const std::string piece = client.receive(std::min<std::size_t>(10'000, total - got));
    if (piece.empty()) break;
    got += piece.size();
  }
  CHECK(got == total);
  CHECK(client.at_end());
  CHECK(host.transport.seen->closed == 0);  // it lingers until the peer has closed too
  client.close();
  CHECK(eventually([&] { return host.transport.seen->destroyed == 1; }));
  CHECK(host.transport.seen->reason == as_int(CloseReason::local));
}

TEST_CASE("a closing link waits for its peer no longer than the linger time") {
  loft::net::EngineOptions options;
  options.linger = 50;
  Host host(options);
  host.transport.behaviour->bytes = [](Link& link, Bytes bytes) { return link.close(CloseHow::flush), bytes.size(); };
  host.start();
  Client client(host.port);
  REQUIRE(client.send("x"));
  CHECK(client.at_end());
  CHECK(eventually([&] { return host.engine->connections() == 0; }));
  CHECK(host.transport.seen->closed == 1);
}

TEST_CASE("a peer that does not read overflows the outbox and is closed") {
  Host host;
  std::atomic<bool> full{false};
  host.transport.behaviour->bytes = [&](Link& link, Bytes bytes) {
    const std::string piece(64 << 10, 'o');
    for (int index = 0; index < 4096 && link.pressure() != loft::Pressure::full; ++index) link.write(piece);
    full = link.pressure() == loft::Pressure::full;
    return bytes.size();
  };
  host.start();
  Client client(host.port, 4096);
  REQUIRE(client.send("x"));
  CHECK(eventually([&] { return host.transport.seen->closed == 1; }));
  CHECK(host.transport.seen->reason == as_int(CloseReason::overflow));
  CHECK(full);
  CHECK(host.metric("net_outbox_overflows_total") == 1);
  CHECK(eventually([&] { return host.metric("net_closed_total", "reason=\"overflow\"") == 1; }));
}

TEST_CASE("one message by itself fits whatever its size, and the next ones when most of it has gone") {
  loft::net::EngineOptions options;
  options.outbox_bytes = 16 << 10;
  Host host(options);
  const std::string large(32 << 20, 'l');
  host.transport.behaviour->bytes = [&](Link& link, Bytes bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && link.pressure() == loft::Pressure::none) link.write(large), ++used;
    return used;
  };
  host.start();
  Client client(host.port, 4096);
  REQUIRE(client.send("xx"));
  CHECK(client.receive(2 * large.size()).size() == 2 * large.size());
  CHECK(host.transport.seen->closed == 0);
  CHECK(host.metric("net_outbox_overflows_total") == 0);
}

TEST_CASE("a peer that asks without reading is not read, and gets every answer when it does") {
  loft::net::EngineOptions options;
  options.outbox_bytes = 64 << 10;
  Host host(options);
  constexpr std::size_t requests = 4000;
  const std::string answer(1000, 'a');
  host.transport.behaviour->bytes = [&](Link& link, Bytes bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && link.pressure() == loft::Pressure::none) link.write(answer), ++used;
    return used;
  };
  host.start();
  Client client(host.port, 4096);
  REQUIRE(client.send(std::string(requests, 'q')));
  CHECK(client.receive(requests * answer.size()) == std::string(requests * answer.size(), 'a'));
  CHECK(host.transport.seen->closed == 0);
  CHECK(host.metric("net_outbox_overflows_total") == 0);
}

TEST_CASE("a burst above the limit of the outbox reaches a peer that reads") {
  loft::net::EngineOptions options;
  options.outbox_bytes = 16 << 10;
  Host host(options);
  host.transport.behaviour->bytes = [](Link& link, Bytes bytes) {
    for (int index = 0; index < 8; ++index) link.write(std::string(8 << 10, 'b'));
    return bytes.size();
  };
  host.start();
  Client client(host.port);
  REQUIRE(client.send("x"));
  CHECK(client.receive(64 << 10).size() == 64 << 10);
  CHECK(host.transport.seen->closed == 0);
}

TEST_CASE("a peer that ends its stream gets what was written and is closed") {
  Host host;
  host.start();
  Client client(host.port);
  REQUIRE(client.send("last words"));
  client.half_close();
  CHECK(client.receive(100) == "last words");
  CHECK(client.at_end());
  CHECK(eventually([&] { return host.transport.seen->destroyed == 1; }));
  CHECK(host.transport.seen->reason == as_int(CloseReason::peer));
}

TEST_CASE("the end of the peer's stream does not overtake an answer for which the protocol pauses reading") {
  Host host;
  std::atomic<Link*> asked{nullptr};
  host.transport.behaviour->bytes = [&](Link& link, Bytes bytes) {
    link.pause_reads(true);
    asked = &link;
    return bytes.size();
  };
  host.start();
  Client client(host.port);
  REQUIRE(client.send("question"));
  client.half_close();
  REQUIRE(eventually([&] { return asked.load() != nullptr; }));
  host.on_thread([] {});  // a turn in which the end of the stream could be seen
  host.on_thread([&] {
    asked.load()->write("answer");
    asked.load()->pause_reads(false);
  });
  CHECK(client.receive(100) == "answer");
  CHECK(client.at_end());
  CHECK(eventually([&] { return host.transport.seen->destroyed == 1; }));
  CHECK(host.transport.seen->reason == as_int(CloseReason::peer));
}

TEST_CASE("a reset ends one connection only") {
  Host host;
  host.start();
  Client other(host.port);
  Client client(host.port);
  REQUIRE(client.send("x"));
  REQUIRE(client.receive(1) == "x");
  client.reset();
  CHECK(eventually([&] { return host.transport.seen->destroyed == 1; }));
  CHECK(host.transport.seen->reason == as_int(CloseReason::peer));
  REQUIRE(other.send("y"));
  CHECK(other.receive(1) == "y");
}

TEST_CASE("a protocol that throws loses its own connection, and the host goes on") {
  Host host;
  host.transport.behaviour->bytes = [](Link& link, Bytes bytes) -> std::size_t {
    if (bytes == "throw") throw std::runtime_error("a bug of the test");
    if (bytes == "other") throw 42;
    return link.write(bytes), bytes.size();
  };
  host.transport.behaviour->closed = [](Link&, CloseReason) { throw std::runtime_error("and another"); };
  host.start();
  Client good(host.port);
  for (const char* text : {"throw", "other"}) {
    Client bad(host.port);
    REQUIRE(bad.send(text));
    CHECK(bad.at_end());
  }
  CHECK(eventually([&] { return host.transport.seen->destroyed == 2; }));
  CHECK(host.log.contains("a bug of the test"));
  CHECK(host.log.contains("and another"));
  CHECK(eventually([&] { return host.metric("net_closed_total", "reason=\"failure\"") == 2; }));
  REQUIRE(good.send("still here"));
  CHECK(good.receive(10) == "still here");
}

TEST_CASE("on_closed is never called from inside close, and once") {
  Host host;
  std::atomic<bool> inside{false};
  std::atomic<bool> nested{false};
  host.transport.behaviour->bytes = [&](Link& link, Bytes bytes) {
    inside = true;
    link.close(CloseHow::flush);
    link.close(CloseHow::abort);
    link.close(CloseHow::abort);
    link.pause_reads(false);
    link.deadline(1);
    inside = false;
    return bytes.size();
  };
  host.transport.behaviour->closed = [&](Link& link, CloseReason) {
    nested = inside.load();
    link.close(CloseHow::abort);
    link.write("nobody hears this");
  };
  host.start();
  Client client(host.port);
  REQUIRE(client.send("x"));
  CHECK(client.at_end());
  CHECK(eventually([&] { return host.transport.seen->destroyed == 1; }));
  CHECK(host.transport.seen->closed == 1);
  CHECK_FALSE(nested);
}

TEST_CASE("beyond the limit of connections accepting waits, and goes on below it") {
  loft::net::EngineOptions options;
  options.max_connections = 2;
  Host host(options);
  host.start();
  Client first(host.port);
  Client second(host.port);
  REQUIRE(eventually([&] { return host.engine->connections() == 2; }));
  Client third(host.port);  // the kernel's queue takes it
  REQUIRE(third.send("x"));
  CHECK(eventually([&] { return host.metric("net_accept_pauses_total", "reason=\"limit\"") > 0; }));
  CHECK(eventually([&] { return host.log.contains("limit of connections reached"); }));
  CHECK(host.metric("net_accepted_total") == 2);
  first.close();
  CHECK(third.receive(1) == "x");
}

TEST_CASE("without free descriptors accepting rests with a word in the log, and goes on later") {
  Host host;
  host.start();
  Client before(host.port);
  REQUIRE(before.send("x"));
  REQUIRE(before.receive(1) == "x");
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &old) == 0);
  // All numbers below the limit are taken. No assertion meanwhile: sanitizers need descriptors themselves.
  std::vector<int> fill;
  rlimit low = old;
  low.rlim_cur = 64;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  for (int fd = ::dup(probe); fd >= 0; fd = ::dup(probe)) fill.push_back(fd);
  ::close(fill.back());
  fill.pop_back();
  Client late(host.port);  // takes the last one
  const bool paused = eventually([&] { return host.metric("net_accept_pauses_total", "reason=\"system\"") > 0; });
  const bool logged = eventually([&] { return host.log.contains("raise the limit of open files"); });
  for (const int fd : fill) ::close(fd);
  ::setrlimit(RLIMIT_NOFILE, &old);
  ::close(probe);
  CHECK(paused);
  CHECK(logged);
  REQUIRE(late.send("late"));
  CHECK(late.receive(4) == "late");
}

TEST_CASE("drain lets protocols say goodbye and closes the listeners") {
  Host host;
  host.transport.behaviour->drain = [](Link& link) {
    link.write("bye");
    link.close(CloseHow::flush);
  };
  host.start();
  Client client(host.port);
  REQUIRE(client.send("x"));
  REQUIRE(client.receive(1) == "x");
  std::string words;
  std::thread reader([&] {
    words = client.receive(10);
    client.close();
  });
  CHECK(host.engine->drain(host.clock.steady() + 10'000));
  reader.join();
  CHECK(words == "bye");
  CHECK(host.engine->connections() == 0);
  CHECK_THROWS(Client(host.port));
}

TEST_CASE("drain aborts at its deadline what does not end") {
  Host host;
  host.transport.behaviour->drain = [](Link&) {};
  host.start();
  Client client(host.port);
  REQUIRE(client.send("x"));
  REQUIRE(client.receive(1) == "x");
  CHECK_FALSE(host.engine->drain(host.clock.steady() + 100));
  CHECK(client.at_end());
  CHECK(host.transport.seen->closed == 1);
  CHECK(host.transport.seen->reason == as_int(CloseReason::shutdown));
}

TEST_CASE("stop aborts what is left, and may be called twice or without a start") {
  Host host;
  SECTION("started") {
    host.start();
    Client client(host.port);
    REQUIRE(client.send("x"));
    REQUIRE(client.receive(1) == "x");
    host.engine->stop();
    host.engine->stop();
    CHECK(client.at_end());
    CHECK(host.transport.seen->reason == as_int(CloseReason::shutdown));
    CHECK(host.transport.seen->destroyed == 1);
  }
  SECTION("not started") {
    REQUIRE(host.engine->listen({"test", "127.0.0.1", 0, "", ""}, host.transport, host.endpoint));
    host.engine->stop();
  }
}
