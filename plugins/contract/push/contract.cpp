#include "contract.hpp"

#include <algorithm>

#include <loft/contract_tools.hpp>
#include <loft/id.hpp>
#include <loft/iso_time.hpp>
#include <loft/json.hpp>

namespace loft::push_contract {
namespace {

constexpr std::size_t max_id = 200;
constexpr auto first_number = id::first_at(id::epoch + 86'400'000);  // as message_service has it
constexpr std::int64_t longest_mute = 3650LL * 86'400;               // seconds

/// The family's envelope; its codes are HTTP's.
void answer(HttpExchange& exchange, unsigned status, std::string_view message, std::string_view data) {
  std::string out;
  json::Writer w(out);
  w.object().key("code").number(status).key("message").string(message).key("data").raw(data).end_object();
  constexpr HttpHeader headers[] = {{"Cache-Control", "no-store"}};
  exchange.respond(status, "application/json", out, headers);
}

void refuse(HttpExchange& exchange, unsigned status, std::string_view message) {
  answer(exchange, status, message, "null");
}

void refuse(HttpExchange& exchange, const Error& error) {
  constexpr unsigned statuses[] = {400, 401, 403, 404, 409, 410, 413, 503, 503, 500};
  const auto status = statuses[static_cast<std::size_t>(error.code)];
  if (status == 401) return refuse(exchange, status, "the token is missing, not valid or of no user");
  if (status >= 500) return refuse(exchange, status, status == 503 ? "the host cannot do this now" : "the host failed");
  refuse(exchange, status, error.detail.empty() ? error.reason : error.detail);
}

void refuse_unread(HttpExchange& exchange, unsigned status) {
  if (status == 404 || status == 405) {
    return refuse(exchange, status,
                  "served here are POST /api/v1/push/device/register and /unregister, GET /api/v1/push/device/lost, "
                  "GET /api/v1/push/mute, PUT and DELETE /api/v1/push/mute/{user|group|conversation}/{id}");
  }
  refuse(exchange, status, status == 413 ? "the body is too large" : "the request could not be read");
}

std::string lower(std::string text) {
  for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

/// The body as an object; answers itself where it is none.
std::optional<json::Value> object_of(HttpExchange& exchange) {
  const auto body = json::parse(exchange.body());
  if (body && body->is(json::Type::object)) return *body;
  refuse(exchange, 400, "the body must be a JSON object");
  return std::nullopt;
}

/// Clients of this family say who they are twice; it must be the same both times.
bool is_own(const json::Value& user_id, const User& user) {
  if (missing(user_id)) return true;
  if (const auto number = user_id.integer()) return static_cast<std::uint64_t>(*number) == raw(user.id);
  const auto text = own_text(user_id);
  return text == user.handle || text == user.uuid || text == std::to_string(raw(user.id));
}

/// The conversation that a path names: the one with a user, a group, or one by its number. By a group's handle, its
/// number, or `group_` and its number, which is how contracts write those that have no handle.
std::optional<ConversationRef> conversation_of(const HttpExchange& exchange) {
  const auto kind = exchange.parameter("kind");
  std::string id(exchange.parameter("id"));
  if (id.empty() || id.size() > max_id) return std::nullopt;
  if (kind == "user") {
    if (id.size() == 36 && id[8] == '-') return ConversationRef::direct(UserRef::uuid(lower(std::move(id))));
    return ConversationRef::direct(UserRef::handle_or_id(std::move(id)));
  }
  const auto number_of = [](std::string_view text) -> std::optional<std::uint64_t> {
    const auto parsed = json::parse(text);
    const auto number = parsed ? parsed->integer() : std::nullopt;
    if (!number || *number <= 0) return std::nullopt;
    return static_cast<std::uint64_t>(*number);
  };
  const auto number = number_of(id.starts_with("group_") ? std::string_view(id).substr(6) : std::string_view(id));
  if (kind == "conversation" && number) return ConversationRef::of(static_cast<ConversationId>(*number));
  if (kind != "group") return std::nullopt;
  // `group_001` is a handle like any other: the host's own numbers are larger.
  if (id.starts_with("group_") && number && *number >= first_number)
    return ConversationRef::of(static_cast<ConversationId>(*number));
  return ConversationRef::handle_or_id(std::move(id));
}

void append(json::Writer& w, const MutedConversation& muted) {
  w.object().key("conversationId").string(std::to_string(raw(muted.conversation))).key("until");
  muted.until == 0 ? w.null() : w.string(iso(muted.until, 0));
  w.end_object();
}

}  // namespace

void PushContract::options(OptionTable& table) {
  table.map("channels", channels_,
            "Which channel of `push` a platform's tokens belong to: `ios`, `android`, `web`, in lower case.");
  token_options(table, token_);
}

Result<void> PushContract::configure() {
  for (const auto& [platform, channel] : channels_) {
    if (platform.empty() || platform != lower(platform) || channel.empty())
      return Error{Code::invalid, "channels", "takes platforms in lower case and their channels, such as {ios: apns}"};
  }
  return {};
}

void PushContract::setup(Host& host) {
  host_ = &host;
  propose_register_.emplace(host.bus());
  propose_unregister_.emplace(host.bus());
  propose_mute_.emplace(host.bus());
  ask_muted_.emplace(host.bus());
  ask_lost_.emplace(host.bus());
}

void PushContract::routes(Routes& routes) {
  routes.http(HttpMethod::post, "/api/v1/push/device/register",
              [this](const HttpExchangePtr& exchange) { with_user(exchange, &PushContract::enroll); });
  routes.http(HttpMethod::post, "/api/v1/push/device/unregister",
              [this](const HttpExchangePtr& exchange) { with_user(exchange, &PushContract::remove); });
  routes.http(HttpMethod::get, "/api/v1/push/device/lost",
              [this](const HttpExchangePtr& exchange) { with_user(exchange, &PushContract::lost); });
  routes.http(HttpMethod::get, "/api/v1/push/mute",
              [this](const HttpExchangePtr& exchange) { with_user(exchange, &PushContract::muted); });
  routes.http(HttpMethod::put, "/api/v1/push/mute/:kind/:id",
              [this](const HttpExchangePtr& exchange) { with_user(exchange, &PushContract::mute); });
  routes.http(HttpMethod::del, "/api/v1/push/mute/:kind/:id",
              [this](const HttpExchangePtr& exchange) { with_user(exchange, &PushContract::unmute); });
  routes.otherwise([](const HttpExchangePtr& exchange, unsigned status) { refuse_unread(*exchange, status); });
}

void PushContract::with_user(const HttpExchangePtr& exchange, Act act) {
  const auto no = [exchange](const Error& error) { refuse(*exchange, error); };
  const auto yes = [this, exchange, act](const Caller& caller, const std::shared_ptr<const User>& user) {
    (this->*act)(exchange, caller, *user);
  };
  const auto named = exchange->header("X-User-ID");
  if (host_->trusts_user_header() && exchange->from_loopback() && !named.empty())
    return as_user(host_->users(), exchange, UserRef::handle_or_id(std::string(named)), false, no, yes);
  const auto claims = host_->identity().verify(bearer(exchange->header("Authorization")), token_);
  if (!claims) return refuse(*exchange, claims.error());
  as_user(host_->users(), exchange, *claims, no, yes);
}

void PushContract::enroll(const HttpExchangePtr& exchange, const Caller& caller, const User& user) {
  const auto body = object_of(*exchange);
  if (!body) return;
  const auto [user_id, device_id, platform, token, app, locale] =
      pick<6>(*body, {"userId", "deviceId", "platform", "pushToken", "app", "locale"});
  if (!is_own(user_id, user)) return refuse(*exchange, 403, "userId is not the user of the token");
  const auto word = lower(own_text(platform));
  const auto channel = channels_.find(word);
  if (channel == channels_.end()) return refuse(*exchange, 400, "platform must be IOS, ANDROID or WEB");
  if (own_text(token).empty()) return refuse(*exchange, 400, "pushToken is missing");
  RegisterDevice event;
  event.caller = caller;
  event.device.user = user.id;
  event.device.channel = channel->second;
  event.device.token = own_text(token);
  event.device.platform = word;
  event.device.client = own_text(device_id);
  event.device.app = own_text(app);
  event.device.locale = own_text(locale);
  const auto now = host_->clock().now();
  propose_register_->propose(std::move(event), [exchange, now](RegisterDevice& done, const Verdict& verdict) {
    if (!verdict.passed()) return refuse(*exchange, verdict.refusal());
    std::string data;
    json::Writer w(data);
    w.object().key("deviceId").string(done.device.client).key("registeredAt").string(iso(now, 0)).end_object();
    answer(*exchange, 200, "success", data);
  });
}

void PushContract::remove(const HttpExchangePtr& exchange, const Caller& caller, const User& user) {
  const auto body = object_of(*exchange);
  if (!body) return;
  const auto [user_id, device_id, token] = pick<3>(*body, {"userId", "deviceId", "pushToken"});
  if (!is_own(user_id, user)) return refuse(*exchange, 403, "userId is not the user of the token");
  UnregisterDevice event;
  event.caller = caller;
  event.client = own_text(device_id);
  event.token = own_text(token);
  if (event.client.empty() && event.token.empty()) return refuse(*exchange, 400, "deviceId or pushToken is missing");
  propose_unregister_->propose(std::move(event), [exchange](UnregisterDevice& done, const Verdict& verdict) {
    if (!verdict.passed()) return refuse(*exchange, verdict.refusal());
    if (done.removed == 0) return refuse(*exchange, 404, "this user has no such device");
    std::string data;
    json::Writer w(data);
    w.object().key("deviceId").string(done.client).key("removed").number(done.removed).end_object();
    answer(*exchange, 200, "success", data);
  });
}

void PushContract::mute(const HttpExchangePtr& exchange, const Caller& caller, const User&) {
  Millis until = 0;
  if (!exchange->body().empty()) {
    const auto body = object_of(*exchange);
    if (!body) return;
    const auto [duration] = pick<1>(*body, {"duration"});
    const auto seconds = duration.integer();
    if (!missing(duration)) {
      if (!seconds || *seconds < 1 || *seconds > longest_mute)
        return refuse(*exchange, 400,
                      "duration must be seconds, 1 to 315360000; without it the mute stays until it is lifted");
      until = host_->clock().now() + *seconds * 1000;
    }
  }
  set_mute(exchange, caller, until, false);
}

void PushContract::unmute(const HttpExchangePtr& exchange, const Caller& caller, const User&) {
  set_mute(exchange, caller, 0, true);
}

void PushContract::set_mute(const HttpExchangePtr& exchange, const Caller& caller, Millis until, bool lift) {
  auto ref = conversation_of(*exchange);
  if (!ref)
    return refuse(*exchange, 404, "name a conversation: user/{userId}, group/{groupId} or conversation/{number}");
  host_->messaging().conversation(
      caller, std::move(*ref), true, [this, exchange, caller, until, lift](const Result<ConversationRecord>& found) {
        if (!found) return refuse(*exchange, found.error());
        MutePushes event;
        event.caller = caller;
        event.muted = {found->conversation->id, until};
        event.lift = lift;
        propose_mute_->propose(std::move(event), [exchange](MutePushes& done, const Verdict& verdict) {
          if (!verdict.passed()) return refuse(*exchange, verdict.refusal());
          std::string data;
          json::Writer w(data);
          append(w, done.muted);
          answer(*exchange, 200, "success", data);
        });
      });
}

void PushContract::muted(const HttpExchangePtr& exchange, const Caller& caller, const User&) {
  ListMutedPushes event;
  event.caller = caller;
  ask_muted_->propose(std::move(event),
                      [exchange, now = host_->clock().now()](ListMutedPushes& done, const Verdict& verdict) {
                        if (!verdict.passed()) return refuse(*exchange, verdict.refusal());
                        std::string data;
                        json::Writer w(data);
                        w.object().key("muted").array();
                        for (const auto& one : done.muted) {
                          if (one.until == 0 || one.until > now) append(w, one);
                        }
                        w.end_array().end_object();
                        answer(*exchange, 200, "success", data);
                      });
}

void PushContract::lost(const HttpExchangePtr& exchange, const Caller& caller, const User&) {
  ListLostDevices event;
  event.caller = caller;
  if (const auto verdict = ask_lost_->now(event); !verdict.passed()) return refuse(*exchange, verdict.refusal());
  std::string data;
  json::Writer w(data);
  w.object().key("deviceIds").array();
  for (const auto& client : event.clients) w.string(client);
  w.end_array().end_object();
  answer(*exchange, 200, "success", data);
}

}  // namespace loft::push_contract
