#include "bus/bus.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace loft {
namespace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : name;
}

// Text that goes between the quotes of a label.
std::string label_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

bool runs_before(const detail::Handler& a, const detail::Handler& b) noexcept {
  return std::tie(a.stage, a.rank) < std::tie(b.stage, b.rank);
}

}  // namespace

BusImpl::BusImpl(BusThreads threads, const Clock& clock, Logger& log, Metrics& metrics)
    : threads_(std::move(threads)), clock_(clock), log_(log), metrics_(metrics) {}

void BusImpl::begin_setup(std::string plugin, unsigned rank) {
  plugin_ = std::move(plugin);
  rank_ = rank;
}

void BusImpl::end_setup() { plugin_.clear(); }

void BusImpl::too_late(std::string_view what) const {
  throw std::logic_error("plugin '" + (plugin_.empty() ? std::string("(unknown)") : plugin_) + "' " +
                         std::string(what) + " after setup, when the bus is frozen; do it in Plugin::setup");
}

detail::HandlerTable& BusImpl::table(const std::type_info& type) {
  if (const auto found = tables_.find(type); found != tables_.end()) return *found->second;
  const auto event = demangled(type.name());
  if (frozen_) too_late("makes the first publisher or proposer of " + event);
  auto& made = tables_[type] = std::make_unique<detail::HandlerTable>();
  made->event = event;
  return *made;
}

void BusImpl::add(detail::HandlerTable& table, detail::Handler handler) {
  if (frozen_) too_late("registers a handler of " + table.event);
  if (handler.wait != nullptr && handler.timeout <= 0) {
    throw std::invalid_argument("plugin '" + plugin_ + "' registers a waiting interceptor of " + table.event +
                                " without a time-out; give one above 0 ms");
  }
  handler.plugin = plugin_;
  handler.rank = rank_;
  table.has_waiting = table.has_waiting || handler.wait != nullptr;
  auto& rows = table.handlers;
  rows.insert(std::upper_bound(rows.begin(), rows.end(), handler, runs_before), std::move(handler));
}

void BusImpl::follow(FollowerSpec spec, FollowerFn consume) {
  if (frozen_) too_late("registers the follower '" + spec.name + "'");
  const auto refuse = [&](const std::string& why) {
    throw std::invalid_argument("plugin '" + plugin_ + "' registers a follower " + why);
  };
  if (spec.name.empty()) refuse("without a name; its durable position is kept under it");
  if (spec.batch == 0) refuse("'" + spec.name + "' with batch 0; give at least 1");
  if (!consume) refuse("'" + spec.name + "' without a function");
  for (const auto& other : followers_) {
    if (other.spec.name == spec.name) {
      refuse("'" + spec.name + "', which plugin '" + other.plugin + "' has registered already; use another name");
    }
  }
  followers_.push_back({plugin_, std::move(spec), std::move(consume)});
}

void BusImpl::freeze() {
  if (frozen_) return;
  frozen_ = true;
  for (const auto& [type, table] : tables_) {
    for (const auto& handler : table->handlers) {
      failures_[&handler].count = &metrics_.counter(
          "handler_failures_total", "Exceptions thrown by handlers of the bus",
          "plugin=\"" + label_value(handler.plugin) + "\",event=\"" + label_value(table->event) + '"');
    }
  }
}

void BusImpl::failed(const detail::HandlerTable& table, const detail::Handler& handler,
                     std::string_view what) noexcept {
  // Before the freeze there is one thread and no row yet; then every failure is logged.
  if (const auto found = failures_.find(&handler); found != failures_.end()) {
    auto& row = found->second;
    row.count->add();
    const Millis now = clock_.steady();
    Millis until = row.quiet_until.load(std::memory_order_relaxed);
    if (now < until || !row.quiet_until.compare_exchange_strong(until, now + quiet, std::memory_order_relaxed)) return;
  }
  log_.write(LogLevel::error, "a handler threw; this is a bug in the plugin",
             {{"plugin", handler.plugin}, {"event", table.event}, {"what", what}});
}

std::vector<ChainEntry> BusImpl::chain() const {
  std::vector<ChainEntry> out;
  for (const auto& [type, table] : tables_) {
    for (const auto& handler : table->handlers) {
      out.push_back({table->event, handler.plugin, handler.notify == nullptr, handler.stage, handler.timeout});
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.event < b.event; });
  return out;
}

}  // namespace loft
