// The token that proves to APNs who sends.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include <loft/clock.hpp>

#include "common/signer.hpp"

namespace loft::push {

/// Thread role: any. One for all connections: Apple counts new tokens per key, and refuses those that come too often.
class ProviderToken {
 public:
  /// Apple takes a token for an hour, and a new one no more often than every 20 minutes.
  static constexpr Millis longest_age = 50 * 60'000;
  static constexpr Millis shortest_age = 20 * 60'000;

  /// `clock` outlives it.
  ProviderToken(Signer signer, std::string key_id, std::string team_id, const Clock& clock);

  std::string current();

  /// In place of one that was called expired. Nullopt: that was tried a moment ago, so a further one will not help.
  std::optional<std::string> renew(const std::string& refused);

 private:
  void make();

  const Signer signer_;
  const std::string header_;
  const std::string team_id_;
  const Clock& clock_;
  std::mutex mutex_;
  std::string token_;
  Millis made_ = 0;  ///< steady
  std::optional<Millis> renewed_;
};

}  // namespace loft::push
