#include "fcm/fcm.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "common/registration.hpp"
#include "common/text.hpp"

namespace loft::push {
namespace {

using Steady = std::chrono::steady_clock;

Error wrong(std::string option, std::string detail) { return {Code::invalid, std::move(option), std::move(detail)}; }

}  // namespace

struct Fcm::Attempt {
  std::string body;
  std::string access_token;
  bool asked_again = false;
  Steady::time_point begun = Steady::now();
  Owed done;

  explicit Attempt(Owed done) : done(std::move(done)) {}
  Millis spent() const { return std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begun).count(); }
};

void Fcm::options(OptionTable& table) {
  table.text("service_account", service_account_,
             "File of the service account (JSON) from Firebase's console, readable by the host's user alone.");
  table
      .text("server_key", server_key_,
            "Of the legacy API, which Google has switched off: refused, so that nobody waits for its notifications.")
      .secret();
  table.text("endpoint", endpoint_, "Where FCM is; another service that speaks as it does, for rehearsals.");
  table.text("token_uri", token_uri_, "Where access tokens are had. Empty: what the service account's file says.");
  table.text("android_channel", look_.android_channel, "Android's notification channel; empty: the app's default.");
  table.text("sound", look_.sound, "The sound that is played; empty: none.");
  table.text(
      "hidden_text", look_.hidden_text,
      "On iPhones, what is shown where a notification may show neither sender nor text, until the app's extension "
      "puts its own in that place. Empty: such a notification wakes the app in the background.");
  http_.add_to(table);
}

Result<void> Fcm::configure() {
  if (!server_key_.empty()) {
    return wrong(
        "server_key",
        "belongs to FCM's legacy API, which Google has switched off in 2024: nothing would arrive. Take the key "
        "of a service account instead: Firebase console, Project settings, Service accounts, Generate new "
        "private key; name that file in push.fcm.service_account and remove server_key");
  }
  if (service_account_.empty()) {
    return wrong("service_account",
                 "is needed: the path of the JSON file from Firebase's console, Project settings, Service accounts, "
                 "Generate new private key");
  }
  while (endpoint_.ends_with('/')) endpoint_.pop_back();
  if (auto checked = check_endpoint("endpoint", endpoint_); !checked) return checked;
  return token_uri_.empty() ? Result<void>() : check_endpoint("token_uri", token_uri_);
}

void Fcm::setup(Host& host) {
  host_ = &host;
  auto file = read_secret_file(service_account_);
  if (!file) throw std::runtime_error("service_account: " + file.error().detail);
  auto account = fcm::read_service_account(file->text);
  if (!account) throw std::runtime_error("service_account: " + service_account_ + " " + account.error().detail);
  if (file->is_open_to_others) {
    host.log().warn("other users can read the service account's key; `chmod 600` it",
                    {{"option", "service_account"}, {"path", service_account_}});
  }
  account_ = std::move(*account);
  if (!token_uri_.empty()) account_->token_uri = token_uri_;
  if (const auto checked = check_endpoint("token_uri", account_->token_uri); !checked)
    throw std::runtime_error("service_account: its token_uri " + checked.error().detail);
  check_devices(host, "fcm", [](const Device& device) {
    return is_plain_token(device.token) ? "" : "the token is none of FCM's: letters, digits and -_:.~%+/= alone";
  });
  courier_ = std::make_unique<Courier>(http_.courier(host.log()));
  access_ = std::make_unique<fcm::AccessToken>(*account_, *courier_, host.clock(), host.log(), token_time());
}

void Fcm::start() { courier_->start(); }

void Fcm::stop(Millis) noexcept {
  if (courier_) courier_->stop();
}

