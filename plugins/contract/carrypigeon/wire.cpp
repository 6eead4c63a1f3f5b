#include "carrypigeon/wire.hpp"

#include <loft/utf8.hpp>

namespace loft::carrypigeon {
namespace {

constexpr std::size_t shown_characters = 500;

std::size_t digits_of(std::uint64_t number) noexcept {
  std::size_t digits = 1;
  for (; number >= 10; number /= 10) ++digits;
  return digits;
}

/// `text` as a JSON string, cut so that it takes at most `room` bytes, quotes included.
std::string cut_string(Bytes text, std::size_t room) {
  const auto begin_of = [](Bytes of, std::size_t bytes) {
    if (bytes >= of.size()) return of;
    while (bytes > 0 && (static_cast<unsigned char>(of[bytes]) & 0xC0) == 0x80) --bytes;
    return of.substr(0, bytes);
  };
  std::string out;
  json::append_string(out, begin_of(text, room - 2));
  if (out.size() <= room) return out;
  out.clear();
  json::append_string(out, begin_of(text, (room - 2) / 6));  // six bytes for one is the most that escaping makes
  return out;
}

}  // namespace

void begin_reply(std::string& out, std::int64_t id, int code) {
  out += "{\"id\":";
  json::append_integer(out, id);
  out += ",\"code\":";
  json::append_integer(out, std::int64_t{code});
  out += ",\"data\":";
}

void append_refusal(std::string& out, std::int64_t id, const Refusal& refusal) {
  begin_reply(out, id, refusal.code);
  out += "{\"msg\":";
  json::append_string(out, shown(refusal.text));
  out += "}}";
}

void begin_push(std::string& out, std::string_view route) {
  begin_reply(out, no_id, code_push);
  out += "{\"route\":\"";
  out += route;
  out += "\",\"data\":";
}

void append_hint(std::string& out, std::string_view route) {
  begin_reply(out, no_id, code_push);
  out += "{\"route\":\"";
  out += route;
  out += "\"}}";
}

void append_message(std::string& out, const Message& message) {
  json::Writer writer(out);
  writer.object().key("mid").number(raw(message.id)).key("domain").string(message.domain);
  writer.key("uid").number(raw(message.sender)).key("cid").number(raw(message.conversation));
  writer.key("data").raw(message.content).key("send_time").number(message.time()).end_object();
}

std::size_t size_of(const Message& message) noexcept {
  constexpr std::string_view form = R"({"mid":,"domain":"","uid":,"cid":,"data":,"send_time":})";
  return form.size() + digits_of(raw(message.id)) + message.domain.size() + digits_of(raw(message.sender)) +
         digits_of(raw(message.conversation)) + message.content.size() +
         digits_of(static_cast<std::uint64_t>(message.time()));
}

void append_short_message(std::string& out, const Message& message, const Services& services, std::size_t room) {
  std::string preview;
  services.domains.preview(message.domain, message.content, services.settings.locale, preview);
  constexpr std::size_t around = 160;  // all but the text, with the longest numbers
  json::Writer writer(out);
  writer.object().key("mid").number(raw(message.id)).key("domain").string("Core:Text");
  writer.key("uid").number(raw(message.sender)).key("cid").number(raw(message.conversation));
  writer.key("data").object().key("text").raw(cut_string(shown(preview), room - around)).end_object();
  writer.key("send_time").number(message.time()).key("whole").boolean(false).end_object();
}

std::string name_of(const User& user) {
  if (!user.profile.empty()) {
    if (const auto profile = json::parse(user.profile)) {
      const auto name = profile->find("name");
      auto text = name ? name->text() : std::nullopt;
      if (text && !text->empty()) return std::move(*text);
    }
  }
  return user.handle;
}

Bytes shown(Bytes text) noexcept { return utf8::prefix(text, shown_characters); }

}  // namespace loft::carrypigeon
