#include "common/verdict.hpp"

namespace loft::push {

PushVerdict failure_verdict(const Response& response) {
  using Failure = Response::Failure;
  switch (response.failure) {
    case Failure::unreachable:
      return retry("push.unreachable");
    case Failure::timed_out:
      return retry("push.timeout");
    case Failure::certificate:
      return broken("push.certificate");
    case Failure::login:
      return broken("push.login");
    case Failure::full:
      return retry("push.window");
    case Failure::stopped:
      return retry("push.stopped");
    case Failure::none:
    case Failure::lost:
      break;
  }
  return retry("push.connection_lost");
}

void tell_slip(Logger& log, const char* what) {
  log.error("an answer of a push provider could not be dealt with; this is a bug", {{"what", what}});
}

Error verify_error(const PushVerdict& verdict, const Response& response, std::string_view where) {
  std::string detail(where);
  detail += response.failure == Response::Failure::none
                ? " answers " + std::to_string(response.status) + " " + verdict.reason
                : " cannot be asked: " + response.detail;
  const bool ours = verdict.kind == PushVerdict::Kind::broken || verdict.kind == PushVerdict::Kind::refused;
  return {ours ? Code::invalid : Code::unavailable, verdict.reason, std::move(detail)};
}

}  // namespace loft::push
