// TLS against OpenSSL's own client, with a certificate made here.
#include <catch2/catch.hpp>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "fixture.hpp"

using namespace net_test;
using loft::CloseHow;

namespace {

/// A folder with a self-signed certificate and its key, gone with the test.
struct Certificate {
  Certificate() {
    char name[] = "/tmp/loft-net-XXXXXX";
    folder = ::mkdtemp(name);
    EVP_PKEY* made = EVP_EC_gen("P-256");
    X509* x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, made);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_sign(x509, made, EVP_sha256());
    std::FILE* file = std::fopen(path("cert.pem").c_str(), "w");
    PEM_write_X509(file, x509);
    std::fclose(file);
    file = std::fopen(path("key.pem").c_str(), "w");
    PEM_write_PrivateKey(file, made, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(x509);
    EVP_PKEY_free(made);
  }
  ~Certificate() { std::filesystem::remove_all(folder); }

  std::string path(const std::string& file) const { return folder + "/" + file; }
  loft::net::ListenSpec spec() const { return {"secure", "127.0.0.1", 0, path("cert.pem"), path("key.pem")}; }

  std::string folder;
};

class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int version = TLS1_3_VERSION) : tcp(port) {
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context_, version);
    SSL_CTX_set_max_proto_version(context_, version);
    ssl = SSL_new(context_);
    SSL_set_fd(ssl, tcp.fd);
  }
  ~TlsClient() {
    SSL_free(ssl);
    SSL_CTX_free(context_);
  }

  bool send(std::string_view bytes) {
    return SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  std::string receive(std::size_t count) {
    std::string all(count, '\0');
    std::size_t filled = 0;
    while (filled < count) {
      const int got = SSL_read(ssl, all.data() + filled, static_cast<int>(count - filled));
      if (got <= 0) break;
      filled += static_cast<std::size_t>(got);
    }
    all.resize(filled);
    return all;
  }

  Client tcp;
  SSL* ssl = nullptr;

 private:
  SSL_CTX* context_ = nullptr;
};

}  // namespace

