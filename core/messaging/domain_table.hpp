#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include <loft/domain.hpp>

#include "messaging/schema.hpp"

namespace loft {

/// Which plugin answers for which domain. Filled during setup, read by all threads afterwards.
class DomainTable final : public Domains {
 public:
  struct Row {
    const Domain* plugin = nullptr;
    std::size_t index = 0;
    const DomainSpec* spec = nullptr;
    std::shared_ptr<const Schema> schema;  ///< null: the plugin checks everything itself

    /// The schema's verdict, then the plugin's. May throw what the plugin throws.
    Result<void> check(Bytes content, std::string& normal) const;
  };

  /// Errors: conflict `domain.taken`, invalid `domain.schema`; both name the domain.
  Result<void> add(const Domain& plugin);

  const Row* find(std::string_view name) const noexcept;

  bool known(std::string_view name) const noexcept override { return find(name) != nullptr; }
  void preview(std::string_view name, Bytes content, Locale locale, std::string& out) const override;

 private:
  boost::unordered_flat_map<std::string_view, Row> rows_;  // keys: the plugins' own specs
};

}  // namespace loft
