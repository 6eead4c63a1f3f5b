// Posts what is stored to a URL, signed, in order, at least once.
#include <array>
#include <memory>
#include <stdexcept>
#include <string>

#include <curl/curl.h>
#include <openssl/hmac.h>

#include <loft/domain.hpp>
#include <loft/events.hpp>
#include <loft/json.hpp>
#include <loft/plugin.hpp>

namespace {

using namespace loft;

std::string hmac_sha256(const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), sum.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) (hex += "0123456789abcdef"[sum[i] >> 4]) += "0123456789abcdef"[sum[i] & 15];
  return hex;
}

class Webhook final : public Plugin {
 public:
  void options(OptionTable& table) override {
    table.text("url", url_, "Where events are posted to.").required();
    table.text("secret", secret_, "What they are signed with; `${file:/path}` keeps it out of the configuration.")
        .required()
        .secret();
    table.size("batch", batch_, "Events of one request, at most.").range(1, 1000);
    table.duration("timeout", timeout_, "How long an answer is waited for.").range(100, 300'000);
    table.integer("generation", generation_,
                  "Another number posts everything that is kept once more, from the oldest message on.");
  }

  Result<void> configure() override {
    if (!url_.starts_with("https://") && !url_.starts_with("http://"))
      return Error{Code::invalid, "url", "url must begin with https:// or http://"};
    if (secret_.size() < 16) return Error{Code::invalid, "secret", "secret has at least 16 characters"};
    return {};
  }

  // A follower has a durable position: after a crash, an error or an exception the host calls again with the same
  // entries, after a pause that grows. A position belongs to a name, so another generation begins anew.
  void setup(Host& host) override {
    host_ = &host;
    posted_ = &host.metrics().counter("webhook_events_total", "Events that the receiver has taken");
    FollowerSpec spec;
    spec.name = "follower.webhook" + (generation_ == 0 ? "" : "." + std::to_string(generation_));
    spec.batch = batch_;
    spec.from_start = generation_ != 0;
    host.bus().follow(spec, [this](std::span<const Committed> entries) { return post(entries); });
  }

  void start() override {
    curl_.reset(curl_easy_init());
    if (curl_ == nullptr) throw std::runtime_error("libcurl cannot be used");
  }

 private:
  struct Cleanup {
    void operator()(CURL* curl) const noexcept { curl_easy_cleanup(curl); }
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  };

  std::string body_of(std::span<const Committed> entries) const {
    std::string body;
    json::Writer w(body);
    w.object().key("events").array();
    for (const auto& entry : entries) {
      w.object().key("position").number(entry.position);
      if (const auto* message = entry.message) {
        std::string text;
        host_->domains().search_text(message->domain, message->content, text);
        w.key("type").string("message").key("message").number(raw(message->id)).key("time").number(message->time());
        w.key("conversation").number(raw(message->conversation)).key("seq").number(message->seq);
        w.key("sender").number(raw(message->sender)).key("domain").string(message->domain);
        w.key("content").raw(message->content).key("text").string(text);
      } else {
        constexpr std::string_view kinds[] = {"recalled", "created", "updated", "joined",
                                              "left",     "role",    "muted",   "read"};
        const auto& change = *entry.change;
        w.key("type").string(kinds[static_cast<std::size_t>(change.kind)]);
        w.key("conversation").number(raw(change.conversation)).key("actor").number(raw(change.actor));
        w.key("subject").number(raw(change.subject)).key("message").number(raw(change.message));
      }
      w.end_object();
    }
    w.end_array().end_object();
    return body;
  }

  Result<void> post(std::span<const Committed> entries) {
    const auto body = body_of(entries);
    const auto time = std::to_string(host_->clock().now() / 1000);
    const std::string header = "Loft-Signature: t=" + time + ",v1=" + hmac_sha256(secret_, time + "." + body);
    std::unique_ptr<curl_slist, Cleanup> headers(curl_slist_append(nullptr, "Content-Type: application/json"));
    curl_slist_append(headers.get(), header.c_str());
    auto* curl = curl_.get();
    curl_easy_reset(curl);  // keeps the connection
    curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(
        curl, CURLOPT_WRITEFUNCTION, +[](char*, std::size_t size, std::size_t count, void*) { return size * count; });
    const auto done = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (done != CURLE_OK) return Error{Code::unavailable, "webhook.unreachable", curl_easy_strerror(done)};
    if (status < 200 || status > 299)
      return Error{Code::unavailable, "webhook.refused", "the receiver answers with status " + std::to_string(status)};
    posted_->add(entries.size());
    return {};
  }

  Host* host_ = nullptr;
  Metric* posted_ = nullptr;
  std::unique_ptr<CURL, Cleanup> curl_;
  std::string url_, secret_;
  std::size_t batch_ = 100;
  Millis timeout_ = 10'000;
  std::uint32_t generation_ = 0;
};

}  // namespace

LOFT_PLUGIN(Webhook, "follower.webhook", "1.0.0", "Posts what is stored to a URL, signed, at least once")
