// A conversation's state for tests of a domain: a map.
#pragma once

#include <map>
#include <string>

#include <loft/domain.hpp>

namespace loft::testing {

class MapState final : public PluginState {
 public:
  std::map<std::string, std::string, std::less<>> values;

  std::optional<std::string> get(std::string_view key) override {
    const auto it = values.find(key);
    return it != values.end() ? std::optional(it->second) : std::nullopt;
  }
  std::vector<KeyValue> list(std::string_view prefix, std::string_view after, std::size_t limit) override {
    std::vector<KeyValue> found;
    for (const auto& [key, value] : values) {
      if (found.size() == limit) break;
      if (key.starts_with(prefix) && key > after) found.push_back({key, value});
    }
    return found;
  }
  void put(std::string key, std::string value) override { values.insert_or_assign(std::move(key), std::move(value)); }
  void remove(std::string key) override { values.erase(key); }
};

}  // namespace loft::testing
