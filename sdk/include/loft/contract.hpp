// Wire contracts: what clients say and hear. A contract decodes, calls Messaging, and encodes; it never sees a socket.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <loft/bytes.hpp>
#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/http.hpp>
#include <loft/message.hpp>
#include <loft/messaging.hpp>
#include <loft/plugin.hpp>

namespace loft {

class Contract;
class Conversant;

/// Why a connection is closed by the host's side; each transport has its own codes for it.
enum class CloseMeaning : std::uint8_t {
  done,             ///< nothing is wrong (WebSocket 1000)
  going_away,       ///< the host stops; connect again (1001)
  protocol_error,   ///< the peer broke the transport's rules (1002)
  bad_data,         ///< text that is not UTF-8 (1007)
  policy,           ///< not allowed: authentication, origin, rate (1008)
  too_big,          ///< a message over the limit (1009)
  failure,          ///< a bug on this side (1011)
  try_again_later,  ///< outbox full, overloaded (1013)
  replaced,         ///< the user logged in elsewhere and the contract allows one session (1008)
};

/// How a connection began.
struct Opening {
  std::string_view path;                  ///< of the upgrade; empty for packets
  std::string_view query;                 ///< without `?`
  const HttpExchange* request = nullptr;  ///< the upgrade request; null for packets. Valid during `Endpoint::open`
  std::string_view remote_address;
  bool from_loopback = false;
};

/// What a transport offers for one connection that speaks to a contract. Thread role: the link's I/O thread.
class Channel {
 public:
  virtual ~Channel() = default;

  /// Sends one message (a text frame, a packet), pieces joined. Never blocks; copies.
  virtual void send(Slices message) = 0;
  /// While held, no message reaches the conversant; what has come in waits. Calls nest.
  virtual void hold() = 0;
  virtual void release() = 0;
  virtual void close(CloseMeaning meaning, std::string_view text) = 0;
  /// Replaces the time a connection may stay without login; `on_login_deadline` of the conversant follows. 0: none.
  virtual void login_deadline(Millis in) = 0;
  virtual std::uint64_t written() const noexcept = 0;  ///< as Link::written
  virtual std::uint64_t proven() noexcept = 0;         ///< as Link::proven
};

/// Chosen by the contract per session; equal numbers share one encoding of each delivery.
using Variant = std::uint16_t;

/// What of the world a session hears, besides messages from others.
struct Interests {
  bool own_messages = false;  ///< messages its own user sent, through any session
  bool recalls = false;
  bool reads = false;       ///< own read marks that moved, by whatever session
  bool receipts = false;    ///< others who have read messages of its own user (`Delivery::Kind::receipt`)
  bool membership = false;  ///< joins, leaves, roles, new conversations
  bool signals = false;     ///< typing and the like
};

/// A contract's rules for its sessions; given at login.
struct SessionPolicy {
  bool single = false;  ///< one session of this contract per user: a new one closes the old (`on_replaced`)
  Interests interests;
  Variant variant = 0;
  std::vector<MarkId> mark_on_push;  ///< set on each foreign message pushed to this session, once proven
  Millis until = 0;      ///< since 1970: when the proof of identity ends, and the session with it (`on_expired`);
                         ///< 0: never. Filled in by `Peer::login` from claims
  bool service = false;  ///< as Caller::service; filled in likewise
};

/// What is on its way to a session. Valid during the call.
struct Delivery {
  enum class Kind : std::uint8_t {
    message,
    recalled,
    read,
    membership,
    created,
    updated,  ///< the conversation itself: name and the like, or dissolved
    signal,
    receipt,  ///< to a sender: `subject` has read its messages up to `newest`, which is the sender's own. Nobody hears
              ///< it in groups of more than `receipts.group_max` members
  };
  Kind kind = Kind::message;
  const MessageRecord* record = nullptr;       ///< message, recalled
  const Change* change = nullptr;              ///< recalled, membership, created
  const Conversation* conversation = nullptr;  ///< always
  const User* actor = nullptr;                 ///< who did it
  const User* subject = nullptr;               ///< membership: whom it concerns; read, receipt: whose mark
  MessageId newest = MessageId::none;          ///< read, receipt: the newest message read
  Position position = 0;                       ///< receipt: of the change, as `sync` gives it
  Millis reached = 0;                          ///< read: as Marked::reached
  const Signal* signal = nullptr;              ///< signal
};

/// One encoded message, shared by all sessions of a contract and variant. Where the bytes depend on the viewer, a
/// splice is noted and filled in per session.
class Encoded {
 public:
  enum class Part : std::uint8_t {
    viewer_id,      ///< decimal
    viewer_handle,  ///< escaped for JSON, without quotes
    viewer_uuid,
  };
  struct Splice {
    std::size_t at = 0;  ///< offset into `bytes` where it is inserted
    Part part = Part::viewer_id;
  };

  std::string bytes;            ///< left empty: nothing is sent
  std::vector<Splice> splices;  ///< ascending `at`

