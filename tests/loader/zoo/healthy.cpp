// Does nothing wrong, and says what happens to it.
#include "zoo.hpp"

namespace {

class Healthy final : public loft::Plugin {
 public:
  void options(loft::OptionTable& table) override {
    table.text("greeting", greeting_, "What it says at its start.");
    table.integer("lives", lives_, "How many it has.").range(1, 9);
  }
  void setup(loft::Host& host) override {
    host_ = &host;
    host.log().info("setup");
  }
  void start() override { host_->log().info("start " + greeting_); }
  void stop(loft::Millis) noexcept override { host_->log().info("stop"); }
  ~Healthy() override {
    if (host_ != nullptr) host_->log().info("destroy");
  }

 private:
  loft::Host* host_ = nullptr;
  std::string greeting_ = "hello";
  int lives_ = 9;
};

}  // namespace

LOFT_PLUGIN(Healthy, ZOO_ID, "1.2.3", "A healthy animal")
