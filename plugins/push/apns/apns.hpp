// Apple's push service.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <loft/push.hpp>

#include "apns/answer.hpp"
#include "apns/payload.hpp"
#include "apns/provider_token.hpp"
#include "common/courier.hpp"
#include "common/http_options.hpp"
#include "common/token_doubt.hpp"
#include "common/verdict.hpp"

namespace loft::push {

class Apns final : public Push {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;
  void start() override;
  void stop(Millis deadline) noexcept override;

  std::string_view channel() const noexcept override { return "apns"; }
  void send(const Notification& notification, Function<void(PushVerdict)> done) override;
  std::size_t window() const noexcept override { return http_.window; }
  Millis longest() const noexcept override { return http_.longest(); }
  Result<void> verify() override;

 private:
  /// A notification on its way, also over several requests.
  struct Attempt;

  std::string base() const;
  std::optional<std::string> topic(const std::string& app) const;
  Request request(const Notification& notification, const std::string& topic, std::string_view provider_token,
                  std::size_t limit) const;
  void go(std::unique_ptr<Attempt> attempt);
  void arrived(std::unique_ptr<Attempt> attempt, const Response& response);
  /// What is wrong with a device that is about to be registered; empty: nothing.
  std::string wrong_with(const Device& device) const;
  bool another_app_works(const std::string& topic) const;
  PushVerdict not_ours(const std::string& topic, PushVerdict verdict);
  PushVerdict believed(const std::string& topic, PushVerdict verdict);

  std::string key_id_, team_id_, bundle_id_, key_path_, endpoint_;
  std::vector<std::string> apps_;
  bool production_ = true;
  apns::Look look_;
  HttpOptions http_;

  Host* host_ = nullptr;
  std::unique_ptr<ProviderToken> token_;
  std::unique_ptr<Courier> courier_;
  std::map<std::string, TokenDoubt> doubts_;  ///< by topic; all of them are there from `setup` on
  Told told_failure_, told_doubt_, told_app_;
};

}  // namespace loft::push
