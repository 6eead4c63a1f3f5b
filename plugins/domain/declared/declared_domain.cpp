#include "declared/declared_domain.hpp"

#include <algorithm>
#include <cctype>

namespace loft::declared_domain {
namespace {

/// As DomainSpec::name has to be.
bool is_domain(std::string_view name) {
  const auto is_word = [](std::string_view word) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto follows = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; };
    return !word.empty() && letter(word.front()) && std::all_of(word.begin(), word.end(), follows);
  };
  const auto colon = name.find(':');
  return colon != std::string_view::npos && is_word(name.substr(0, colon)) && is_word(name.substr(colon + 1));
}

/// Whether `locale` is of the language: `en` covers `en`, `en-GB` and `en_US`.
bool covers(std::string_view language, std::string_view locale) {
  const auto same = [](char a, char b) {
    const auto plain = [](char c) { return c == '_' ? '-' : std::tolower(static_cast<unsigned char>(c)); };
    return plain(a) == plain(b);
  };
  if (locale.size() < language.size() || !std::equal(language.begin(), language.end(), locale.begin(), same))
    return false;
  return locale.size() == language.size() || same(locale[language.size()], '-');
}

}  // namespace

void DeclaredDomain::options(OptionTable& table) {
  table.text("domain", spec_.name, "What clients write as the domain, such as `Acme:Survey`.").required();
  table
      .text("schema", spec_.schema,
            "JSON Schema (draft 7) that the content must fit; `${file:survey.schema.json}` reads it from a file.")
      .required();
  table
      .text("preview", preview_,
            "The line for pushes, lists and clients that do not know the domain; `{member}` is taken from the content.")
      .required();
  table.map("previews", previews_, "Other lines by language, such as `{en: \"[Survey] {title}\"}`.");
  table.size("max_bytes", spec_.max_bytes, "The longest content that is taken.").range(2, 16 << 20);
  table.boolean("service_only", spec_.service_only, "Only the operator's backends may write such messages.");
}

Result<void> DeclaredDomain::configure() {
  if (!is_domain(spec_.name))
    return Error{Code::invalid, "domain",
                 "must be two words of letters, digits and '_' with a colon between, such as Acme:Survey"};
  auto line = LineTemplate::parse(preview_);
  if (!line) return Error{Code::invalid, "preview", line.error().detail};
  line_ = std::move(*line);
  lines_.clear();
  for (const auto& [language, text] : previews_) {
    auto parsed = LineTemplate::parse(text);
    if (!parsed) return Error{Code::invalid, "previews", "'" + language + "': " + parsed.error().detail};
    lines_.emplace_back(language, std::move(*parsed));
  }
  std::stable_sort(lines_.begin(), lines_.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  return {};
}

const LineTemplate& DeclaredDomain::line_for(Locale locale) const {
  const auto found =
      std::find_if(lines_.begin(), lines_.end(), [&](const auto& each) { return covers(each.first, locale); });
  return found == lines_.end() ? line_ : found->second;
}

void DeclaredDomain::preview(std::size_t, Bytes content, Locale locale, std::string& out) const {
  const auto object = json::parse(content);
  line_for(locale).append(object ? *object : json::Value(), out);
}

}  // namespace loft::declared_domain
