// The token with which FCM is asked: had from Google for an hour, kept, and asked for once however many need it.
#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <loft/plugin.hpp>

#include "common/courier.hpp"
#include "common/verdict.hpp"
#include "fcm/service_account.hpp"

namespace loft::push::fcm {

/// A token, or why there is none.
struct Access {
  std::string token;  ///< empty: there is none
  PushVerdict failure;
};

/// Reads the answer of the token endpoint. `seconds`: how long the token is good.
Access read_access(const Response& response, Millis& seconds);

/// Thread role: any. What it is given outlives it.
class AccessToken {
 public:
  AccessToken(const ServiceAccount& account, Courier& courier, const Clock& clock, Logger& log, Millis timeout)
      : account_(account), courier_(courier), clock_(clock), log_(log), timeout_(timeout) {}

  /// `done` is called inside, or on a thread of the courier. After a failure the next ones fail at once for a while.
  void get(Function<void(const Access&)> done);

  /// That token was refused: the next `get` asks for another.
  void forget(const std::string& token);

  Request request() const;

 private:
  /// A question to Google, which ends for all who wait, also when it is dropped.
  class Asking {
   public:
    explicit Asking(AccessToken& asker) : asker_(&asker) {}
    Asking(Asking&& other) noexcept : asker_(std::exchange(other.asker_, nullptr)) {}
    Asking& operator=(Asking&&) = delete;
    ~Asking();
    void arrived(const Response& response);

   private:
    AccessToken* asker_;
  };

  void ended(const Access& access, Millis seconds, const std::string& detail);

  const ServiceAccount& account_;
  Courier& courier_;
  const Clock& clock_;
  Logger& log_;
  const Millis timeout_;

  std::mutex mutex_;
  Access access_;
  Millis until_ = 0;  ///< steady; of the token, or of the failure
  unsigned failures_ = 0;
  bool asking_ = false;
  std::vector<Function<void(const Access&)>> waiting_;
};

}  // namespace loft::push::fcm
