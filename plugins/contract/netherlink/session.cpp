// One WebSocket connection of a NetherLink client.
#include <algorithm>
#include <vector>

#include <loft/contract_tools.hpp>

#include "netherlink/contract.hpp"
#include "netherlink/errors.hpp"
#include "netherlink/fields.hpp"

namespace loft::netherlink {
namespace {

/// So many errors may wait for answers to messages that were sent before; then nothing more is read until half of them
/// are said. A client that sends nonsense while the disk stands still must not fill the memory.
constexpr std::size_t most_held = 64;

/// Whether a token is the one of the user whom the client claims to be.
bool is_of(const Claims& claims, std::string_view uid) {
  if (claims.named) {
    const auto& named = *claims.named;
    if (named.by == UserRef::By::id ? std::to_string(named.number) == uid : named.text == uid) return true;
  }
  return (!claims.handle.empty() && uid == claims.handle) || (!claims.subject.empty() && uid == claims.subject) ||
         (claims.user_id != 0 && uid == std::to_string(claims.user_id));
}

class Session final : public Conversant {
 public:
  Session(const Shared& shared, Peer& peer, PayloadEncoding encoding)
      : shared_(shared), peer_(peer), encoding_(encoding) {
    peer_.login_deadline(shared_.settings.login_timeout);
  }

  void on_message(MessageView message) override {
    Frame frame;
    if (auto read = read_frame(message.data, frame); !read) return refuse(read.error(), Act::any);
    dispatch(frame);
  }

  void on_login_deadline() override {
    if (!peer_.logged_in()) refuse(failure::login_timeout(), Act::login);
  }
  void on_replaced() override { say_error(failure::replaced(), Act::any); }
  void on_expired() override { say_error(failure::token_expired(), Act::login); }

 private:
  using Handler = Result<void> (Session::*)(const Frame&);
  struct Row {
    std::string_view type;
    Handler handler;
    Act act;
  };
  static const Row table[];

  void dispatch(const Frame& frame);
  Result<void> login(const Frame& frame);
  Result<void> chat(const Frame& frame);
  Result<void> sync(const Frame& frame);
  Result<void> confirm(const Frame& frame);
  Result<void> pong(const Frame&) { return {}; }
  Result<void> act(std::string name, const Frame& frame);

  void logged_in(const Result<Login>& result);
  void tell_lost_devices();
  void sent(const Result<Accepted>& result);
  void auto_sync();
  void turn_to(const Paging& wanted, Function<void(const Result<Page>&)> then);
  std::string& list(const Page& page, std::size_t size);
  void confirmed(std::uint64_t count);

  /// Sends a payload that is complete. The pieces of an object are not joined first.
  void say(std::string_view type, Bytes payload) {
    if (encoding_ == PayloadEncoding::string) {
      std::string frame;
      append_frame(frame, type, payload, true);
      return peer_.send(Bytes(frame));
    }
    const Bytes pieces[] = {"{\"type\":\"", type, "\",\"payload\":", payload, "}"};
    peer_.send(Slices(pieces));
  }
  void say_error(const Error& error, Act act) {
    auto& out = scratch();
    append_error_payload(out, wire_error(error, act).text, detail_of(error));
    say("error", out);
  }
  std::string_view detail_of(const Error& error) const { return shared_.settings.detail_of(error); }

  /// The session ends now, not with the goodbye: what is pushed meanwhile would reach nobody and count as synced.
  void end(CloseMeaning meaning) {
    if (peer_.logged_in()) peer_.logout();
    peer_.close(meaning, "not logged in");
  }

  void refuse(const Error& error, Act act);
  void say_held();

  struct Held {
    std::uint64_t after;  ///< said once that many messages are answered
    Error error;
    Act act;
  };

  /// The page that was answered last. The next one begins where it ended, however few large messages it had room for.
  struct Turned {
    Paging page{0, 0};
    MessageId after = MessageId::none;  ///< it began behind this one …
    std::size_t offset = 0;             ///< … and so many further ones
    MessageId end = MessageId::none;
  };

