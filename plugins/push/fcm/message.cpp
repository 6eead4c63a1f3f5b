#include "fcm/message.hpp"

#include <algorithm>

#include <loft/json_writer.hpp>

#include "common/fit.hpp"

namespace loft::push::fcm {
namespace {

constexpr Millis longest_ttl = 2'419'200;  // seconds; FCM takes four weeks

std::string number(auto id) { return std::to_string(static_cast<std::uint64_t>(id)); }

void write_android(json::Writer& w, const Notification& n, const Look& look, bool is_shown, Millis ttl) {
  w.key("android").object().key("priority").string("high").key("ttl").string(std::to_string(ttl) + "s");
  if (is_shown) {
    // Data alone has none: each message is fetched by its id, and FCM keeps a hundred such messages for a phone that is
    // away, but only four keys.
    if (!n.collapse_key.empty()) w.key("collapse_key").string(n.collapse_key);
    w.key("notification").object();
    // A repeat, and a newer one of the same conversation, take the place of what is shown already.
    w.key("tag").string(n.collapse_key.empty() ? n.id : n.collapse_key);
    if (!look.android_channel.empty()) w.key("channel_id").string(look.android_channel);
    if (!look.sound.empty()) w.key("sound").string(look.sound);
    if (n.badge != 0) w.key("notification_count").number(std::min<std::uint64_t>(n.badge, 1'000'000));
    w.end_object();
  }
  w.end_object();
}

void write_apns(json::Writer& w, const Notification& n, const Look& look, bool is_shown) {
  w.key("apns").object().key("headers").object();
  if (!n.collapse_key.empty()) w.key("apns-collapse-id").string(n.collapse_key);
  w.key("apns-expiration").string(std::to_string(n.expires / 1000));
  const bool is_silent = !is_shown && look.hidden_text.empty();
  w.key("apns-priority").string(is_silent ? "5" : "10").end_object();
  w.key("payload").object().key("aps").object();
  if (!is_silent) {
    if (!is_shown) w.key("alert").object().key("body").string(look.hidden_text).end_object();
    if (n.badge != 0) w.key("badge").number(n.badge);
    w.key("thread-id").string(number(n.conversation)).key("mutable-content").number(1);
    if (!look.sound.empty()) w.key("sound").string(look.sound);
  } else {
    w.key("content-available").number(1);
  }
  w.end_object().end_object().end_object();
}

}  // namespace

std::string message(const Notification& n, const Look& look, Millis now) {
  const auto ttl = std::clamp<Millis>((n.expires - now) / 1000, 0, longest_ttl);
  const auto write = [&](std::string_view title, std::string_view body) {
    const bool is_shown = !title.empty() || !body.empty();
    std::string out;
    json::Writer w(out);
    w.object().key("message").object().key("token").string(n.device.token);
    if (is_shown) {
      w.key("notification").object();
      if (!title.empty()) w.key("title").string(title);
      if (!body.empty()) w.key("body").string(body);
      w.end_object();
    }
    w.key("data")
        .object()
        .key("message_id")
        .string(number(n.message))
        .key("conversation_id")
        .string(number(n.conversation));
    w.key("notification_id").string(n.id);
    if (n.badge != 0) w.key("badge").string(std::to_string(n.badge));
    w.end_object();
    write_android(w, n, look, is_shown, ttl);
    if (n.device.platform == "ios") write_apns(w, n, look, is_shown);
    if (n.device.platform == "web")
      w.key("webpush")
          .object()
          .key("headers")
          .object()
          .key("TTL")
          .string(std::to_string(ttl))
          .end_object()
          .end_object();
    w.end_object().end_object();
    return out;
  };
  return fitted(n, largest_message, write);
}

}  // namespace loft::push::fcm
