#include "apns/answer.hpp"

#include <algorithm>
#include <array>

#include <loft/json.hpp>

#include "common/text.hpp"
#include "common/verdict.hpp"

namespace loft::push::apns {
namespace {

using Kind = PushVerdict::Kind;
using Next = Answer::Next;

struct Row {
  std::string_view reason;
  Kind kind;
  Next next = Next::none;
};

// Apple's list, "Handling notification responses from APNs".
constexpr std::array rows = {
    Row{"BadDeviceToken", Kind::dead_token, Next::doubt},
    Row{"DeviceTokenNotForTopic", Kind::dead_token, Next::doubt},
    Row{"ExpiredToken", Kind::dead_token},
    Row{"Unregistered", Kind::dead_token},
    Row{"BadCollapseId", Kind::refused},
    Row{"BadExpirationDate", Kind::refused},
    Row{"BadMessageId", Kind::refused},
    Row{"BadPath", Kind::refused},
    Row{"BadPriority", Kind::refused},
    Row{"DuplicateHeaders", Kind::refused},
    Row{"InvalidPushType", Kind::refused},
    Row{"MissingDeviceToken", Kind::refused},
    Row{"PayloadEmpty", Kind::refused},
    Row{"PayloadTooLarge", Kind::refused, Next::smaller},
    Row{"BadTopic", Kind::broken, Next::topic},
    Row{"MissingTopic", Kind::broken},
    Row{"TopicDisallowed", Kind::broken, Next::topic},
    Row{"BadCertificate", Kind::broken},
    Row{"BadCertificateEnvironment", Kind::broken},
    Row{"BadEnvironmentKeyInToken", Kind::broken},
    Row{"BadEnvironmentKeyIdInToken", Kind::broken},
    Row{"ExpiredProviderToken", Kind::broken, Next::new_token},
    Row{"Forbidden", Kind::broken},
    Row{"InvalidProviderToken", Kind::broken},
    Row{"MissingProviderToken", Kind::broken},
    Row{"UnrelatedKeyIdInToken", Kind::broken},
    Row{"MethodNotAllowed", Kind::broken},
    Row{"IdleTimeout", Kind::retry},
    Row{"TooManyProviderTokenUpdates", Kind::retry},
    Row{"TooManyRequests", Kind::retry},
    Row{"InternalServerError", Kind::retry},
    Row{"ServiceUnavailable", Kind::retry},
    Row{"Shutdown", Kind::retry},
};

Kind kind_of_status(long status) {
  if (status == 410) return Kind::dead_token;
  if (status == 403 || status == 405 || status < 400) return Kind::broken;
  return status == 429 || status >= 500 ? Kind::retry : Kind::refused;
}

}  // namespace

Answer read(const Response& response) {
  if (response.status == 200) return {};
  std::string said;
  Millis since = 0;
  if (const auto body = json::parse(response.body)) {
    if (const auto reason = body->find("reason")) said = reason->text().value_or("");
    if (const auto timestamp = body->find("timestamp"))
      since = std::max<Millis>(timestamp->integer_or_text().value_or(0), 0);
  }
  Answer answer;
  answer.verdict.reason = reason_word(said, "status_" + std::to_string(response.status));
  answer.verdict.kind = kind_of_status(response.status);
  const auto row = std::find_if(rows.begin(), rows.end(), [&](auto& each) { return each.reason == said; });
  if (row != rows.end()) {
    answer.verdict.kind = row->kind;
    answer.next = row->next;
  }
  if (answer.verdict.kind == Kind::dead_token) answer.verdict.since = since;
  if (answer.verdict.kind == Kind::retry) answer.verdict.retry_after = response.retry_after;
  return answer;
}

}  // namespace loft::push::apns
