#include "messaging/followers.hpp"

#include <algorithm>
#include <chrono>

#include <loft/events.hpp>

namespace loft {
namespace {

using namespace std::chrono_literals;

constexpr auto poll = 50ms;          // how far a follower that is up to date may be behind
constexpr auto first_pause = 100ms;  // after a failure, doubling
constexpr auto longest_pause = 30'000ms;

}  // namespace

Followers::Followers(std::vector<Row> rows, Storage& storage, Function<Position()> stable, Logger& log)
    : rows_(std::move(rows)), storage_(storage), stable_(std::move(stable)), log_(log) {}

Followers::~Followers() { stop(); }

void Followers::start() {
  for (auto& row : rows_) threads_.emplace_back([this, &row] { run(row); });
}

void Followers::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

bool Followers::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, time, [this] { return stopping_; });
}

Position Followers::stable() {
  std::lock_guard lock(stable_mutex_);
  return stable_();
}

void Followers::run(Row& row) {
  auto back_off = std::chrono::milliseconds(first_pause);
  const auto failed = [&](std::string_view why) {
    log_.warn("a follower failed and will be called again",
              {{"follower", row.spec.name}, {"reason", why}, {"pause_ms", back_off.count()}});
    const bool go_on = pause(back_off);
    back_off = std::min<std::chrono::milliseconds>(back_off * 2, longest_pause);
    return go_on;
  };

  Position at = 0;
  for (;;) {
    std::string problem;
    try {
      const auto known = storage_.follower(row.spec.name);
      if (known) {
        at = *known ? **known : row.spec.from_start ? 0 : stable();
        if (*known || storage_.set_follower(row.spec.name, at)) break;
      }
      problem = known ? "its position could not be stored" : known.error().reason;
    } catch (const std::exception& e) {
      problem = e.what();
    }
    if (!failed(problem)) return;
  }
  for (;;) {
    try {
      const auto before = at;
      if (!step(row, at)) {
        if (!failed("it asked for the same entries again")) return;
        continue;
      }
      back_off = first_pause;
      if (!pause(at == before ? std::chrono::milliseconds(poll) : 0ms)) return;
    } catch (const std::exception& e) {
      if (!failed(e.what())) return;
    } catch (...) {
      if (!failed("unknown exception")) return;
    }
  }
}

// One call of the consumer. False: the same entries are wanted again.
bool Followers::step(Row& row, Position& at) {
  const auto limit = stable();
  if (limit <= at) return true;
  auto read = storage_.since(at, row.spec.batch);
  if (!read) return false;
  std::vector<Committed> entries;
  for (const auto& message : read->messages) entries.push_back({raw(message.id), &message, nullptr});
  for (const auto& change : read->changes) entries.push_back({change.position, nullptr, &change});
  std::sort(entries.begin(), entries.end(),
            [](const Committed& a, const Committed& b) { return a.position < b.position; });
  while (!entries.empty() && entries.back().position > limit) entries.pop_back();
  if (entries.empty()) {
    at = limit;
    return true;
  }
  if (!row.consume(entries)) return false;
  at = entries.back().position;
  return storage_.set_follower(row.spec.name, at).ok();
}

}  // namespace loft
