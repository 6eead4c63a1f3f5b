// A message domain that an operator declares in the YAML: its schema, and the line that stands for a message.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <loft/domain.hpp>

#include "declared/line_template.hpp"

namespace loft::declared_domain {

class DeclaredDomain final : public Domain {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  std::span<const DomainSpec> domains() const override { return {&spec_, 1}; }
  /// The host has checked the content against the schema.
  Result<void> check(std::size_t, Bytes, std::string&) const override { return {}; }
  void preview(std::size_t index, Bytes content, Locale locale, std::string& out) const override;

 private:
  const LineTemplate& line_for(Locale locale) const;

  DomainSpec spec_;
  std::string preview_;
  std::map<std::string, std::string> previews_;
  LineTemplate line_;
  std::vector<std::pair<std::string, LineTemplate>> lines_;  ///< by language, the longest tags first
};

}  // namespace loft::declared_domain
