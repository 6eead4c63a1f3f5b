#include "identity/key_ring.hpp"

#include <algorithm>
#include <atomic>

namespace loft::identity {

std::size_t KeyRing::add(Vouching vouching, bool changes) {
  const std::lock_guard lock(mutex_);
  sources_.push_back({std::make_shared<const Vouching>(std::move(vouching)), changes, {}});
  join();
  return sources_.size() - 1;
}

void KeyRing::put(std::size_t source, const std::vector<NamedKey>& keys) {
  const std::lock_guard lock(mutex_);
  auto& at = sources_.at(source);
  at.keys.clear();
  for (const auto& [key, kid] : keys) at.keys.push_back({key, kid, at.vouching});
  join();
}

/// Under the lock.
void KeyRing::join() {
  auto joined = std::make_shared<Keys>();
  for (const auto& each : sources_) joined->insert(joined->end(), each.keys.begin(), each.keys.end());
  joined->waits =
      std::any_of(sources_.begin(), sources_.end(), [](const auto& each) { return each.changes && each.keys.empty(); });
  static std::atomic<std::uint64_t> last{0};
  joined->number = ++last;
  joined_ = std::move(joined);
}

}  // namespace loft::identity
