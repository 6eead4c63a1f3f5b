// transport.http: the plugin.
#pragma once

#include <memory>

#include <loft/transport.hpp>

#include "settings.hpp"

namespace loft::http {

class Http final : public Transport {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;
  Carries carries() const noexcept override { return Carries::requests; }
  std::unique_ptr<Protocol> serve(Link& link, Endpoint& endpoint) override;

 private:
  Settings settings_;
};

}  // namespace loft::http
