#include "contract.hpp"

#include <algorithm>

#include <loft/contract_tools.hpp>
#include <loft/iso_time.hpp>
#include <loft/json.hpp>

namespace loft::push_contract {
namespace {

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
  if (status == 404 || status == 405)
    return refuse(exchange, status, "served here are POST /api/v1/push/device/register and /unregister");
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
}

void PushContract::routes(Routes& routes) {
  routes.http(HttpMethod::post, "/api/v1/push/device/register",
              [this](const HttpExchangePtr& exchange) { with_user(exchange, &PushContract::enroll); });
  routes.http(HttpMethod::post, "/api/v1/push/device/unregister",
              [this](const HttpExchangePtr& exchange) { with_user(exchange, &PushContract::remove); });
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

}  // namespace loft::push_contract
