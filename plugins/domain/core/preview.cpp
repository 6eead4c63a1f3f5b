#include <loft/json.hpp>
#include <loft/utf8.hpp>

#include "core_domain.hpp"

namespace loft::core_domain {
namespace {

constexpr std::size_t preview_characters = 50;

struct Words {
  std::string_view chinese;
  std::string_view english;
};

// In the order of `Which`.
constexpr Words labels[] = {
    {"[消息]", "[Message]"}, {"[图片消息]", "[Image]"}, {"[视频消息]", "[Video]"}, {"[语音消息]", "[Voice message]"},
    {"[文件]", "[File]"},    {"[位置]", "[Location]"},  {"[名片]", "[Card]"},      {"系统消息", "System message"},
};

std::string member(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  if (!value) return {};
  if (const auto text = value->text()) return *text;
  return value->integer() ? std::string(value->raw()) : std::string();
}

std::string first_of(const json::Value& object, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (auto text = member(object, name); !text.empty()) return text;
  }
  return {};
}

/// The first characters in one line: control characters become spaces.
void append_line(std::string& out, Bytes text) {
  for (const char c : utf8::prefix(text, preview_characters)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
}

std::string detail(Which which, const json::Value& object) {
  switch (which) {
    case Which::text:
      return member(object, "text");
    case Which::file:
      return member(object, "filename");
    case Which::location:
      return first_of(object, {"name", "address"});
    case Which::card:
      return first_of(object, {"title", "username", "userId", "user_id"});
    case Which::system:
      return member(object, "title");
    case Which::image:
    case Which::video:
    case Which::voice:
      break;
  }
  return {};
}

}  // namespace

void preview(Which which, Bytes content, Locale locale, std::string& out) {
  const auto object = json::parse(content);
  const auto more = object ? detail(which, *object) : std::string();
  const auto& label = labels[static_cast<std::size_t>(which)];
  const bool replaces = which == Which::text || which == Which::system;
  if (!replaces || more.empty()) {
    out += locale.starts_with("en") ? label.english : label.chinese;
    if (!more.empty()) out += ' ';
  }
  append_line(out, more);
}

Result<void> CoreDomain::check(std::size_t index, Bytes content, std::string&) const {
  return core_domain::check(static_cast<Which>(index), content);
}

void CoreDomain::preview(std::size_t index, Bytes content, Locale locale, std::string& out) const {
  core_domain::preview(static_cast<Which>(index), content, locale, out);
}

}  // namespace loft::core_domain
