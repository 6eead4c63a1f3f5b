// Verdicts, made.
#pragma once

#include <atomic>
#include <string>
#include <utility>

#include <loft/push.hpp>

#include "common/courier.hpp"

namespace loft::push {

inline PushVerdict accepted() { return {}; }
inline PushVerdict retry(std::string reason, Millis after = 0) {
  return {PushVerdict::Kind::retry, std::move(reason), after, 0};
}
inline PushVerdict dead(std::string reason, Millis since = 0) {
  return {PushVerdict::Kind::dead_token, std::move(reason), 0, since};
}
inline PushVerdict refused(std::string reason) { return {PushVerdict::Kind::refused, std::move(reason), 0, 0}; }
inline PushVerdict broken(std::string reason) { return {PushVerdict::Kind::broken, std::move(reason), 0, 0}; }

/// The answer that is owed for a notification. Given once; where it is forgotten, as by an exception, it is a `retry`
/// with `push.failed`. Thread role: any, one after the other.
class Owed {
 public:
  Owed() = default;
  explicit Owed(Function<void(PushVerdict)> done) : done_(std::move(done)) {}
  Owed(Owed&&) = default;
  Owed& operator=(Owed&&) = delete;
  ~Owed() {
    if (!done_) return;
    try {
      (*this)(retry("push.failed"));
    } catch (...) {
      // it is the host's own: there is nobody to tell
    }
  }
  void operator()(PushVerdict verdict) {
    auto done = std::exchange(done_, nullptr);
    if (done) done(std::move(verdict));
  }

 private:
  Function<void(PushVerdict)> done_;
};

/// Of a response with a failure: `push.unreachable`, `push.timeout`, `push.connection_lost`, `push.certificate`,
/// `push.login`, `push.window`, `push.stopped`.
PushVerdict failure_verdict(const Response& response);

/// For `CourierSettings::failed`.
void tell_slip(Logger& log, const char* what);

/// A failure as the result of `Push::verify`. `where` is the host that was asked.
Error verify_error(const PushVerdict& verdict, const Response& response, std::string_view where);

/// Says the same at most once a minute. Thread role: any.
class Told {
 public:
  bool may_tell(Millis steady) noexcept {
    auto last = last_.load();
    return (last == 0 || steady - last >= 60'000) && last_.compare_exchange_strong(last, steady + 1);
  }

 private:
  std::atomic<Millis> last_{0};
};

}  // namespace loft::push
