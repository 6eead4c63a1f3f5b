#include "messaging/domain_table.hpp"

namespace loft {

Result<void> DomainTable::add(const Domain& plugin) {
  const auto specs = plugin.domains();
  for (std::size_t i = 0; i < specs.size(); ++i) {
    Row row{&plugin, i, &specs[i], nullptr};
    if (specs[i].host_validates) {
      auto schema = Schema::compile(specs[i].schema);
      if (!schema) {
        return Error{
            Code::invalid, "domain.schema",
            "the schema of the message domain '" + specs[i].name + "' cannot be used: " + schema.error().detail};
      }
      row.schema = std::move(*schema);
    }
    if (!rows_.emplace(specs[i].name, std::move(row)).second) {
      return Error{Code::conflict, "domain.taken", "two plugins offer the message domain '" + specs[i].name + "'"};
    }
  }
  return {};
}

Result<void> DomainTable::Row::check(Bytes content, std::string& normal) const {
  if (schema != nullptr) {
    if (auto fits = schema->check(content); !fits) return fits;
  }
  return plugin->check(index, content, normal);
}

const DomainTable::Row* DomainTable::find(std::string_view name) const noexcept {
  const auto it = rows_.find(name);
  return it != rows_.end() ? &it->second : nullptr;
}

void DomainTable::preview(std::string_view name, Bytes content, Locale locale, std::string& out) const {
  if (const auto* row = find(name)) return row->plugin->preview(row->index, content, locale, out);
  out += locale.starts_with("en") ? "[message]" : "[消息]";
}

}  // namespace loft
