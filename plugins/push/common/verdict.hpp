// Verdicts, made.
#pragma once

#include <atomic>
#include <string>

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

/// Of a response with a failure: `push.unreachable`, `push.timeout`, `push.connection_lost`, `push.certificate`,
/// `push.login`, `push.window`, `push.stopped`.
PushVerdict failure_verdict(const Response& response);

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
