// A request on its way through libcurl.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "common/courier.hpp"

namespace loft::push {

struct CloseEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Easy = std::unique_ptr<CURL, CloseEasy>;

/// With everything that libcurl points into: never moved.
class Transfer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Transfer(Request request, Function<void(Response)> done, const CourierSettings& settings);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// `handle` is new or was reset. From now on its time runs.
  void set_up(CURL* handle);
  /// The answer, after libcurl has done with it.
  Response finish(CURL* handle, CURLcode code);

  bool is_mail() const noexcept { return !request_.sender.empty(); }
  /// Whom it asks: scheme, host and port.
  std::string_view peer() const noexcept;
  Time begun() const noexcept { return begun_; }
  /// When it must be over. libcurl does not look at the time of what waits for a connection, before version 8.8.
  Time overdue() const noexcept;
  /// When it must have begun.
  Time patient_until() const noexcept { return asked_ + std::chrono::milliseconds(request_.patience); }

  Function<void(Response)> done;
  Time* last_heard = nullptr;  ///< set at every sign of life of the peer; null: nobody asks

 private:
  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t on_read(char* data, std::size_t, std::size_t size, void* self);
  static int on_request(void* self, char*, char*, int, int);
  void hear_header(std::string_view line);
  void set_up_body(CURL* handle);

  Request request_;
  const CourierSettings& settings_;
  const Time asked_ = std::chrono::steady_clock::now();
  Time begun_ = asked_;
  Response response_;
  curl_slist* list_ = nullptr;
  std::size_t read_ = 0;
  bool sent_ = false;  ///< it, or a part of it, may be with the peer
  char words_[CURL_ERROR_SIZE] = "";
};

}  // namespace loft::push
