// The contract plugin of document 002, "message-service": HTTP only, nothing is pushed.
#pragma once

#include <cstddef>
#include <string>

#include <loft/contract.hpp>

#include "wire.hpp"

namespace loft::message_service {

struct Settings {
  bool always_200 = false;
  Millis recall_window = 120'000;
  std::size_t forward_targets = 100;
  std::size_t unread_conversations = 500;
  std::string locale = "zh-CN";
  std::string recalled_text = "此消息已被撤回";
};

/// What the handlers share; constant once `setup` is over.
struct Shared {
  Settings settings;
  TokenRules tokens;  ///< how this contract reads tokens
  Host* host = nullptr;
  Wire wire;

  Millis now() const noexcept { return host->clock().now(); }
};

class MessageServiceContract final : public Contract {
 public:
  void options(OptionTable& table) override;
  void setup(Host& host) override;
  void routes(Routes& routes) override;
  void encode(const Delivery&, Variant, Encoded&) const override {}  // no sessions, nobody to tell

 private:
  Shared shared_;
};

void send_routes(const Shared& shared, Routes& routes);
void forward_routes(const Shared& shared, Routes& routes);
void history_routes(const Shared& shared, Routes& routes);
void message_routes(const Shared& shared, Routes& routes);
void group_routes(const Shared& shared, Routes& routes);
void member_routes(const Shared& shared, Routes& routes);

}  // namespace loft::message_service
