// The plugin class of `contract.carrypigeon`.
#pragma once

#include <optional>

#include <loft/contract.hpp>

#include "carrypigeon/settings.hpp"

namespace loft::carrypigeon {

class CarryPigeon final : public Contract {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;
  void routes(Routes& routes) override;
  void encode(const Delivery& delivery, Variant variant, Encoded& out) const override;

 private:
  Settings settings_;
  std::optional<Services> services_;  ///< since `setup`
};

}  // namespace loft::carrypigeon
