#include "identity/fetch.hpp"

#include <curl/curl.h>

#include <memory>
#include <mutex>
#include <new>

namespace loft::identity {
namespace {

struct Answer {
  std::string body;
  std::size_t max_bytes = 0;
  bool too_long = false;
  const std::atomic<bool>* stop = nullptr;
};

std::size_t take(char* data, std::size_t, std::size_t size, void* user) {
  auto& answer = *static_cast<Answer*>(user);
  if (answer.body.size() + size > answer.max_bytes) {
    answer.too_long = true;
    return 0;  // ends the transfer
  }
  try {
    answer.body.append(data, size);
  } catch (const std::bad_alloc&) {
    return 0;  // an exception must not cross libcurl
  }
  return size;
}

int watch(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Answer*>(user)->stop->load(std::memory_order_relaxed) ? 1 : 0;
}

struct Close {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

Error failed(std::string detail) { return {Code::unavailable, "fetch", std::move(detail)}; }

void set_up(CURL* handle, const std::string& url, const FetchOptions& options, Answer& answer, char* words) {
  const bool plain = url.starts_with("http://");
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.timeout));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "loft");
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, watch);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &answer);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, words);
  if (plain) curl_easy_setopt(handle, CURLOPT_PROXY, "");
  if (!options.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, options.ca_file.c_str());
}

}  // namespace

Result<std::string> fetch(const std::string& url, const FetchOptions& options, const std::atomic<bool>& stop) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const std::unique_ptr<CURL, Close> handle(curl_easy_init());
  if (!handle) return failed("libcurl does not start");
  Answer answer{{}, options.max_bytes, false, &stop};
  char words[CURL_ERROR_SIZE] = "";
  set_up(handle.get(), url, options, answer, words);
  const auto code = curl_easy_perform(handle.get());
  if (answer.too_long) return failed("the answer is longer than " + std::to_string(options.max_bytes) + " bytes");
  if (code != CURLE_OK) return failed(*words != '\0' ? words : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return failed("the answer has the status " + std::to_string(status));
  return std::move(answer.body);
}

}  // namespace loft::identity
