#include "fcm/answer.hpp"

#include <algorithm>

#include <loft/json.hpp>

#include "common/text.hpp"
#include "common/verdict.hpp"

namespace loft::push::fcm {
namespace {

using Next = Answer::Next;

/// Google asks for at least a minute where it says nothing of its own.
constexpr Millis quota_rest = 60'000;

struct Said {
  std::string status;            ///< google.rpc.Code, such as NOT_FOUND
  std::string code;              ///< FcmError's, such as UNREGISTERED; empty: it is not FCM that refused
  bool is_of_token = false;      ///< a BadRequest names the field message.token
  bool is_of_others = false;     ///< a BadRequest names another field: our mistake
  bool speaks_of_token = false;  ///< the words do
};

std::string member(const json::Value& value, const char* name) {
  const auto found = value.find(name);
  return found ? found->text().value_or("") : std::string();
}

void hear_detail(const json::Value& detail, Said& said) {
  const auto type = member(detail, "@type");
  if (type.ends_with("FcmError")) said.code = member(detail, "errorCode");
  if (!type.ends_with("BadRequest")) return;
  const auto violations = detail.find("fieldViolations");
  if (!violations) return;
  violations->elements([&](const json::Value& each) {
    (member(each, "field") == "message.token" ? said.is_of_token : said.is_of_others) = true;
    return true;
  });
}

Said hear(const std::string& body) {
  Said said;
  const auto parsed = json::parse(body);
  const auto error = parsed ? parsed->find("error") : std::nullopt;
  if (!error) return said;
  said.status = member(*error, "status");
  said.speaks_of_token = member(*error, "message").find("registration token") != std::string::npos;
  if (const auto details = error->find("details")) {
    details->elements([&](const json::Value& each) {
      hear_detail(each, said);
      return true;
    });
  }
  return said;
}

/// 400: the token's fault, or that of what we wrote. A device is removed only when it is clearly the token's.
Answer bad_request(const Said& said, std::string reason) {
  const bool is_token =
      said.code == "INVALID_ARGUMENT" && !said.is_of_others && (said.is_of_token || said.speaks_of_token);
  return {is_token ? dead(std::move(reason)) : refused(std::move(reason)), Next::none};
}

}  // namespace

Answer read(const Response& response) {
  if (response.status == 200) return {};
  const auto said = hear(response.body);
  auto reason = reason_word(said.code, reason_word(said.status, "status_" + std::to_string(response.status)));
  switch (response.status) {
    case 400:
      return bad_request(said, std::move(reason));
    case 401:
      // Firebase's credentials for Apple or web push are wrong, not ours: other platforms go on.
      if (said.code == "THIRD_PARTY_AUTH_ERROR") return {refused(std::move(reason)), Next::none};
      return {broken(std::move(reason)), Next::new_token};
    case 403:
      if (said.code == "SENDER_ID_MISMATCH") return {dead(std::move(reason)), Next::doubt};
      return {broken(std::move(reason)), Next::none};
    case 404:
      // Without FCM's own word it is the project that is not found.
      return {said.code == "UNREGISTERED" ? dead(std::move(reason)) : broken(std::move(reason)), Next::none};
    case 429:
      return {retry(std::move(reason), response.retry_after != 0 ? response.retry_after : quota_rest), Next::none};
    default:
      break;
  }
  if (response.status >= 500) return {retry(std::move(reason), response.retry_after), Next::none};
  return {response.status < 400 ? broken(std::move(reason)) : refused(std::move(reason)), Next::none};
}

}  // namespace loft::push::fcm
