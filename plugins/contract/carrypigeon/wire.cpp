#include "carrypigeon/wire.hpp"

#include <loft/utf8.hpp>

namespace loft::carrypigeon {
namespace {

constexpr std::size_t shown_characters = 500;
// Everything around the content of a single message in a reply, generously.
constexpr std::size_t message_margin = 512;

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

void append_message(std::string& out, const Message& message, const Services& services) {
  const bool fits = message.content.size() + message.domain.size() + message_margin <= max_packet;
  json::Writer writer(out);
  writer.object().key("mid").number(raw(message.id));
  writer.key("domain").string(fits ? Bytes(message.domain) : Bytes("Core:Text"));
  writer.key("uid").number(raw(message.sender)).key("cid").number(raw(message.conversation)).key("data");
  if (fits) {
    writer.raw(message.content);
  } else {
    std::string preview;
    services.domains.preview(message.domain, message.content, services.settings.locale, preview);
    writer.object().key("text").string(shown(preview)).end_object();
  }
  writer.key("send_time").number(message.time()).end_object();
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
