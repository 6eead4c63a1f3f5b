// Between a storage and its server: what goes over a connection can be held back, also beyond its client's end.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace storage_test {

/// Connections have numbers, from 0, in the order in which they come. Everything takes effect within moments.
class HeldProxy {
 public:
  enum class Way { questions, answers };

  /// To a port of this machine.
  explicit HeldProxy(int port) : target_(port), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    auto address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("the proxy cannot listen");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  HeldProxy(const HeldProxy&) = delete;
  HeldProxy& operator=(const HeldProxy&) = delete;
  ~HeldProxy() {
    done_ = true;
    thread_.join();
    for (auto& link : links_) end(link);
    ::close(listener_);
  }

  int port() const noexcept { return port_; }
  std::size_t connections() {
    const std::lock_guard lock(mutex_);
    return links_.size();
  }
  /// From the next question on that has these bytes in it, all of them or all answers stay here.
  void hold(std::size_t number, Way way, std::string words) {
    const std::lock_guard lock(mutex_);
    links_[number].trap = std::move(words);
    links_[number].trapped = way;
    links_[number].is_armed = true;
  }
  /// What was held goes on its way.
  void release(std::size_t number) {
    const std::lock_guard lock(mutex_);
    auto& link = links_[number];
    link.is_armed = link.holds_questions = link.holds_answers = false;
  }
  void cut(std::size_t number) {
    const std::lock_guard lock(mutex_);
    end(links_[number]);
  }
  /// Whether new connections are closed at once.
  void refuse(bool on) { refuses_ = on; }
  /// Waits until the server has ended its side.
  void wait_for_end(std::size_t number) {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (links_[number].server < 0) return;
      }
      std::this_thread::yield();
    }
  }

 private:
  struct Link {
    int client = -1, server = -1;
    std::string questions, answers;
    std::string trap;
    Way trapped = Way::questions;
    bool is_armed = false, holds_questions = false, holds_answers = false, has_said_goodbye = false;
  };

  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }
  static void close(int& socket) {
    if (socket >= 0) ::close(socket);
    socket = -1;
  }
  static void end(Link& link) {
    close(link.client);
    close(link.server);
  }
  static bool has(int socket) {
    pollfd ready{socket, POLLIN, 0};
    return socket >= 0 && ::poll(&ready, 1, 0) == 1;
  }
  /// False: the other side has ended.
  static bool take(int socket, std::string& to) {
    char bytes[1 << 16];
    const auto count = ::recv(socket, bytes, sizeof bytes, 0);
    if (count > 0) to.append(bytes, static_cast<std::size_t>(count));
    return count > 0;
  }
  static void pass(int socket, std::string& from) {
    for (std::size_t sent = 0; socket >= 0 && sent < from.size();) {
      const auto count = ::send(socket, from.data() + sent, from.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    from.clear();
  }

  void run() {
    while (!done_) {
      bool idle = true;
      if (has(listener_)) accept();
      {
        const std::lock_guard lock(mutex_);
        for (auto& link : links_) {
          if (link.server >= 0 && serve(link)) idle = false;
        }
      }
      if (idle) {
        pollfd door{listener_, POLLIN, 0};
        ::poll(&door, 1, 1);
      }
    }
  }

  void accept() {
    Link link;
    link.client = ::accept(listener_, nullptr, nullptr);
    link.server = ::socket(AF_INET, SOCK_STREAM, 0);
    auto address = loopback(target_);
    if (refuses_ || ::connect(link.server, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      end(link);
      return;
    }
    const std::lock_guard lock(mutex_);
    links_.push_back(std::move(link));
  }

  /// Whether there was something to do.
  static bool serve(Link& link) {
    bool busy = false;
    if (has(link.client)) {
      busy = true;
      const auto before = link.questions.size();
      if (!take(link.client, link.questions)) close(link.client);
      if (link.is_armed && link.questions.size() > before &&
          link.questions.find(link.trap, before) != std::string::npos)
        (link.trapped == Way::questions ? link.holds_questions : link.holds_answers) = true;
    }
    if (!link.holds_questions) {
      pass(link.server, link.questions);
      if (link.client < 0 && !link.has_said_goodbye) {
        link.has_said_goodbye = true;
        ::shutdown(link.server, SHUT_WR);
      }
    }
    if (has(link.server)) {
      busy = true;
      if (!take(link.server, link.answers)) {
        if (!link.holds_answers) pass(link.client, link.answers);
        end(link);
        return true;
      }
    }
    if (!link.holds_answers || link.client < 0) pass(link.client, link.answers);
    return busy;
  }

  const int target_;
  const int listener_;
  int port_ = 0;
  std::atomic<bool> done_{false}, refuses_{false};
  std::mutex mutex_;
  std::deque<Link> links_;
  std::thread thread_;
};

}  // namespace storage_test
