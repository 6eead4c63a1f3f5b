// A push channel with its options, in a fake host; what it says of each notification.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <variant>

#include <loft/push.hpp>
#include <loft/testing/host.hpp>

#include "simulation.hpp"

namespace push_test {

using Kind = loft::PushVerdict::Kind;
using OptionValue = std::variant<std::string, std::int64_t, bool>;
using Options = std::map<std::string, OptionValue>;

inline loft::Millis real_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

inline void set_option(loft::OptionTable& table, const std::string& name, const OptionValue& value) {
  for (auto& row : table.rows()) {
    if (row.name != name) continue;
    if (const auto* text = std::get_if<std::string>(&value)) {
      if (row.set_list)
        row.set_list({*text});
      else
        row.set_text(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
      row.set_integer(*number);
    } else {
      row.set_boolean(std::get<bool>(value));
    }
    return;
  }
  throw std::invalid_argument("there is no option " + name);
}

template <class Channel>
class Bench {
 public:
  explicit Bench(const Options& options) {
    loft::OptionTable table;
    channel.options(table);
    for (const auto& [name, value] : options) set_option(table, name, value);
    host.clock().jump_to(real_now());
  }
  ~Bench() { channel.stop(0); }

  /// Up to `setup`. What `configure` says.
  loft::Result<void> set_up() {
    auto checked = channel.configure();
    if (checked) channel.setup(host);
    return checked;
  }
  void run() {
    if (const auto checked = set_up(); !checked) throw std::runtime_error(checked.error().detail);
    channel.start();
  }

  static loft::Notification notification(const std::string& token) {
    loft::Notification n;
    n.message = static_cast<loft::MessageId>(4711);
    n.conversation = static_cast<loft::ConversationId>(42);
    n.user = static_cast<loft::UserId>(7);
    n.device.token = token;
    n.id = "123e4567-e89b-42d3-a456-426614174000";
    n.title = "Ada";
    n.body = "The text of it, ünïcødé 你好";
    n.collapse_key = "conversation-42";
    n.badge = 3;
    n.expires = real_now() + 3'600'000;
    return n;
  }

  /// Hands it over. `verdict` says what became of it.
  void send(const loft::Notification& n, std::size_t number = 0) {
    channel.send(n, [this, number](loft::PushVerdict verdict) {
      const std::lock_guard lock(mutex_);
      if (!verdicts_.emplace(number, std::move(verdict)).second) twice_ = true;
      changed_.notify_all();
    });
  }

  /// Waits for the verdict of that number, and takes it.
  loft::PushVerdict verdict(std::size_t number = 0) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(60), [&] { return verdicts_.contains(number); }))
      throw std::runtime_error("there is no verdict after a minute");
    auto out = std::move(verdicts_.at(number));
    verdicts_.erase(number);
    return out;
  }
  bool has_verdict(std::size_t number = 0) {
    const std::lock_guard lock(mutex_);
    return verdicts_.contains(number);
  }

  loft::PushVerdict ask(const loft::Notification& n) {
    send(n);
    return verdict();
  }
  loft::PushVerdict ask(const std::string& token) { return ask(notification(token)); }

  bool answered_twice() {
    const std::lock_guard lock(mutex_);
    return twice_;
  }

  /// Whether anything that was logged holds that text.
  bool logged(std::string_view part) {
    for (const auto& line : host.log().lines()) {
      if (line.text.find(part) != std::string::npos) return true;
      for (const auto& field : line.fields) {
        if (field.second.find(part) != std::string::npos) return true;
      }
    }
    return false;
  }

  /// What a client is told that registers that device; empty: nothing speaks against it.
  std::string registered(const std::string& token, const std::string& app = {}) {
    loft::Proposer<loft::RegisterDevice> proposer(host.bus());
    loft::RegisterDevice event;
    event.device.channel = channel.channel();
    event.device.token = token;
    event.device.app = app;
    const auto verdict = proposer.now(event);
    return verdict.passed() ? "" : verdict.refusal().detail;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::size_t, loft::PushVerdict> verdicts_;
  bool twice_ = false;

 public:
  loft::testing::FakeHost host;
  Channel channel;
};

}  // namespace push_test
