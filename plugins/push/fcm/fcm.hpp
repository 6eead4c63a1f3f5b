// Firebase Cloud Messaging, HTTP v1.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <loft/push.hpp>

#include "common/courier.hpp"
#include "common/http_options.hpp"
#include "common/token_doubt.hpp"
#include "common/verdict.hpp"
#include "fcm/access_token.hpp"
#include "fcm/answer.hpp"
#include "fcm/message.hpp"
#include "fcm/service_account.hpp"

namespace loft::push {

class Fcm final : public Push {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;
  void start() override;
  void stop(Millis deadline) noexcept override;

  std::string_view channel() const noexcept override { return "fcm"; }
  void send(const Notification& notification, Function<void(PushVerdict)> done) override;
  std::size_t window() const noexcept override { return http_.window; }
  Millis longest() const noexcept override { return http_.longest(); }
  Result<void> verify() override;

 private:
  /// A notification on its way, also over several requests.
  struct Attempt;

  Millis token_time() const;
  Request request(std::string body, std::string_view access_token) const;
  void authorize(std::unique_ptr<Attempt> attempt);
  void go(std::unique_ptr<Attempt> attempt);
  void arrived(std::unique_ptr<Attempt> attempt, const Response& response);
  PushVerdict believed(PushVerdict verdict);

  std::string service_account_, server_key_, token_uri_;
  std::string endpoint_ = "https://fcm.googleapis.com";
  fcm::Look look_;
  HttpOptions http_;

  Host* host_ = nullptr;
  std::optional<fcm::ServiceAccount> account_;
  std::unique_ptr<fcm::AccessToken> access_;
  std::unique_ptr<Courier> courier_;  ///< ends first: its threads call the one above
  TokenDoubt doubt_;
  Told told_failure_, told_doubt_, told_third_party_;
};

}  // namespace loft::push
