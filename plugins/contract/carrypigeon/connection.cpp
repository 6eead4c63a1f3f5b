#include "carrypigeon/connection.hpp"

#include <algorithm>
#include <array>

#include <loft/utf8.hpp>

namespace loft::carrypigeon {

Connection::Connection(Peer& peer, const Services& services) : peer_(peer), services_(services) {
  peer_.login_deadline(services_.settings.login_deadline);
}

namespace {

/// Without the leading slash, which some clients leave out. Empty for what is no text.
std::string name_of_route(const json::Value& path) {
  auto name = path.is(json::Type::string) ? own_text(path) : std::string();  // `\/` is a way to write a slash
  if (name.starts_with('/')) name.erase(0, 1);
  return name;
}

}  // namespace

const Connection::Route* Connection::find_route(std::string_view name) {
  // Sorted.
  static constexpr std::array routes{
      Route{"core/channel/admin/create", &Connection::admin_create},
      Route{"core/channel/admin/delete", &Connection::admin_delete},
      Route{"core/channel/application/create", &Connection::application_create},
      Route{"core/channel/application/list", &Connection::application_list},
      Route{"core/channel/application/process", &Connection::application_process},
      Route{"core/channel/ban/create", &Connection::ban_create},
      Route{"core/channel/ban/delete", &Connection::ban_delete},
      Route{"core/channel/ban/list", &Connection::ban_list},
      Route{"core/channel/create", &Connection::channel_create},
      Route{"core/channel/delete", &Connection::channel_delete},
      Route{"core/channel/list", &Connection::channel_list},
      Route{"core/channel/member/delete", &Connection::member_delete},
      Route{"core/channel/member/get", &Connection::member_get},
      Route{"core/channel/member/list", &Connection::member_list},
      Route{"core/channel/message/create", &Connection::message_create},
      Route{"core/channel/message/delete", &Connection::message_delete},
      Route{"core/channel/message/get", &Connection::message_get},
      Route{"core/channel/message/list", &Connection::message_list},
      Route{"core/channel/message/read/state/get", &Connection::read_state_get},
      Route{"core/channel/message/read/state/update", &Connection::read_state_update},
      Route{"core/channel/message/unread/get", &Connection::unread_get},
      Route{"core/channel/profile/get", &Connection::channel_profile},
      Route{"core/channel/profile/update", &Connection::channel_update},
      Route{"core/user/login/token", &Connection::login, false},
      Route{"core/user/login/token/logout", &Connection::logout},
      Route{"core/user/profile/get", &Connection::user_profile},
      Route{"core/user/profile/update", &Connection::user_update},
  };
  static_assert(std::ranges::is_sorted(routes, {}, &Route::path));

  const auto* const route = std::ranges::lower_bound(routes, name, {}, &Route::path);
  return route != routes.end() && route->path == name ? route : nullptr;
}

void Connection::on_message(MessageView message) {
  // Over WebSocket a packet is text; what comes as binary frames, or is not UTF-8, is none.
  const auto packet = json::parse(message.is_text ? message.data : Bytes());
  std::optional<std::int64_t> id;
  std::array<json::Value, 3> fields;
  if (packet) {
    fields = pick<3>(*packet, {"id", "route", "data"});
    id = fields[0].integer_or_text();
  }
  if (!id) {
    // There is no id to echo; the client hears of it all the same.
    std::string& out = scratch();
    append_refusal(out, no_id, malformed_args);
    return peer_.send(Bytes(out));
  }
  const auto& [_, path, data] = fields;
  auto name = name_of_route(path);
  const Route* const route = find_route(name);
  if (route == nullptr && !services_.domains.has_action(name)) return refuse(*id, no_route);
  if ((route == nullptr || route->needs_login) && !peer_.logged_in()) return refuse(*id, no_login);
  if (!data.is(json::Type::object) && !data.is(json::Type::null)) return refuse(*id, malformed_args);
  const Request request{*id, data};
  route != nullptr ? (this->*route->handle)(request) : act(std::move(name), request);
}

void Connection::on_login_deadline() {
  std::string& out = scratch();
  append_refusal(out, no_id, no_login);
  peer_.send(Bytes(out));
  peer_.close(CloseMeaning::policy, "no login in time");
}

void Connection::on_expired() {
  std::string& out = scratch();
  append_refusal(out, no_id, refusal_of({Code::unauthenticated, "token.expired", {}}));
  peer_.send(Bytes(out));
}

bool Connection::take(const Request& request, const json::Value& value, std::int64_t& out, std::int64_t low,
                      std::int64_t high) {
  const auto number = value.integer_or_text();
  if (!number) return refuse(request.id, malformed_args), false;
  if (*number < low || *number > high) return refuse(request.id, value_args), false;
  out = *number;
  return true;
}

bool Connection::take_channel(const Request& request, const json::Value& value, ConversationRef& out) {
  std::int64_t number = 0;
  if (!take(request, value, number, 1)) return false;
  out = ConversationRef::of(static_cast<ConversationId>(number));
  return true;
}

bool Connection::take_user(const Request& request, const json::Value& value, UserRef& out) {
  std::int64_t number = 0;
  if (!take(request, value, number, 1)) return false;
  out = UserRef::of(static_cast<UserId>(number));
  return true;
}

bool Connection::take_text(const Request& request, const json::Value& value, std::string& out, std::size_t characters) {
  if (value.is(json::Type::null)) return true;
  auto text = value.text();
  if (!text) return refuse(request.id, malformed_args), false;
  if (utf8::prefix(*text, characters).size() != text->size()) return refuse(request.id, value_args), false;
  out = std::move(*text);
  return true;
}

bool Connection::take_text(const Request& request, const json::Value& value, std::optional<std::string>& out,
                           std::size_t characters) {
  if (value.is(json::Type::null)) return true;
  return take_text(request, value, out.emplace(), characters);
}

bool Connection::take_avatar(const Request& request, const json::Value& value, std::optional<std::string>& out) {
  if (!value.integer()) return take_text(request, value, out, max_text);
  out = value.raw();
  return true;
}

void Connection::refuse(std::int64_t id, Refusal refusal) {
  if (id == no_id) return;
  if (services_.settings.compat_business_codes) refusal = business(refusal);
  std::string& out = scratch();
  append_refusal(out, id, refusal);
  peer_.send(Bytes(out));
}

void Connection::reply_null(std::int64_t id) {
  reply(id, [](std::string& out) { out += "null"; });
}

}  // namespace loft::carrypigeon
