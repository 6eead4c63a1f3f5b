// Many WebSocket or HTTP connections driven by one epoll loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dialect.hpp"

namespace load {

using Clock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  std::size_t index = 0;
  std::string out;
  std::string in;
  bool upgraded = false;
  bool ready = false;  ///< logged in
  bool wants_write = false;
  bool dirty = false;
  std::deque<Clock::time_point> in_flight;
};

/// What a mode does with its connections.
struct Handler {
  std::function<void(Connection&, std::string_view)> on_message;   ///< a whole text frame
  std::function<std::size_t(Connection&, std::string&)> on_bytes;  ///< HTTP: bytes used; unset for WebSocket
};

class Loop {
 public:
  /// `dialect` outlives the loop; null: `on_bytes` says and hears everything.
  Loop(std::uint16_t port, Handler handler, const Dialect* dialect);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Connects, upgrades and logs in as `who(index)`; plain TCP with `on_bytes`. Ends the program on any failure.
  void open(std::size_t count, const std::function<Person(std::size_t)>& who);
  void send(Connection& connection, std::string_view payload);  ///< a frame or packet, at the end of this turn
  void send_bytes(Connection& connection, std::string_view bytes);
  void turn(int timeout_ms);
  std::vector<std::unique_ptr<Connection>>& connections() { return connections_; }
  std::uint64_t moved() const { return moved_; }  ///< bytes sent and received

 private:
  void connect_one(std::size_t index);
  void read(Connection& connection);
  bool upgraded(Connection& connection);
  void log_in(Connection& connection);
  void deliver(Connection& connection);
  void deliver_packets(Connection& connection);
  void hear(Connection& connection, std::string_view message);
  void mark(Connection& connection);
  void flush(Connection& connection);

  int epoll_ = -1;
  std::uint16_t port_;
  Handler handler_;
  const Dialect* dialect_;
  std::function<Person(std::size_t)> who_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> dirty_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
  std::size_t ready_ = 0;
  std::uint64_t moved_ = 0;
};

/// CPU seconds of all threads of these processes so far, from schedstat: exact, whatever the scheduler sampled.
double cpu_seconds(const std::vector<int>& pids);
/// Resident bytes of a process.
std::uint64_t resident(int pid);

[[noreturn]] void die(const std::string& what);

}  // namespace load
