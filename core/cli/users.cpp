// The commands about users, in the JSON form that the control socket carries.
#include <loft/json.hpp>

#include "cli/commands.hpp"
#include "cli/writing.hpp"
#include "identity/jwt.hpp"

namespace loft::cli {
namespace {

constexpr std::size_t max_page = 500;
constexpr Millis default_ttl = 24LL * 3'600'000;

Error bad_arguments(const char* detail) { return {Code::invalid, "control.arguments", detail}; }

void append(json::Writer& w, const User& user) {
  w.key("handle").string(user.handle).key("uid").number(raw(user.id)).key("uuid").string(user.uuid);
}

/// Lower-case, 36 characters; the form in which the store keeps it.
bool normalise_uuid(std::string& text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char& c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return false;
      continue;
    }
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

Result<std::string> add(UserStore& users, const json::Value& arguments) {
  NewUser user;
  const auto handle = arguments.find("handle");
  if (!handle || !handle->text()) return bad_arguments("`handle` is missing");
  user.handle = *handle->text();
  if (const auto uid = arguments.find("uid")) {
    const auto number = uid->integer();
    if (!number || *number <= 0 || static_cast<std::uint64_t>(*number) >= id::limit) {
      return bad_arguments("the uid must be a whole number from 1 to 9007199254740991");
    }
    user.uid = static_cast<std::uint64_t>(*number);
  }
  if (const auto uuid = arguments.find("uuid")) {
    user.uuid = uuid->text().value_or("");
    if (!normalise_uuid(user.uuid)) {
      return bad_arguments("the uuid must look like 123e4567-e89b-12d3-a456-426614174000");
    }
  }
  const auto added = users.add(user);
  if (!added) return added.error();
  std::string out;
  json::Writer w(out);
  w.object();
  append(w, *added);
  w.end_object();
  return out;
}

Result<std::string> list(UserStore& users, const json::Value& arguments) {
  const auto after = arguments.find("after");
  const auto from = after ? after->integer() : 0;
  if (!from || *from < 0) return bad_arguments("`after` must be a uid");
  const auto found = users.list(static_cast<UserId>(*from), max_page);
  if (!found) return found.error();
  std::string out;
  json::Writer w(out);
  w.object().key("users").array();
  for (const auto& user : *found) {
    w.object();
    append(w, user);
    w.key("created").number(user.created).end_object();
  }
  w.end_array().key("more").boolean(found->size() == max_page).end_object();
  return out;
}

/// The password itself is the business of the plugin that keeps it.
Result<std::string> password(UserStore& users, const json::Value& arguments) {
  const auto handle = arguments.find("handle");
  if (!handle || !handle->text()) return bad_arguments("`handle` is missing");
  const auto user = users.find(*handle->text());
  if (!user) return user.error();
  std::string out;
  json::Writer w(out);
  w.object().key("uid").number(raw(user->id));
  for (const char* name : {"password", "remove"}) {
    if (const auto value = arguments.find(name)) w.key(name).raw(value->raw());
  }
  w.end_object();
  auto done = users.command("auth.password", out);
  if (done || done.error().reason != "control.unknown_command") return done;
  return Error{Code::not_found, "password.nowhere",
               "no plugin keeps passwords: add the contract `auth` to a listener of the configuration"};
}

Result<std::string> token(UserStore& users, const JwtIdentity& identity, const json::Value& arguments) {
  const auto handle = arguments.find("handle");
  if (!handle || !handle->text()) return bad_arguments("`handle` is missing");
  const auto ttl = arguments.find("ttl_ms");
  const auto millis = ttl ? ttl->integer() : default_ttl;
  if (!millis || *millis < 1000 || *millis > 3650LL * 86'400'000) {
    return bad_arguments("the ttl must be from 1s to 3650d");
  }
  const auto service = arguments.find("service");
  const bool is_service = service && service->boolean() == true;
  const auto user = is_service ? find_or_add(users, *handle->text()) : users.find(*handle->text());
  if (!user) return user.error();
  std::string out;
  json::Writer w(out);
  w.object().key("token").string(identity.mint(*user, *millis, is_service));
  append(w, *user);
  w.end_object();
  return out;
}

}  // namespace

/// The operator's backends are users by the name of their first token.
Result<User> find_or_add(UserStore& users, const std::string& handle) {
  auto found = users.find(handle);
  if (found || found.error().reason != "user.unknown") return found;
  NewUser user;
  user.handle = handle;
  return users.add(user);
}

Result<std::string> UserStore::command(std::string_view name, std::string_view) {
  return Error{Code::not_found, "control.unknown_command", "there is no command " + std::string(name)};
}

Result<Accepted> UserStore::submit(UserId, Submission) {
  return Error{Code::unavailable, "control.no_host",
               "no host runs: start it, messages are written by a running host only"};
}

Result<std::string> run_user_command(UserStore& users, const JwtIdentity& identity, std::string_view command,
                                     std::string_view arguments) {
  const auto parsed = json::parse(arguments);
  if (!parsed || !parsed->is(json::Type::object)) return bad_arguments("the arguments are not a JSON object");
  if (command == "user.add") return add(users, *parsed);
  if (command == "user.list") return list(users, *parsed);
  if (command == "token") return token(users, identity, *parsed);
  if (command == "user.password") return password(users, *parsed);
  if (command == "announce" || command == "notify") return write(users, command == "notify", *parsed);
  return users.command(command, arguments);
}

}  // namespace loft::cli
