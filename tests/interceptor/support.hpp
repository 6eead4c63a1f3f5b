// A plugin set up with options as the YAML gives them, on a host made of fakes.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <loft/events.hpp>
#include <loft/testing/host.hpp>
#include <loft/testing/messaging.hpp>

namespace policy_test {

using namespace loft;
using namespace loft::testing;

using Value = std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>>;
struct Given {
  std::string name;
  Value value;
};
using Options = std::initializer_list<Given>;

inline void give(Plugin& plugin, Options options) {
  OptionTable table;
  plugin.options(table);
  std::size_t used = 0;
  for (auto& row : table.rows()) {
    const auto given =
        std::find_if(options.begin(), options.end(), [&](const auto& one) { return one.name == row.name; });
    if (given == options.end()) continue;
    ++used;
    const auto& value = given->value;
    if (row.set_text) row.set_text(std::get<std::string>(value));
    if (row.set_integer) row.set_integer(std::get<std::int64_t>(value));
    if (row.set_number) row.set_number(std::get<double>(value));
    if (row.set_boolean) row.set_boolean(std::get<bool>(value));
    if (row.set_list) row.set_list(std::get<std::vector<std::string>>(value));
  }
  if (used != options.size()) throw std::logic_error("an option of this test does not exist");
}

/// Setting it up and freezing the bus is the test's, or `run`'s.
template <class P>
struct Bench {
  FakeHost host;
  FakeMessaging messaging;
  FakeUsers users;
  FakeIdentity identity;
  FakeKeyValues store;
  P plugin;
  std::optional<Proposer<SubmitMessage>> submit;

  Bench(Options options = {}) {
    host.messaging_service = &messaging;
    host.users_service = &users;
    host.identity_service = &identity;
    host.key_values_service = &store;
    give(plugin, options);
  }

  void run() {
    if (auto fine = plugin.configure(); !fine) throw std::runtime_error(fine.error().detail);
    plugin.setup(host);
    submit.emplace(host.bus());
    host.freeze();
    plugin.start();
  }

  template <class E>
  Verdict ask(E event) {
    return Proposer<E>(host.bus()).now(event);
  }

  static Caller caller(std::uint64_t user, bool service = false) {
    Caller out;
    out.user = static_cast<UserId>(user);
    out.service = service;
    return out;
  }
};

inline SubmitMessage submission(const Caller& caller, ConversationRef to, std::string content = R"({"text":"hi"})",
                                std::string domain = "Core:Text") {
  SubmitMessage event;
  event.caller = caller;
  event.submission.to = std::move(to);
  event.submission.domain = std::move(domain);
  event.submission.content = std::move(content);
  return event;
}

}  // namespace policy_test
