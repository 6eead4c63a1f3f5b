// Stand-ins for the host's side of a connection, so that a transport or a contract is tested without a socket.
//
//   FakeEndpoint endpoint;
//   FakeLink link;
//   link.begin(transport.serve(link, endpoint));
//   link.receive("…");                 // bytes from the peer
//   link.advance(10'000);              // time passes, deadlines fire
//   link.take_sent();                  // what the peer would have read since the last call
//
// Thread role of everything: one thread, the test's.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <loft/transport.hpp>

namespace loft::testing {

/// A connection whose peer is the test. It calls the protocol as the host does: never from inside the protocol's own
/// calls of the link, and never after `on_closed`.
class FakeLink final : public Link {
 public:
  FakeLink() = default;
  FakeLink(const FakeLink&) = delete;
  FakeLink& operator=(const FakeLink&) = delete;

  /// Takes over the protocol of this connection; null is a test's mistake that shows as `!is_open()`.
  void begin(std::unique_ptr<Protocol> protocol) {
    protocol_ = std::move(protocol);
    turn();
  }

  /// Bytes from the peer. What the protocol leaves unused waits and is offered again.
  void receive(Bytes bytes) {
    incoming_.append(bytes);
    offer_ = true;
    turn();
  }

  /// A turn of the loop: offers waiting bytes, carries out a hand-over or a close. Needed after the test itself called
  /// something that writes, releases or closes.
  void turn() {
    while (protocol_ != nullptr && !closing_ && offer_ && !paused_ && pressure() == Pressure::none &&
           !incoming_.empty()) {
      offer_ = false;
      // A copy of exactly that size, so that a sanitizer sees a read beyond the end.
      const std::vector<char> copy(incoming_.begin(), incoming_.end());
      const auto used = protocol_->on_bytes(Bytes(copy.data(), copy.size()));
      used_up_ = used_up_ && used <= copy.size();
      incoming_.erase(0, std::min(used, copy.size()));
      if (next_ != nullptr) {
        protocol_ = std::move(next_);
        offer_ = true;
      }
    }
    if (closing_) end(CloseReason::local);
  }

  /// Lets time pass, in steps to each deadline on the way.
  void advance(Millis by) {
    const Millis until = time_.at + by;
    while (protocol_ != nullptr && deadline_ && *deadline_ <= until) {
      time_.at = std::max(time_.at, *deadline_);
      deadline_.reset();
      protocol_->on_deadline();
      turn();
    }
    time_.at = until;
  }

  /// The connection ends from outside.
  void end(CloseReason reason) {
    if (protocol_ == nullptr) return;
    closing_ = true;
    const auto last = std::move(protocol_);
    last->on_closed(reason);
  }

  Protocol* protocol() const noexcept { return protocol_.get(); }
  bool is_open() const noexcept { return protocol_ != nullptr && !closing_; }
  std::optional<CloseHow> closed() const noexcept { return closed_; }  ///< how the protocol closed, if it did
  bool is_paused() const noexcept { return paused_; }
  std::size_t unused() const noexcept { return incoming_.size(); }  ///< bytes that wait for the protocol
  bool used_within_bounds() const noexcept { return used_up_; }     ///< no `on_bytes` claimed more than it got
  std::optional<Millis> deadline_in() const noexcept {
    return deadline_ ? std::optional<Millis>(*deadline_ - time_.at) : std::nullopt;
  }
  std::size_t writes() const noexcept { return writes_; }
  const std::string& sent() const noexcept { return sent_; }
  /// As when the peer reads everything. What a protocol left because of pressure is offered with the next `turn`.
  std::string take_sent() {
    offer_ = offer_ || pressure() != Pressure::none;
    return std::exchange(sent_, {});
  }
  void prove_all() noexcept { proven_ = written_; }

  std::size_t outbox_room = static_cast<std::size_t>(-1);  ///< with more in `sent` the link is under pressure
  std::string address = "192.0.2.7";
  bool loopback = false;
  bool tls = false;

  using Link::write;
  void write(Slices pieces) override {
    if (closing_) return;
    ++writes_;
    for (const auto piece : pieces) {
      sent_.append(piece);
      written_ += piece.size();
    }
  }
  Pressure pressure() const noexcept override { return sent_.size() > outbox_room ? Pressure::high : Pressure::none; }
  void pause_reads(bool paused) override {
    paused_ = paused;
    offer_ = offer_ || !paused;
  }
  void deadline(Millis in) override { deadline_ = in > 0 ? std::optional<Millis>(time_.at + in) : std::nullopt; }
  std::uint64_t written() const noexcept override { return written_; }
  std::uint64_t proven() noexcept override { return proven_; }
  void hand_over(std::unique_ptr<Protocol> next) override { next_ = std::move(next); }
  void close(CloseHow how) override {
    if (closing_) return;
    closed_ = how;
    closing_ = true;
    deadline_.reset();
  }
  std::string_view remote_address() const noexcept override { return address; }
  bool from_loopback() const noexcept override { return loopback; }
  bool is_tls() const noexcept override { return tls; }
  const Clock& clock() const noexcept override { return time_; }

