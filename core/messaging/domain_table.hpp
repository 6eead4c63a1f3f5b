#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include <loft/domain.hpp>

#include "messaging/schema.hpp"

namespace loft {

/// Which plugin answers for which domain and action. Filled during setup, read by all threads afterwards.
class DomainTable {
 public:
  struct Row {
    const Domain* plugin = nullptr;
    std::size_t index = 0;
    const DomainSpec* spec = nullptr;
    std::shared_ptr<const Schema> schema;  ///< null: the plugin checks everything itself
    std::string space;                     ///< where the plugin's state is

    /// The schema's verdict, then the plugin's. May throw what the plugin throws.
    Result<void> check(Bytes content, std::string& normal) const;
  };

  struct ActionRow {
    const Row* domain = nullptr;
    std::size_t index = 0;
    const ActionSpec* spec = nullptr;
    std::shared_ptr<const Schema> schema;  ///< never null
  };

  /// `space`: the plugin's id. Errors: conflict `domain.taken`, `action.taken`, invalid `domain.schema`, `action.name`,
  /// `action.schema`; all name the domain or action.
  Result<void> add(const Domain& plugin, std::string space = {});

  const Row* find(std::string_view name) const noexcept;
  const ActionRow* find_action(std::string_view name) const noexcept;

  /// DomainSpec::asks_sending of a known domain; quick.
  bool asks_sending(std::string_view name) const noexcept { return asks_sending_ && find(name)->spec->asks_sending; }

  void preview(std::string_view name, Bytes content, Locale locale, std::string& out) const;

 private:
  Result<void> add_actions(const Row& row);

  boost::unordered_flat_map<std::string_view, std::unique_ptr<const Row>> rows_;  // keys: the plugins' own specs
  std::map<std::string, ActionRow, std::less<>> actions_;
  bool asks_sending_ = false;  ///< any of them
};

}  // namespace loft
