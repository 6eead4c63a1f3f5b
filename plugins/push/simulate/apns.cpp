#include "simulate/apns.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>

#include <loft/json.hpp>
#include <loft/uuid.hpp>

#include "simulate/jwt_check.hpp"

namespace loft::simulate {
namespace {

constexpr std::size_t largest_payload = 4096, largest_voip_payload = 5120;
constexpr std::int64_t hour = 3600, shortest_token_age = 1200, clock_slip = 60;
constexpr std::string_view path_begin = "/3/device/";
constexpr std::array push_types = {"alert", "background",   "location",   "voip",    "complication", "fileprovider",
                                   "mdm",   "liveactivity", "pushtotalk", "widgets", "controls"};
constexpr std::array topic_ends = {"",
                                   ".voip",
                                   ".complication",
                                   ".pushkit.fileprovider",
                                   ".location-query",
                                   ".push-type.liveactivity",
                                   ".voip-ptt",
                                   ".push-type.widgets",
                                   ".push-type.controls"};

std::int64_t now_millis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

unsigned status_of(std::string_view reason) {
  if (reason.ends_with("ProviderToken") || reason == "Forbidden" || reason.starts_with("BadCertificate")) return 403;
  if (reason == "BadPath") return 404;
  if (reason == "MethodNotAllowed") return 405;
  if (reason == "Unregistered" || reason == "ExpiredToken") return 410;
  if (reason == "PayloadTooLarge") return 413;
  if (reason.starts_with("TooMany")) return 429;
  return 400;
}

std::string_view reason_of(unsigned status) {
  switch (status) {
    case 403:
      return "InvalidProviderToken";
    case 404:
      return "BadPath";
    case 405:
      return "MethodNotAllowed";
    case 410:
      return "Unregistered";
    case 413:
      return "PayloadTooLarge";
    case 429:
      return "TooManyRequests";
    case 503:
      return "ServiceUnavailable";
    default:
      return status >= 500 ? "InternalServerError" : "BadDeviceToken";
  }
}

Reply refuse(unsigned status, std::string_view reason, std::int64_t timestamp = 0) {
  Reply reply;
  reply.status = status;
  json::Writer w(reply.body);
  w.object().key("reason").string(reason);
  if (status == 410) w.key("timestamp").number(timestamp != 0 ? timestamp : now_millis());
  w.end_object();
  return reply;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_hex_token(std::string_view text) {
  return text.size() >= 64 && text.size() <= 200 && text.size() % 2 == 0 &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

std::string new_uuid() {
  static std::mt19937_64 chance{std::random_device{}()};
  return derived_uuid(UuidKind::event, chance() >> 12);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string check_payload(const Call& call) {
  if (call.body.empty()) return "PayloadEmpty";
  const auto type = call.header("apns-push-type");
  if (call.body.size() > (type == "voip" ? largest_voip_payload : largest_payload)) return "PayloadTooLarge";
  const auto payload = json::parse(call.body);
  const auto aps = payload ? payload->find("aps") : std::nullopt;
  if (!aps || !aps->is(json::Type::object)) return "PayloadEmpty";
  if (type == "background" && (aps->find("alert") || aps->find("sound") || !aps->find("content-available")))
    return "InvalidPushType";
  return {};
}

std::string written(const Call& call, std::string_view token, std::string_view id) {
  std::string out;
  json::Writer w(out);
  w.object().key("at").number(now_millis()).key("service").string("apns").key("token").string(token);
  w.key("id").string(id).key("connection").number(call.connection->number);
  for (const auto& [key, header] : {std::pair{"topic", "apns-topic"},
                                    {"push_type", "apns-push-type"},
                                    {"priority", "apns-priority"},
                                    {"expiration", "apns-expiration"},
                                    {"collapse_id", "apns-collapse-id"}}) {
    w.key(key).string(call.header(header));
  }
  w.key("payload").raw(call.body).end_object();
  return out;
}

}  // namespace

std::string ApnsSide::check_token(const Call& call) const {
  constexpr std::string_view scheme = "bearer ";
  const auto header = call.header("authorization");
  if (header.size() <= scheme.size() || lower(header.substr(0, scheme.size())) != scheme) return "MissingProviderToken";
  const std::string token(header.substr(scheme.size()));
  auto& connection = *call.connection;
  const auto now = now_millis() / 1000;
  if (token != connection.provider_token) {
    const auto jwt = check_jwt(token, rules_.public_key);
    if (!jwt || jwt->algorithm != "ES256" || jwt->key_id != rules_.key_id || jwt->issuer != rules_.team_id ||
        jwt->issued <= 0 || jwt->issued > now + clock_slip)
      return "InvalidProviderToken";
    if (now - jwt->issued > hour) return "ExpiredProviderToken";
    if (!connection.provider_token.empty() && jwt->issued - connection.issued < shortest_token_age)
      return "TooManyProviderTokenUpdates";
    connection.provider_token = token;
    connection.issued = jwt->issued;
  }
  return now - connection.issued > hour ? "ExpiredProviderToken" : "";
}

std::string ApnsSide::check_headers(const Call& call) const {
  for (const auto& header : call.headers) {
    if ((header.first.starts_with("apns-") || header.first == "authorization") && call.count(header.first) > 1)
      return "DuplicateHeaders";
  }
  if (call.count("apns-id") != 0 && !is_uuid(lower(call.header("apns-id")))) return "BadMessageId";
  if (call.count("apns-expiration") != 0 && !is_number(call.header("apns-expiration"))) return "BadExpirationDate";
  if (call.header("apns-collapse-id").size() > 64) return "BadCollapseId";
  const auto topic = call.header("apns-topic");
  if (topic.empty()) return "MissingTopic";
  if (std::none_of(rules_.topics.begin(), rules_.topics.end(), [&](const auto& ours) {
        return std::any_of(topic_ends.begin(), topic_ends.end(), [&](const char* end) { return topic == ours + end; });
      }))
    return "TopicDisallowed";
  const auto type = call.header("apns-push-type");
  if (!type.empty() && std::find(push_types.begin(), push_types.end(), type) == push_types.end())
    return "InvalidPushType";
  const auto priority = call.header("apns-priority");
  if (!priority.empty() && priority != "1" && priority != "5" && priority != "10") return "BadPriority";
  if (type == "background" && priority != "5") return "BadPriority";
  return {};
}

Reply ApnsSide::fault(const Fault& fault) const {
  return played(fault, rules_.retry_after, [&] {
    return refuse(fault.status, fault.reason.empty() ? reason_of(fault.status) : fault.reason, fault.timestamp);
  });
}

Reply ApnsSide::answer(const Call& call) {
  std::string reason;
  if (call.method != "POST") reason = "MethodNotAllowed";
  if (reason.empty() && !call.path.starts_with(path_begin)) reason = "BadPath";
  const auto token = reason.empty() ? call.path.substr(path_begin.size()) : std::string();
  if (reason.empty() && token.empty()) reason = "MissingDeviceToken";
  if (reason.empty()) reason = check_token(call);
  if (reason.empty()) reason = check_headers(call);
  if (reason.empty()) reason = check_payload(call);
  if (reason.empty() && !is_hex_token(token) && !Faults::is_asked(token)) reason = "BadDeviceToken";
  const auto given = call.header("apns-id");
  const auto id = given.empty() || reason == "BadMessageId" ? new_uuid() : std::string(given);
  Reply reply;
  if (!reason.empty()) {
    reply = refuse(status_of(reason), reason);
  } else {
    const auto asked = faults_.at(token);
    if (asked) reply = fault(*asked);
    if (asked && asked->kind == Fault::Kind::slow) reply.delay = rules_.slow;
    if (reply.how == Reply::How::answer && reply.status == 200) file_.write(written(call, token, id));
  }
  reply.headers.emplace_back("apns-id", id);
  return reply;
}

}  // namespace loft::simulate
