// `contract.auth`: tokens for passwords. No wire contract of its own: two routes beside those of others.
#pragma once

#include <memory>
#include <optional>

#include <loft/contract.hpp>
#include <loft/push_devices.hpp>

#include "attempts.hpp"
#include "passwords.hpp"
#include "settings.hpp"

namespace loft {
struct EraseUser;
struct ExportUser;
}  // namespace loft

namespace loft::auth {

class AuthContract final : public Contract {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;
  void routes(Routes& routes) override;
  // Nobody logs in here.
  void encode(const Delivery&, Variant, Encoded&) const override {}

 private:
  struct Asked;
  void token(const HttpExchangePtr& exchange);
  void answer_token(const std::shared_ptr<Asked>& asked, Result<bool> right);
  void password(const HttpExchangePtr& exchange);
  void change(const HttpExchangePtr& exchange, const Caller& caller, std::shared_ptr<const User> user);
  Result<std::string> command(std::string_view arguments);
  Verdict erase(EraseUser& event);
  Verdict tell(ExportUser& event);
  std::string network(const HttpExchange& exchange) const;
  /// Whether one more attempt is allowed; answers 429 itself where it is not.
  bool may_try(HttpExchange& exchange, const std::string& handle);
  void failed(HttpExchange& exchange, const Error& error);
  void forgive(const HttpExchange& exchange, const std::string& handle);

  Settings settings_;
  Host* host_ = nullptr;
  std::optional<Proposer<ListLostDevices>> lost_devices_;
  std::optional<Passwords> passwords_;
  std::optional<Attempts> by_handle_;
  std::optional<Attempts> by_network_;
  Metric* right_ = nullptr;
  Metric* wrong_ = nullptr;
  Metric* limited_ = nullptr;
  Metric* overloaded_ = nullptr;
};

}  // namespace loft::auth