 private:
  struct Time final : Clock {
    Millis at = 1'000'000;
    Millis now() const noexcept override { return 1'735'689'600'000 - 1'000'000 + at; }  // begins at 2025-01-01
    Millis steady() const noexcept override { return at; }
  };

  Time time_;
  std::unique_ptr<Protocol> protocol_;
  std::unique_ptr<Protocol> next_;
  std::string incoming_;
  std::string sent_;
  std::size_t writes_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t proven_ = 0;
  std::optional<Millis> deadline_;
  std::optional<CloseHow> closed_;
  bool closing_ = false;
  bool paused_ = false;
  bool offer_ = false;
  bool used_up_ = true;
};

/// A channel that notes what a contract does with it.
class FakeChannel final : public Channel {
 public:
  std::vector<std::string> messages;  ///< what was sent
  int holds = 0;
  std::optional<CloseMeaning> closed;
  std::string close_text;
  Millis login_in = 0;
  std::uint64_t bytes = 0;

  void send(Slices message) override {
    auto& text = messages.emplace_back();
    for (const auto piece : message) text.append(piece);
    bytes += text.size();
  }
  void hold() override { ++holds; }
  void release() override { --holds; }
  void close(CloseMeaning meaning, std::string_view text) override {
    if (closed) return;
    closed = meaning;
    close_text = text;
  }
  void login_deadline(Millis in) override { login_in = in; }
  std::uint64_t written() const noexcept override { return bytes; }
  std::uint64_t proven() noexcept override { return bytes; }
};

/// A listener's router. It knows one socket path and remembers what came in.
class FakeEndpoint final : public Endpoint {
 public:
  std::string socket_path = "/ws";
  bool takes_sockets = true;                                 ///< false: `open` answers null
  Transport* socket_transport = nullptr;                     ///< what `websocket` answers
  std::function<void(HttpExchangePtr)> on_exchange;          ///< empty: 404 without a body
  std::function<void(HttpExchangePtr, unsigned)> on_refuse;  ///< empty: `refuse` answers false
  std::function<void(Channel&, const Opening&)> on_open;     ///< before the conversant is made
  std::function<void(MessageView)> on_message;               ///< after the message was noted; may throw

  Channel* channel = nullptr;         ///< of the last connection opened, until it ends
  std::vector<std::string> messages;  ///< what conversants heard
  std::vector<bool> texts;            ///< `is_text` of each
  unsigned refused = 0;               ///< the status of the last `refuse`
  int opened = 0;
  int ended = 0;
  int login_deadlines = 0;
  std::string opened_path;
  std::string opened_query;

  void exchange(HttpExchangePtr exchange) override {
    if (on_exchange) return on_exchange(std::move(exchange));
    exchange->respond(404, {}, {}, {});
  }
  bool refuse(HttpExchangePtr exchange, unsigned status) override {
    refused = status;
    if (!on_refuse) return false;
    on_refuse(std::move(exchange), status);
    return true;
  }
  std::unique_ptr<Conversant> open(Channel& to, const Opening& opening) override {
    if (!takes_sockets) return nullptr;
    channel = &to;
    ++opened;
    opened_path = opening.path;
    opened_query = opening.query;
    if (on_open) on_open(to, opening);
    return std::make_unique<Listener>(*this);
  }
  bool has_socket(std::string_view path) const noexcept override { return path == socket_path; }
  Admission admission;  ///< what `admit` answers
  Admission admit(const HttpExchange&) override { return admission; }
  Transport* websocket() noexcept override { return socket_transport; }

 private:
  class Listener final : public Conversant {
   public:
    explicit Listener(FakeEndpoint& endpoint) : endpoint_(endpoint) {}
    void on_message(MessageView message) override {
      endpoint_.messages.emplace_back(message.data);
      endpoint_.texts.push_back(message.is_text);
      if (endpoint_.on_message) endpoint_.on_message(message);
    }
    void on_login_deadline() override { ++endpoint_.login_deadlines; }
    void on_closed() override {
      ++endpoint_.ended;
      endpoint_.channel = nullptr;
    }

   private:
    FakeEndpoint& endpoint_;
  };
};

}  // namespace loft::testing
