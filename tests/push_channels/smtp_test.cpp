#include "smtp/smtp.hpp"

#include <openssl/evp.h>

#include <catch2/catch.hpp>

#include <loft/json.hpp>

#include "channel_bench.hpp"
#include "smtp/answer.hpp"

using namespace push_test;
using loft::push::Smtp;
using SmtpBench = Bench<Smtp>;

namespace {

const std::string script = LOFT_SOURCE_DIR "/tests/push_channels/mail_server.py";

/// A real mail server, and certificates for it.
struct MailServer {
  TemporaryFolder keys, home;
  Simulation certificates{keys.path};
  Program program{
      {"/usr/bin/python3", script, "serve", keys.path + "/certificate.pem", keys.path + "/certificate.key", home.path}};

  std::int64_t port(const char* name) const {
    return loft::json::parse(program.first_line())->find(name)->integer().value();
  }
  std::string at(const char* name) const { return loft::json::parse(program.first_line())->find(name)->text().value(); }

  Options options(const Options& more = {}) const {
    Options out{{"smtp_host", std::string("127.0.0.1")},
                {"smtp_port", port("tls")},
                {"sender", at("user")},
                {"password", at("password")},
                {"display_name", std::string("Löft")},
                {"ca_file", certificates.at("ca_file")}};
    for (const auto& [name, value] : more) out[name] = value;
    return out;
  }

  /// The mails in the mailbox, once there are `count`; a JSON text.
  std::string mails(std::size_t count) const {
    return Program({"/usr/bin/python3", script, "read", home.path, std::to_string(count)}).first_line();
  }
};

loft::Notification to(const std::string& address) {
  auto n = SmtpBench::notification(address);
  n.device.platform.clear();
  return n;
}

std::vector<loft::json::Value> list(const std::string& text) {
  std::vector<loft::json::Value> out;
  loft::json::parse(text)->elements([&](const loft::json::Value& each) {
    out.push_back(each);
    return true;
  });
  return out;
}

std::string at(const loft::json::Value& mail, const char* name) {
  const auto found = mail.find(name);
  return found ? found->text().value_or(std::string(found->raw())) : "";
}

loft::push::Response reply(const std::string& line, const std::string& detail = "RCPT failed: 550") {
  loft::push::Response response;
  response.failure = loft::push::Response::Failure::lost;
  response.reply = line;
  response.detail = detail;
  return response;
}

/// The text part of a mail.
std::string decoded(const std::string& mail) {
  const std::string begin = "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  const auto from = mail.find(begin) + begin.size();
  std::string bits;
  for (const char c : mail.substr(from, mail.find("\r\n\r\n--", from) - from)) {
    if (c != '\r' && c != '\n') bits += c;
  }
  std::string out(bits.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bits.data()), static_cast<int>(bits.size()));
  out.resize(static_cast<std::size_t>(std::max(size, 0)));
  return out;
}

}  // namespace

TEST_CASE("a mail goes over implicit TLS and over STARTTLS into the mailbox, and reads as it was written") {
  const MailServer server;
  for (const auto& more : {Options{}, Options{{"use_ssl", false}, {"smtp_port", server.port("starttls")}}}) {
    SmtpBench bench(server.options(more));
    bench.run();
    auto n = to("bob@example.test");
    n.title = "Ada 爱达 \"quoted\" & <b>bold</b>, with a name that is longer than a line of a header may be";
    n.body = "First line\n.\n..dots\n<script>alert(1)</script> 你好\nFrom here";
    const auto verdict = bench.ask(n);
    INFO(verdict.reason);
    REQUIRE(verdict.kind == Kind::accepted);
  }
  const auto text = server.mails(2);
  const auto mails = list(text);
  REQUIRE(mails.size() == 2);
  for (const auto& mail : mails) {
    CHECK(at(mail, "envelope_to") == "bob@example.test");
    CHECK(at(mail, "return_path") == "<chat@example.test>");
    CHECK(at(mail, "from") == "Löft <chat@example.test>");
    CHECK(at(mail, "to") == "bob@example.test");
    CHECK(at(mail, "subject") ==
          "New message from Ada 爱达 \"quoted\" & <b>bold</b>, with a name that is longer than a line of a header may "
          "be");
    CHECK(at(mail, "text").find("First line\n.\n..dots\n<script>alert(1)</script> 你好\nFrom here") !=
          std::string::npos);
    CHECK(at(mail, "html").find("&lt;script&gt;alert(1)&lt;/script&gt; 你好") != std::string::npos);
    CHECK(at(mail, "html").find("<script>") == std::string::npos);
    CHECK(at(mail, "defects") == "[]");
    CHECK(at(mail, "headers").find("Auto-Submitted") != std::string::npos);
    CHECK(at(mail, "id").find("@example.test>") != std::string::npos);
  }
}

