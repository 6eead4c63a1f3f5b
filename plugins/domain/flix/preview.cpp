#include <loft/json.hpp>
#include <loft/utf8.hpp>

#include "flix_domain.hpp"

namespace loft::flix_domain {
namespace {

constexpr std::size_t preview_characters = 50;

struct Words {
  std::string_view chinese;
  std::string_view english;
};

// In the order of `Which`.
constexpr Words labels[] = {
    {"[商品]", "[Product]"}, {"[订单]", "[Order]"},    {"[评论]", "[Comment]"},
    {"[点赞]", "[Like]"},    {"[收藏]", "[Favorite]"},
};

/// What a person would call it.
std::string name_of(Bytes content) {
  const auto object = json::parse(content);
  if (!object) return {};
  for (const std::string_view name : {"title", "text", "name"}) {
    const auto value = object->find(name);
    auto text = value ? value->text() : std::nullopt;
    if (text && !text->empty()) return std::move(*text);
  }
  return {};
}

}  // namespace

void preview(Which which, Bytes content, Locale locale, std::string& out) {
  const auto& label = labels[static_cast<std::size_t>(which)];
  out += locale.starts_with("en") ? label.english : label.chinese;
  if (which == Which::like || which == Which::favorite) return;
  const auto name = name_of(content);
  if (name.empty()) return;
  out += ' ';
  for (const char c : utf8::prefix(name, preview_characters)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
}

void FlixDomain::preview(std::size_t index, Bytes content, Locale locale, std::string& out) const {
  flix_domain::preview(static_cast<Which>(index), content, locale, out);
}

}  // namespace loft::flix_domain
