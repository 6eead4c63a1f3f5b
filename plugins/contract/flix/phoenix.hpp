// Phoenix Channels: frames of both versions, and the channels of one socket. Knows nothing of messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <loft/contract.hpp>
#include <loft/json.hpp>

namespace loft::phoenix {

enum class Version : std::uint8_t {
  v1,  ///< `{"topic","event","payload","ref"}`
  v2,  ///< `[join_ref, ref, topic, event, payload]`, and binary frames
};

/// What `vsn` asks for; empty stands for 1.0.0. Nullopt: neither `~> 1.0.0` nor `~> 2.0.0`.
std::optional<Version> version_of(std::string_view vsn) noexcept;

/// One frame of a client. Refs are kept as they were written, JSON and all: they are echoed exactly.
struct Frame {
  Bytes join_ref = "null";
  Bytes ref = "null";
  Bytes topic;
  Bytes event;
  json::Value payload;     ///< null for a binary one
  bool is_binary = false;  ///< its payload was bytes

  Frame() = default;
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

 private:
  friend Result<void> decode(MessageView message, Version version, Frame& out);
  friend Result<void> decode_binary(Bytes data, Frame& out);
  std::string spare_[4];  ///< what had to be written anew
};

/// Reads a frame. It views the message's bytes. Errors: invalid `phoenix.frame`; the detail says what is wrong.
Result<void> decode(MessageView message, Version version, Frame& out);

/// Where the answer to a frame belongs: its refs.
class Address {
 public:
  Address() : Address("null", "null") {}
  Address(Bytes join_ref, Bytes ref) : refs_(join_ref), split_(join_ref.size()) { refs_ += ref; }
  explicit Address(const Frame& frame) : Address(frame.join_ref, frame.ref) {}

  Bytes join_ref() const noexcept { return Bytes(refs_).substr(0, split_); }
  Bytes ref() const noexcept { return Bytes(refs_).substr(split_); }

 private:
  std::string refs_;  // both in one, so that the answer's handler stays small
  std::size_t split_;
};

/// `phx_reply`: the head, then the response as JSON, then the end.
void begin_reply(std::string& out, Version version, const Address& to, Bytes topic, bool ok);
void end_reply(std::string& out, Version version, const Address& to);

/// `phx_close` and `phx_error`: the channel's join_ref in both places.
void append_lifecycle(std::string& out, Version version, Bytes join_ref, Bytes topic, std::string_view event,
                      Bytes payload);

/// The channels that one socket has joined. How many that may be is the application's to say.
class Channels {
 public:
  struct Channel {
    std::string topic;
    std::string join_ref;  ///< as JSON
  };

  const Channel* find(Bytes topic) const noexcept;
  /// Takes the place of a channel of that topic.
  void put(Bytes topic, Bytes join_ref);
  void remove(Bytes topic);
  const std::vector<Channel>& all() const noexcept { return all_; }
  void clear() noexcept { all_.clear(); }

 private:
  std::vector<Channel> all_;
};

/// What is behind a socket.
class Application {
 public:
  virtual ~Application() = default;
  virtual void send(Bytes frame) = 0;
  /// Whether channels of that topic can be joined.
  virtual bool routes(Bytes topic) const noexcept = 0;
  /// A join, perhaps of a topic that is joined already. To be answered by `Socket::accept` or `Socket::refuse`, one
  /// join at a time.
  virtual void join(const Frame& frame) = 0;
  /// A channel is over.
  virtual void left(Bytes topic) = 0;
  /// An event of a joined channel.
  virtual void event(const Frame& frame) = 0;
};

/// The rules between frames and channels. Thread role: one thread.
class Socket {
 public:
  Socket(Version version, Application& application) : version_(version), application_(application) {}

  void on_message(MessageView message);

  void accept(Bytes topic, const Address& join);
  /// `response` is a JSON object. A channel of that topic is closed.
  void refuse(Bytes topic, const Address& join, Bytes response);

  /// Answers with a ready response.
  void reply(Bytes topic, const Address& to, bool ok, Bytes response);

  /// All channels end with `phx_error`, so that clients join again.
  void fail_all(Bytes payload);

  Version version() const noexcept { return version_; }
  const Channels& channels() const noexcept { return channels_; }

 private:
  void join(const Frame& frame);
  void leave(const Frame& frame);
  void close(const std::string& topic, const std::string& join_ref);

  Version version_;
  Application& application_;
  Channels channels_;
};

}  // namespace loft::phoenix
