// `/core/user/…`
#include "carrypigeon/connection.hpp"

namespace loft::carrypigeon {

void Connection::login(const Request& request) {
  const auto [token] = pick(request.data, {"token"});
  auto text = token.text();
  if (!text) return refuse(request.id, malformed_args);
  const auto claims = services_.identity.verify(*text, services_.settings.token);
  if (!claims) return refuse(request.id, claims.error());

  SessionPolicy policy;
  policy.interests = {.own_messages = true, .recalls = true, .reads = true, .membership = true};
  policy.mark_on_push = {MarkId::delivered};
  // The token stays as it is: replacing it would lock the user's other devices out.
  peer_.login(*claims, std::move(policy), [this, id = request.id, token = std::move(*text)](Result<Login> result) {
    if (!result) return refuse(id, result.error());
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
  const auto [token] = pick(request.data, {"token"});
  if (!token.is(json::Type::string)) return refuse(request.id, malformed_args);
  peer_.logout();
  peer_.login_deadline(services_.settings.login_deadline);
  reply_null(request.id);
}

}  // namespace loft::carrypigeon
