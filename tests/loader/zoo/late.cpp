// Registers a handler in start, when the bus is frozen.
#include <loft/events.hpp>

#include "zoo.hpp"

namespace {

class Late final : public loft::Plugin {
 public:
  void setup(loft::Host& host) override { host_ = &host; }
  void start() override {
    host_->bus().observe<loft::StorageRecovered>([](const loft::StorageRecovered&) {});
  }

 private:
  loft::Host* host_ = nullptr;
};

}  // namespace

LOFT_PLUGIN(Late, ZOO_ID, "1", "Registers too late")