TEST_CASE("TLS 1.2 and 1.3 echo small and large, in one send a turn where it fits") {
  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const Certificate certificate;
  Host host;
  std::atomic<bool> tls{false};
  host.transport.behaviour->opened = [&](Link& link) { tls = link.is_tls(); };
  host.start(certificate.spec());
  TlsClient client(host.port, version);
  REQUIRE(SSL_connect(client.ssl) == 1);
  REQUIRE(client.send("hello"));
  CHECK(client.receive(5) == "hello");
  CHECK(tls);
  std::string large(700'000, '\0');
  for (std::size_t index = 0; index < large.size(); ++index) large[index] = static_cast<char>(index % 251);
  for (std::size_t at = 0; at < large.size(); at += 100'000) {
    REQUIRE(client.send(std::string_view(large).substr(at, 100'000)));
    REQUIRE(client.receive(100'000) == large.substr(at, 100'000));
  }
  SSL_shutdown(client.ssl);
  client.tcp.close();
  CHECK(eventually([&] { return host.transport.seen->destroyed == 1; }));
  CHECK(host.transport.seen->reason == static_cast<int>(CloseReason::peer));
}

TEST_CASE("over TLS a close delivers everything, then says goodbye, and proven follows") {
  const Certificate certificate;
  loft::net::EngineOptions options;
  options.outbox_bytes = 16 << 20;
  Host host(options);
  constexpr std::size_t total = 6 << 20;
  Link* link_of_test = nullptr;
  host.transport.behaviour->bytes = [&](Link& link, Bytes bytes) {
    link_of_test = &link;
    if (bytes == "close") {
      link.close(CloseHow::flush);
    } else {
      link.write(std::string(total, 't'));
    }
    return bytes.size();
  };
  host.start(certificate.spec());
  TlsClient client(host.port);
  REQUIRE(SSL_connect(client.ssl) == 1);
  REQUIRE(client.send("x"));
  CHECK(client.receive(1) == "t");
  host.on_thread([&] { CHECK(link_of_test->proven() == 0); });
  CHECK(client.receive(total - 1).size() == total - 1);
  CHECK(eventually([&] {
    std::uint64_t proven = 0;
    host.on_thread([&] { proven = link_of_test->proven(); });
    return proven == total;
  }));
  REQUIRE(client.send("close"));
  char byte = 0;
  const int result = SSL_read(client.ssl, &byte, 1);
  CHECK(SSL_get_error(client.ssl, result) == SSL_ERROR_ZERO_RETURN);
  client.tcp.close();
  CHECK(eventually([&] { return host.transport.seen->closed == 1; }));
  CHECK(host.transport.seen->reason == static_cast<int>(CloseReason::local));
}

TEST_CASE("a paused TLS link loses neither bytes nor the end of the stream") {
  const Certificate certificate;
  Host host;
  Link* link_of_test = nullptr;
  std::string got;
  std::atomic<int> calls{0};
  host.transport.behaviour->bytes = [&](Link& link, Bytes bytes) -> std::size_t {
    link_of_test = &link;
    link.pause_reads(true);
    const std::size_t used = std::min<std::size_t>(bytes.size(), 10);
    got.append(bytes.substr(0, used));
    ++calls;
    return used;
  };
  host.start(certificate.spec());
  TlsClient client(host.port);
  REQUIRE(SSL_connect(client.ssl) == 1);
  REQUIRE(client.send("0123456789abcdefghij"));
  REQUIRE(client.send("KLMNO"));
  SSL_shutdown(client.ssl);
  client.tcp.half_close();  // a close with unread session tickets would be a reset
  REQUIRE(eventually([&] { return calls == 1; }));
  for (int round = 0; round < 10 && host.transport.seen->closed == 0; ++round) {
    const int before = calls;
    host.on_thread([&] {
      if (host.transport.seen->closed == 0) link_of_test->pause_reads(false);
    });
    eventually([&] { return calls > before || host.transport.seen->closed == 1; });
  }
  CHECK(host.transport.seen->closed == 1);
  CHECK(got == "0123456789abcdefghijKLMNO");
}

TEST_CASE("who does not finish the TLS handshake is closed, and who speaks something else too") {
  const Certificate certificate;
  loft::net::EngineOptions options;
  options.tls_handshake = 100;
  Host host(options);
  host.start(certificate.spec());
  Client silent(host.port);
  CHECK(silent.at_end());
  Client wrong(host.port);
  REQUIRE(wrong.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  wrong.receive(1000);  // an alert perhaps
  CHECK(wrong.at_end());
  CHECK(eventually([&] { return host.engine->connections() == 0; }));
  CHECK(host.metric("net_tls_handshake_failures_total") == 2);
  CHECK(host.transport.seen->opened == 0);
}

TEST_CASE("an unusable certificate or key is named together with OpenSSL's reason") {
  const Certificate certificate, other;
  std::ofstream(certificate.path("junk.pem")) << "this is not PEM\n";
  Host host;
  const auto refusal = [&](std::string cert, std::string key) {
    auto bound = host.engine->listen({"secure", "127.0.0.1", 0, cert, key}, host.transport, host.endpoint);
    REQUIRE_FALSE(bound);
    CHECK(bound.error().reason == "listen.tls");
    return bound.error().detail;
  };
  using Catch::Matchers::Contains;
  CHECK_THAT(refusal(certificate.path("none.pem"), certificate.path("key.pem")),
             Contains("none.pem") && Contains("No such file") && Contains("secure"));
  CHECK_THAT(refusal(certificate.path("junk.pem"), certificate.path("key.pem")),
             Contains("junk.pem") && Contains("no start line"));
  CHECK_THAT(refusal(certificate.path("cert.pem"), other.path("key.pem")), Contains("key.pem") && Contains("mismatch"));
  CHECK_THAT(refusal(certificate.path("cert.pem"), ""), Contains("the key is missing"));
}
