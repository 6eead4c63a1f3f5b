// One socket of a Flix client: the channel `user:<uuid>` and its events.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <loft/contract.hpp>
#include <loft/contract_tools.hpp>

#include "contract.hpp"
#include "errors.hpp"
#include "phoenix.hpp"

namespace loft::flix {

class Session final : public Conversant, phoenix::Application {
 public:
  Session(const Shared& shared, Peer& peer, phoenix::Version version, std::optional<Claims> proof);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void on_message(MessageView message) override { socket_.on_message(message); }
  void on_login_deadline() override;
  void on_expired() override;

 private:
  using Address = phoenix::Address;
  using Frame = phoenix::Frame;
  using Handler = Result<void> (Session::*)(const json::Value& payload, Address to);
  struct Row {
    std::string_view event;
    Handler handler;
    Act act;
  };
  static const Row table[];

  void send(Bytes frame) override { peer_.send(frame); }
  bool routes(Bytes topic) const noexcept override { return topic.starts_with("user:"); }
  void join(const Frame& frame) override;
  void left(Bytes topic) override;
  void event(const Frame& frame) override;

  Result<void> send_message(const json::Value& payload, Address to);
  Result<void> mark_read(const json::Value& payload, Address to);
  Result<void> withdraw(const json::Value& payload, Address to);
  Result<void> history(const json::Value& payload, Address to);
  Result<void> create(const json::Value& payload, Address to);
  Result<void> list(const json::Value& payload, Address to);
  Result<void> info(const json::Value& payload, Address to);
  Result<void> clear(const json::Value& payload, Address to);

  struct Info;
  void count_unread(const std::shared_ptr<Info>& info);
  void list_members(const std::shared_ptr<Info>& info);
  void answer_info(const Info& info);
  Result<void> sync(const json::Value& payload, Address to);
  Result<void> act(std::string name, const json::Value& payload, Address to);

  void log_in(const Claims& claims);
  void joined(Result<Login> result);
  void refuse_join(const Error& error);
  void forget_user();

  /// An error reply to an event.
  void refuse(const Address& to, const Error& error, Act act = Act::any);
  /// Writes an ok reply: `write(out)` writes the response.
  template <class F>
  void answer(const Address& to, F write) {
    auto& out = scratch();
    phoenix::begin_reply(out, socket_.version(), to, topic_, true);
    write(out);
    phoenix::end_reply(out, socket_.version(), to);
    peer_.send(Bytes(out));
  }

  const Shared& shared_;
  Peer& peer_;
  phoenix::Socket socket_;
  std::optional<Claims> proof_;  ///< whom the socket itself belongs to
  std::string topic_;            ///< that is joined, or being joined
  Address joining_;              ///< of the join under way; there is one at most, what comes behind it waits
  std::string asked_;            ///< its topic
  UserId user_ = UserId::none;   ///< who is counted in `Shared::joined`
};

}  // namespace loft::flix
