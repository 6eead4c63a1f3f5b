#include "push/notice.hpp"

#include <array>

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>

namespace loft::push {
namespace {

constexpr std::size_t title_bytes = 200;
constexpr std::size_t body_bytes = 1'000;

/// At most so many bytes, ending with a whole character.
void cut(std::string& text, std::size_t bytes) {
  constexpr std::string_view dots = "…";
  if (text.size() <= bytes) return;
  auto end = bytes - dots.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  text += dots;
}

std::string shown_name(const User& user) {
  if (const auto profile = json::parse(user.profile)) {
    if (const auto name = profile->find("name")) {
      if (auto text = name->text(); text && !text->empty()) return *text;
    }
  }
  return user.handle;
}

std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

}  // namespace

std::string notice_id(MessageId message, UserId user, const Device& device) {
  // FNV-1a over the channel; ids of devices are unique in the store.
  std::uint64_t channel = 0xCBF29CE484222325ull;
  for (const char c : device.channel) channel = (channel ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  const auto high = mix(raw(message) ^ mix(raw(user)));
  const auto low = mix(high ^ mix(device.id) ^ channel);
  std::array<std::uint8_t, 16> bytes{};
  for (unsigned i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(high >> (8 * i));
    bytes[8 + i] = static_cast<std::uint8_t>(low >> (8 * i));
  }
  bytes[6] = static_cast<std::uint8_t>(0x80 | (bytes[6] & 0x0F));
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3F));
  constexpr char hex[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += hex[bytes[i] >> 4];
    text += hex[bytes[i] & 15];
  }
  return text;
}

std::string shortened(std::string_view token) {
  constexpr std::size_t shown = 6;
  return token.size() <= 2 * shown ? "…" : "…" + std::string(token.substr(token.size() - shown));
}

Notification notice(const Settings& settings, const World& world, const Standing& standing, const Device& device,
                    UserId user, Millis expires) {
  const auto& record = standing.record;
  const auto& message = *record.message;
  Notification out;
  out.message = message.id;
  out.conversation = message.conversation;
  out.user = user;
  out.device = device;
  out.id = notice_id(message.id, user, device);
  out.badge = standing.unread;
  out.expires = expires;
  const bool by_message = settings.collapse == Settings::Collapse::message;
  out.collapse_key =
      by_message ? "m" + std::to_string(raw(message.id)) : "c" + std::to_string(raw(message.conversation));
  if (settings.privacy == Settings::Privacy::id_only) return out;
  out.title = shown_name(*record.sender);
  const auto& conversation = *record.conversation;
  if (conversation.kind == ConversationKind::group && !conversation.name.empty())
    out.title += " · " + conversation.name;
  cut(out.title, title_bytes);
  if (settings.privacy == Settings::Privacy::sender) return out;
  world.preview(message, device.locale.empty() ? settings.locale : device.locale, out.body);
  cut(out.body, body_bytes);
  return out;
}

}  // namespace loft::push
