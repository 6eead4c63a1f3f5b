// One thread of the engine with its loop. Internal to core/net: this header includes Asio.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/connection.hpp"
#include "net/shared.hpp"
#include "net/timer_wheel.hpp"

namespace loft::net {

using Descriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

/// A listener's socket on one thread. It lives as long as the thread's object, because connections refer to it.
struct Acceptor {
  Acceptor(IoThread& owner, int socket);

  IoThread& thread;
  Descriptor socket;
  std::string name;
  Transport* transport = nullptr;
  Endpoint* endpoint = nullptr;
  std::shared_ptr<TlsContext> tls;  ///< null: plain
  bool waits = false;
  bool paused = false;    ///< nothing is accepted for a while
  bool by_limit = false;  ///< `paused` because of `max_connections`
};

class IoThread {
 public:
  static constexpr std::size_t read_buffer_bytes = 256 * 1024;

  IoThread(Shared& shared, unsigned index);
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  /// Thread role: control.
  Acceptor& add_acceptor(int socket);
  void start();
  void join();
  bool started() const noexcept { return thread_.joinable(); }

  /// Thread role: any.
  void post(Function<void()> work);
  void after(Millis in, Function<void()> work);

  /// Thread role: this thread, or control while it does not run.
  void stop_accepting();
  void drain();
  void abort_all();
  void stop() noexcept { stopping_ = true; }

  /// For connections. Thread role: this thread.
  Shared& shared() noexcept { return shared_; }
  boost::asio::io_context& context() noexcept { return context_; }
  TimerWheel& wheel() noexcept { return wheel_; }
  char* read_buffer() noexcept { return read_buffer_.get(); }
  /// Changes the events that the poller looks for on a connection's socket; false when the system refuses.
  bool watch(Connection& connection, int socket, std::uint32_t before, std::uint32_t wanted) noexcept;
  void touched(Connection& connection) noexcept;
  void resumed(Connection& connection) { resumed_.push_back(&connection); }
  void died(Connection& connection) noexcept;
  void release_if_idle(Connection& connection) noexcept;
  void count_in(std::size_t bytes) noexcept { bytes_in_ += bytes; }
  void count_out(std::size_t bytes) noexcept { bytes_out_ += bytes, ++sends_; }

  static IoThread* current() noexcept;
  unsigned index() const noexcept { return index_; }

 private:
  struct Task;

  void run();
  void turn();
  void run_handlers();
  void poll_connections();
  bool run_posts();
  void run_one(Function<void()>& work, const char* what) noexcept;
  bool offer_resumed();
  void run_hooks();
  void settle();
  void bury_dead();
  void count();
  void arm_timer();
  void on_tick();
  void add_task(Millis in, Millis period, Function<void()> work);
  void expire(WheelNode& node);

  void wait_for_connections(Acceptor& acceptor);
  void accept_some(Acceptor& acceptor);
  bool accept_one(Acceptor& acceptor);
  void pause_accepting(Acceptor& acceptor, int error);
  void take(Acceptor& acceptor, int socket, const sockaddr_storage& remote);
  bool unfinished() const noexcept;

  Shared& shared_;
  const unsigned index_;
  boost::asio::io_context context_{1};
  Descriptor poller_;  ///< an epoll of its own for connections, which Asio waits for while the thread sleeps
  bool poller_waits_ = false;
  int events_per_turn_ = 64;
  bool more_events_ = false;  ///< the poller had more than a turn takes
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  using Timer =
      boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                        boost::asio::io_context::executor_type>;
  Timer timer_;
  bool timer_armed_ = false;
  bool stopping_ = false;
  bool draining_ = false;
  TimerWheel wheel_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::unique_ptr<char[]> read_buffer_;

  Connection* first_ = nullptr;  ///< of all
  Connection* first_touched_ = nullptr;
  Connection* last_touched_ = nullptr;
  Connection* first_dead_ = nullptr;  ///< finished, not buried; linked by `next_touched`
  std::vector<Connection*> resumed_;

  std::vector<Function<void()>> local_;    ///< posted by this thread
  std::vector<Function<void()>> running_;  ///< being run
  std::mutex inbox_mutex_;
  std::vector<Function<void()>> inbox_;  ///< posted by others
  bool sleeps_ = false;                  ///< guarded by `inbox_mutex_`: a post has to wake the loop

  std::size_t bytes_in_ = 0;
  std::size_t bytes_out_ = 0;
  std::size_t sends_ = 0;
  std::thread thread_;
};

}  // namespace loft::net
