// One connection of a courier, and the thread that serves it.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/courier.hpp"

namespace loft::push {

struct CloseEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, CloseEasy>;

/// A request on its way, with everything that libcurl points into: never moved.
class Transfer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Transfer(Request request, Function<void(Response)> done, const CourierSettings& settings);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// `handle` is new or was reset.
  void set_up(CURL* handle);
  /// The answer, after libcurl has done with it.
  Response finish(CURL* handle, CURLcode code);

  Function<void(Response)> done;
  const Time begun = std::chrono::steady_clock::now();
  Time* last_heard = nullptr;  ///< set at every sign of life of the peer; null: nobody asks

 private:
  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_read(char* data, std::size_t, std::size_t size, void* self);
  void hear_header(std::string_view line);
  bool is_mail() const noexcept { return !request_.sender.empty(); }

  Request request_;
  const CourierSettings& settings_;
  Response response_;
  curl_slist* list_ = nullptr;
  std::size_t read_ = 0;
  char words_[CURL_ERROR_SIZE] = "";
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
  void run();
  bool begin_waiting();  ///< false: stop
  void begin(std::unique_ptr<Transfer> transfer);
  void end_finished();
  void end(CURL* handle, CURLcode code);
  void abandon(Response::Failure failure);
  void renew();

  const CourierSettings& settings_;
  std::thread thread_;
  std::atomic<std::size_t> load_{0};

  std::mutex mutex_;  ///< guards the two below, and `multi_` against waking it while it is replaced
  std::vector<std::unique_ptr<Transfer>> waiting_;
  bool stopping_ = false;
  CURLM* multi_ = nullptr;

  // The thread's own.
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> running_;
  std::vector<Easy> idle_;
  Transfer::Time last_heard_{};
};

}  // namespace loft::push
