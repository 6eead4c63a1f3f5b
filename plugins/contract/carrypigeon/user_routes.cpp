// `/core/user/…`
#include <utility>
#include <vector>

#include "carrypigeon/connection.hpp"

namespace loft::carrypigeon {
namespace {

using UserPtr = std::shared_ptr<const User>;

// In so many conversations, those with the newest messages, others hear that a profile changed.
constexpr std::size_t told_conversations = 100;

void append_user(std::string& out, const User& user) {
  const auto parsed = json::parse(user.profile);
  std::array<json::Value, 5> fields;
  if (parsed) fields = pick<5>(*parsed, {"avatar", "email", "sex", "brief", "birthday"});
  const auto& [avatar, email, sex, brief, birthday] = fields;
  const auto text = [](const json::Value& value) { return value.text().value_or(std::string()); };
  json::Writer writer(out);
  writer.object().key("username").string(shown(name_of(user))).key("avatar").string(shown(text(avatar)));
  writer.key("email").string(shown(text(email))).key("sex").number(sex.integer().value_or(0));
  writer.key("brief").string(shown(text(brief))).key("birthday").number(birthday.integer().value_or(0)).end_object();
}

/// A member of a profile and its new value, as JSON.
using Field = std::pair<std::string_view, std::string>;

/// The profile with these members instead of those of their names; what else it holds stays.
std::string merge(const std::string& profile, const std::vector<Field>& fields) {
  std::string out;
  json::Writer writer(out);
  writer.object();
  if (const auto parsed = json::parse(profile)) {
    parsed->members([&](const json::Value& key, const json::Value& value) {
      for (const auto& field : fields) {
        if (key.equals(field.first)) return true;
      }
      writer.key(key.text().value_or(std::string())).raw(value.raw());
      return true;
    });
  }
  for (const auto& [name, value] : fields) writer.key(name).raw(value);
  writer.end_object();
  return out;
}

}  // namespace

void Connection::login(const Request& request) {
  const auto [token] = pick<1>(request.data, {"token"});
  auto text = token.text();
  if (!text) return refuse(request.id, malformed_args);
  const auto claims = services_.identity.verify(*text, services_.settings.token);
  if (!claims) return refuse(request.id, claims.error());

  SessionPolicy policy;
  policy.interests = {.own_messages = true, .recalls = true, .reads = true, .membership = true, .signals = true};
  policy.mark_on_push = {MarkId::delivered};
  // The token stays as it is: replacing it would lock the user's other devices out.
  peer_.login(*claims, std::move(policy), [this, id = request.id, token = std::move(*text)](Result<Login> result) {
    if (!result) return refuse(id, login_refusal(result.error()));
    reply(id, [&](std::string& out) {
      json::Writer writer(out);
      writer.object().key("token").string(token);
      writer.key("uid").number(raw(result->user->id)).end_object();
    });
  });
}

void Connection::logout(const Request& request) {
  // The token stays valid until it expires; what ends is this connection's session. So it matters only that there is
  // one.
  const auto [token] = pick<1>(request.data, {"token"});
  if (!token.is(json::Type::string)) return refuse(request.id, malformed_args);
  peer_.logout();
  peer_.login_deadline(services_.settings.login_deadline);
  reply_null(request.id);
}

void Connection::user_profile(const Request& request) {
  const auto [uid] = pick<1>(request.data, {"uid"});
  UserRef user;
  if (!take_user(request, uid, user)) return;
  services_.users.find(
      peer_.caller(), std::move(user),
      answer<UserPtr>(request.id, [](std::string& out, const UserPtr& found) { append_user(out, *found); }));
}

void Connection::user_update(const Request& request) {
  const auto [username, avatar, sex, brief, birthday] =
      pick<5>(request.data, {"username", "avatar", "sex", "brief", "birthday"});
  std::vector<Field> fields;
  const auto keep = [&fields](std::string_view name, const std::optional<std::string>& text) {
    if (text) json::append_string(fields.emplace_back(name, std::string()).second, *text);
  };
  std::optional<std::string> name, picture, about;
  if (!take_text(request, username, name, max_name) || !take_avatar(request, avatar, picture)) return;
  if (!take_text(request, brief, about, max_text)) return;
  keep("name", name), keep("avatar", picture), keep("brief", about);
  for (const auto& [member, value] : {std::pair<std::string_view, json::Value>{"sex", sex}, {"birthday", birthday}}) {
    std::int64_t number = 0;
    if (missing(value)) continue;
    if (!take(request, value, number)) return;
    fields.emplace_back(member, std::to_string(number));
  }
  services_.users.find(peer_.caller(), UserRef::of(peer_.caller().user),
                       [this, id = request.id, fields = std::move(fields)](Result<UserPtr> found) {
                         if (!found) return refuse(id, found.error());
                         services_.users.set_profile(peer_.caller(), merge((*found)->profile, fields),
                                                     [this, id](Result<UserPtr> set) {
                                                       if (!set) return refuse(id, set.error());
                                                       reply_null(id);
                                                       tell_profile_changed();
                                                     });
                       });
}

void Connection::tell_profile_changed() {
  ConversationQuery query;
  query.limit = told_conversations;
  services_.messaging.conversations(peer_.caller(), query, [this](Result<std::vector<ConversationRecord>> found) {
    if (!found) return;  // a hint only
    for (const auto& record : *found) {
      Signal signal;
      signal.in = ConversationRef::of(record.conversation->id);
      signal.name = profile_signal;
      signal.from_outside = true;
      services_.messaging.signal(peer_.caller(), std::move(signal));
    }
  });
}

}  // namespace loft::carrypigeon
