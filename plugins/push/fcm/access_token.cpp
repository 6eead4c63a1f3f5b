#include "fcm/access_token.hpp"

#include <algorithm>

#include <loft/json.hpp>

#include "common/text.hpp"

namespace loft::push::fcm {
namespace {

constexpr Millis margin = 5 * 60'000;  // so long before its end a token is not used any more
constexpr Millis longest_rest = 60'000;

}  // namespace

Access read_access(const Response& response, Millis& seconds) {
  if (response.failure != Response::Failure::none) return {{}, failure_verdict(response)};
  const auto body = json::parse(response.body);
  const auto member = [&](const char* name) {
    const auto found = body ? body->find(name) : std::nullopt;
    return found ? found->text().value_or("") : std::string();
  };
  const auto token = member("access_token");
  if (response.status == 200 && !token.empty() && is_header_value(token)) {
    const auto lifetime = body->find("expires_in");
    seconds = lifetime ? std::clamp<Millis>(lifetime->integer_or_text().value_or(0), 0, 86'400) : 0;
    return {token, {}};
  }
  const auto reason = reason_word(member("error"), "token_status_" + std::to_string(response.status));
  if (response.status == 429 || response.status >= 500) return {{}, retry(reason, response.retry_after)};
  return {{}, broken(reason)};
}

void AccessToken::get(Function<void(const Access&)> done) {
  Access ready;
  {
    const std::lock_guard lock(mutex_);
    const auto left = until_ - clock_.steady();
    const bool has_any = !access_.token.empty() || !access_.failure.reason.empty();
    if (!has_any || left <= 0) {
      waiting_.push_back(std::move(done));
      if (std::exchange(asking_, true)) return;
    } else {
      ready = access_;
      if (ready.token.empty() && ready.failure.kind == PushVerdict::Kind::retry)
        ready.failure.retry_after = std::max(ready.failure.retry_after, left);
    }
  }
  if (done) return done(ready);
  // Whatever happens, somebody has to say to all who wait what came of it, or they and all later ones wait for good.
  Asking asking(*this);
  courier_.send(request(),
                [asking = std::move(asking)](const Response& response) mutable { asking.arrived(response); });
}

AccessToken::Asking::~Asking() {
  if (asker_ == nullptr) return;
  try {
    asker_->ended({{}, retry("push.failed")}, 0, "the request could not be made");
  } catch (...) {
    // who waited was told
  }
}

void AccessToken::Asking::arrived(const Response& response) {
  Millis seconds = 0;
  auto access = read_access(response, seconds);
  std::exchange(asker_, nullptr)->ended(std::move(access), seconds, response.detail);
}

void AccessToken::forget(const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (access_.token == token) access_ = {}, until_ = 0;
}

Request AccessToken::request() const {
  Request request;
  request.url = account_.token_uri;
  request.headers = {"content-type: application/x-www-form-urlencoded", "expect:"};
  request.body = token_request(account_, clock_.now());
  request.timeout = timeout_;
  return request;
}

void AccessToken::ended(const Access& access, Millis seconds, const std::string& detail) {
  std::vector<Function<void(const Access&)>> waiting;
  {
    const std::lock_guard lock(mutex_);
    access_ = access;
    asking_ = false;
    waiting.swap(waiting_);
    if (!access.token.empty()) {
      failures_ = 0;
      const auto lifetime = seconds * 1000;
      until_ = clock_.steady() + std::max<Millis>(lifetime - std::min(margin, lifetime / 2), 1);
    } else {
      until_ = clock_.steady() + std::min<Millis>(1000LL << std::min(failures_++, 6u), longest_rest);
    }
  }
  if (access.token.empty() && access.failure.reason != "push.stopped")
    log_.warn("no access token for FCM", {{"reason", access.failure.reason}, {"detail", detail}});
  for (auto& done : waiting) {
    try {
      done(access);
    } catch (const std::exception& e) {
      tell_slip(log_, e.what());  // the others wait for the same
    }
  }
}

}  // namespace loft::push::fcm
