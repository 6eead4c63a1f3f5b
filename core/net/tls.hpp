// TLS as a filter: bytes come from the socket, encrypted bytes go into a queue that the connection sends. OpenSSL stays
// in tls.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <loft/error.hpp>

#include "net/byte_queue.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace loft::net {

/// A certificate with its key. Thread role: any, after it was loaded.
class TlsContext {
 public:
  /// Errors: invalid `listen.tls`, naming the file and OpenSSL's reason.
  static Result<std::shared_ptr<TlsContext>> load(const std::string& certificate, const std::string& key);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const noexcept { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) noexcept : context_(context) {}
  ssl_ctx_st* context_;
};

/// The server's side of one TLS connection over a non-blocking socket. It receives from the socket itself and never
/// sends: what is to be sent is in `out`. So writing never waits, whatever OpenSSL is in the middle of.
class TlsStream {
 public:
  enum class Status : std::uint8_t { done, want_read, closed, failed };

  /// Throws std::bad_alloc when OpenSSL has no memory.
  TlsStream(const TlsContext& context, int socket);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Status handshake();
  Status read(char* buffer, std::size_t size, std::size_t& got);
  Status write(Bytes plain);
  void say_goodbye();

  /// Why the last call failed.
  const char* reason() const noexcept { return reason_; }

  ByteQueue out;

 private:
  friend struct SocketBio;
  Status status_of(int result);

  ssl_st* ssl_;
  int socket_;
  const char* reason_ = "";
};

}  // namespace loft::net
