// What a link promises while it is open.
#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/time.h>

#include "fixture.hpp"

using namespace net_test;
using namespace std::chrono_literals;
using loft::CloseHow;

TEST_CASE("bytes come back in order through an echo protocol, over IPv4 and IPv6") {
  const bool v6 = GENERATE(false, true);
  Host host;
  std::string remote;
  bool loopback = false;
  host.transport.behaviour->opened = [&](Link& link) {
    remote = link.remote_address();
    loopback = link.from_loopback() && !link.is_tls();
  };
  host.start({"test", v6 ? "::1" : "127.0.0.1", 0, "", ""});
  Client client(host.port, 0, v6);
  REQUIRE(client.send("hello"));
  CHECK(client.receive(5) == "hello");
  REQUIRE(client.send("again"));
  CHECK(client.receive(5) == "again");
  host.on_thread([&] {
    CHECK(remote == (v6 ? "::1" : "127.0.0.1"));
    CHECK(loopback);
  });
  CHECK(host.engine->connections() == 1);
}

TEST_CASE("many writes of one turn are one system call") {
  Host host;
  host.transport.behaviour->bytes = [](Link& link, Bytes bytes) {
    for (int index = 0; index < 500; ++index) link.write("0123456789");
    return bytes.size();
  };
  host.start();
  Client client(host.port);
  REQUIRE(client.send("x"));
  CHECK(client.receive(5000).size() == 5000);
  CHECK(eventually([&] { return host.metric("net_sent_bytes_total") == 5000; }));
  CHECK(eventually([&] { return host.metric("net_sends_total") == 1; }));
  CHECK(host.metric("net_received_bytes_total") == 1);
}

TEST_CASE("posts and hooks of a turn write before the flush") {
  Host host;
  Link* link_of_test = nullptr;
  int pending = 0;
  host.engine->at_turn_end([&](unsigned) {
    if (pending == 0 || link_of_test == nullptr) return;
    pending = 0;
    link_of_test->write("[hook]");
    host.engine->post(0, [&] { link_of_test->write("[post of hook]"); });
  });
  host.transport.behaviour->bytes = [&](Link& link, Bytes bytes) {
    link_of_test = &link;
    link.write("[bytes]");
    host.engine->post(0, [&] {
      link.write("[post]");
      pending = 1;
    });
    return bytes.size();
  };
  host.start();
  Client client(host.port);
  REQUIRE(client.send("x"));
  const std::string expected = "[bytes][post][hook][post of hook]";
  CHECK(client.receive(expected.size()) == expected);
  CHECK(eventually([&] { return host.metric("net_sends_total") >= 1; }));
  CHECK(host.metric("net_sends_total") == 1);
}

