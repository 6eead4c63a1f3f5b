#include "apns/payload.hpp"

#include <loft/json_writer.hpp>

#include "common/fit.hpp"

namespace loft::push::apns {
namespace {

void write_alert(json::Writer& w, std::string_view title, std::string_view body, const Look& look) {
  w.key("alert").object();
  if (title.empty() && body.empty()) {
    const bool is_of_app = !look.hidden_loc_key.empty();
    w.key(is_of_app ? "loc-key" : "body").string(is_of_app ? look.hidden_loc_key : look.hidden_text);
  }
  if (!title.empty()) w.key("title").string(title);
  if (!body.empty()) w.key("body").string(body);
  w.end_object();
}

}  // namespace

bool is_silent(const Notification& notification, const Look& look) {
  return notification.title.empty() && notification.body.empty() && look.hidden_loc_key.empty() &&
         look.hidden_text.empty();
}

std::string payload(const Notification& notification, const Look& look, std::size_t limit) {
  const bool silent = is_silent(notification, look);
  const auto conversation = std::to_string(static_cast<std::uint64_t>(notification.conversation));
  const auto write = [&](std::string_view title, std::string_view body) {
    std::string out;
    json::Writer w(out);
    w.object().key("aps").object();
    if (silent) {
      w.key("content-available").number(1);
    } else {
      write_alert(w, title, body, look);
      if (notification.badge != 0) w.key("badge").number(notification.badge);
      if (!look.sound.empty()) w.key("sound").string(look.sound);
      w.key("thread-id").string(conversation);
      w.key("mutable-content").number(1);  // an extension of the app may fetch more and rewrite
    }
    w.end_object();
    w.key("message_id").string(std::to_string(static_cast<std::uint64_t>(notification.message)));
    w.key("conversation_id").string(conversation).end_object();
    return out;
  };
  return fitted(notification, limit, write);
}

}  // namespace loft::push::apns
