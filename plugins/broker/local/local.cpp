// The broker of a host that stands alone: there is nobody to tell.
#include <loft/broker.hpp>

namespace loft {
namespace {

class LocalBroker final : public Broker {
 public:
  void setup(Host& host) override {
    const auto made = [&](const char* name, const char* help) { return &host.metrics().counter(name, help); };
    announced_ = made("broker_announced_total", "Users announced to the other hosts of a cluster");
    withdrawn_ = made("broker_withdrawn_total", "Users withdrawn from the other hosts of a cluster");
    unreached_ = made("broker_unreached_total", "Users to whom no other host could deliver");
  }

  void announce(UserIds users) override { announced_->add(static_cast<std::int64_t>(users.size())); }
  void withdraw(UserIds users) override { withdrawn_->add(static_cast<std::int64_t>(users.size())); }

  void deliver(UserIds users, Bytes, Function<void(Reached)> done) override {
    unreached_->add(static_cast<std::int64_t>(users.size()));
    if (done) done(Reached::none);
  }

  void broadcast(std::string_view, Bytes) override {}

 private:
  Metric* announced_ = nullptr;
  Metric* withdrawn_ = nullptr;
  Metric* unreached_ = nullptr;
};

}  // namespace
}  // namespace loft

LOFT_PLUGIN(loft::LocalBroker, "broker.local", "0.1.0", "The broker of a host that stands alone")
