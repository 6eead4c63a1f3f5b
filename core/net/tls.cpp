#include "net/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <new>

namespace loft::net {

/// A BIO that receives from the socket and queues what is sent. OpenSSL's own socket BIO would raise SIGPIPE and send
/// once per record.
struct SocketBio {
  static int read(BIO* bio, char* data, std::size_t size, std::size_t* got) {
    auto* stream = static_cast<TlsStream*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    ssize_t count = 0;
    do count = ::recv(stream->socket_, data, size, 0);
    while (count < 0 && errno == EINTR);
    *got = count > 0 ? static_cast<std::size_t>(count) : 0;
    if (count > 0) return 1;
    if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) BIO_set_retry_read(bio);
    return 0;
  }

  static int write(BIO* bio, const char* data, std::size_t size, std::size_t* put) {
    try {
      static_cast<TlsStream*>(BIO_get_data(bio))->out.append(Bytes(data, size));
    } catch (const std::bad_alloc&) {
      return 0;  // an exception must not cross OpenSSL
    }
    *put = size;
    return 1;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return 0;
  }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "loft socket");
      if (method == nullptr) throw std::bad_alloc();
      BIO_meth_set_read_ex(method, read);
      BIO_meth_set_write_ex(method, write);
      BIO_meth_set_ctrl(method, control);
      return method;
    }();
    return made;
  }
};

namespace {

/// The earliest entry of OpenSSL's error queue, which is nearest to the cause.
const char* first_reason() {
  const unsigned long code = ERR_peek_error();
  if (code == 0) return "no reason given";
  if (ERR_SYSTEM_ERROR(code)) return strerrordesc_np(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "an error that OpenSSL has no name for";
}

Error tls_error(const char* what, const std::string& file, const char* remedy) {
  return Error{Code::invalid, "listen.tls",
               std::string("cannot use the TLS ") + what + " '" + file + "': " + first_reason() + "; " + remedy};
}

/// A key behind a passphrase must be refused, not asked for on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::load(const std::string& certificate, const std::string& key) {
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) throw std::bad_alloc();
  std::shared_ptr<TlsContext> owner(new TlsContext(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  // Sessions live in tickets at the client; a cache here would only cost memory.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return tls_error("certificate", certificate, "give a readable PEM file with the certificate and its chain");
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return tls_error("key", key, "give a readable PEM file with the certificate's own key, without a passphrase");
  if (SSL_CTX_check_private_key(context) != 1) return tls_error("key", key, "it does not belong to the certificate");
  return owner;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

TlsStream::TlsStream(const TlsContext& context, int socket) : ssl_(SSL_new(context.get())), socket_(socket) {
  BIO* bio = ssl_ != nullptr ? BIO_new(SocketBio::method()) : nullptr;
  if (bio == nullptr) {
    SSL_free(ssl_);
    throw std::bad_alloc();
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_accept_state(ssl_);
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

TlsStream::Status TlsStream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  return result == 1 ? Status::done : status_of(result);
}

TlsStream::Status TlsStream::read(char* buffer, std::size_t size, std::size_t& got) {
  ERR_clear_error();
  got = 0;
  const int result = SSL_read_ex(ssl_, buffer, size, &got);
  return result == 1 ? Status::done : status_of(result);
}

TlsStream::Status TlsStream::write(Bytes plain) {
  while (!plain.empty()) {
    ERR_clear_error();
    std::size_t put = 0;
    const int result = SSL_write_ex(ssl_, plain.data(), plain.size(), &put);
    if (result != 1) {
      status_of(result);
      return Status::failed;  // the queue takes everything: nothing to wait for
    }
    plain.remove_prefix(put);
  }
  return Status::done;
}

void TlsStream::say_goodbye() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

TlsStream::Status TlsStream::status_of(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Status::want_read;
    case SSL_ERROR_ZERO_RETURN:
      return Status::closed;
    case SSL_ERROR_SYSCALL:
      reason_ = "the peer ended the connection";
      return Status::closed;
    default:
      reason_ = first_reason();
      return Status::failed;
  }
}

}  // namespace loft::net