  const Shared& shared_;
  Peer& peer_;
  const PayloadEncoding encoding_;
  Turned turned_;
  std::uint64_t asked_ = 0;  ///< messages handed to the host
  std::uint64_t answered_ = 0;
  std::vector<Held> held_;   ///< ascending; nearly always empty, and then without memory
  bool is_holding_ = false;  ///< reading, because too much is held
};

// The most frequent first.
constexpr Session::Row Session::table[] = {
    {"chat", &Session::chat, Act::chat},
    {"confirm_messages_synced", &Session::confirm, Act::confirm},
    {"sync_offline_messages", &Session::sync, Act::query},
    {"login", &Session::login, Act::login},
    {"pong", &Session::pong, Act::any},
};

void Session::dispatch(const Frame& frame) {
  for (const auto& row : table) {
    if (!frame.type.equals(row.type)) continue;
    if (row.act != Act::login && !peer_.logged_in()) return refuse(failure::login_first(), Act::any);
    if (auto done = (this->*row.handler)(frame); !done) refuse(done.error(), row.act);
    return;
  }
  if (!peer_.logged_in()) return refuse(failure::login_first(), Act::any);
  auto name = frame.type.text();
  if (!name || !shared_.host->domains().has_action(*name)) return refuse(failure::unknown_type(), Act::any);
  if (auto done = act(std::move(*name), frame); !done) refuse(done.error(), Act::any);
}

/// Before the login every error ends the connection, but for a frame that is no JSON; afterwards only one about who
/// the client is. An error found at once must not overtake the answers to messages that were sent before.
void Session::refuse(const Error& error, Act act) {
  const auto status = wire_error(error, act).status;
  const bool ends = peer_.logged_in() ? status == 401 : error.reason != "netherlink.frame";
  if (ends || answered_ == asked_) {
    say_error(error, act);
    if (ends) end(status == 503 ? CloseMeaning::try_again_later : CloseMeaning::policy);
    return;
  }
  held_.push_back({asked_, error, act});
  if (held_.size() < most_held || is_holding_) return;
  is_holding_ = true;
  peer_.hold();
}

void Session::say_held() {
  if (held_.empty()) return;
  const auto end = std::find_if(held_.begin(), held_.end(), [&](const Held& held) { return held.after > answered_; });
  for (auto it = held_.begin(); it != end; ++it) say_error(it->error, it->act);
  held_.erase(held_.begin(), end);
  if (!is_holding_ || held_.size() > most_held / 2) return;
  is_holding_ = false;
  peer_.release();
}

Result<void> Session::login(const Frame& frame) {
  if (!frame.payload_fits) return failure::login_data("payload must be an object");
  const auto request = read_login(frame.payload);
  if (!request) return request.error();
  const auto claims = shared_.verify(request->token);
  if (!claims) return claims.error();
  if (!is_of(*claims, request->uid)) return failure::wrong_user();
  SessionPolicy policy;
  policy.single = true;
  policy.interests.recalls = shared_.settings.recall_frames;
  policy.interests.signals = true;
  policy.variant = static_cast<Variant>(encoding_);
  policy.mark_on_push = {MarkId::delivered, shared_.synced};
  peer_.login(*claims, std::move(policy), [this](Result<Login> result) { logged_in(result); });
  return {};
}

void Session::logged_in(const Result<Login>& result) {
  // Messages of the session before this login are not answered any more, whether it succeeded or not.
  answered_ = asked_;
  say_held();
  if (!result) return refuse(result.error(), Act::login);
  turned_ = {};
  peer_.send(Bytes("{\"type\":\"login_success\"}"));
  tell_lost_devices();
  if (shared_.settings.auto_sync) auto_sync();
}

/// Clients pass over types that they do not know.
void Session::tell_lost_devices() {
  ListLostDevices lost;
  lost.caller = peer_.caller();
  if (!shared_.settings.register_frames || !shared_.lost_devices->now(lost).passed() || lost.clients.empty()) return;
  std::string out;
  json::Writer w(out);
  w.object().key("type").string("push_register").key("payload").object().key("device_ids").array();
  for (const auto& client : lost.clients) w.string(client);
  w.end_array().end_object().end_object();
  peer_.send(Bytes(out));
}

/// Reads a page of what is not synced, oldest first. Requests that come meanwhile wait: the next page depends on it.
void Session::turn_to(const Paging& wanted, Function<void(const Result<Page>&)> then) {
  auto query = shared_.unsynced();
  query.limit = wanted.size;
  if (wanted.size == turned_.page.size && wanted.page == turned_.page.page) {
    query.after = turned_.after;
    query.offset = turned_.offset;
  } else if (wanted.size == turned_.page.size && wanted.page - 1 == turned_.page.page) {
    query.after = turned_.end;
  } else {
    query.offset = wanted.offset();
  }
  peer_.hold();
  auto turn = [this, wanted, after = query.after, offset = query.offset,
               then = std::move(then)](const Result<Page>& result) mutable {
    peer_.release();
    if (result) {
      const bool is_beyond = result->messages.empty() && offset > 0;
      const auto end = result->messages.empty() ? after : result->messages.back().message->id;
      turned_ = is_beyond ? Turned{} : Turned{wanted, after, offset, end};
    }
    then(result);
  };
  shared_.messaging().inbox(peer_.caller(), query, std::move(turn));
}

/// An object with the messages of a page of that size, yet open.
std::string& Session::list(const Page& page, std::size_t size) {
  auto& out = scratch();
  out += '{';
  shared_.wire.list(out, page, peer_.user(), false);
  out += ",\"count\":";
  json::append_integer(out, std::uint64_t{page.messages.size()});
  // A client takes a page that is not full for the last one.
  if (page.more && page.messages.size() < size) out += ",\"has_more\":true";
  return out;
}

void Session::auto_sync() {
  turn_to({1, max_page_size}, [this](const Result<Page>& result) {
    // Nobody asked: a failure is heard of when the client asks.
    if (!result || result->messages.empty()) return;
    auto& out = list(*result, max_page_size);
    out += '}';
    say("offline_messages", out);
  });
}

Result<void> Session::chat(const Frame& frame) {
  if (!frame.payload_fits) return failure::chat_frame("payload must be an object");
  Submission submission;
  if (auto read = read_chat(frame.payload, submission); !read) return read;
  ++asked_;
  shared_.messaging().submit(peer_.caller(), std::move(submission),
                             [this](const Result<Accepted>& result) { sent(result); });
  return {};
}

void Session::sent(const Result<Accepted>& result) {
  if (answered_ < asked_) ++answered_;
  if (!result) {
    say_error(result.error(), Act::chat);
    return say_held();
  }
  auto& out = scratch();
  shared_.wire.live(out, *result->record, Wire::Live::sent);
  say("chat_response", out);
  say_held();
}

Result<void> Session::sync(const Frame& frame) {
  if (!frame.payload_fits) return failure::frame("payload must be an object");
  const auto [page, size] = pick<2>(frame.payload, {"page", "page_size"});
  for (const auto& number : {page, size}) {
    if (!missing(number) && !number.integer_or_text()) return failure::frame("page and page_size must be integers");
  }
  const auto wanted = paging(page.integer_or_text(), size.integer_or_text(), max_page_size);
  turn_to(wanted, [this, wanted](const Result<Page>& result) {
    if (!result) return refuse(result.error(), Act::query);
    auto& out = list(*result, wanted.size);
    out += ",\"page\":";
    json::append_integer(out, wanted.page);
    out += ",\"page_size\":";
    json::append_integer(out, std::uint64_t{wanted.size});
    out += '}';
    say("offline_messages", out);
  });
  return {};
}

Result<void> Session::confirm(const Frame& frame) {
  if (!frame.payload_fits) return failure::frame("payload must be an object");
  const auto [list] = pick<1>(frame.payload, {"message_ids"});
  if (missing(list)) return failure::no_messages();
  auto ids = read_message_ids(list, failure::frame);
  if (!ids) return ids.error();
  if (ids->empty()) {
    confirmed(0);
    return {};
  }
  shared_.messaging().mark(peer_.caller(), shared_.mark_synced(std::move(*ids)), [this](const Result<Marked>& result) {
    if (!result) return refuse(result.error(), Act::confirm);
    confirmed(result->newly);
  });
  return {};
}

// The action of a message domain, which the document does not know: docs/contracts/netherlink.md.
Result<void> Session::act(std::string name, const Frame& frame) {
  if (!frame.payload_fits) return failure::frame("payload must be an object");
  const auto [message, arguments] = pick<2>(frame.payload, {"message_id", "arguments"});
  auto asked = read_action(std::move(name), message, arguments, failure::frame);
  if (!asked) return asked.error();
  auto answer = [this, type = asked->name, id = asked->message](const Result<std::string>& result) {
    if (!result) return refuse(result.error(), Act::any);
    auto& out = scratch();
    out += "{\"success\":true,\"message_id\":";
    json::append_integer(out, raw(id));
    out += ",\"result\":";
    out += *result;
    out += '}';
    say(type, out);
  };
  shared_.host->domains().act(peer_.caller(), std::move(*asked), std::move(answer));
  return {};
}

void Session::confirmed(std::uint64_t count) {
  auto& out = scratch();
  out += "{\"success\":true,\"message\":\"消息已标记为已同步\",\"count\":";
  json::append_integer(out, count);
  out += '}';
  say("confirm_messages_synced_response", out);
}

}  // namespace

std::unique_ptr<Conversant> make_session(const Shared& shared, Peer& peer, PayloadEncoding encoding) {
  return std::make_unique<Session>(shared, peer, encoding);
}

}  // namespace loft::netherlink
