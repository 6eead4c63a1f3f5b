#include "simulate/google.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <random>

#include <loft/json.hpp>

#include "simulate/jwt_check.hpp"
#include "simulate/message_rules.hpp"

namespace loft::simulate {
namespace {

constexpr std::string_view scope = "https://www.googleapis.com/auth/firebase.messaging";
constexpr std::string_view platform_scope = "https://www.googleapis.com/auth/cloud-platform";
constexpr std::string_view google_token_uri = "https://oauth2.googleapis.com/token";
constexpr std::int64_t hour = 3600, clock_slip = 60;

Millis now_millis() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Reply json_reply(unsigned status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.headers.emplace_back("content-type", "application/json; charset=UTF-8");
  reply.body = std::move(body);
  return reply;
}

struct Problem {
  unsigned status;
  std::string_view name;  ///< google.rpc.Code
  std::string_view code;  ///< FcmError; empty: none
  std::string_view message;
  std::string field;  ///< BadRequest; empty: none
};

Reply refuse(const Problem& problem) {
  std::string out;
  json::Writer w(out);
  w.object().key("error").object().key("code").number(problem.status).key("message").string(problem.message);
  w.key("status").string(problem.name).key("details").array();
  if (!problem.code.empty()) {
    w.object().key("@type").string("type.googleapis.com/google.firebase.fcm.v1.FcmError");
    w.key("errorCode").string(problem.code).end_object();
  }
  if (!problem.field.empty()) {
    w.object().key("@type").string("type.googleapis.com/google.rpc.BadRequest").key("fieldViolations").array();
    w.object().key("field").string(problem.field).key("description").string(problem.message).end_object();
    w.end_array().end_object();
  }
  w.end_array().end_object().end_object();
  return json_reply(problem.status, std::move(out));
}

constexpr std::string_view bad_token_words = "The registration token is not a valid FCM registration token";

Problem problem_of(unsigned status, std::string_view reason) {
  if (status == 400 && (reason.empty() || reason == "INVALID_ARGUMENT"))
    return {400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", bad_token_words, "message.token"};
  if (status == 401 && reason.empty())
    return {401, "UNAUTHENTICATED", "", "Request had invalid authentication credentials.", ""};
  if (status == 401) return {401, "UNAUTHENTICATED", reason, "Auth error from APNS or Web Push Service", ""};
  if (status == 403) return {403, "PERMISSION_DENIED", reason, "SenderId mismatch", ""};
  if (status == 404 || status == 410) return {404, "NOT_FOUND", "UNREGISTERED", "Requested entity was not found.", ""};
  if (status == 429) return {429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", "Quota exceeded", ""};
  if (status == 503) return {503, "UNAVAILABLE", "UNAVAILABLE", "The service is currently unavailable.", ""};
  if (status >= 500) return {status, "INTERNAL", "INTERNAL", "Internal error encountered.", ""};
  return {status, "INVALID_ARGUMENT", reason, "Invalid", ""};
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const auto* const digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string form_field(std::string_view body, std::string_view name) {
  while (!body.empty()) {
    const auto pair = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(pair.size() + 1, body.size()));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return decoded(pair.substr(name.size() + 1));
  }
  return {};
}

Reply refuse_grant(std::string_view error, std::string_view why) {
  std::string out;
  json::Writer(out).object().key("error").string(error).key("error_description").string(why).end_object();
  return json_reply(400, std::move(out));
}

bool has_scope(const std::string& said) {
  return said.find(scope) != std::string::npos || said.find(platform_scope) != std::string::npos;
}

}  // namespace

Reply GoogleSide::answer(const Call& call) {
  if (call.path == "/token") return give_token(call);
  if (call.path == "/v1/projects/" + rules_.project + "/messages:send") return send(call);
  if (call.path.starts_with("/v1/projects/"))
    return refuse(
        {403, "PERMISSION_DENIED", "", "Permission 'cloudmessaging.messages.create' denied on that project", ""});
  return refuse({404, "NOT_FOUND", "", "There is nothing under this address.", ""});
}

Reply GoogleSide::give_token(const Call& call) {
  if (call.method != "POST") return refuse_grant("invalid_request", "POST is needed");
  if (!call.header("content-type").starts_with("application/x-www-form-urlencoded"))
    return refuse_grant("invalid_request", "The body is to be application/x-www-form-urlencoded");
  if (form_field(call.body, "grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer")
    return refuse_grant("unsupported_grant_type", "Invalid grant_type");
  const auto jwt = check_jwt(form_field(call.body, "assertion"), rules_.public_key);
  if (!jwt || jwt->algorithm != "RS256") return refuse_grant("invalid_grant", "Invalid JWT Signature.");
  const auto now = now_millis() / 1000;
  if (jwt->issuer != rules_.client_email) return refuse_grant("invalid_grant", "Invalid grant: account not found");
  if (!jwt->key_id.empty() && jwt->key_id != rules_.key_id)
    return refuse_grant("invalid_grant", "Invalid JWT Signature.");
  if (jwt->audience != rules_.token_uri && jwt->audience != google_token_uri)
    return refuse_grant("invalid_grant", "Invalid JWT: Failed audience check.");
  if (!has_scope(jwt->scope))
    return refuse_grant("invalid_scope", "Invalid OAuth scope or ID token audience provided.");
  if (jwt->issued <= 0 || jwt->issued > now + clock_slip || jwt->expires <= now || jwt->expires > jwt->issued + hour)
    return refuse_grant("invalid_grant",
                        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                        "Check your iat and exp values in the JWT claim.");
  static std::mt19937_64 chance{std::random_device{}()};
  const auto token = "ya29.simulated-" + std::to_string(++tokens_given_) + "-" + std::to_string(chance());
  tokens_[token] = now_millis() + rules_.token_seconds * 1000;
  std::string out;
  json::Writer w(out);
  w.object()
      .key("access_token")
      .string(token)
      .key("expires_in")
      .number(rules_.token_seconds)
      .key("token_type")
      .string("Bearer")
      .end_object();
  auto reply = json_reply(200, std::move(out));
  reply.delay = rules_.token_slow;
  return reply;
}

bool GoogleSide::is_authorized(const Call& call) const {
  const auto header = call.header("authorization");
  if (!header.starts_with("Bearer ")) return false;
  const auto found = tokens_.find(std::string(header.substr(7)));
  return found != tokens_.end() && found->second > now_millis();
}

Reply GoogleSide::fault(const Fault& fault) const {
  return played(fault, rules_.retry_after, [&] { return refuse(problem_of(fault.status, fault.reason)); });
}

Reply GoogleSide::send(const Call& call) {
  if (call.method != "POST") return refuse({404, "NOT_FOUND", "", "POST is needed", ""});
  if (!is_authorized(call)) return refuse(problem_of(401, ""));
  const auto body = json::parse(call.body);
  if (!body || !body->is(json::Type::object))
    return refuse({400, "INVALID_ARGUMENT", "", "Invalid JSON payload received.", "body"});
  if (const auto violation = check_message(*body))
    return refuse(
        {400, "INVALID_ARGUMENT", violation->is_of_fcm ? "INVALID_ARGUMENT" : "", violation->words, violation->field});
  const auto message = *body->find("message");
  const auto token = message.find("token") ? message.find("token")->text().value_or("") : std::string();
  const bool dry = body->find("validate_only") && body->find("validate_only")->boolean().value_or(false);
  Reply reply;
  if (!token.empty()) {
    const auto asked = faults_.at(token);
    if (asked) reply = fault(*asked);
    if (asked && asked->kind == Fault::Kind::slow) reply.delay = rules_.slow;
    if (!asked && token.size() < 10) return refuse(problem_of(400, ""));
    if (reply.how != Reply::How::answer || reply.status != 200) return reply;
  }
  const auto name = "projects/" + rules_.project + "/messages/" + std::to_string(++messages_);
  if (!dry) {
    std::string line;
    json::Writer w(line);
    w.object()
        .key("at")
        .number(now_millis())
        .key("service")
        .string("fcm")
        .key("token")
        .string(token)
        .key("id")
        .string(name);
    w.key("connection").number(call.connection->number).key("message").raw(message.raw()).end_object();
    file_.write(line);
  }
  const auto delay = reply.delay;
  std::string out;
  json::Writer(out).object().key("name").string(name).end_object();
  reply = json_reply(200, std::move(out));
  reply.delay = delay;
  return reply;
}

}  // namespace loft::simulate
