// `push.apns` against a simulation of Apple's service.
#pragma once

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <loft/json.hpp>

#include "apns/apns.hpp"
#include "channel_bench.hpp"

namespace push_test {

using loft::push::Apns;
using ApnsBench = Bench<Apns>;

inline const std::string device = "0f3a" + std::string(60, 'b');

inline Options options_for(const Simulation& there, const Options& more = {}) {
  Options out{{"key_id", there.at("key_id")},       {"team_id", there.at("team_id")},
              {"bundle_id", there.at("bundle_id")}, {"key_path", there.at("key_path")},
              {"endpoint", there.at("apns")},       {"ca_file", there.at("ca_file")}};
  for (const auto& [name, value] : more) out[name] = value;
  return out;
}

/// A simulation, and a channel that has had one notification accepted.
struct Running {
  TemporaryFolder folder;
  Simulation there;
  ApnsBench bench;

  explicit Running(const std::vector<std::string>& arguments = {}, const Options& more = {})
      : there(folder.path, arguments), bench(options_for(there, more)) {
    bench.run();
    REQUIRE(bench.ask(device).kind == Kind::accepted);
  }
};

struct Written {
  explicit Written(const std::string& line) : text(line), value(*loft::json::parse(text)) {}
  std::string at(std::string_view name) const {
    const auto found = value.find(name);
    return found ? found->text().value_or(std::string(found->raw())) : "";
  }
  std::string text;
  loft::json::Value value;
};

}  // namespace push_test
