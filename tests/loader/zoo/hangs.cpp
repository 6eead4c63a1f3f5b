// Never returns from stop.
#include <condition_variable>
#include <mutex>

#include "zoo.hpp"

namespace {

class Hangs final : public loft::Plugin {
 public:
  void stop(loft::Millis) noexcept override {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    never.wait(lock, [] { return false; });
  }
};

}  // namespace

LOFT_PLUGIN(Hangs, ZOO_ID, "1", "Hangs in stop")
