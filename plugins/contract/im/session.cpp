// One WebSocket connection of an IM client.
#include <algorithm>
#include <vector>

#include <loft/contract_tools.hpp>

#include "contract.hpp"
#include "errors.hpp"
#include "fields.hpp"

namespace loft::im {
namespace {

/// So many errors may wait for answers to messages that were sent before; then nothing more is read until half of them
/// are said. A client that sends nonsense while the disk stands still must not fill the memory.
constexpr std::size_t most_held = 64;

/// `data` of a message, and the client's id for it.
struct Request {
  json::Value data;
  json::Value message_id;
};

class Session final : public Conversant {
 public:
  Session(const Shared& shared, Peer& peer) : shared_(shared), peer_(peer) {
    shared_.connections.fetch_add(1, std::memory_order_relaxed);
    peer_.login_deadline(shared_.settings.login_timeout);
  }
  ~Session() override { shared_.connections.fetch_sub(1, std::memory_order_relaxed); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void on_message(MessageView message) override {
    if (auto done = dispatch(message.data); !done) refuse(done.error());
  }

  void on_login_deadline() override {
    if (peer_.logged_in()) return;
    refuse(failure::login_timeout());
    peer_.close(CloseMeaning::policy, "login timeout");
  }

  void on_expired() override { say_error(wire_error(failure::token_expired()).text); }

 private:
  using Handler = Result<void> (Session::*)(const Request&);
  struct Row {
    std::string_view type;
    Handler handler;
    bool before_login;
  };
  static const Row table[];

  Result<void> dispatch(Bytes frame);
  Result<void> login(const Request& request);
  Result<void> heartbeat(const Request& request);
  Result<void> send(const Request& request);
  Result<void> ack(const Request& request);
  Result<void> sync(const Request& request);
  Result<void> join(const Request& request) { return change_membership(request, MembershipAct::Kind::join); }
  Result<void> leave(const Request& request) { return change_membership(request, MembershipAct::Kind::leave); }
  Result<void> change_membership(const Request& request, MembershipAct::Kind kind);
  Result<void> act(std::string name, const Request& request);

  void logged_in(const Result<Login>& result);
  void tell_lost_devices();
  void sent(const Result<Accepted>& result);

  /// `{"type":…,"data":` in the thread's buffer; `finish` writes the end and sends.
  static std::string& begin(std::string_view type) {
    auto& out = scratch();
    out += "{\"type\":\"";
    out += type;
    out += "\",\"data\":";
    return out;
  }
  void finish(std::string& out) {
    append_stamp(out, shared_.now());
    peer_.send(Bytes(out));
  }

  void say_error(std::string_view text) {
    auto& out = begin("error");
    append_error(out, text);
    finish(out);
  }

  /// An error found at once must not overtake the answers to messages that were sent before.
  void refuse(const Error& error, Act act = Act::any) {
    auto text = wire_error(error, act).text;
    if (answered_ == asked_) return say_error(text);
    held_.push_back({asked_, std::move(text)});
    if (held_.size() < most_held || is_holding_) return;
    is_holding_ = true;
    peer_.hold();
  }
  void say_held() {
    if (held_.empty()) return;
    const auto end = std::find_if(held_.begin(), held_.end(), [&](const Held& held) { return held.after > answered_; });
    for (auto it = held_.begin(); it != end; ++it) say_error(it->text);
    held_.erase(held_.begin(), end);
    if (!is_holding_ || held_.size() > most_held / 2) return;
    is_holding_ = false;
    peer_.release();
  }

  struct Held {
    std::uint64_t after;  ///< said once that many sends are answered
    std::string text;
  };

  const Shared& shared_;
  Peer& peer_;
  std::uint64_t asked_ = 0;  ///< sends handed to the host
  std::uint64_t answered_ = 0;
  std::vector<Held> held_;   ///< ascending; nearly always empty, and then without memory
  bool is_holding_ = false;  ///< reading, because too much is held
};

// The most frequent first.
constexpr Session::Row Session::table[] = {
    {"send_message", &Session::send, false},   {"ack", &Session::ack, false},
    {"heartbeat", &Session::heartbeat, false}, {"sync_offline", &Session::sync, false},
    {"login", &Session::login, true},          {"join_group", &Session::join, false},
    {"leave_group", &Session::leave, false},
};

Result<void> Session::dispatch(Bytes frame) {
  const auto parsed = json::parse(frame);
  if (!parsed || !parsed->is(json::Type::object)) return failure::malformed_frame();
  const auto [type, data, timestamp, id] = pick<4>(*parsed, {"type", "data", "timestamp", "message_id"});
  if (!type.is(json::Type::string)) return failure::malformed_frame();
  for (const auto& row : table) {
    if (!type.equals(row.type)) continue;
    if (!row.before_login && !peer_.logged_in()) return failure::not_logged_in();
    if (!missing(timestamp) && !timestamp.is(json::Type::number)) return failure::field("timestamp must be a number");
    if (!missing(data) && !data.is(json::Type::object)) {
      return row.before_login ? failure::login_data() : failure::field("data must be an object");
    }
    return (this->*row.handler)({data, id});
  }
  if (auto name = type.text(); name && shared_.host->domains().has_action(*name)) {
    return act(std::move(*name), {data, id});
  }
  return failure::unknown_type();
}

Result<void> Session::login(const Request& request) {
  const auto [user_id, token, platform] = pick<3>(request.data, {"user_id", "token", "platform"});
  auto user = required_id(user_id, "user_id");
  const auto proof = text(token, "token");
  if (!user || !proof || !text(platform, "platform")) return failure::login_data();
  auto proven = prove(shared_, std::move(*user), *proof);
  if (!proven) return proven.error();
  SessionPolicy policy;
  policy.single = true;
  policy.interests.signals = true;
  policy.mark_on_push = {MarkId::delivered, shared_.fetched};
  policy.until = proven->until;
  policy.service = proven->service;
  peer_.login(std::move(proven->user), std::move(policy), [this](Result<Login> result) { logged_in(result); });
  return {};
}

void Session::logged_in(const Result<Login>& result) {
  // Sends of the session before this login are not answered any more, whether it succeeded or not.
  answered_ = asked_;
  say_held();
  if (!result) return refuse(result.error());
  auto& out = begin("login");
  out += "{\"success\":true,\"message\":\"Login successful\",\"user_id\":";
  json::append_string(out, result->user->handle);
  out += '}';
  finish(out);
  tell_lost_devices();
}

/// Clients pass over types that they do not know.
void Session::tell_lost_devices() {
  ListLostDevices lost;
  lost.caller = peer_.caller();
  if (!shared_.settings.register_frames || !shared_.lost_devices->now(lost).passed() || lost.clients.empty()) return;
  auto& out = begin("push_register");
  json::Writer w(out);
  w.object().key("device_ids").array();
  for (const auto& client : lost.clients) w.string(client);
  w.end_array().end_object();
  finish(out);
}

Result<void> Session::heartbeat(const Request& request) {
  const auto [user_id] = pick<1>(request.data, {"user_id"});
  if (auto user = id_text(user_id, "user_id"); !user) return user.error();
  auto& out = begin("heartbeat");
  out += "{\"timestamp\":";
  json::append_integer(out, shared_.now());
  out += '}';
  finish(out);
  return {};
}

Result<void> Session::send(const Request& request) {
  if (missing(request.data)) return failure::field("data is required");
  Submission submission;
  if (!missing(request.message_id)) {
    auto own = client_id(request.message_id, "message_id");
    if (!own) return own.error();
    submission.client_id = std::move(*own);
  }
  if (auto read = read_submission(request.data, submission); !read) return read;
  ++asked_;
  shared_.messaging().submit(peer_.caller(), std::move(submission),
                             [this](const Result<Accepted>& result) { sent(result); });
  return {};
}

void Session::sent(const Result<Accepted>& result) {
  if (answered_ < asked_) ++answered_;
  if (!result) {
    say_error(wire_error(result.error()).text);
    return say_held();
  }
  auto& out = begin("send_message");
  out += "{\"success\":true,\"message_id\":\"";
  append_message_id(out, result->record->message->id);
  out += "\",\"message\":";
  shared_.wire.sent(out, *result->record, peer_.user());
  out += '}';
  finish(out);
  say_held();
}

Result<void> Session::ack(const Request& request) {
  if (missing(request.data)) return failure::field("data is required");
  const auto [message, status] = pick<2>(request.data, {"message_id", "status"});
  auto named = required_id(message, "message_id");
  if (!named) return named.error();
  const auto id = message_id(*named);
  auto act = read_ack(id, status, shared_.fetched);
  if (!act) return act.error();
  if (id == MessageId::none) return Error{Code::not_found, "message.unknown", {}};
  const bool is_read = act->mark == MarkId::read;
  shared_.messaging().mark(peer_.caller(), std::move(*act), [this, id, is_read](const Result<Marked>& result) {
    if (!result) return refuse(result.error());
    auto& out = begin("ack");
    out += "{\"success\":true,\"message_id\":\"msg_";
    json::append_integer(out, raw(id));
    out += is_read ? "\",\"status\":\"read\"}" : "\",\"status\":\"delivered\"}";
    finish(out);
  });
  return {};
}

Result<void> Session::sync(const Request& request) {
  const auto [last, wanted] = pick<2>(request.data, {"last_message_id", "limit"});
  auto named = id_text(last, "last_message_id");
  if (!named) return named.error();
  const auto after = cursor(*named);
  if (!after) return after.error();
  if (!missing(wanted) && !wanted.integer()) return failure::field("limit must be an integer");
  shared_.messaging().inbox(peer_.caller(), shared_.offline(*after, limit(wanted.integer())),
                            [this](const Result<Page>& result) {
                              if (!result) return refuse(result.error());
                              auto& out = begin("sync_offline");
                              shared_.wire.page(out, *result, peer_.user());
                              finish(out);
                            });
  return {};
}

Result<void> Session::change_membership(const Request& request, MembershipAct::Kind kind) {
  if (missing(request.data)) return failure::field("data is required");
  const auto [group] = pick<1>(request.data, {"group_id"});
  auto named = required_id(group, "group_id");
  if (!named) return named.error();
  MembershipAct act;
  act.kind = kind;
  act.in = ConversationRef::handle_or_id(*named);
  auto answer = [this, kind, name = std::move(*named)](const Result<MemberRecord>& result) {
    const bool joins = kind == MembershipAct::Kind::join;
    if (!result) return refuse(result.error(), joins ? Act::any : Act::leave);
    auto& out = begin(joins ? "join_group" : "leave_group");
    out += "{\"success\":true,\"group_id\":";
    json::append_string(out, name);
    out += '}';
    finish(out);
  };
  shared_.messaging().change_membership(peer_.caller(), std::move(act), std::move(answer));
  return {};
}

// The action of a message domain, which the document does not know: docs/contracts/im.md.
Result<void> Session::act(std::string name, const Request& request) {
  if (!peer_.logged_in()) return failure::not_logged_in();
  const auto [message, arguments] = pick<2>(request.data, {"message_id", "arguments"});
  auto named = required_id(message, "message_id");
  if (!named) return named.error();
  auto asked = read_action(std::move(name), *named, arguments);
  if (!asked) return asked.error();
  auto answer = [this, type = asked->name, id = asked->message](const Result<std::string>& result) {
    if (!result) return refuse(result.error());
    auto& out = begin(type);
    out += "{\"success\":true,\"message_id\":\"";
    append_message_id(out, id);
    out += "\",\"result\":";
    out += *result;
    out += '}';
    finish(out);
  };
  shared_.host->domains().act(peer_.caller(), std::move(*asked), std::move(answer));
  return {};
}

}  // namespace

std::unique_ptr<Conversant> make_session(const Shared& shared, Peer& peer) {
  return std::make_unique<Session>(shared, peer);
}

}  // namespace loft::im
