#include "common/transfer.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "common/retry_after.hpp"
#include "common/text.hpp"

namespace loft::push {
namespace {

constexpr long connection_age = 3600;  // seconds that an idle connection may stay; providers dislike new ones
constexpr long keepalive_idle = 30, keepalive_interval = 10;  // seconds
constexpr std::chrono::milliseconds grace{250};               // libcurl's own watch comes first

Response::Failure failure_of(CURLcode code) {
  using Failure = Response::Failure;
  switch (code) {
    case CURLE_OK:
      return Failure::none;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return Failure::unreachable;
    case CURLE_OPERATION_TIMEDOUT:
      return Failure::timed_out;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_USE_SSL_FAILED:
      return Failure::certificate;
    case CURLE_LOGIN_DENIED:
      return Failure::login;
    default:
      return Failure::lost;
  }
}

/// Through a proxy only where the environment names one and the server is not on this machine.
bool is_on_this_machine(const std::string& url) {
  const auto begin = url.find("://");
  const auto host = std::string_view(url).substr(begin == std::string::npos ? 0 : begin + 3);
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

}  // namespace

Transfer::Transfer(Request request, Function<void(Response)> done, const CourierSettings& settings)
    : done(std::move(done)), request_(std::move(request)), settings_(settings) {}

Transfer::~Transfer() { curl_slist_free_all(list_); }

std::string_view Transfer::peer() const noexcept {
  const std::string_view url = request_.url;
  const auto host = url.find("://");
  return url.substr(0, host == std::string_view::npos ? host : url.find('/', host + 3));
}

Transfer::Time Transfer::overdue() const noexcept {
  return begun_ + std::chrono::milliseconds(request_.timeout) + grace;
}

void Transfer::set_up(CURL* handle) {
  begun_ = std::chrono::steady_clock::now();
  curl_easy_setopt(handle, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::min(request_.timeout, settings_.connect_timeout)));
  curl_easy_setopt(handle, CURLOPT_MAXAGE_CONN, connection_age);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPIDLE, keepalive_idle);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPINTVL, keepalive_interval);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, words_);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, on_request);
  curl_easy_setopt(handle, CURLOPT_PREREQDATA, this);
  if (!settings_.ca_file.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, settings_.ca_file.c_str());
    // In that folder are the system's authorities: they would be good beside it.
    curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
  }
  if (is_on_this_machine(request_.url)) curl_easy_setopt(handle, CURLOPT_PROXY, "");
  set_up_body(handle);
  if (settings_.prepare) settings_.prepare(handle);
}

void Transfer::set_up_body(CURL* handle) {
  if (is_mail() && request_.recipient.empty()) {
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, "NOOP");
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (is_mail()) {
    list_ = curl_slist_append(nullptr, request_.recipient.c_str());
    if (list_ == nullptr) throw std::bad_alloc();
    curl_easy_setopt(handle, CURLOPT_MAIL_FROM, request_.sender.c_str());
    curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, list_);
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(handle, CURLOPT_READDATA, this);
  } else {
    for (const auto& header : request_.headers) {
      auto* const longer = curl_slist_append(list_, header.c_str());
      if (longer == nullptr) throw std::bad_alloc();
      list_ = longer;
    }
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list_);
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request_.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  }
}

Response Transfer::finish(CURL* handle, CURLcode code) {
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &response_.status);
  response_.failure = failure_of(code);
  // It was with the peer before: what could not be reached then is the second connection.
  if (sent_ && response_.failure == Response::Failure::unreachable) response_.failure = Response::Failure::lost;
  if (code != CURLE_OK) response_.detail = *words_ != '\0' ? words_ : curl_easy_strerror(code);
  return std::move(response_);
}

/// Where a connection ends before anything was answered, libcurl sends the request again on another one, up to five
/// times, and tells nobody. The peer may have taken it the first time: whether it is sent again is for who asked.
int Transfer::on_request(void* self, char*, char*, int, int) {
  return std::exchange(static_cast<Transfer*>(self)->sent_, true) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

// An exception must not cross libcurl.
std::size_t Transfer::on_body(char* data, std::size_t, std::size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.response_.body.size() + size > transfer.settings_.max_answer) return 0;
  try {
    transfer.response_.body.append(data, size);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return size;
}

std::size_t Transfer::on_header(char* data, std::size_t, std::size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (transfer.last_heard != nullptr) *transfer.last_heard = std::chrono::steady_clock::now();
  try {
    transfer.hear_header({data, size});
  } catch (const std::exception&) {
    return 0;
  }
  return size;
}

void Transfer::hear_header(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (is_mail()) {
    // A refusal is what counts, not the server's goodbye behind it.
    if (response_.reply.empty() || response_.reply[0] < '4') response_.reply = line.substr(0, 200);
  } else if (const auto value = header_value(line, "retry-after")) {
    response_.retry_after = parse_retry_after(*value, std::chrono::system_clock::now());
  }
}

std::size_t Transfer::on_read(char* data, std::size_t, std::size_t size, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const auto& body = transfer.request_.body;
  const auto taken = std::min(size, body.size() - transfer.read_);
  std::copy_n(body.data() + transfer.read_, taken, data);
  transfer.read_ += taken;
  return taken;
}

}  // namespace loft::push
