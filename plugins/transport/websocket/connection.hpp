// One WebSocket connection, server side.
#pragma once

#include <memory>
#include <string>

#include <loft/transport.hpp>

#include "common/guarded.hpp"
#include "common/holds.hpp"
#include "frame.hpp"
#include "settings.hpp"

namespace loft::websocket {

/// Thread role: the link's I/O thread. Small, because a host holds very many that are idle: what only a message in
/// pieces needs is allocated while there is one.
class Connection final : public Protocol, public Channel {
 public:
  /// `link` and `settings` outlive it.
  Connection(Link& link, const Settings& settings);
  ~Connection() override;

  /// Finds the conversant; without one the connection closes. Once, after the handshake was answered.
  void open(Endpoint& endpoint, const Opening& opening);

  std::size_t on_bytes(Bytes bytes) override;
  void on_deadline() override;
  void on_closed(CloseReason reason) override;
  void drain() override;

  void send(Slices message) override;
  void hold() override;
  void release() override;
  void close(CloseMeaning meaning, std::string_view text) override;
  void login_deadline(Millis in) override;
  std::uint64_t written() const noexcept override { return link_.written(); }
  std::uint64_t proven() noexcept override { return link_.proven(); }

 private:
  enum class State : std::uint8_t {
    open,
    closing,   ///< our close frame is sent, the peer's is awaited; messages are not handed on any more
    finished,  ///< nothing is read or written any more
  };
  struct Pieces;

  bool may_parse() const noexcept {
    return state_ == State::closing || (state_ == State::open && !holds_.any() && link_.pressure() == Pressure::none);
  }
  std::size_t step(Bytes bytes);
  void control(const FrameHeader& header, Bytes payload);
  void closed_by_peer(Bytes payload);
  std::size_t data_frame(const FrameHeader& header, Bytes rest);
  bool begin_pieces(const FrameHeader& header);
  std::size_t take_piece(Bytes bytes);
  void end_of_frame();
  void deliver(MessageView message);
  template <class F>
  void guarded(F&& call) noexcept;

  void send_frame(Opcode opcode, Slices payload);
  void send_close(CloseCode code, std::string_view text);
  void start_closing(CloseCode code, std::string_view text);
  void fail(CloseCode code, std::string_view why);
  void finish();
  void rearm();

  Link& link_;
  const Settings& settings_;
  std::unique_ptr<Conversant> conversant_;
  std::unique_ptr<Pieces> pieces_;
  Millis heard_at_;    ///< last bytes from the peer
  Millis ping_at_;     ///< when the next ping is due
  Millis due_at_ = 0;  ///< open: the deadline of the login, 0: none; closing: when the peer's close frame is due
  transport::Holds holds_;
  State state_ = State::open;
};

static_assert(sizeof(Connection) <= 120, "ten thousand idle connections pay for every byte");

}  // namespace loft::websocket
