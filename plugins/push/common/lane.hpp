// One connection of a courier, and the thread that serves it.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/transfer.hpp"

namespace loft::push {

/// A connection to each peer that is asked, and what is under way on it.
struct Wire {
  Wire();  ///< throws std::bad_alloc
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// For what begins on it; `handle` was set up otherwise.
  void watch(CURL* handle);
  /// The peers are heard no more. Without it, the end of a connection to a mail server waits for that one's goodbye.
  void hang_up() noexcept;

  CURLM* const multi;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> running;
  std::map<std::string, Transfer::Time, std::less<>> heard;  ///< by peer: its last sign of life
  std::set<curl_socket_t> sockets;                           ///< open ones
};

class Lane {
 public:
  explicit Lane(const CourierSettings& settings);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Thread role: any. Null: taken over. Otherwise the lane has stopped, and the transfer comes back.
  std::unique_ptr<Transfer> take(std::unique_ptr<Transfer> transfer);
  std::size_t load() const noexcept { return load_.load(std::memory_order_relaxed); }

  void start();
  void stop() noexcept;  ///< takes no more and ends all there is; joins the thread

 private:
  using Time = Transfer::Time;

  void run();
  bool take_over();  ///< false: stop
  void begin_mails();
  void begin(std::unique_ptr<Transfer> transfer);
  void end_finished(Wire& wire);
  void end_overdue();
  void end(Wire& wire, CURL* handle, CURLcode code);
  void end(std::unique_ptr<Transfer> transfer, Response::Failure failure);
  void answer(Transfer& transfer, Response response) noexcept;
  void abandon() noexcept;
  void replace_wire();
  int pause() const;

  const CourierSettings& settings_;
  std::thread thread_;
  std::atomic<std::size_t> load_{0};

  std::mutex mutex_;  ///< guards the two below, and `wire_` against waking it while it is replaced
  std::vector<std::unique_ptr<Transfer>> waiting_;
  bool stopping_ = false;
  std::unique_ptr<Wire> wire_;

  // The thread's own.
  std::vector<std::unique_ptr<Wire>> left_;  ///< silent ones: what is under way there ends, nothing new begins
  std::deque<std::unique_ptr<Transfer>> mails_;
  std::vector<Easy> idle_;
  Time next_look_ = Time::max();  ///< when something is overdue, or earlier
};

}  // namespace loft::push
