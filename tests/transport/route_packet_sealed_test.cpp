// Encrypted packets: the handshake, and everything that must end such a connection.
#include <catch2/catch.hpp>
#include <loft/json.hpp>
#include <loft/testing/link.hpp>

#include "packet_client.hpp"
#include "route_packet/base64.hpp"
#include "route_packet/connection.hpp"
#include "route_packet/route_packet.hpp"

using namespace loft;
using namespace loft::test;
using namespace loft::route_packet;

namespace {

// Of BouncyCastle; a key that is thrown away.
const std::string public_key =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEACeGjvf+VO7AKCzJ1Es6lJX06XbhDa1gZ4TLTpLVVPhkNQVvQtQHXvgUxQPQxTLivjuGWnxw9CbE/"
    "3EmtLfa+w==";
const std::string private_key =
    "MIGTAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBHkwdwIBAQQgCOvdGTo9Pzb/EjnJDAVRp+3nUGUsHZCprYNCf/OZ5pWgCgYIKoZIzj0DAQehRANC"
    "AAQAJ4aO9/5U7sAoLMnUSzqUlfTpduENrWBnhMtOktVU+GQ1BW9C1Ade+BTFA9DFMuK+O4ZafHD0JsT/cSa0t9r7";
const std::string known_answer =
    "BFQtesKg4zkarOdGZFCeYoUcIh6+9n+bRq0tn6HMRhCs5G/Yw1bLR8gjLNNLEhvyY5y83cZc/jLZGs6CCRRKNMS9URh8lVjS5snS4OQ1g1OlBKdD"
    "Yo4LpzFDqzZvGsH99RUxC40UEVzM9O3b1A==";
const std::string known_text = "AAECAwQFBgcICQoLDA0ODw==";
const std::string known_aes("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16);

std::string packet(std::string_view payload) {
  std::string out;
  out += static_cast<char>(payload.size() >> 8);
  out += static_cast<char>(payload.size());
  return out.append(payload);
}

std::string handshake(const std::string& key) { return R"({"id":1,"session_id":0,"key":")" + key + "\"}"; }

std::shared_ptr<const ServerKey> server_key() {
  auto key = ServerKey::load(private_key);
  REQUIRE(key.ok());
  return std::make_shared<const ServerKey>(std::move(*key));
}

Settings encrypted(Encryption how = Encryption::required) {
  Settings settings;
  settings.encryption = how;
  settings.key = server_key();
  return settings;
}

/// A client that speaks by the document.
struct Client {
  Settings settings;
  Metric violations, refused;
  testing::FakeEndpoint endpoint;
  testing::FakeLink link;
  std::string key = known_aes;
  std::int64_t session = 0;
  std::int64_t sequence = 0;
  std::string incoming;

  explicit Client(Settings with = encrypted()) : settings(std::move(with)) {
    settings.violations = &violations;
    settings.refused = &refused;
    auto connection = std::make_unique<Connection>(link, settings);
    connection->open(endpoint);
    link.begin(std::move(connection));
  }

  std::int64_t now() const { return link.clock().now(); }
  std::string aad() { return associated(sequence++, session, now()); }
  /// The payload of the next packet that the server sent; empty: none.
  std::string next() {
    incoming += link.take_sent();
    if (incoming.size() < 2) return {};
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(incoming[0])) << 8 |
                      static_cast<std::size_t>(static_cast<unsigned char>(incoming[1]));
    auto payload = incoming.substr(2, size);
    incoming.erase(0, 2 + size);
    return payload;
  }
  std::string hear() { return decrypt(key, next()); }

  void agree(const std::string& sealed = known_answer) {
    link.receive(packet(handshake(sealed)));
    const auto text = hear();
    const auto found = json::parse(text)->find("data")->find("data")->find("session_id")->integer();
    REQUIRE(found);
    session = *found;
  }
  void say(const std::string& text) { link.receive(packet(encrypt(key, "123456789012", aad(), text))); }
  void answer(std::string_view text) {
    const Bytes piece(text);
    endpoint.channel->send(Slices(&piece, 1));
    link.turn();
  }
};

}  // namespace

TEST_CASE("what BouncyCastle has sealed opens: the known answer") {
  const auto key = server_key();
  CHECK(key->open(from_base64(known_answer)) == known_text);
}