TEST_CASE(
    "a mail says how many messages are unread, is told from a person's, and belongs to its conversation's thread") {
  const MailServer server;
  SmtpBench bench(server.options());
  bench.run();
  auto n = to("bob@example.test");
  n.badge = 12;
  REQUIRE(bench.ask(n).kind == Kind::accepted);
  const auto text = server.mails(1);
  const auto busy = list(text).at(0);
  CHECK(at(busy, "text").find("12 unread messages") != std::string::npos);
  CHECK(at(busy, "html").find("12 unread messages") != std::string::npos);
  CHECK(at(busy, "precedence") == "bulk");
  CHECK(at(busy, "auto_submitted") == "auto-generated");
  CHECK(at(busy, "references") == "<conversation-42@example.test>");
  CHECK(at(busy, "headers").find("List-Unsubscribe") == std::string::npos);
  CHECK(at(busy, "defects") == "[]");
}

TEST_CASE("a mail of one unread message, or where they are not counted, names no number; hidden texts still do") {
  const loft::push::smtp::Letterhead head{.sender = "chat@example.test", .unread = "{count} neue Nachrichten"};
  auto n = to("bob@example.test");
  for (const std::uint64_t badge : {0, 1}) {
    n.badge = badge;
    CHECK(decoded(loft::push::smtp::mail(n, head, real_now())).find("neue") == std::string::npos);
  }
  n.badge = 2;
  n.title.clear(), n.body.clear();
  CHECK(decoded(loft::push::smtp::mail(n, head, real_now())).find("2 neue Nachrichten") != std::string::npos);
  auto silent = head;
  silent.unread.clear();
  CHECK(decoded(loft::push::smtp::mail(n, silent, real_now())).find("neue") == std::string::npos);
}

TEST_CASE("nothing in names, texts or addresses adds a header or a recipient") {
  const MailServer server;
  SmtpBench bench(server.options({{"display_name", std::string("Loft\r\nBcc: evil@example.test\r\nX-Evil: 1")}}));
  bench.run();
  auto n = to("bob@example.test");
  n.title = "Ada\r\nBcc: evil@example.test\r\n\r\nbody";
  n.body = "\r\n.\r\nMAIL FROM:<evil@example.test>\r\n";
  REQUIRE(bench.ask(n).kind == Kind::accepted);
  for (const auto* address :
       {"bob@example.test\r\nRCPT TO:<evil@example.test>", "bob@example.test>", "<bob@example.test", "a b@example.test",
        "@example.test", "bob", "bob@", "\"bob\"@example.test", "bob@exa mple", "-f@example.test", ""}) {
    INFO(address);
    CHECK(bench.ask(to(address)).reason == "push.bad_address");
  }
  const auto text = server.mails(1);
  const auto mails = list(text);
  REQUIRE(mails.size() == 1);
  CHECK(at(mails[0], "headers").find("Bcc") == std::string::npos);
  CHECK(at(mails[0], "headers").find("X-Evil") == std::string::npos);
  CHECK(at(mails[0], "envelope_to") == "bob@example.test");
}

TEST_CASE("what the server refuses has its verdict, and the next mail goes through") {
  const MailServer server;
  SmtpBench bench(server.options());
  bench.run();
  const auto gone = bench.ask(to("gone@example.test"));
  CHECK(gone.kind == Kind::dead_token);
  CHECK(gone.reason == "550 5.1.1");
  const auto old = bench.ask(to("old@example.test"));
  CHECK(old.kind == Kind::refused);
  CHECK(old.reason == "550");
  const auto full = bench.ask(to("full@example.test"));
  CHECK(full.kind == Kind::retry);
  CHECK(full.reason == "452 4.2.2");
  CHECK(bench.ask(to("bob@example.test")).kind == Kind::accepted);
  CHECK_FALSE(bench.logged("gone@"));
  CHECK_FALSE(bench.logged("a secret"));
  CHECK_FALSE(bench.logged("The text of it"));
}

