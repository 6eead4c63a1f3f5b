// Throws in the phase that its option `phase` names, or when it is made.
#include <stdexcept>

#include "zoo.hpp"

namespace {

class Throws final : public loft::Plugin {
 public:
  Throws() {
#ifdef THROWS_IN_CREATE
    throw std::runtime_error("no birth today");
#endif
  }
  void options(loft::OptionTable& table) override { table.text("phase", phase_, "Where it throws."); }
  loft::Result<void> configure() override {
    if (phase_ == "refuse") return loft::Error{loft::Code::invalid, "phase", "is 'refuse'; choose another"};
    at("configure");
    return {};
  }
  void setup(loft::Host& host) override {
    log_ = &host.log();
    at("setup");
  }
  void start() override {
    at("start");
    if (phase_ == "number") throw 42;
  }
  void stop(loft::Millis) noexcept override { log_->info("stop"); }

 private:
  void at(const char* phase) const {
    if (phase_ == phase) throw std::runtime_error("the disk is on fire");
  }

  loft::Logger* log_ = nullptr;
  std::string phase_;
};

}  // namespace

LOFT_PLUGIN(Throws, ZOO_ID, "1", "Throws")
