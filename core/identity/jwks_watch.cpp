#include "identity/jwks_watch.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace loft::identity {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

}  // namespace

JwksWatch::JwksWatch(std::vector<PublishedKeys> sources, KeyRing& ring, Logger& log, Metrics& metrics)
    : ring_(ring), log_(log), keys_(metrics.gauge("jwks_keys", "Keys of issuers that publish them, in use.")) {
  auto& fetched = metrics.counter("jwks_fetches_total", "Key sets of issuers that were asked for.", "result=\"ok\"");
  auto& failed = metrics.counter("jwks_fetches_total", "Key sets of issuers that were asked for.", "result=\"failed\"");
  for (auto& what : sources) {
    Source source;
    source.what = std::move(what);
    source.due = SteadyClock::now();
    source.fetched = &fetched;
    source.failed = &failed;
    sources_.push_back(std::move(source));
  }
  thread_ = std::thread([this] { run(); });
}

JwksWatch::~JwksWatch() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void JwksWatch::unknown() {
  bool sooner = false;
  {
    const std::lock_guard lock(mutex_);
    for (auto& source : sources_) {
      if (!source.was_asked) continue;  // it is being asked for the first time
      const auto due = source.asked + milliseconds(source.what.refresh_unknown);
      sooner = sooner || due < source.due;
      source.due = std::min(source.due, due);
    }
  }
  if (sooner) changed_.notify_all();
}

JwksWatch::State JwksWatch::state() const {
  const std::lock_guard lock(mutex_);
  State state{{}, true};
  for (const auto& source : sources_) {
    if (source.failure.empty() && source.has_keys) continue;
    state.usable = state.usable && source.has_keys;
    state.text += (state.text.empty() ? "" : "; ") + source.what.url + ": " +
                  (source.failure.empty() ? "not asked yet" : source.failure) +
                  (source.has_keys ? " (its last keys are in use)" : "");
  }
  if (state.text.empty()) state.text = "ok";
  return state;
}

void JwksWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const auto first = std::min_element(sources_.begin(), sources_.end(),
                                        [](const Source& a, const Source& b) { return a.due < b.due; });
    if (first->due > SteadyClock::now()) {
      changed_.wait_until(lock, first->due);
      continue;
    }
    // Nobody else adds or removes sources: only the noting needs the lock.
    lock.unlock();
    ask(*first);
    lock.lock();
  }
}

void JwksWatch::ask(Source& source) {
  const auto& what = source.what;
  const auto text = fetch(what.url, what.fetch, stop_);
  Result<KeySet> set = text ? read_key_set(*text, what.algorithm, false) : Result<KeySet>(text.error());
  if (stop_) return;
  if (set) ring_.put(what.source, set->keys);
  const std::lock_guard lock(mutex_);
  note(source, set);
}

/// Says in the log what has changed, not every time what is so.
void JwksWatch::note(Source& source, const Result<KeySet>& set) {
  const auto now = SteadyClock::now();
  source.asked = now;
  source.was_asked = true;
  source.due =
      now + milliseconds(set ? source.what.refresh : std::min(source.what.refresh, source.what.refresh_unknown));
  (set ? source.fetched : source.failed)->add();
  if (!set) {
    const bool is_new = source.failure != set.error().detail;
    source.failure = set.error().detail;
    if (is_new)
      log_.warn("no keys from the issuer",
                {{"url", source.what.url}, {"problem", source.failure}, {"last_keys_in_use", source.has_keys}});
    return;
  }
  if (!source.has_keys || !source.failure.empty() || source.left_out != set->left_out) {
    log_.info("keys from the issuer", {{"url", source.what.url}, {"keys", set->keys.size()}});
    for (const auto& why : set->left_out) log_.warn("a key is not used", {{"url", source.what.url}, {"why", why}});
  }
  source.has_keys = true;
  source.failure.clear();
  source.left_out = set->left_out;
  source.keys = set->keys.size();
  const auto add = [](std::size_t sum, const Source& each) { return sum + each.keys; };
  keys_.set(static_cast<std::int64_t>(std::accumulate(sources_.begin(), sources_.end(), std::size_t{0}, add)));
}

}  // namespace loft::identity
