// One client's connection: requests in, replies out.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include <loft/contract.hpp>
#include <loft/json.hpp>

#include "carrypigeon/errors.hpp"
#include "carrypigeon/settings.hpp"
#include "carrypigeon/wire.hpp"

namespace loft::carrypigeon {

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
  static const Route* find_route(const json::Value& path);

  // user_routes.cpp
  void login(const Request& request);
  void logout(const Request& request);
  // channel_routes.cpp
  void channel_create(const Request& request);
  void channel_list(const Request& request);
  void channel_profile(const Request& request);
  void member_list(const Request& request);
  // message_routes.cpp
  void message_create(const Request& request);
  void message_delete(const Request& request);
  void message_get(const Request& request);
  void message_list(const Request& request);
  void unread_get(const Request& request);
  void read_state_update(const Request& request);
  void read_state_get(const Request& request);

  void profile(std::int64_t id, ConversationRef ref, bool must_be_member);

  /// An integer of the request, or a text that holds one, of at least `low` and at most `high`. Otherwise the request
  /// is refused and false returned.
  bool take(const Request& request, const json::Value& value, std::int64_t& out,
            std::int64_t low = std::numeric_limits<std::int64_t>::min(),
            std::int64_t high = std::numeric_limits<std::int64_t>::max());
  /// A text of at most `characters`, which may be missing; else as `take`.
  bool take_text(const Request& request, const json::Value& value, std::string& out, std::size_t characters);

  void refuse(std::int64_t id, const Refusal& refusal);
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

  /// As `answer`, for a reply without data.
  template <class T>
  Done<T> acknowledge(std::int64_t id) {
    return [this, id](Result<T> result) { return result ? reply_null(id) : refuse(id, result.error()); };
  }

  Peer& peer_;
  const Services& services_;
};

}  // namespace loft::carrypigeon
