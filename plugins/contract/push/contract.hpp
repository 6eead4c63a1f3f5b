// `contract.push`: where clients of any contract say how they are reached while they are away. Two routes beside those
// of others, in the form of contract 002's family.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <loft/contract.hpp>
#include <loft/push_devices.hpp>
#include <loft/token_options.hpp>

namespace loft::push_contract {

class PushContract final : public Contract {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;
  void routes(Routes& routes) override;
  // Nobody logs in here.
  void encode(const Delivery&, Variant, Encoded&) const override {}

 private:
  using Act = void (PushContract::*)(const HttpExchangePtr&, const Caller&, const User&);
  void with_user(const HttpExchangePtr& exchange, Act act);
  void enroll(const HttpExchangePtr& exchange, const Caller& caller, const User& user);
  void remove(const HttpExchangePtr& exchange, const Caller& caller, const User& user);

  std::map<std::string, std::string> channels_ = {{"ios", "apns"}, {"android", "fcm"}, {"web", "fcm"}};
  TokenRules token_;
  Host* host_ = nullptr;
  std::optional<Proposer<RegisterDevice>> propose_register_;
  std::optional<Proposer<UnregisterDevice>> propose_unregister_;
};

}  // namespace loft::push_contract
