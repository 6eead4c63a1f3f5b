#include "apns/apns.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "common/registration.hpp"
#include "common/text.hpp"

namespace loft::push {
namespace {

using Steady = std::chrono::steady_clock;

bool is_apple_id(std::string_view text) {
  return text.size() == 10 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

bool is_bundle_id(std::string_view text) {
  return !text.empty() && text.size() <= 155 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
}

/// It stands in the path, in which dots and escapes mean something.
bool is_path_token(std::string_view text) {
  return is_plain_token(text) && text.find_first_of(".%~:+/=") == std::string_view::npos;
}

/// As Apple's documents have apps write them; of any length.
bool is_hex(std::string_view text) {
  return !text.empty() && text.size() % 2 == 0 &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

Error wrong(std::string option, std::string detail) { return {Code::invalid, std::move(option), std::move(detail)}; }

}  // namespace

struct Apns::Attempt {
  Notification notification;
  std::string topic;
  std::string provider_token;
  std::size_t limit = apns::largest_payload;
  bool signed_again = false;
  Steady::time_point begun = Steady::now();
  Owed done;

  explicit Attempt(Owed done) : done(std::move(done)) {}
};

void Apns::options(OptionTable& table) {
  table.text("key_id", key_id_, "The key's id in Apple's portal: ten capital letters and digits.").required();
  table.text("team_id", team_id_, "The developer team's id: ten capital letters and digits.").required();
  table.text("bundle_id", bundle_id_, "The app's bundle id, such as org.example.chat; it is the topic.").required();
  table.text("key_path", key_path_, "File with the key (AuthKey_<key id>.p8), readable by the host's user alone.")
      .required();
  table.boolean("production", production_, "Apple's service for apps from the store; false: for builds of developers.");
  table.text("endpoint", endpoint_, "Another service that speaks as Apple's does, for rehearsals. Empty: Apple's.");
  table.list("apps", apps_,
             "Bundle ids of further apps of the team; a device that was registered for one has it as its topic.");
  table.text("sound", look_.sound, "The sound that is played; empty: none.");
  table.text("hidden_text", look_.hidden_text,
             "Shown where a notification may show neither sender nor text, until the app's extension puts its own in "
             "that place. Empty, and no `hidden_loc_key`: such a notification wakes the app in the background.");
  table.text("hidden_loc_key", look_.hidden_loc_key,
             "Key of a text in the app, in its user's language, that is shown in place of `hidden_text`.");
  http_.add_to(table);
}

Result<void> Apns::configure() {
  if (!is_apple_id(key_id_))
    return wrong("key_id", "is ten capital letters and digits, as in the name AuthKey_<key id>.p8");
  if (!is_apple_id(team_id_))
    return wrong("team_id", "is ten capital letters and digits; Apple's portal shows it under Membership");
  if (!is_bundle_id(bundle_id_))
    return wrong("bundle_id", "is letters, digits, dots and hyphens, such as org.example.chat");
  for (const auto& app : apps_) {
    if (!is_bundle_id(app))
      return wrong("apps", "holds a bundle id that is none; they are letters, digits, dots and hyphens");
  }
  if (endpoint_.empty()) return {};
  while (endpoint_.ends_with('/')) endpoint_.pop_back();
  return check_endpoint("endpoint", endpoint_);
}

void Apns::setup(Host& host) {
  host_ = &host;
  auto file = read_secret_file(key_path_);
  if (!file) throw std::runtime_error("key_path: " + file.error().detail);
  auto signer = Signer::from_pem(Signer::Kind::es256, file->text);
  if (!signer) throw std::runtime_error("key_path: " + key_path_ + " " + signer.error().detail);
  if (file->is_open_to_others)
    host.log().warn("other users can read the key; `chmod 600` it", {{"option", "key_path"}, {"path", key_path_}});
  token_ = std::make_unique<ProviderToken>(std::move(*signer), key_id_, team_id_, host.clock());
  courier_ = std::make_unique<Courier>(http_.courier(host.log()));
  doubts_.try_emplace(bundle_id_);
  for (const auto& app : apps_) doubts_.try_emplace(app);
  check_devices(host, "apns", [this](const Device& device) { return wrong_with(device); });
}

void Apns::start() { courier_->start(); }

void Apns::stop(Millis) noexcept {
  if (courier_) courier_->stop();
}

std::string Apns::base() const {
  if (!endpoint_.empty()) return endpoint_;
  return production_ ? "https://api.push.apple.com" : "https://api.sandbox.push.apple.com";
}

std::optional<std::string> Apns::topic(const std::string& app) const {
  if (app.empty() || app == bundle_id_) return bundle_id_;
  if (std::find(apps_.begin(), apps_.end(), app) == apps_.end()) return std::nullopt;
  return app;
}

std::string Apns::wrong_with(const Device& device) const {
  // Another service, for rehearsals, may have tokens of its own.
  if (endpoint_.empty() ? !is_hex(device.token) : !is_path_token(device.token)) {
    return "the token of an Apple device is its bytes as hexadecimal digits, two for each, not base64 and not a "
           "description";
  }
  return topic(device.app) ? "" : "app must be the bundle id of an app that this host serves, or be left out";
}

Request Apns::request(const Notification& notification, const std::string& topic, std::string_view provider_token,
                      std::size_t limit) const {
  const bool silent = apns::is_silent(notification, look_);
  Request request;
  request.url = base() + "/3/device/" + notification.device.token;
  request.body = apns::payload(notification, look_, limit);
  request.timeout = http_.timeout;
  request.headers = {"authorization: bearer " + std::string(provider_token),
                     "apns-topic: " + topic,
                     std::string("apns-push-type: ") + (silent ? "background" : "alert"),
                     std::string("apns-priority: ") + (silent ? "5" : "10"),
                     "apns-expiration: " + std::to_string(notification.expires / 1000),
                     "apns-id: " + notification.id,
                     "content-type: application/json",
                     "expect:"};
  if (!notification.collapse_key.empty()) request.headers.push_back("apns-collapse-id: " + notification.collapse_key);
  return request;
}

void Apns::send(const Notification& notification, Function<void(PushVerdict)> done) {
  if (!is_path_token(notification.device.token)) return done(dead("push.bad_token"));
  if (notification.expires <= host_->clock().now()) return done(refused("push.expired"));
  const auto topic = this->topic(notification.device.app);
  if (!topic) {
    if (told_app_.may_tell(host_->clock().steady()))
      host_->log().warn("a device is of an app that neither `bundle_id` nor `apps` names; nothing is sent to it",
                        {{"app", notification.device.app}});
    return done(refused("push.unknown_app"));
  }
  if (!is_header_value(notification.id) || !is_header_value(notification.collapse_key) ||
      notification.collapse_key.size() > 64)
    return done(refused("push.bad_id"));
  auto attempt = std::make_unique<Attempt>(Owed(std::move(done)));
  attempt->notification = notification;
  attempt->topic = *topic;
  attempt->provider_token = token_->current();
  go(std::move(attempt));
}

void Apns::go(std::unique_ptr<Attempt> attempt) {
  auto next = request(attempt->notification, attempt->topic, attempt->provider_token, attempt->limit);
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - attempt->begun).count();
  next.timeout = std::max<Millis>(http_.timeout - spent, 1'000);
  courier_->send(std::move(next), [this, attempt = std::move(attempt)](const Response& response) mutable {
    arrived(std::move(attempt), response);
  });
}

void Apns::arrived(std::unique_ptr<Attempt> attempt, const Response& response) {
  using Next = apns::Answer::Next;
  if (response.failure != Response::Failure::none) {
    if (!response.detail.empty() && told_failure_.may_tell(host_->clock().steady()))
      host_->log().warn("the provider cannot be reached as it should", {{"reason", response.detail}});
    return attempt->done(failure_verdict(response));
  }
  auto answer = apns::read(response);
  if (answer.next == Next::new_token && !attempt->signed_again) {
    if (auto fresh = token_->renew(attempt->provider_token)) {
      attempt->provider_token = std::move(*fresh);
      attempt->signed_again = true;
      return go(std::move(attempt));
    }
  }
  if (answer.next == Next::smaller && attempt->limit == apns::largest_payload) {
    attempt->limit /= 2;
    return go(std::move(attempt));
  }
  if (answer.verdict.kind == PushVerdict::Kind::accepted) doubts_.at(attempt->topic).accepted();
  if (answer.next == Next::topic) answer.verdict = not_ours(attempt->topic, std::move(answer.verdict));
  if (answer.next == Next::doubt) answer.verdict = believed(attempt->topic, std::move(answer.verdict));
  attempt->done(std::move(answer.verdict));
}

/// The whole channel rests only where none does.
bool Apns::another_app_works(const std::string& topic) const {
  return std::any_of(doubts_.begin(), doubts_.end(),
                     [&](auto& each) { return each.first != topic && each.second.has_accepted(); });
}

PushVerdict Apns::not_ours(const std::string& topic, PushVerdict verdict) {
  if (!another_app_works(topic)) return verdict;
  if (told_app_.may_tell(host_->clock().steady()))
    host_->log().warn("the key is not for one of the apps; nothing is sent to its devices",
                      {{"app", topic}, {"reason", verdict.reason}});
  return refused(std::move(verdict.reason));
}

PushVerdict Apns::believed(const std::string& topic, PushVerdict verdict) {
  const auto belief = doubts_.at(topic).called_bad();
  if (belief == TokenDoubt::Belief::dead) return verdict;
  if (told_doubt_.may_tell(host_->clock().steady())) {
    host_->log().warn(
        "the provider calls device tokens of an app bad, and has accepted none of that app since the start: they are "
        "kept; are `production`, and `bundle_id` or `apps`, right?",
        {{"app", topic}, {"reason", verdict.reason}});
  }
  const bool rests = belief == TokenDoubt::Belief::all_bad && !another_app_works(topic);
  return rests ? broken(std::move(verdict.reason)) : refused(std::move(verdict.reason));
}

Result<void> Apns::verify() {
  // A token that no device has. A provider that gets as far as calling it bad has taken the credentials.
  Notification nobody;
  nobody.device.token = std::string(64, '0');
  nobody.id = "00000000-0000-4000-8000-000000000000";
  auto question = request(nobody, bundle_id_, token_->current(), apns::largest_payload);
  const auto response = courier_->ask(std::move(question));
  auto verdict = failure_verdict(response);
  if (response.failure == Response::Failure::none) {
    verdict = apns::read(response).verdict;
    if (response.status == 400 && verdict.reason == "BadDeviceToken") return {};
    if (response.status == 410) return {};
  }
  return verify_error(verdict, response, base());
}

}  // namespace loft::push
