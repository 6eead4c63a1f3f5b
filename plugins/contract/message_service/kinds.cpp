#include "kinds.hpp"

#include "errors.hpp"

namespace loft::message_service {
namespace {

constexpr Kind kinds[] = {{"TEXT", "Core:Text", true}, {"IMAGE", "Core:Image"},        {"VIDEO", "Core:Video"},
                          {"AUDIO", "Core:Voice"},     {"FILE", "Core:File"},          {"LOCATION", "Core:Location"},
                          {"CARD", "Core:Card"},       {"SYSTEM", "Core:System", true}};

/// Appends checked JSON without the blanks between its parts: the same object is the same content, however a client's
/// library spaces it.
void append_compact(std::string& out, Bytes text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  out.reserve(out.size() + text.size());
  while (p != end) {
    const char* const first = p;
    while (p != end && *p != '"' && !json::detail::is_space(*p)) ++p;
    if (p != end && *p == '"') p = json::detail::end_of_string(p + 1, end) + 1;
    out.append(first, p);
    while (p != end && json::detail::is_space(*p)) ++p;
  }
}

}  // namespace

const Kind& text_kind() noexcept { return kinds[0]; }
const Kind& image_kind() noexcept { return kinds[1]; }

const Kind* kind_of_word(const json::Value& word) {
  for (const auto& kind : kinds) {
    if (word.equals(kind.word)) return &kind;
  }
  return nullptr;
}

const Kind* kind_of_domain(std::string_view domain) noexcept {
  for (const auto& kind : kinds) {
    if (kind.domain == domain) return &kind;
  }
  return nullptr;
}

Result<void> read_content(const Kind& kind, const json::Value& content, std::string& out) {
  if (content.is(json::Type::null)) return failure::field("content 必填");
  const auto wanted = kind.is_text ? json::Type::string : json::Type::object;
  if (!content.is(wanted)) {
    return failure::field(std::string(kind.word) + " 消息的 content 必须是" + (kind.is_text ? "字符串" : "对象"));
  }
  if (!kind.is_text) {
    append_compact(out, content.raw());
    return {};
  }
  if (content.raw().size() == 2) return failure::field("content 不能为空");
  out.reserve(out.size() + content.raw().size() + 9);
  out += "{\"text\":";
  out += content.raw();
  out += '}';
  return {};
}

}  // namespace loft::message_service
