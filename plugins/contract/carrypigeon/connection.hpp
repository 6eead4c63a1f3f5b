// One client's connection: requests in, replies out.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <loft/contract.hpp>
#include <loft/contract_tools.hpp>
#include <loft/json.hpp>

#include "carrypigeon/applications.hpp"
#include "carrypigeon/errors.hpp"
#include "carrypigeon/settings.hpp"
#include "carrypigeon/wire.hpp"

namespace loft::carrypigeon {

class ListPage;

/// One request. Valid during `Connection::on_message`.
struct Request {
  std::int64_t id = no_id;
  json::Value data;  ///< an object, or empty where there was none
};

/// Thread role: the connection's I/O thread.
class Connection final : public Conversant {
 public:
  /// Both outlive the connection.
  Connection(Peer& peer, const Services& services);

  void on_message(MessageView message) override;
  void on_login_deadline() override;
  void on_expired() override;

 private:
  struct Route {
    std::string_view path;
    void (Connection::*handle)(const Request&);
    bool needs_login = true;
  };
  static const Route* find_route(std::string_view name);

  // user_routes.cpp
  void login(const Request& request);
  void logout(const Request& request);
  void user_profile(const Request& request);
  void user_update(const Request& request);
  // channel_routes.cpp
  void channel_create(const Request& request);
  void channel_delete(const Request& request);
  void channel_list(const Request& request);
  void channel_profile(const Request& request);
  void channel_update(const Request& request);
  // member_routes.cpp
  void member_get(const Request& request);
  void member_list(const Request& request);
  void member_delete(const Request& request);
  void admin_create(const Request& request);
  void admin_delete(const Request& request);
  void ban_create(const Request& request);
  void ban_delete(const Request& request);
  void ban_list(const Request& request);
  // application_routes.cpp
  void application_create(const Request& request);
  void application_process(const Request& request);
  void application_list(const Request& request);
  // message_routes.cpp
  void message_create(const Request& request);
  void message_delete(const Request& request);
  void message_get(const Request& request);
  void message_list(const Request& request);
  void list_from(std::int64_t id, std::shared_ptr<ListPage> page);
  void unread_get(const Request& request);
  void read_state_update(const Request& request);
  void read_state_get(const Request& request);
  void act(std::string name, const Request& request);

  void profile(std::int64_t id, ConversationRef ref, bool must_be_member);
  void tell_profile_changed();
  void set_role(const Request& request, Role role);
  /// `then()` if the caller is an admin of that channel; else the request is refused.
  void as_admin(std::int64_t id, std::int64_t cid, Function<void()> then);
  void approve(std::int64_t id, Application application, bool asked);
  void tell_applications(std::int64_t cid);

  /// An integer of the request, or a text that holds one, of at least `low` and at most `high`. Otherwise the request
  /// is refused and false returned.
  bool take(const Request& request, const json::Value& value, std::int64_t& out,
            std::int64_t low = std::numeric_limits<std::int64_t>::min(),
            std::int64_t high = std::numeric_limits<std::int64_t>::max());
  /// The number of a channel, or of a user. As `take`.
  bool take_channel(const Request& request, const json::Value& value, ConversationRef& out);
  bool take_user(const Request& request, const json::Value& value, UserRef& out);
  /// A text of at most `characters`, which may be missing; else as `take`.
  bool take_text(const Request& request, const json::Value& value, std::string& out, std::size_t characters);
  bool take_text(const Request& request, const json::Value& value, std::optional<std::string>& out,
                 std::size_t characters);
  /// As `take_text`; a number counts as its digits: there are clients whose avatars are numbers.
  bool take_avatar(const Request& request, const json::Value& value, std::optional<std::string>& out);

  void refuse(std::int64_t id, Refusal refusal);
  void refuse(std::int64_t id, const Error& error) { refuse(id, refusal_of(error)); }
  void reply_null(std::int64_t id);

  /// Replies 200; `write(out)` appends the data.
  template <class F>
  void reply(std::int64_t id, F write) {
    if (id == no_id) return;
    std::string& out = scratch();
    begin_reply(out, id, code_ok);
    write(out);
    out += '}';
    peer_.send(Bytes(out));
  }

  /// An answer of the host that becomes a reply: `write(out, value)` appends its data.
  template <class T, class F>
  Done<T> answer(std::int64_t id, F write) {
    return [this, id, write](Result<T> result) {
      if (!result) return refuse(id, result.error());
      reply(id, [&](std::string& out) { write(out, *result); });
    };
  }

  /// As `answer`, for a reply without data. `no_role`: what is said to who lacks the role it takes.
  template <class T>
  Done<T> acknowledge(std::int64_t id, Refusal no_role = not_admin) {
    return [this, id, no_role](Result<T> result) {
      if (result) return reply_null(id);
      result.error().reason == "role.required" ? refuse(id, no_role) : refuse(id, result.error());
    };
  }

  Peer& peer_;
  const Services& services_;
  Applications applications_{services_.key_values};
};

}  // namespace loft::carrypigeon
