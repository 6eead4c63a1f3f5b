#include "fixture.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <thread>

namespace net_test {

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

Millis SteadyClock::now() const noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Millis SteadyClock::steady() const noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void Lines::write(loft::LogLevel, std::string_view text, std::initializer_list<loft::LogField> fields) noexcept {
  const std::lock_guard lock(mutex_);
  all_.append(text);
  for (const auto& field : fields) all_.append(" ").append(field.key).append("=").append(field.value);
  all_ += '\n';
}

bool Lines::contains(std::string_view part) const {
  const std::lock_guard lock(mutex_);
  return all_.find(part) != std::string::npos;
}

namespace {

class TestProtocol final : public Protocol {
 public:
  TestProtocol(Link& link, std::shared_ptr<Behaviour> behaviour, std::shared_ptr<Seen> seen)
      : link_(link), behaviour_(std::move(behaviour)), seen_(std::move(seen)) {
    ++seen_->opened;
  }
  ~TestProtocol() override { ++seen_->destroyed; }

  std::size_t on_bytes(Bytes bytes) override { return behaviour_->bytes(link_, bytes); }
  void on_deadline() override { behaviour_->deadline(link_); }
  void on_closed(CloseReason reason) override {
    behaviour_->closed(link_, reason);
    seen_->reason = static_cast<int>(reason);
    ++seen_->closed;
  }
  void drain() override { behaviour_->drain(link_); }

 private:
  Link& link_;
  std::shared_ptr<Behaviour> behaviour_;
  std::shared_ptr<Seen> seen_;
};

}  // namespace

std::unique_ptr<Protocol> make_protocol(Link& link, std::shared_ptr<Behaviour> behaviour, std::shared_ptr<Seen> seen) {
  return std::make_unique<TestProtocol>(link, std::move(behaviour), std::move(seen));
}

std::unique_ptr<Protocol> TestTransport::serve(Link& link, loft::Endpoint&) {
  auto made = make_protocol(link, behaviour, seen);
  behaviour->opened(link);
  return made;
}

Client::Client(std::uint16_t port, int receive_buffer, bool v6) {
  fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0) ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  const timeval limit{10, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in v4_address{};
  v4_address.sin_family = AF_INET;
  v4_address.sin_port = htons(port);
  v4_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6_address{};
  v6_address.sin6_family = AF_INET6;
  v6_address.sin6_port = htons(port);
  v6_address.sin6_addr = in6addr_loopback;
  auto* address = v6 ? reinterpret_cast<sockaddr*>(&v6_address) : reinterpret_cast<sockaddr*>(&v4_address);
  if (::connect(fd, address, v6 ? sizeof v6_address : sizeof v4_address) != 0)
    throw std::runtime_error("connect failed");
}

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string Client::receive(std::size_t count) {
  std::string all(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = ::recv(fd, all.data() + filled, count - filled, 0);
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  all.resize(filled);
  return all;
}

bool Client::at_end() {
  char byte;
  const ssize_t got = ::recv(fd, &byte, 1, 0);
  return got == 0 || (got < 0 && errno == ECONNRESET);
}

void Client::half_close() { ::shutdown(fd, SHUT_WR); }

void Client::reset() {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void Client::close() {
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

Host::Host(loft::net::EngineOptions options) : engine(loft::net::Engine::create(options, clock, log, metrics)) {}

Host::~Host() { engine->stop(); }

void Host::start(loft::net::ListenSpec spec) {
  auto bound = engine->listen(spec, transport, endpoint);
  if (!bound) throw std::runtime_error(bound.error().detail);
  port = *bound;
  engine->start();
}

void Host::on_thread(std::function<void()> work) {
  std::atomic<bool> done{false};
  engine->post(0, [&] {
    work();
    done = true;
  });
  if (!eventually([&] { return done.load(); })) throw std::runtime_error("the I/O thread does not answer");
}

std::chrono::nanoseconds Host::cpu_of_thread() {
  timespec taken{};
  on_thread([&] { ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &taken); });
  return std::chrono::seconds(taken.tv_sec) + std::chrono::nanoseconds(taken.tv_nsec);
}

}  // namespace net_test
