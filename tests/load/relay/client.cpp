#include "client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "frames.hpp"

namespace load {

void die(const std::string& what) {
  std::fprintf(stderr, "load_client: %s\n", what.c_str());
  std::exit(1);
}

Loop::Loop(std::uint16_t port, Handler handler, const Dialect* dialect)
    : port_(port), handler_(std::move(handler)), dialect_(dialect) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
}

Loop::~Loop() {
  for (auto& connection : connections_) close(connection->fd);
  close(epoll_);
}

void Loop::connect_one(std::size_t index) {
  auto connection = std::make_unique<Connection>();
  connection->index = index;
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) die("no socket: " + std::string(std::strerror(errno)) + "; raise the limit with ulimit -n");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection->fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    die("connect: " + std::string(std::strerror(errno)));
  }
  const int on = 1;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = connection.get();
  epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd, &event);
  if (handler_.on_bytes) {
    connection->ready = true;
    ++ready_;
  } else if (dialect_->path().empty()) {
    log_in(*connection);
  } else {
    send_bytes(*connection, "GET " + std::string(dialect_->path()) +
                                " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  }
  connections_.push_back(std::move(connection));
}

void Loop::open(std::size_t count, const std::function<Person(std::size_t)>& who) {
  who_ = who;
  const std::size_t begin = connections_.size();
  for (std::size_t i = 0; i < count; ++i) {
    connect_one(begin + i);
    const auto until = Clock::now() + std::chrono::seconds(60);
    while (begin + i + 1 > ready_ + 64 || (i + 1 == count && ready_ < begin + count)) {  // few at once
      turn(1000);
      if (Clock::now() > until) die("logins are not answered");
    }
  }
}

void Loop::mark(Connection& connection) {
  if (connection.dirty || connection.wants_write) return;
  connection.dirty = true;
  dirty_.push_back(&connection);
}

void Loop::send(Connection& connection, std::string_view payload) {
  if (dialect_->path().empty()) {
    if (payload.size() > 65535) die("a packet is limited to 65,535 bytes");
    connection.out += static_cast<char>(payload.size() >> 8);
    connection.out += static_cast<char>(payload.size());
    connection.out += payload;
  } else {
    append_masked(connection.out, payload);
  }
  mark(connection);
}

void Loop::send_bytes(Connection& connection, std::string_view bytes) {
  connection.out += bytes;
  mark(connection);
}

void Loop::flush(Connection& connection) {
  connection.dirty = false;
  const ssize_t sent = ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) die("send: " + std::string(std::strerror(errno)));
  if (sent > 0) {
    connection.out.erase(0, static_cast<std::size_t>(sent));
    moved_ += static_cast<std::uint64_t>(sent);
  }
  const bool wants = !connection.out.empty();
  if (wants == connection.wants_write) return;
  connection.wants_write = wants;
  epoll_event event{};
  event.events = EPOLLIN | (wants ? EPOLLOUT : 0u);
  event.data.ptr = &connection;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event);
}

void Loop::turn(int timeout_ms) {
  for (std::size_t i = 0; i < dirty_.size(); ++i) flush(*dirty_[i]);
  dirty_.clear();
  epoll_event events[512];
  const int count = epoll_wait(epoll_, events, 512, timeout_ms);
  for (int i = 0; i < count; ++i) {
    auto& connection = *static_cast<Connection*>(events[i].data.ptr);
    if (events[i].events & EPOLLOUT) flush(connection);
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read(connection);
  }
  for (std::size_t i = 0; i < dirty_.size(); ++i) flush(*dirty_[i]);
  dirty_.clear();
}

void Loop::read(Connection& connection) {
  const ssize_t got = recv(connection.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) die("the server closed connection " + std::to_string(connection.index));
  connection.in.append(buffer_.data(), static_cast<std::size_t>(got));
  moved_ += static_cast<std::uint64_t>(got);
  if (handler_.on_bytes) {
    connection.in.erase(0, handler_.on_bytes(connection, connection.in));
    return;
  }
  if (dialect_->path().empty()) return deliver_packets(connection);
  if (connection.upgraded || upgraded(connection)) deliver(connection);
}

void Loop::log_in(Connection& connection) { send(connection, dialect_->login(who_(connection.index))); }

void Loop::hear(Connection& connection, std::string_view message) {
  if (connection.ready) return handler_.on_message(connection, message);
  if (!dialect_->logged_in(message)) die("login refused: " + std::string(message));
  connection.ready = true;
  ++ready_;
}

void Loop::deliver_packets(Connection& connection) {
  const std::string_view in = connection.in;
  std::size_t used = 0;
  while (in.size() >= used + 2) {
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(in[used])) << 8 |
                      static_cast<std::size_t>(static_cast<unsigned char>(in[used + 1]));
    if (in.size() < used + 2 + size) break;
    const auto packet = in.substr(used + 2, size);
    used += 2 + size;
    if (packet.starts_with('{') && packet != "{}") hear(connection, packet);  // the rest are heartbeats
  }
  connection.in.erase(0, used);
}

bool Loop::upgraded(Connection& connection) {
  const std::size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  if (connection.in.compare(0, 12, "HTTP/1.1 101") != 0) die("no upgrade: " + connection.in.substr(0, 200));
  connection.in.erase(0, end + 4);
  connection.upgraded = true;
  log_in(connection);
  return true;
}

void Loop::deliver(Connection& connection) {
  std::size_t used = 0;
  while (true) {
    const Frame frame = next_frame(connection.in.data() + used, connection.in.size() - used);
    if (frame.used == 0) break;
    used += frame.used;
    if (frame.opcode == 9) {  // a ping: its answer keeps the connection
      const std::size_t at = connection.out.size();
      append_masked(connection.out, frame.payload);
      connection.out[at] = static_cast<char>(0x8a);
      mark(connection);
    }
    if (frame.opcode == 8) die("the server said goodbye");
    if (frame.opcode == 1) hear(connection, frame.payload);
  }
  connection.in.erase(0, used);
}

double cpu_seconds(const std::vector<int>& pids) {
  double nanoseconds = 0;
  for (const int pid : pids) {
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
      std::ifstream file(task.path() / "schedstat");
      double on_cpu = 0;
      if (file >> on_cpu) nanoseconds += on_cpu;
    }
  }
  return nanoseconds / 1e9;
}

std::uint64_t resident(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t size = 0;
  std::uint64_t pages = 0;
  if (!(file >> size >> pages)) die("no process " + std::to_string(pid));
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace load
