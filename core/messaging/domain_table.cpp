#include "messaging/domain_table.hpp"

#include <algorithm>

namespace loft {
namespace {

bool is_word(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto follows = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && letter(name.front()) && std::all_of(name.begin(), name.end(), follows);
}

}  // namespace

Result<void> DomainTable::add(const Domain& plugin, std::string space) {
  const auto specs = plugin.domains();
  for (std::size_t i = 0; i < specs.size(); ++i) {
    auto row = std::make_unique<Row>(Row{&plugin, i, &specs[i], nullptr, space});
    if (specs[i].host_validates) {
      auto schema = Schema::compile(specs[i].schema);
      if (!schema) {
        return Error{
            Code::invalid, "domain.schema",
            "the schema of the message domain '" + specs[i].name + "' cannot be used: " + schema.error().detail};
      }
      row->schema = std::move(*schema);
    }
    const auto [place, is_new] = rows_.emplace(specs[i].name, std::move(row));
    if (!is_new) {
      return Error{Code::conflict, "domain.taken", "two plugins offer the message domain '" + specs[i].name + "'"};
    }
    asks_sending_ = asks_sending_ || specs[i].asks_sending;
    if (auto added = add_actions(*place->second); !added) return added;
  }
  return {};
}

Result<void> DomainTable::add_actions(const Row& row) {
  const auto& specs = row.spec->actions;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto name = action_name(row.spec->name, specs[i].name);
    if (!is_word(specs[i].name)) {
      return Error{Code::invalid, "action.name",
                   "the action '" + specs[i].name + "' of " + row.spec->name +
                       " must be a word of a-z, digits and '_' that begins with a letter"};
    }
    auto schema = Schema::compile(specs[i].schema);
    if (!schema) {
      return Error{Code::invalid, "action.schema",
                   "the schema of the action " + name + " cannot be used: " + schema.error().detail};
    }
    if (!actions_.emplace(name, ActionRow{&row, i, &specs[i], std::move(*schema)}).second) {
      return Error{Code::conflict, "action.taken", "two domains offer the action " + name};
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
  return it != rows_.end() ? it->second.get() : nullptr;
}

const DomainTable::ActionRow* DomainTable::find_action(std::string_view name) const noexcept {
  const auto it = actions_.find(name);
  return it != actions_.end() ? &it->second : nullptr;
}

void DomainTable::preview(std::string_view name, Bytes content, Locale locale, std::string& out) const {
  if (const auto* row = find(name)) return row->plugin->preview(row->index, content, locale, out);
  out += locale.starts_with("en") ? "[message]" : "[消息]";
}

}  // namespace loft
