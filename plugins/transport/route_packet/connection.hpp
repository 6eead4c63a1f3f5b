// One packet connection.
#pragma once

#include <memory>

#include <loft/transport.hpp>

#include "codec.hpp"
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
  void take(Bytes payload);
  void fail(const char* why);
  void finish();
  void rearm();
  template <class F>
  void guarded(F&& call) noexcept;

  Link& link_;
  const Settings& settings_;
  std::unique_ptr<Conversant> conversant_;
  PlainCodec codec_;
  bool finished_ = false;
  bool parsing_ = false;
  bool paused_ = false;
  std::uint16_t holds_ = 0;
  Millis heard_at_;  ///< last whole packet
  Millis sent_at_;
  Millis login_at_ = 0;  ///< 0: none
};

}  // namespace loft::route_packet