  void splice(Part part) { splices.push_back({bytes.size(), part}); }
  void clear() noexcept {
    bytes.clear();
    splices.clear();
  }
};

/// What came in over a connection. Valid during the call.
struct MessageView {
  Bytes data;
  bool is_text = true;  ///< valid UTF-8, checked by the transport; packets count as text after that check
};

/// A contract's state of one connection. Thread role: that connection's I/O thread. Owned by the host, destroyed after
/// `on_closed`.
class Conversant {
 public:
  virtual ~Conversant() = default;

  virtual void on_message(MessageView message) = 0;
  /// Another session of this user took its place (SessionPolicy::single). Say so if the contract has words for it;
  /// the host closes the connection afterwards.
  virtual void on_replaced() {}
  /// The token that opened the session is not believed any more (SessionPolicy::until). Say so if the contract has
  /// words for it; the host ends the session and closes the connection afterwards, with the meaning `policy`.
  virtual void on_expired() {}
  /// The login deadline passed without a login. The usual answer is an error and `Peer::close`.
  virtual void on_login_deadline() {}
  virtual void on_closed() {}
};

/// What `Peer::login` answers.
struct Login {
  std::shared_ptr<const User> user;
};

/// The host's side of one connection that speaks to a contract. Thread role: that connection's I/O thread.
/// Lifetime: until `Conversant::on_closed` has returned.
class Peer {
 public:
  virtual ~Peer() = default;

  /// Binds the connection to a user. Until `done`, the connection's further messages wait. From then on committed
  /// messages are pushed; what was committed before is in the inbox: nothing is in both, nothing in neither.
  /// A second login on one connection replaces the first session.
  /// Errors: not_found `user.unknown`; invalid `user.handle_invalid`; what OpenSession's interceptors refuse with.
  virtual void login(UserRef user, SessionPolicy policy, Done<Login> done) = 0;
  /// As above, for the user that a verified token names: the session ends when the token does.
  void login(const Claims& proof, SessionPolicy policy, Done<Login> done) {
    policy.until = proof.believed_until;
    policy.service = proof.service;
    login(proof.user(), std::move(policy), std::move(done));
  }
  virtual void logout() = 0;

  virtual bool logged_in() const noexcept = 0;
  /// Precondition: logged in.
  virtual const Caller& caller() const noexcept = 0;
  virtual const User& user() const noexcept = 0;

  /// Sends one message; see Channel::send.
  virtual void send(Slices message) = 0;
  void send(Bytes message) { send(Slices(&message, 1)); }

  virtual void hold() = 0;  ///< see Channel::hold
  virtual void release() = 0;
  /// See Channel::login_deadline; without effect while logged in.
  virtual void login_deadline(Millis in) = 0;
  virtual void close(CloseMeaning meaning, std::string_view text) = 0;
  virtual bool from_loopback() const noexcept = 0;
};

/// What a contract says to the request that opens a WebSocket, before there is one.
struct Admission {
  unsigned refused = 0;     ///< an HTTP status to refuse with, without a body; 0: welcome
  std::string subprotocol;  ///< the `Sec-WebSocket-Protocol` to answer with, one of those asked for; empty: none
};

/// The routes a contract offers. Two contracts that claim the same route on one listener are refused at start, with
/// both named. Thread role: control, inside `Contract::routes`.
class Routes {
 public:
  virtual ~Routes() = default;

  /// `pattern` like `/api/v1/messages/:id`; literal segments win over parameters. The handler may keep the exchange.
  virtual void http(HttpMethod method, std::string pattern, Function<void(HttpExchangePtr)> handler) = 0;
  /// A WebSocket at exactly this path. `admit` may be empty: all are welcome.
  virtual void socket(std::string path, Function<std::unique_ptr<Conversant>(Peer&, const Opening&)> open,
                      Function<Admission(const HttpExchange&)> admit = {}) = 0;
  /// Connections of a packet transport speak to this contract.
  virtual void packets(Function<std::unique_ptr<Conversant>(Peer&, const Opening&)> open) = 0;
  /// Answers what no route matches below this contract's mount (404, 405; of a WebSocket's path 400, 426), and at once
  /// what the transport refuses (400, 408, 413, 414, 417, 431, 501, 503, 505: the connection closes, and of the request
  /// there is as much as was read).
  virtual void otherwise(Function<void(HttpExchangePtr, unsigned status)> handler) = 0;
};

/// A contract plugin.
class Contract : public Plugin {
 public:
  /// Declares the routes. Called once, after `setup`. Handlers run on the connection's I/O thread; if one throws, the
  /// exchange is answered 500 and the connection closed.
  virtual void routes(Routes& routes) = 0;

  /// Writes what a session of this contract and variant hears of a delivery; leaves `out` empty for nothing.
  /// Called once per I/O thread, contract and variant for each delivery. Thread role: I/O, concurrently. Must not
  /// block.
  virtual void encode(const Delivery& delivery, Variant variant, Encoded& out) const = 0;
};

}  // namespace loft
