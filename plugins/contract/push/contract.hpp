// `contract.push`: where clients of any contract say how they are reached while they are away, and of what they want to
// hear then. A few routes beside those of others, in the form of contract 002's family.
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
  void mute(const HttpExchangePtr& exchange, const Caller& caller, const User& user);
  void unmute(const HttpExchangePtr& exchange, const Caller& caller, const User& user);
  void set_mute(const HttpExchangePtr& exchange, const Caller& caller, Millis until, bool lift);
  void muted(const HttpExchangePtr& exchange, const Caller& caller, const User& user);
  void lost(const HttpExchangePtr& exchange, const Caller& caller, const User& user);

  std::map<std::string, std::string> channels_ = {{"ios", "apns"}, {"android", "fcm"}, {"web", "fcm"}};
  TokenRules token_;
  Host* host_ = nullptr;
  std::optional<Proposer<RegisterDevice>> propose_register_;
  std::optional<Proposer<UnregisterDevice>> propose_unregister_;
  std::optional<Proposer<MutePushes>> propose_mute_;
  std::optional<Proposer<ListMutedPushes>> ask_muted_;
  std::optional<Proposer<ListLostDevices>> ask_lost_;
};

}  // namespace loft::push_contract