TEST_CASE("credentials, senders and certificates that are not taken break the channel") {
  const MailServer server;
  const auto verdict_of = [&](const Options& more) {
    SmtpBench bench(server.options(more));
    bench.run();
    return bench.ask(to("bob@example.test"));
  };
  const auto login = verdict_of({{"password", std::string("wrong")}});
  CHECK(login.kind == Kind::broken);
  CHECK(login.reason.starts_with("535"));
  CHECK(verdict_of({{"sender", std::string("banned@example.test")}, {"username", server.at("user")}}).kind ==
        Kind::broken);
  CHECK(verdict_of({{"ca_file", std::string()}}).reason == "push.certificate");
  // No TLS where there must be: nothing is sent.
  const auto plain = verdict_of({{"use_ssl", false}, {"smtp_port", server.port("plain")}});
  CHECK(plain.reason == "push.certificate");
  CHECK(verdict_of({{"smtp_port", std::int64_t{1}}}).reason == "push.unreachable");
  const auto open = verdict_of(
      {{"use_ssl", false}, {"starttls", false}, {"password", std::string()}, {"smtp_port", server.port("plain")}});
  CHECK(open.kind == Kind::accepted);
}

TEST_CASE("mails share connections, and each has its one verdict") {
  const MailServer server;
  SmtpBench bench(server.options({{"connections", std::int64_t{2}}}));
  bench.run();
  for (std::size_t i = 0; i < 12; ++i) bench.send(to(i % 4 == 0 ? "gone@example.test" : "bob@example.test"), i);
  for (std::size_t i = 0; i < 12; ++i) CHECK(bench.verdict(i).kind == (i % 4 == 0 ? Kind::dead_token : Kind::accepted));
  CHECK_FALSE(bench.answered_twice());
}

TEST_CASE("verify greets the server, logs in and sends nothing") {
  const MailServer server;
  const auto verified = [&](const Options& more) {
    SmtpBench bench(server.options(more));
    REQUIRE(bench.set_up());
    return bench.channel.verify();
  };
  const auto good = verified({});
  CHECK((good.ok() ? "" : good.error().detail).empty());
  CHECK(verified({{"use_ssl", false}, {"smtp_port", server.port("starttls")}}).ok());
  const auto login = verified({{"password", std::string("wrong")}});
  REQUIRE_FALSE(login);
  CHECK(login.error().code == loft::Code::invalid);
  CHECK(login.error().detail.find("wrong") == std::string::npos);
  CHECK(list(server.mails(0)).empty());
}

TEST_CASE("wrong options are refused by name") {
  const auto why = [](const Options& more) {
    Options options{{"smtp_host", std::string("mail.example.test")}, {"sender", std::string("a@example.test")}};
    for (const auto& [name, value] : more) options[name] = value;
    SmtpBench bench(options);
    const auto checked = bench.channel.configure();
    return checked ? std::string() : checked.error().reason;
  };
  CHECK(why({}).empty());
  CHECK(why({{"smtp_host", std::string("smtp://mail")}}) == "smtp_host");
  CHECK(why({{"sender", std::string("no address")}}) == "sender");
  CHECK(why({{"link", std::string("javascript:alert(1)")}}) == "link");
  CHECK(why({{"use_ssl", false}, {"starttls", false}, {"password", std::string("p")}}) == "starttls");
}

TEST_CASE("replies are told apart by their codes alone") {
  using loft::push::smtp::read;
  CHECK(read(reply("550 5.1.1 <bob@example.test> unknown")).kind == Kind::dead_token);
  CHECK(read(reply("550 5.7.1 spam")).kind == Kind::refused);
  CHECK(read(reply("421 4.7.0 too busy")).kind == Kind::retry);
  CHECK(read(reply("550 5.7.1 no", "MAIL failed: 550")).kind == Kind::broken);
  CHECK(read(reply("250 ok")).reason == "push.connection_lost");
  CHECK(read(reply("")).reason == "push.connection_lost");
  CHECK(read(reply("550 5.1.1.1.1 x")).reason == "550");
}
