// One packet connection.
#pragma once

#include <memory>

#include <loft/transport.hpp>

#include "cipher.hpp"
#include "common/guarded.hpp"
#include "common/holds.hpp"
#include "settings.hpp"

namespace loft::route_packet {

/// Thread role: the link's I/O thread.
class Connection final : public Protocol, public Channel {
 public:
  /// `link` and `settings` outlive it.
  Connection(Link& link, const Settings& settings);

  /// Finds the conversant; without one the connection closes. Once.
  void open(Endpoint& endpoint);

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
  /// What the peer's packets are.
  enum class Speech : std::uint8_t {
    undecided,  ///< encryption is possible, and nothing but heartbeats has come
    plain,
    sealed,
  };

  void take(Bytes payload);
  void take_sealed(Bytes payload);
  void take_first(Bytes payload);
  void begin_sealed(Bytes key);
  void deliver(Bytes text);
  void write(Slices text, std::size_t size);
  bool beats() const noexcept { return settings_.heartbeat > 0 && (cipher_ != nullptr || settings_.plain_heartbeat); }
  void beat();
  void fail(const char* why);
  void finish();
  void rearm();
  template <class F>
  void guarded(F&& call) noexcept;

  Link& link_;
  const Settings& settings_;
  std::unique_ptr<Conversant> conversant_;
  std::unique_ptr<Cipher> cipher_;  ///< while sealed
  transport::Holds holds_;
  Speech speech_;
  std::uint8_t refused_ = 0;  ///< handshakes
  bool finished_ = false;
  Millis heard_at_;  ///< last whole packet
  Millis sent_at_;
  Millis login_at_ = 0;  ///< 0: none
};

}  // namespace loft::route_packet
