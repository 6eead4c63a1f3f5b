#include "contract.hpp"

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>
#include <loft/personal_data.hpp>
#include <loft/token_options.hpp>

#include "replies.hpp"

namespace loft::auth {
namespace {

constexpr std::size_t longest_handle = 50;

/// The body as an object; answers 400 itself where it is none.
std::optional<json::Value> object_of(HttpExchange& exchange) {
  const auto body = json::parse(exchange.body());
  if (body && body->is(json::Type::object)) return *body;
  refuse(exchange, 400, body ? "the body must be a JSON object" : "the body is not JSON: " + body.error().detail);
  return std::nullopt;
}

}  // namespace

/// A request for a token.
struct AuthContract::Asked {
  HttpExchangePtr exchange;
  Caller caller;
  std::string handle;
  std::string password;
  Millis ttl = 0;
  std::shared_ptr<const User> user;
};

void AuthContract::options(OptionTable& table) {
  auto& s = settings_;
  table.duration("ttl", s.ttl, "For how long a token is valid where the request does not say it.")
      .range(60'000, 3650LL * 86'400'000);
  table.duration("max_ttl", s.max_ttl, "The longest that a request may ask for.").range(60'000, 3650LL * 86'400'000);
  table.integer("min_length", s.min_length, "Characters that a new password has at least.").range(1, 128);
  table.size("memory", s.cost.memory, "Memory that hashing one password takes (argon2id).").range(8 << 20, 4LL << 30);
  table.integer("passes", s.cost.passes, "Passes over that memory; both together decide what a check costs.")
      .range(1, 100);
  table.integer("checks", s.checks, "Passwords that are checked at once, on threads of `server.blocking_threads`.")
      .range(1, 256);
  table.integer("queue", s.queue, "Further ones that wait; beyond it 503.").range(1, 100'000);
  table.integer("attempts", s.attempts, "Wrong passwords for one handle in `attempts_window`; then 429.")
      .range(1, 1'000'000);
  table.integer("address_attempts", s.address_attempts, "The same from one address (of IPv6: one /64).")
      .range(1, 10'000'000);
  table.duration("attempts_window", s.attempts_window, "After this time attempts are forgotten.")
      .range(1'000, 86'400'000);
  table.text(
      "address_header", s.address_header,
      "Header in which a proxy on this machine names the client's address, such as X-Forwarded-For (the last one "
      "in it counts); empty takes the connection's.");
  token_options(table, s.token);
}

Result<void> AuthContract::configure() {
  if (settings_.ttl <= settings_.max_ttl) return {};
  return Error{Code::invalid, "ttl", "must not be longer than max_ttl"};
}

void AuthContract::setup(Host& host) {
  start_hashing();
  host_ = &host;
  lost_devices_.emplace(host.bus());
  passwords_.emplace(host, settings_);
  by_handle_.emplace(settings_.attempts, settings_.attempts_window);
  by_network_.emplace(settings_.address_attempts, settings_.attempts_window);
  const auto counter = [&](const char* result) {
    return &host.metrics().counter("password_checks_total",
                                   "Passwords that were given to POST /auth/token or PUT /auth/password.",
                                   std::string("result=\"") + result + "\"");
  };
  right_ = counter("right");
  wrong_ = counter("wrong");
  limited_ = counter("limited");
  overloaded_ = counter("overloaded");
  host.bus().intercept<EraseUser>(Stage::policy, [this](EraseUser& event) { return erase(event); });
  host.bus().intercept<ExportUser>(Stage::policy, [this](ExportUser& event) { return tell(event); });
  host.command("auth.password", [this](std::string_view arguments) { return command(arguments); });
}

void AuthContract::routes(Routes& routes) {
  routes.http(HttpMethod::post, "/auth/token", [this](const HttpExchangePtr& exchange) { token(exchange); });
  routes.http(HttpMethod::put, "/auth/password", [this](const HttpExchangePtr& exchange) { password(exchange); });
  routes.otherwise([](const HttpExchangePtr& exchange, unsigned status) { refuse_unread(*exchange, status); });
}

std::string AuthContract::network(const HttpExchange& exchange) const {
  auto address = exchange.remote_address();
  if (!settings_.address_header.empty() && exchange.from_loopback()) {
    // Whatever stands before the last one is what the client says.
    auto named = exchange.header(settings_.address_header);
    if (const auto comma = named.rfind(','); comma != std::string_view::npos) named.remove_prefix(comma + 1);
    while (named.starts_with(' ')) named.remove_prefix(1);
    if (!named.empty()) address = named;
  }
  return network_of(address);
}

bool AuthContract::may_try(HttpExchange& exchange, const std::string& handle) {
  const auto now = host_->clock().steady();
  auto wait = by_network_->take(network(exchange), now);
  if (wait == 0) {
    wait = by_handle_->take(handle, now);
    if (wait > 0) by_network_->give_back(network(exchange), now);
  }
  if (wait == 0) return true;
  limited_->add();
  refuse(exchange, 429, "too many attempts; try again later", wait);
  return false;
}

void AuthContract::forgive(const HttpExchange& exchange, const std::string& handle) {
  const auto now = host_->clock().steady();
  by_network_->give_back(network(exchange), now);
  by_handle_->give_back(handle, now);
}

void AuthContract::token(const HttpExchangePtr& exchange) {
  const auto body = object_of(*exchange);
  if (!body) return;
  const auto [handle, password, ttl] = pick<3>(*body, {"handle", "password", "ttl"});
  auto asked = std::make_shared<Asked>();
  const auto name = handle.text(), word = password.text();
  if (!name || !word) return refuse(*exchange, 400, "`handle` and `password` must be texts");
  const auto seconds = missing(ttl) ? std::optional<std::int64_t>(settings_.ttl / 1000) : ttl.integer();
  if (!seconds || *seconds < 1 || *seconds > settings_.max_ttl / 1000) {
    return refuse(*exchange, 400,
                  "`ttl` must be a whole number of seconds from 1 to " + std::to_string(settings_.max_ttl / 1000));
  }
  // A name that no user can have is looked for no further, and counts like any other that does not exist.
  const bool possible = !name->empty() && name->size() <= longest_handle;
  asked->exchange = exchange;
  asked->caller = exchange->caller(UserId::none);
  asked->handle = possible ? *name : std::string();
  asked->password = *word;
  asked->ttl = *seconds * 1000;
  if (!may_try(*exchange, asked->handle)) return;
  const auto check = [this, asked] {
    passwords_->check(asked->caller, asked->user, std::move(asked->password),
                      [this, asked](Result<bool> right) { answer_token(asked, std::move(right)); });
  };
  if (!possible) return check();
  host_->users().find(asked->caller, UserRef::handle(asked->handle),
                      [asked, check](Result<std::shared_ptr<const User>> found) {
                        if (found) {
                          asked->user = std::move(*found);
                        } else if (found.error().code != Code::not_found && found.error().code != Code::invalid) {
                          return refuse(*asked->exchange, found.error());
                        }
                        check();
                      });
}

void AuthContract::answer_token(const std::shared_ptr<Asked>& asked, Result<bool> right) {
  auto& exchange = *asked->exchange;
  if (!right && right.error().reason == "password.wrong") {
    wrong_->add();
    return refuse(exchange, 401, right.error().detail);
  }
  forgive(exchange, asked->handle);
  if (!right) return failed(exchange, right.error());
  right_->add();
  const auto& user = *asked->user;
  const auto token = host_->identity().issue(user, asked->ttl);
  if (!token) return refuse(exchange, token.error());
  std::string out;
  json::Writer w(out);
  w.object().key("token").string(*token);
  w.key("expires_at").number((host_->clock().now() + asked->ttl) / 1000);
  w.key("handle").string(user.handle).key("uid").number(raw(user.id)).key("uuid").string(user.uuid);
  ListLostDevices lost;
  lost.caller = exchange.caller(user.id);
  if (lost_devices_->now(lost).passed() && !lost.clients.empty()) {
    w.key("push_register").array();
    for (const auto& client : lost.clients) w.string(client);
    w.end_array();
  }
  w.end_object();
  reply(exchange, out);
}

void AuthContract::failed(HttpExchange& exchange, const Error& error) {
  if (error.code == Code::overloaded) overloaded_->add();
  refuse(exchange, error);
}

void AuthContract::password(const HttpExchangePtr& exchange) {
  const auto claims = host_->identity().verify(bearer(exchange->header("Authorization")), settings_.token);
  if (!claims) return refuse(*exchange, claims.error());
  as_user(
      host_->users(), exchange, *claims, [exchange](const Error& error) { refuse(*exchange, error); },
      [this, exchange](const Caller& caller, std::shared_ptr<const User> user) {
        change(exchange, caller, std::move(user));
      });
}

void AuthContract::change(const HttpExchangePtr& exchange, const Caller& caller, std::shared_ptr<const User> user) {
  const auto body = object_of(*exchange);
  if (!body) return;
  const auto [now, wanted] = pick<2>(*body, {"current", "password"});
  auto old_word = now.text(), new_word = wanted.text();
  if (!old_word || !new_word) return refuse(*exchange, 400, "`current` and `password` must be texts");
  if (!may_try(*exchange, user->handle)) return;
  passwords_->change(caller, *user, std::move(*old_word), std::move(*new_word),
                     [this, exchange, user](Result<bool> done) {
                       if (!done && done.error().reason == "password.wrong") {
                         wrong_->add();
                         return refuse(*exchange, 403, "`current` is not the password");
                       }
                       forgive(*exchange, user->handle);
                       if (!done) return failed(*exchange, done.error());
                       right_->add();
                       reply(*exchange, "{\"changed\":true}");
                     });
}

Verdict AuthContract::erase(EraseUser& event) {
  const auto has = passwords_->has(event.user);
  if (!has) return has.error();
  event.removed("contract.auth passwords", *has ? 1 : 0);
  if (event.dry_run || !*has) return Verdict::pass();
  const auto removed = passwords_->set(event.user, std::nullopt);
  return removed ? Verdict::pass() : Verdict(removed.error());
}

/// The password itself is not known here, and its hash is of use to a thief only.
Verdict AuthContract::tell(ExportUser& event) {
  const auto has = passwords_->has(event.user);
  if (!has) return has.error();
  event.add("contract.auth.password", *has ? R"({"set":true})" : R"({"set":false})");
  return Verdict::pass();
}

/// `{"uid":N,"password":"…"}` sets, `{"uid":N,"remove":true}` removes.
Result<std::string> AuthContract::command(std::string_view arguments) {
  const auto object = json::parse(arguments);
  if (!object) return Error{Code::invalid, "control.arguments", object.error().detail};
  const auto [uid, password, remove] = pick<3>(*object, {"uid", "password", "remove"});
  const auto number = uid.integer();
  const auto text = password.text();
  if (!number || *number <= 0) return Error{Code::invalid, "control.arguments", "`uid` is missing"};
  if (text.has_value() == (remove.boolean() == true)) {
    return Error{Code::invalid, "control.arguments", "give either `password` or `remove`"};
  }
  if (auto done = passwords_->set(static_cast<UserId>(*number), text); !done) return done.error();
  return std::string(text ? "{\"set\":true}" : "{\"removed\":true}");
}

}  // namespace loft::auth
