// Limits per user: messages, and what else a client may do too often.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <loft/events.hpp>
#include <loft/plugin.hpp>

#include "rate_limit/buckets.hpp"

namespace loft::rate_limit {

/// One kind of act and its limit.
struct Limit {
  Rate rate;
  std::string_view what;  ///< for the client: `messages`
  std::unique_ptr<Buckets> buckets;
};

class RateLimit final : public Plugin {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;

  /// How many users are remembered, over all limits; of tests.
  std::size_t remembered();

 private:
  std::array<std::pair<std::string_view, Limit*>, 6> limits() noexcept;
  template <class E>
  void watch(Host& host, Limit& limit);
  Verdict ask(const Caller& caller, Limit& limit);
  bool is_exempt(const Caller& caller);
  bool is_named(const User& user) const;

  Limit messages_{{50, 1000}, "messages", nullptr};
  Limit recalls_{{0, 100}, "recalls", nullptr};
  Limit marks_{{0, 1000}, "acknowledgements", nullptr};
  Limit conversations_{{0, 50}, "new conversations", nullptr};
  Limit memberships_{{0, 200}, "changes of members", nullptr};
  Limit logins_{{0, 100}, "logins", nullptr};
  std::vector<std::string> exempt_;
  bool exempt_services_ = true;

  const Clock* clock_ = nullptr;
  Users* users_ = nullptr;
  Metric* refused_ = nullptr;

  /// Who of those that met a limit is exempt: asked for once, while there is room.
  static constexpr std::size_t max_known = 100'000;
  std::mutex known_mutex_;
  std::unordered_map<UserId, bool> known_;
};

}  // namespace loft::rate_limit
