// What the runtime says of itself to those who watch it.
#include "host/runtime.hpp"

namespace loft {
namespace {

/// A loop that has not turned for this long is stuck: its timers fire twice a second.
constexpr Millis stuck = 5'000;

}  // namespace

std::string Runtime::metrics() const {
  const auto online = core_->online();
  metrics_->gauge("sessions", "Sessions that are logged in.").set(static_cast<std::int64_t>(online.sessions));
  metrics_->gauge("online_users", "Users with at least one session.").set(static_cast<std::int64_t>(online.users));
  metrics_->gauge("cached_views", "Users whose conversations are in memory.")
      .set(static_cast<std::int64_t>(core_->cached_views()));
  metrics_->gauge("blocking_queue_jobs", "Work that waits for the blocking pool.")
      .set(static_cast<std::int64_t>(pool_->queued()));
  return metrics_->text();
}

bool Runtime::alive() const {
  const auto now = clock_.steady();
  for (const auto& turned : turned_) {
    if (now - turned.load(std::memory_order_relaxed) > stuck) return false;
  }
  return true;
}

std::vector<Inspector::Part> Runtime::readiness() const {
  std::vector<Part> parts;
  constexpr std::string_view words[] = {"starting", "ok", "stopping"};
  const auto phase = phase_.load();
  parts.push_back({"host", std::string(words[static_cast<std::size_t>(phase)]), phase == Phase::serving});
  const auto storage = core_->health();
  // A background check that still runs does not keep traffic away.
  const bool checking = storage == "checking";
  parts.push_back({"storage", storage.empty() ? "ok" : storage, storage.empty() || checking});
  if (jwks_ != nullptr) {
    auto keys = jwks_->state();
    parts.push_back({"keys", std::move(keys.text), keys.usable});
  }
  // Messages go on without push: what is wrong with it is for the operator, and keeps no traffic away.
  if (push_->enabled()) parts.push_back({"push", push_->health(), true});
  return parts;
}

}  // namespace loft
