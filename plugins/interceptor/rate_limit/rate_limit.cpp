#include "rate_limit/rate_limit.hpp"

#include <algorithm>
#include <array>

namespace loft::rate_limit {
namespace {

constexpr double min_rate = 0.01;
constexpr double max_rate = 100'000;
constexpr double max_burst = 1'000'000;

void rows(OptionTable& table, std::string_view section, Limit& limit) {
  const std::string name(section), what(limit.what);
  table
      .number(name + ".rate", limit.rate.rate, "So many " + what + " per second may one user keep up; 0 sets no limit.")
      .range(0, max_rate);
  table
      .integer(name + ".burst", limit.rate.burst,
               "So many " + what + " may one user make at once, after a while without any.")
      .range(1, max_burst);
}

std::string number(double value) {
  auto text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

void RateLimit::options(OptionTable& table) {
  for (const auto& [name, limit] : limits()) rows(table, name, *limit);
  table.list("exempt", exempt_, "Users without limits, by handle, number or uuid.");
  table.boolean("exempt_services", exempt_services_, "Tokens of backends (`loft_service`) have no limits.");
}

Result<void> RateLimit::configure() {
  for (const auto& name : exempt_) {
    if (name.empty()) return Error{Code::invalid, "exempt", "holds an empty name; remove it"};
  }
  for (const auto& [name, limit] : limits()) {
    if (limit->rate.rate == 0 || limit->rate.rate >= min_rate) continue;
    return Error{Code::invalid, std::string(name) + ".rate",
                 "is too small; give 0, which sets no limit, or at least " + number(min_rate)};
  }
  return {};
}

void RateLimit::setup(Host& host) {
  clock_ = &host.clock();
  if (!exempt_.empty()) users_ = &host.users();
  refused_ = &host.metrics().counter("rate_limited_total", "Acts refused because their user did too many.");
  watch<SubmitMessage>(host, messages_);
  watch<RecallMessage>(host, recalls_);
  watch<AdvanceMark>(host, marks_);
  watch<CreateConversation>(host, conversations_);
  watch<ChangeMembership>(host, memberships_);
  watch<OpenSession>(host, logins_);
}

// First of all stages: what is turned away costs nothing else.
template <class E>
void RateLimit::watch(Host& host, Limit& limit) {
  if (limit.rate.rate <= 0) return;
  limit.buckets = std::make_unique<Buckets>(limit.rate);
  host.bus().intercept<E>(Stage::check, [this, &limit](E& event) { return ask(event.caller, limit); });
}

Verdict RateLimit::ask(const Caller& caller, Limit& limit) {
  if (exempt_services_ && caller.service) return Verdict::pass();
  const auto wait = limit.buckets->take(caller.user, clock_->steady());
  if (wait == 0 || is_exempt(caller)) return Verdict::pass();
  refused_->add();
  return Verdict::refuse(Code::overloaded, "rate.limited",
                         "at most " + number(limit.rate.rate) + ' ' + std::string(limit.what) + " per second, " +
                             std::to_string(limit.rate.burst) + " at once; try again in " + std::to_string(wait) +
                             " ms");
}

// Only those that meet a limit are looked up, and nearly always the host has them in memory.
bool RateLimit::is_exempt(const Caller& caller) {
  if (exempt_.empty()) return false;
  {
    const std::lock_guard lock(known_mutex_);
    if (const auto found = known_.find(caller.user); found != known_.end()) return found->second;
  }
  // The answer may come late, and then serves the next call.
  users_->find(caller, UserRef::of(caller.user), [this](Result<std::shared_ptr<const User>> user) {
    if (!user) return;
    const std::lock_guard lock(known_mutex_);
    if (known_.size() >= max_known) known_.clear();
    known_[(*user)->id] = is_named(**user);
  });
  const std::lock_guard lock(known_mutex_);
  const auto found = known_.find(caller.user);
  return found != known_.end() && found->second;
}

bool RateLimit::is_named(const User& user) const {
  const std::array<std::string, 3> names{user.handle, std::to_string(raw(user.id)), user.uuid};
  return std::any_of(exempt_.begin(), exempt_.end(), [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  });
}

std::size_t RateLimit::remembered() {
  std::size_t all = 0;
  for (const auto& [name, limit] : limits()) {
    if (limit->buckets) all += limit->buckets->size();
  }
  return all;
}

std::array<std::pair<std::string_view, Limit*>, 6> RateLimit::limits() noexcept {
  return {{{"messages", &messages_},
           {"recalls", &recalls_},
           {"marks", &marks_},
           {"conversations", &conversations_},
           {"memberships", &memberships_},
           {"logins", &logins_}}};
}

}  // namespace loft::rate_limit
