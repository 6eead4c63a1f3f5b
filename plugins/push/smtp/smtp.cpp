#include "smtp/smtp.hpp"

#include <curl/curl.h>
#include <unistd.h>

#include "common/registration.hpp"
#include "common/text.hpp"
#include "smtp/answer.hpp"

namespace loft::push {
namespace {

constexpr long connection_age = 60;  // seconds; servers close idle connections soon

Error wrong(std::string option, std::string detail) { return {Code::invalid, std::move(option), std::move(detail)}; }

bool is_host_name(std::string_view text) {
  return !text.empty() && text.size() <= 253 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") ==
             std::string_view::npos;
}

std::string own_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 && is_host_name(name) ? name : "localhost";
}

}  // namespace

void Smtp::options(OptionTable& table) {
  table.text("smtp_host", host_name_, "The mail server that takes our mails.").required();
  table.integer("smtp_port", port_, "Its port: 465 with use_ssl, 587 without.").range(1, 65'535);
  table.text("sender", head_.sender, "The address that mails come from.").required();
  table.text("display_name", head_.display_name, "The name that mails come from.");
  table.text("username", username_, "Who logs in. Empty: the sender.");
  table.text("password", password_, "With which the sender logs in. Empty: no login.").secret();
  table.boolean("use_ssl", use_ssl_, "TLS from the first byte on; false: STARTTLS, without which nothing is sent.");
  table.boolean("starttls", starttls_, "With `use_ssl: false`, false sends without TLS; only without a password.");
  table.text("ca_file", ca_file_,
             "File with the authorities (PEM) that the server's certificate must come from. Empty: the system's.");
  table.text("hello", hello_, "The name with which the server is greeted. Empty: this machine's.");
  table.text("subject", head_.subject, "Subject of mails; `{sender}` is who wrote.");
  table.text("subject_hidden", head_.subject_hidden, "Subject where it may not be shown who wrote.");
  table.text("unread", head_.unread,
             "What a mail says of more than one unread message, of which `{count}` is the number; `push.badge: false` "
             "leaves it out. Empty: nothing.");
  table.text("link", head_.link, "Address of the application, shown in mails. Empty: none.");
  table.integer("connections", connections_, "Connections to the server; each carries one mail at a time.")
      .range(1, 16);
  table.integer("window", window_, "Mails under way at once, of all connections.").range(1, 10'000);
  table
      .duration("timeout", timeout_,
                "So long a mail may take from its turn on, for which it waits 30 seconds at most; then it is tried "
                "again later.")
      .range(100, 600'000);
}

Result<void> Smtp::configure() {
  if (!is_host_name(host_name_))
    return wrong("smtp_host", "is the name of a host or an address, without a scheme or a port");
  if (!smtp::is_address(head_.sender)) return wrong("sender", "is a mail address such as chat@example.org");
  if (username_.empty()) username_ = head_.sender;
  if (!hello_.empty() && !is_host_name(hello_)) return wrong("hello", "is the name of a host");
  if (!head_.link.empty() &&
      (!is_header_value(head_.link) || !(head_.link.starts_with("https://") || head_.link.starts_with("http://"))))
    return wrong("link", "is an address that begins with https://");
  if (!use_ssl_ && !starttls_ && !password_.empty())
    return wrong("starttls",
                 "must be true where there is a password: it would be sent readable for everybody on the way");
  return {};
}

void Smtp::setup(Host& host) {
  host_ = &host;
  check_devices(host, "email", [](const Device& device) {
    return smtp::is_address(device.token) ? "" : "the mail address must be of the form local@domain, in ASCII";
  });
  CourierSettings settings;
  settings.connections = connections_;
  settings.window = window_;
  settings.ca_file = ca_file_;
  settings.failed = [&host](const char* what) { tell_slip(host.log(), what); };
  settings.prepare = [this](void* handle) { prepare(handle); };
  courier_ = std::make_unique<Courier>(std::move(settings));
}

void Smtp::start() { courier_->start(); }

void Smtp::stop(Millis) noexcept {
  if (courier_) courier_->stop();
}

void Smtp::prepare(void* handle) const {
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, use_ssl_ ? "smtps" : "smtp");
  curl_easy_setopt(handle, CURLOPT_MAXAGE_CONN, connection_age);
  if (!use_ssl_ && starttls_) curl_easy_setopt(handle, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
  if (password_.empty()) return;
  curl_easy_setopt(handle, CURLOPT_USERNAME, username_.c_str());
  curl_easy_setopt(handle, CURLOPT_PASSWORD, password_.c_str());
}

Request Smtp::request() const {
  Request request;
  request.url = (use_ssl_ ? "smtps://" : "smtp://") + host_name_ + ":" + std::to_string(port_) + "/" +
                (hello_.empty() ? own_name() : hello_);
  request.sender = head_.sender;
  request.timeout = timeout_;
  request.patience = patience();
  return request;
}

void Smtp::send(const Notification& notification, Function<void(PushVerdict)> done) {
  if (!smtp::is_address(notification.device.token)) return done(refused("push.bad_address"));
  const auto now = host_->clock().now();
  if (notification.expires <= now) return done(refused("push.expired"));
  auto next = request();
  next.recipient = notification.device.token;
  next.body = smtp::mail(notification, head_, now);
  courier_->send(std::move(next), [this, done = Owed(std::move(done))](const Response& response) mutable {
    auto verdict = smtp::read(response);
    // libcurl's words name the failure and the reply's code, and no address.
    if (verdict.kind != PushVerdict::Kind::accepted && !response.detail.empty() &&
        told_.may_tell(host_->clock().steady()))
      host_->log().warn("the mail server does not take a mail",
                        {{"reason", verdict.reason}, {"detail", response.detail}});
    done(std::move(verdict));
  });
}

Result<void> Smtp::verify() {
  const auto response = courier_->ask(request());
  const auto verdict = smtp::read(response);
  if (verdict.kind == PushVerdict::Kind::accepted) return {};
  const bool ours = verdict.kind == PushVerdict::Kind::broken;
  return Error{
      ours ? Code::invalid : Code::unavailable, verdict.reason,
      host_name_ + ":" + std::to_string(port_) + ": " + (response.detail.empty() ? verdict.reason : response.detail)};
}

}  // namespace loft::push