TEST_CASE("both forms open, with points in all their encodings, and texts of any length") {
  const auto key = server_key();
  const auto pub = from_base64(public_key);
  for (const bool desktop : {false, true}) {
    for (const auto form : {POINT_CONVERSION_UNCOMPRESSED, POINT_CONVERSION_COMPRESSED, POINT_CONVERSION_HYBRID}) {
      for (const std::size_t size : {0u, 1u, 24u, 44u, 500u}) {
        INFO(desktop << " " << form << " " << size);
        const std::string text(size, 'k');
        CHECK(key->open(seal(pub, text, {desktop, form})) == text);
      }
    }
  }
}

TEST_CASE("what was changed, cut or never sealed does not open") {
  const auto key = server_key();
  const auto sealed = from_base64(known_answer);
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    INFO(at);
    auto changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK_FALSE(key->open(changed));
    CHECK_FALSE(key->open(sealed.substr(0, at)));
  }
  CHECK_FALSE(key->open(std::string(109, '\0')));
  CHECK_FALSE(key->open(std::string(109, '\4')));
}

TEST_CASE("a key is PEM or base64 of PKCS#8, of P-256; anything else is refused without being repeated") {
  const auto wrapped = "-----BEGIN PRIVATE KEY-----\n" + private_key.substr(0, 64) + "\n" + private_key.substr(64, 64) +
                       "\n" + private_key.substr(128) + "\n-----END PRIVATE KEY-----\n";
  for (const auto& text : {private_key, private_key + "\n", wrapped}) {
    const auto key = ServerKey::load(text);
    REQUIRE(key.ok());
    CHECK(key->open(from_base64(known_answer)) == known_text);
  }
  const auto p384 = private_der("P-384");
  for (const auto& text : {std::string("secret words"), std::string("c2VjcmV0"), public_key, p384,
                           wrapped.substr(0, 150), std::string(20'000, 'A')}) {
    const auto key = ServerKey::load(text);
    REQUIRE_FALSE(key.ok());
    CHECK(key.error().reason == "private_key");
    CHECK(key.error().detail.find("P-256") != std::string::npos);
    CHECK(key.error().detail.find(text) == std::string::npos);
  }
}

TEST_CASE("base64 is read with blanks and without padding, and refused where it is none") {
  CHECK(base64_decode("") == "");
  CHECK(base64_decode("Zg==") == "f");
  CHECK(base64_decode("Zg") == "f");
  CHECK(base64_decode("Zm8=") == "fo");
  CHECK(base64_decode("Zm9v\nYmFy\r\n") == "foobar");
  for (const auto* bad : {"Z", "Zg=", "Zm9v=", "Zg==Zg==", "Z-==", "Zm9vY", "====", "=Zg="})
    CHECK_FALSE(base64_decode(bad));
}

TEST_CASE("a handshake is confirmed, encrypted, in both spellings; packets then pass both ways") {
  Client client;
  client.link.receive(packet(handshake(known_answer)));
  const auto first = client.next();
  REQUIRE(first.size() > 48);
  CHECK(first.substr(12, 4) == number(0, 4));
  const auto text = decrypt(known_aes, first);
  const auto id = std::to_string(*json::parse(text)->find("data")->find("data")->find("session_id")->integer());
  CHECK(text == R"({"id":-1,"code":0,"data":{"route":"handshake","data":{"session_id":)" + id + R"(,"sessionId":)" +
                    id + "}}}");
  client.session = std::stoll(id);
  CHECK(client.session > 0);
  CHECK(client.session < 1ll << 53);
  CHECK(first.substr(16, 8) == number(static_cast<std::uint64_t>(client.session), 8));
  CHECK(first.substr(24, 8) == number(static_cast<std::uint64_t>(client.now()), 8));
  client.say("{\"id\":1}");
  client.say("{\"id\":2}");
  CHECK(client.endpoint.messages == std::vector<std::string>{"{\"id\":1}", "{\"id\":2}"});
  client.answer("{\"a\":1}");
  client.answer("{\"a\":2}");
  const auto second = client.next(), third = client.next();
  CHECK(decrypt(known_aes, second) == "{\"a\":1}");
  CHECK(decrypt(known_aes, third) == "{\"a\":2}");
  CHECK(second.substr(12, 4) == number(1, 4));
  CHECK(third.substr(12, 4) == number(2, 4));
  CHECK(second.substr(0, 12) != third.substr(0, 12));
  CHECK(client.violations.value() == 0);
}

TEST_CASE("keys of 16, 24 and 32 bytes serve, in both forms, with and without the prefix, the first sequence 0 or 1") {
  const auto pub = from_base64(public_key);
  for (const std::size_t size : {16u, 24u, 32u}) {
    for (const bool desktop : {false, true}) {
      for (const bool prefixed : {false, true}) {
        Client client;
        client.key = std::string(size, 'k');
        client.sequence = prefixed ? 1 : 0;
        const auto text = handshake(to_base64(seal(pub, to_base64(client.key), {desktop})));
        client.link.receive(packet((prefixed ? std::string(32, '\0') : "") + text));
        client.session = *json::parse(client.hear())->find("data")->find("data")->find("sessionId")->integer();
        client.say("{}");
        CHECK(client.endpoint.messages == std::vector<std::string>{"{}"});
      }
    }
  }
}

TEST_CASE("two connections have two sessions") {
  Client one, other;
  one.agree();
  other.agree();
  CHECK(one.session != other.session);
}

TEST_CASE("a handshake that fails is counted and leaves the connection; the third ends it") {
  const auto pub = from_base64(public_key);
  for (const auto& key : {std::string("junk"), std::string("AAAA"), std::string(), to_base64(seal(pub, "no base64!")),
                          to_base64(seal(pub, to_base64("fifteen bytes..")))}) {
    INFO(key);
    Client client;
    client.link.receive(packet(handshake(key)) + packet(handshake(key)));
    CHECK(client.refused.value() == 2);
    CHECK(client.link.is_open());
    CHECK(client.link.sent().empty());
    client.agree();
    client.say("{}");
    CHECK(client.endpoint.messages.size() == 1);
    Client other;
    for (int i = 0; i < 3; ++i) other.link.receive(packet(handshake(key)));
    CHECK(other.link.closed() == CloseHow::flush);
  }
}

TEST_CASE("whatever is wrong with an encrypted packet ends the connection, and nothing of it is heard") {
  Client client;
  client.agree();
  client.say("{}");
  const auto session = client.session;
  const auto now = client.now();
  const auto good = encrypt(known_aes, "123456789012", associated(1, session, now), "{}");
  std::string bad;
  SECTION("the same sequence again") { bad = encrypt(known_aes, "123456789012", associated(0, session, now), "{}"); }
  SECTION("a negative sequence") { bad = encrypt(known_aes, "123456789012", associated(-5, session, now), "{}"); }
  SECTION("another session") { bad = encrypt(known_aes, "123456789012", associated(1, session + 1, now), "{}"); }
  SECTION("too old") { bad = encrypt(known_aes, "123456789012", associated(1, session, now - 180'001), "{}"); }
  SECTION("a negative time") { bad = encrypt(known_aes, "123456789012", associated(1, session, -1), "{}"); }
  SECTION("another key") { bad = encrypt(std::string(16, 'x'), "123456789012", associated(1, session, now), "{}"); }
  SECTION("a changed body") { bad = good, bad[33] = static_cast<char>(bad[33] ^ 1); }
  SECTION("a changed tag") { bad = good, bad.back() = static_cast<char>(bad.back() ^ 1); }
  SECTION("a changed time") { bad = good, bad[31] = static_cast<char>(bad[31] ^ 1); }
  SECTION("a changed nonce") { bad = good, bad[0] = static_cast<char>(bad[0] ^ 1); }
  SECTION("a nonce and no text") { bad = good.substr(0, 32); }
  SECTION("half a tag") { bad = good.substr(0, 40); }
  SECTION("plain text") { bad = R"({"id":1,"route":"/core/channel/list","data":{}})"; }
  SECTION("another handshake") { bad = handshake(known_answer); }
  SECTION("a heartbeat with an old sequence") { bad = std::string(12, '\0') + associated(0, session, now); }
  SECTION("a heartbeat of another session") { bad = std::string(12, '\0') + associated(1, session + 1, now); }
  client.link.receive(packet(bad) + packet(good));
  CHECK(client.link.closed() == CloseHow::flush);
  CHECK(client.endpoint.messages.size() == 1);
  CHECK(client.violations.value() == 1);
}

TEST_CASE("what a client may do: skip sequences, be three minutes late or ahead, send heartbeats, send too little") {
  Client client;
  client.agree();
  const auto session = client.session;
  const auto send = [&](std::int64_t sequence, std::int64_t time) {
    client.link.receive(packet(encrypt(known_aes, "123456789012", associated(sequence, session, time), "{}")));
  };
  send(7, client.now() - 180'000);
  send(8, client.now() + 86'400'000);
  client.link.receive(packet(std::string(12, '\0') + associated(9, session, client.now())));
  client.link.receive(packet("short"));
  send(2'147'483'647, client.now());
  CHECK(client.endpoint.messages.size() == 3);
  CHECK(client.link.is_open());
}

TEST_CASE("the operator may let packets of any age pass") {
  auto settings = encrypted();
  settings.max_age = 0;
  Client client(settings);
  client.agree();
  client.link.receive(packet(encrypt(known_aes, "123456789012", associated(0, client.session, 0), "{}")));
  CHECK(client.endpoint.messages.size() == 1);
}

TEST_CASE("required: a plain packet ends the connection, and nothing leaves it in plain text") {
  Client client;
  client.answer("{\"secret\":1}");
  CHECK(client.link.sent().empty());
  client.link.receive(packet("{\"id\":1}"));
  CHECK(client.link.closed() == CloseHow::flush);
  CHECK(client.endpoint.messages.empty());
  CHECK(client.violations.value() == 1);
}

TEST_CASE("optional: who begins with a plain packet stays plain") {
  Client client(encrypted(Encryption::optional));
  client.link.receive(packet(std::string(12, '\0') + associated(1, 0, 0)));  // a heartbeat decides nothing
  client.link.receive(packet("{\"id\":1,\"route\":\"/x\",\"key\":\"y\"}") + packet(handshake(known_answer)));
  CHECK(client.endpoint.messages.size() == 2);
  client.answer("{}");
  CHECK(client.next() == "{}");
  Client sealed(encrypted(Encryption::optional));
  sealed.agree();
  sealed.say("{}");
  CHECK(sealed.endpoint.messages.size() == 1);
}

TEST_CASE("off: a handshake is a packet like any other") {
  Client client(encrypted(Encryption::off));
  client.link.receive(packet(handshake(known_answer)));
  CHECK(client.endpoint.messages == std::vector<std::string>{handshake(known_answer)});
}

TEST_CASE("an encrypted client hears a heartbeat after 10 s of silence, and its own keep it open beyond 13 s") {
  Client client;
  client.agree();
  client.link.advance(9'999);
  CHECK(client.next().empty());
  client.link.advance(1);
  const auto beat = client.next();
  CHECK(beat == std::string(12, '\0') + associated(1, client.session, client.now()));
  client.link.receive(packet(std::string(12, '\0') + client.aad()));
  client.link.advance(12'999);
  CHECK(client.link.is_open());
  client.link.advance(1);
  CHECK(client.link.closed() == CloseHow::flush);
}

TEST_CASE("a packet that fits its frame plain but not encrypted is dropped; the largest passes") {
  Client client;
  client.agree();
  client.answer(std::string(65'535 - 47, 'x'));
  CHECK(client.next().empty());
  client.answer(std::string(65'535 - 48, 'x'));
  CHECK(client.next().size() == 65'535);
  CHECK(client.link.is_open());
}

TEST_CASE("text that is not UTF-8 stays so, however well it is encrypted") {
  Client client;
  client.agree();
  client.say("{\"a\":\"\xFF\"}");
  CHECK(client.endpoint.texts == std::vector<bool>{false});
}

TEST_CASE("`loft check` refuses encryption without a key, and a key that is none") {
  struct Row {
    const char* encryption;
    std::string key;
    const char* reason;
  };
  for (const auto& row : {Row{"off", "", ""}, Row{"required", private_key, ""}, Row{"optional", private_key, ""},
                          Row{"required", "", "encryption"}, Row{"optional", "", "encryption"},
                          Row{"off", "no key", "private_key"}, Row{"required", "no key", "private_key"}}) {
    RoutePacket plugin;
    OptionTable table;
    plugin.options(table);
    for (auto& option : table.rows()) {
      if (option.name == "encryption") option.set_text(row.encryption);
      if (option.name != "private_key") continue;
      CHECK(option.is_secret);
      option.set_text(row.key);
    }
    const auto checked = plugin.configure();
    CHECK((checked ? "" : checked.error().reason) == row.reason);
  }
}