TEST_CASE("a paused link holds the peer back, and nothing is lost or out of order") {
  Host host;
  Link* link_of_test = nullptr;
  std::string got;
  std::atomic<bool> paused{false};
  host.transport.behaviour->bytes = [&](Link& link, Bytes bytes) -> std::size_t {
    link_of_test = &link;
    if (!paused) {
      link.pause_reads(true);
      paused = true;
      got.append(bytes.substr(0, 1));
      return 1;
    }
    got.append(bytes);
    return bytes.size();
  };
  host.start();
  Client client(host.port);
  std::string sent(32 << 20, '\0');
  for (std::size_t index = 0; index < sent.size(); ++index) sent[index] = static_cast<char>(index * 31 >> 3);
  std::size_t done = 0;
  REQUIRE(client.send(std::string_view(sent).substr(0, 10)));
  REQUIRE(eventually([&] { return paused.load(); }));
  done = 10;
  // The peer's kernel takes what fits into the windows, and then no more.
  const timeval limit{0, 300'000};
  ::setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const auto busy_before = host.cpu_of_thread();
  for (;;) {
    const ssize_t count = ::send(client.fd, sent.data() + done, sent.size() - done, MSG_NOSIGNAL);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  REQUIRE(done < sent.size());
  // The last of these calls waited for as long as the limit says: a poller that reports the waiting bytes again and
  // again would have kept the thread busy for all of it.
  CHECK(host.cpu_of_thread() - busy_before < 150ms);
  host.on_thread([&] { CHECK(got.size() == 1); });
  host.on_thread([&] { link_of_test->pause_reads(false); });
  const timeval longer{10, 0};
  ::setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &longer, sizeof longer);
  REQUIRE(client.send(std::string_view(sent).substr(done)));
  REQUIRE(eventually([&] {
    bool all = false;
    host.on_thread([&] { all = got.size() == sent.size(); });
    return all;
  }));
  host.on_thread([&] { CHECK(got == sent); });
}

TEST_CASE("unused bytes are offered again together with what comes later") {
  Host host;
  host.transport.behaviour->bytes = [](Link& link, Bytes bytes) -> std::size_t {
    if (bytes.size() < 6) return 0;
    link.write(bytes.substr(0, 6));
    return 6;
  };
  host.start();
  Client client(host.port);
  for (const char* piece : {"ab", "cd", "ef"}) {
    REQUIRE(client.send(piece));
    const std::int64_t before = piece[0] == 'a' ? 2 : piece[0] == 'c' ? 4 : 6;
    REQUIRE(eventually([&] { return host.metric("net_received_bytes_total") == before; }));
  }
  CHECK(client.receive(6) == "abcdef");
}

TEST_CASE("a protocol that uses nothing stops the reading at a bound") {
  Host host;
  std::atomic<std::size_t> most{0};
  host.transport.behaviour->bytes = [&](Link&, Bytes bytes) -> std::size_t {
    most = bytes.size();
    return 0;
  };
  host.start();
  Client client(host.port);
  const timeval limit{0, 300'000};
  ::setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  CHECK_FALSE(client.send(std::string(64 << 20, 'x')));
  CHECK(most >= 2u << 20);
  CHECK(most <= (2u << 20) + (256u << 10));
}

TEST_CASE("after a hand-over the new protocol gets the bytes that the old one left") {
  Host host;
  auto next = std::make_shared<Behaviour>();
  next->bytes = [](Link& link, Bytes bytes) { return link.write("new:"), link.write(bytes), bytes.size(); };
  auto next_seen = std::make_shared<Seen>();
  const bool later = GENERATE(false, true);
  host.transport.behaviour->bytes = [&, later](Link& link, Bytes) -> std::size_t {
    if (later)
      host.engine->post(0, [&, next] { link.hand_over(make_protocol(link, next, next_seen)); });
    else
      link.hand_over(make_protocol(link, next, next_seen));
    return 3;
  };
  host.start();
  Client client(host.port);
  REQUIRE(client.send("oldrest"));
  CHECK(client.receive(8) == "new:rest");
  CHECK(host.transport.seen->destroyed == 1);
  CHECK(host.transport.seen->closed == 0);
  client.close();
  CHECK(eventually([&] { return next_seen->destroyed == 1; }));
  CHECK(next_seen->closed == 1);
  CHECK(host.transport.seen->closed == 0);
}

TEST_CASE("proven grows when the peer's kernel has taken the bytes, and not while its window is full") {
  loft::net::EngineOptions options;
  options.outbox_bytes = 64 << 20;
  Host host(options);
  Link* link_of_test = nullptr;
  constexpr std::size_t total = 32 << 20;
  host.transport.behaviour->bytes = [&](Link& link, Bytes bytes) {
    link_of_test = &link;
    link.write(std::string(total, 'p'));
    return bytes.size();
  };
  host.start();
  Client client(host.port, 4096);
  REQUIRE(client.send("x"));
  const auto proven = [&] {
    std::uint64_t value = 0;
    host.on_thread([&] { value = link_of_test != nullptr ? link_of_test->proven() : 0; });
    return value;
  };
  REQUIRE(eventually([&] { return proven() > 0; }));
  const std::uint64_t stuck = proven();
  CHECK(stuck < total);
  host.on_thread([&] {
    CHECK(link_of_test->written() == total);
    CHECK(link_of_test->pressure() == loft::Pressure::none);
  });
  CHECK(client.receive(total).size() == total);
  CHECK(eventually([&] { return proven() == total; }));
}

TEST_CASE("a deadline calls once, is replaced by the next one, and goes with zero") {
  Host host;
  std::atomic<int> called{0};
  Link* link_of_test = nullptr;
  host.transport.behaviour->opened = [&](Link& link) {
    link_of_test = &link;
    link.deadline(1);
    link.deadline(0);
  };
  host.transport.behaviour->deadline = [&](Link& link) {
    ++called;
    link.write("late");
    link.close(CloseHow::flush);
  };
  host.start();
  Client client(host.port);
  std::atomic<bool> passed{false};
  host.engine->after(0, 600, [&] { passed = true; });
  REQUIRE(eventually([&] { return passed.load(); }));
  CHECK(called == 0);
  host.on_thread([&] {
    link_of_test->deadline(3'600'000);
    link_of_test->deadline(1);
  });
  CHECK(client.receive(4) == "late");
  CHECK(client.at_end());
  client.close();
  CHECK(eventually([&] { return host.transport.seen->closed == 1; }));
  CHECK(called == 1);
  CHECK(host.transport.seen->reason == static_cast<int>(CloseReason::timeout));
}