/// Half of what a notification may take, so that the other half is left for itself. With it, and a second attempt only
/// in the first half, all of them together keep `longest`.
Millis Fcm::token_time() const { return std::max<Millis>(http_.timeout / 2, 1'000); }

Request Fcm::request(std::string body, std::string_view access_token) const {
  Request request;
  request.url = endpoint_ + "/v1/projects/" + account_->project + "/messages:send";
  request.headers = {"authorization: Bearer " + std::string(access_token), "content-type: application/json", "expect:"};
  request.body = std::move(body);
  request.timeout = http_.timeout;
  return request;
}

void Fcm::send(const Notification& notification, Function<void(PushVerdict)> done) {
  if (!is_plain_token(notification.device.token)) return done(dead("push.bad_token"));
  const auto now = host_->clock().now();
  if (notification.expires <= now) return done(refused("push.expired"));
  auto attempt = std::make_unique<Attempt>(Owed(std::move(done)));
  attempt->body = fcm::message(notification, look_, now);
  authorize(std::move(attempt));
}

void Fcm::authorize(std::unique_ptr<Attempt> attempt) {
  access_->get([this, attempt = std::move(attempt)](const fcm::Access& access) mutable {
    if (access.token.empty()) return attempt->done(access.failure);
    attempt->access_token = access.token;
    go(std::move(attempt));
  });
}

void Fcm::go(std::unique_ptr<Attempt> attempt) {
  auto next = request(attempt->body, attempt->access_token);
  next.timeout = std::max<Millis>(http_.timeout - attempt->spent(), 1'000);
  courier_->send(std::move(next), [this, attempt = std::move(attempt)](const Response& response) mutable {
    arrived(std::move(attempt), response);
  });
}

void Fcm::arrived(std::unique_ptr<Attempt> attempt, const Response& response) {
  using Next = fcm::Answer::Next;
  if (response.failure != Response::Failure::none) {
    if (!response.detail.empty() && told_failure_.may_tell(host_->clock().steady()))
      host_->log().warn("the provider cannot be reached as it should", {{"reason", response.detail}});
    return attempt->done(failure_verdict(response));
  }
  auto answer = fcm::read(response);
  if (answer.next == Next::new_token && !attempt->asked_again) {
    access_->forget(attempt->access_token);
    if (attempt->spent() > http_.timeout / 2) return attempt->done(retry(std::move(answer.verdict.reason)));
    attempt->asked_again = true;
    return authorize(std::move(attempt));
  }
  if (answer.verdict.kind == PushVerdict::Kind::accepted) doubt_.accepted();
  if (answer.next == Next::doubt) answer.verdict = believed(std::move(answer.verdict));
  if (answer.verdict.reason == "THIRD_PARTY_AUTH_ERROR" && told_third_party_.may_tell(host_->clock().steady())) {
    host_->log().warn("FCM's own credentials for Apple or web push are wrong; they are set in Firebase's console",
                      {{"reason", answer.verdict.reason}});
  }
  attempt->done(std::move(answer.verdict));
}

PushVerdict Fcm::believed(PushVerdict verdict) {
  const auto belief = doubt_.called_bad();
  if (belief == TokenDoubt::Belief::dead) return verdict;
  if (told_doubt_.may_tell(host_->clock().steady())) {
    host_->log().warn(
        "FCM calls device tokens another project's, and has accepted none since the start: they are kept; "
        "is it the service account of the app's project?",
        {{"reason", verdict.reason}});
  }
  return belief == TokenDoubt::Belief::unsure ? refused(std::move(verdict.reason)) : broken(std::move(verdict.reason));
}

Result<void> Fcm::verify() {
  auto response = courier_->ask(access_->request());
  Millis seconds = 0;
  const auto access = fcm::read_access(response, seconds);
  if (access.token.empty()) return verify_error(access.failure, response, account_->token_uri);
  // Checked by FCM like any message, and sent to nobody.
  constexpr std::string_view question =
      R"({"validate_only":true,"message":{"topic":"loft-verify","data":{"verify":"1"}}})";
  response = courier_->ask(request(std::string(question), access.token));
  if (response.failure != Response::Failure::none) return verify_error(failure_verdict(response), response, endpoint_);
  const auto answer = fcm::read(response);
  if (answer.verdict.kind == PushVerdict::Kind::accepted) return {};
  return verify_error(answer.verdict, response, endpoint_);
}

}  // namespace loft::push
