#include "simulate/message_rules.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace loft::simulate {
namespace {

constexpr std::size_t largest_message = 4096;

using Names = std::initializer_list<std::string_view>;

const Names message_names = {"name", "data",        "notification", "android", "webpush",
                             "apns", "fcm_options", "token",        "topic",   "condition"};
const Names notification_names = {"title", "body", "image"};
const Names android_names = {"collapse_key", "priority",     "ttl",         "restricted_package_name",
                             "data",         "notification", "fcm_options", "direct_boot_ok"};
const Names android_notification_names = {"title",
                                          "body",
                                          "icon",
                                          "color",
                                          "sound",
                                          "tag",
                                          "click_action",
                                          "body_loc_key",
                                          "body_loc_args",
                                          "title_loc_key",
                                          "title_loc_args",
                                          "channel_id",
                                          "ticker",
                                          "sticky",
                                          "event_time",
                                          "local_only",
                                          "notification_priority",
                                          "default_sound",
                                          "default_vibrate_timings",
                                          "default_light_settings",
                                          "vibrate_timings",
                                          "visibility",
                                          "notification_count",
                                          "light_settings",
                                          "image"};

std::optional<Violation> check_names(const json::Value& object, const std::string& path, const Names& names) {
  if (!object.is(json::Type::object)) return Violation{path, "Invalid value: an object is needed"};
  std::optional<Violation> out;
  object.members([&](const json::Value& key, const json::Value&) {
    const auto name = key.text().value_or("");
    if (std::find(names.begin(), names.end(), name) != names.end()) return true;
    out = Violation{path, "Invalid JSON payload received. Unknown name \"" + name + "\": Cannot find field."};
    return false;
  });
  return out;
}

std::optional<Violation> check_texts(const json::Value& object, const std::string& path) {
  std::optional<Violation> out;
  object.members([&](const json::Value& key, const json::Value& value) {
    if (value.is(json::Type::string)) return true;
    out = Violation{path, "Invalid value at '" + path + "." + key.text().value_or("") + "' (TYPE_STRING)"};
    return false;
  });
  return out;
}

std::optional<Violation> check_data_keys(const json::Value& data) {
  std::optional<Violation> out;
  data.members([&](const json::Value& key, const json::Value&) {
    const auto name = key.text().value_or("");
    if (name != "from" && name != "message_type" && !name.starts_with("google.") && !name.starts_with("gcm."))
      return true;
    out = Violation{"message.data", "Invalid data payload key: " + name, true};
    return false;
  });
  return out;
}

bool is_duration(const std::string& text) {
  return text.size() > 1 && text.ends_with('s') && text.find_first_not_of("0123456789.") == text.size() - 1;
}

std::optional<Violation> check_android(const json::Value& android) {
  if (auto wrong = check_names(android, "message.android", android_names)) return wrong;
  if (const auto ttl = android.find("ttl"); ttl && !is_duration(ttl->text().value_or("")))
    return Violation{"message.android.ttl", "Illegal duration format; duration must end with 's'"};
  if (const auto priority = android.find("priority")) {
    const auto word = priority->text().value_or("");
    if (word != "high" && word != "normal" && word != "HIGH" && word != "NORMAL")
      return Violation{"message.android.priority", "Invalid value"};
  }
  if (const auto key = android.find("collapse_key"); key && !key->is(json::Type::string))
    return Violation{"message.android.collapse_key", "Invalid value (TYPE_STRING)"};
  if (const auto shown = android.find("notification")) {
    if (auto wrong = check_names(*shown, "message.android.notification", android_notification_names)) return wrong;
    if (const auto count = shown->find("notification_count"); count && !count->integer_or_text())
      return Violation{"message.android.notification.notification_count", "Invalid value (TYPE_INT32)"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Violation> check_message(const json::Value& body) {
  if (auto wrong = check_names(body, "", {"message", "validate_only"})) return wrong;
  const auto message = body.find("message");
  if (!message) return Violation{"message", "The message is missing."};
  if (auto wrong = check_names(*message, "message", message_names)) return wrong;
  int targets = 0;
  for (const auto* name : {"token", "topic", "condition"}) targets += message->find(name) ? 1 : 0;
  if (targets != 1) return Violation{"message", "Exactly one of token, topic or condition is required"};
  if (const auto data = message->find("data")) {
    if (!data->is(json::Type::object)) return Violation{"message.data", "Invalid value: an object is needed"};
    if (auto wrong = check_texts(*data, "message.data")) return wrong;
    if (auto wrong = check_data_keys(*data)) return wrong;
  }
  if (const auto shown = message->find("notification")) {
    if (auto wrong = check_names(*shown, "message.notification", notification_names)) return wrong;
    if (auto wrong = check_texts(*shown, "message.notification")) return wrong;
  }
  if (const auto android = message->find("android")) {
    if (auto wrong = check_android(*android)) return wrong;
  }
  if (message->raw().size() > largest_message) return Violation{"message.data", "Message too big", true};
  return std::nullopt;
}

}  // namespace loft::simulate
