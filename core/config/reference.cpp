// The option reference in Markdown.
#include "config/config.hpp"
#include "config/scalars.hpp"

namespace loft::config {
namespace {

std::string type_name(const Option& option) {
  switch (option.type) {
    case OptionType::text:
      return "text";
    case OptionType::integer:
      return "integer";
    case OptionType::number:
      return "number";
    case OptionType::boolean:
      return "boolean";
    case OptionType::duration:
      return "duration";
    case OptionType::size:
      return "size";
    case OptionType::list:
      return "list of texts";
    case OptionType::map:
      return "map of texts";
    case OptionType::choice:
      break;
  }
  std::string words;
  for (const auto& word : option.choices) words += (words.empty() ? "`" : ", `") + word + "`";
  return words;
}

/// A `|` would end the cell, and a line break the table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string default_cell(const Option& option) {
  if (option.is_required) return "**required**";
  if (option.is_secret || option.default_text.empty()) return "—";
  return "`" + cell(option.default_text) + "`";
}

}  // namespace

std::string reference(const OptionTable& table) {
  if (table.rows().empty()) return "No options.\n";
  std::string out = "| Option | Type | Default | Meaning |\n| --- | --- | --- | --- |\n";
  for (const auto& option : table.rows()) {
    auto type = type_name(option);
    if (const auto range = range_text(option); !range.empty()) type += ", " + range;
    if (option.is_secret) type += ", secret";
    out += "| `" + cell(option.name) + "` | " + cell(type) + " | " + default_cell(option) + " | " + cell(option.help) +
           " |\n";
  }
  return out;
}

}  // namespace loft::config
