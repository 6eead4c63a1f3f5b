// The option reference in Markdown.
#include "config/config.hpp"
#include "config/scalars.hpp"
#include "config/sections.hpp"

namespace loft::config {
namespace {

std::string words_of(const Option& option) {
  std::string words;
  for (const auto& word : option.choices) words += (words.empty() ? "`" : ", `") + word + "`";
  return words;
}

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
      return option.choices.empty() ? "list of texts" : "list of " + words_of(option);
    case OptionType::map:
      return "map of texts";
    case OptionType::choice:
      break;
  }
  return words_of(option);
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

std::string render_reference(const std::vector<ReferenceSection>& plugins) {
  Settings settings;
  Drafts drafts;
  std::string out =
      "# Options\n\nMade by `loft config reference` from the tables that read the file. "
      "[configuration.md](configuration.md) explains how they are written.\n";
  const auto add = [&out](const std::string& title, const std::string& intro, const OptionTable& table) {
    out += "\n## " + title + "\n\n" + (intro.empty() ? "" : intro + "\n\n") + reference(table);
  };
  for (const auto& each : host_sections(settings, drafts)) {
    add(each.path.empty() ? "Top of the file" : "`" + each.path + "`", each.intro, each.table);
    if (each.path != "auth.jwt") continue;
    JwtKey key;
    add("`auth.jwt.keys[]`",
        "Whose tokens are believed besides the host's own. Each has one of `secret`, `public_key_file`, `jwks_file`, "
        "`jwks_url`.",
        jwt_key_table(key));
  }
  ListenerSettings listener;
  add("`listeners[]`",
      "Each has besides: `transport` (`http`, `route_packet`, or `{use: …}` with the transport's options), `websocket` "
      "(`true`, `false` or options of `transport.websocket`) and `contracts`, a list of names or of `{use, mount}`.",
      ListenerDraft().table(listener));
  for (const auto& each : plugins) add("`" + each.title + "`", each.intro, *each.table);
  return out;
}

}  // namespace loft::config
