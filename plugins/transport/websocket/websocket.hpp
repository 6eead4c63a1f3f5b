// transport.websocket: the plugin.
#pragma once

#include <memory>

#include <loft/transport.hpp>

#include "settings.hpp"

namespace loft::websocket {

class WebSocket final : public Transport {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;
  Carries carries() const noexcept override { return Carries::requests; }

  /// A WebSocket begins as HTTP: such a listener belongs to transport.http. Says so in the log and closes.
  std::unique_ptr<Protocol> serve(Link& link, Endpoint& endpoint) override;
  std::unique_ptr<Protocol> adopt(Link& link, const HttpExchange& request, Endpoint& endpoint) override;

 private:
  Settings settings_;
};

}  // namespace loft::websocket
