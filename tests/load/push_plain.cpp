#include "push_plain.hpp"

#include <curl/curl.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <stdexcept>
#include <thread>
#include <vector>

#include <loft/testing/host.hpp>

#include "apns/provider_token.hpp"
#include "fcm/access_token.hpp"

namespace loft::load {
namespace {

using push::Courier;

Millis now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Courier courier(const Provider& provider) {
  push::CourierSettings settings;
  settings.ca_file = provider.ca_file;
  settings.prepare = push::prepare_http2;
  return Courier(std::move(settings));
}

struct Form {
  std::vector<std::string> headers;
  std::string url;  ///< up to the device token, for Apple
  std::string project;
};

Form apple_form(const Provider& provider) {
  testing::ManualClock clock(now());
  auto key = push::read_secret_file(provider.key_path);
  if (!key) throw std::runtime_error(key.error().detail);
  push::ProviderToken token(*push::Signer::from_pem(push::Signer::Kind::es256, key->text), provider.key_id,
                            provider.team_id, clock);
  return {{"authorization: bearer " + token.current(), "apns-topic: " + provider.bundle_id, "apns-push-type: alert",
           "apns-priority: 10", "apns-expiration: " + std::to_string(now() / 1000 + 3600),
           "apns-id: 123e4567-e89b-42d3-a456-426614174000", "apns-collapse-id: c42", "content-type: application/json",
           "expect:"},
          provider.endpoint + "/3/device/",
          {}};
}

Form google_form(const Provider& provider) {
  testing::FakeHost host("push.plain", ".");
  host.clock().jump_to(now());
  auto file = push::read_secret_file(provider.service_account);
  if (!file) throw std::runtime_error(file.error().detail);
  auto account = push::fcm::read_service_account(file->text);
  if (!account) throw std::runtime_error(account.error().detail);
  auto asker = courier(provider);
  const push::fcm::AccessToken token(*account, asker, host.clock(), host.log(), 10'000);
  Millis seconds = 0;
  const auto access = push::fcm::read_access(asker.ask(token.request()), seconds);
  if (access.token.empty()) throw std::runtime_error("no access token: " + access.failure.reason);
  return {{"authorization: Bearer " + access.token, "content-type: application/json", "expect:"},
          provider.endpoint + "/v1/projects/" + account->project + "/messages:send",
          account->project};
}

/// One thread's share.
class Lane {
 public:
  Lane(const Provider& provider, const Form& form, std::atomic<std::size_t>& next, std::size_t count)
      : provider_(provider), form_(form), next_(next), count_(count), multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
    for (const auto& header : form.headers) headers_ = curl_slist_append(headers_, header.c_str());
  }
  ~Lane() {
    for (auto& one : all_) curl_easy_cleanup(one.handle);
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
  }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  void run(std::size_t window) {
    for (std::size_t i = 0; i < window; ++i) {
      auto& one = all_.emplace_back();
      one.handle = curl_easy_init();
      if (!begin(one)) break;
    }
    for (int running = 1; running > 0;) {
      curl_multi_perform(multi_, &running);
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        CURL* const handle = message->easy_handle;
        long status = 0;
        curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
        ++(message->data.result == CURLE_OK && status == 200 ? accepted : refused);
        curl_multi_remove_handle(multi_, handle);
        void* one = nullptr;
        curl_easy_getinfo(handle, CURLINFO_PRIVATE, &one);
        if (begin(*static_cast<One*>(one))) running = 1;
      }
      if (running > 0) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
  }

  std::size_t accepted = 0, refused = 0;

 private:
  struct One {
    CURL* handle = nullptr;
    std::string url, body;
  };

  static std::size_t drop(char*, std::size_t, std::size_t size, void*) { return size; }

  bool begin(One& one) {
    const auto number = next_++;
    if (number >= count_) return false;
    const auto token = device_token(provider_, number);
    const std::string texts = R"("title":"Ada","body":"The text of a message, as long as most")";
    one.url = form_.url;
    if (provider_.is_apns) {
      one.url += token;
      one.body =
          R"({"aps":{"alert":{)" + texts + R"(},"badge":3,"sound":"default","thread-id":"42"},"message_id":"4711"})";
    } else {
      one.body = R"({"message":{"token":")" + token + R"(","notification":{)" + texts +
                 R"(},"data":{"message_id":"4711"},"android":{"priority":"high","ttl":"3600s","collapse_key":"c42"}}})";
    }
    curl_easy_setopt(one.handle, CURLOPT_URL, one.url.c_str());
    curl_easy_setopt(one.handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(one.handle, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(one.handle, CURLOPT_POST, 1L);
    curl_easy_setopt(one.handle, CURLOPT_POSTFIELDS, one.body.data());
    curl_easy_setopt(one.handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(one.body.size()));
    curl_easy_setopt(one.handle, CURLOPT_CAINFO, provider_.ca_file.c_str());
    curl_easy_setopt(one.handle, CURLOPT_PROXY, "");
    curl_easy_setopt(one.handle, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(one.handle, CURLOPT_PRIVATE, &one);
    push::prepare_http2(one.handle);
    return curl_multi_add_handle(multi_, one.handle) == CURLM_OK;
  }

  const Provider& provider_;
  const Form& form_;
  std::atomic<std::size_t>& next_;
  const std::size_t count_;
  CURLM* const multi_;
  curl_slist* headers_ = nullptr;
  std::list<One> all_;
};

}  // namespace

std::string device_token(const Provider& provider, std::size_t number) {
  auto digits = std::to_string(number);
  if (!provider.is_apns) return "a-registration-token-of-firebase:" + digits;
  return std::string(64 - digits.size(), 'b') + digits;
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + time.tv_usec / 1e6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

Told push_plainly(const Provider& provider, std::size_t connections, std::size_t window, std::size_t count) {
  const auto form = provider.is_apns ? apple_form(provider) : google_form(provider);
  std::atomic<std::size_t> next{0};
  std::list<Lane> lanes;
  for (std::size_t i = 0; i < connections; ++i) lanes.emplace_back(provider, form, next, count);
  const auto begun = std::chrono::steady_clock::now();
  const auto cpu = cpu_seconds();
  std::vector<std::thread> threads;
  for (auto& lane : lanes) threads.emplace_back([&] { lane.run(std::max<std::size_t>(window / connections, 1)); });
  for (auto& thread : threads) thread.join();
  Told told;
  told.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  told.cpu_seconds = cpu_seconds() - cpu;
  for (const auto& lane : lanes) told.accepted += lane.accepted, told.refused += lane.refused;
  return told;
}

}  // namespace loft::load
