#include "common/lane.hpp"

#include <algorithm>
#include <new>

#include "common/retry_after.hpp"
#include "common/text.hpp"

namespace loft::push {
namespace {

constexpr std::size_t kept_handles = 256;
constexpr long connection_age = 3600;  // seconds that an idle connection may stay; providers dislike new ones

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

void Transfer::set_up(CURL* handle) {
  curl_easy_setopt(handle, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout));
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::min(request_.timeout, settings_.connect_timeout)));
  curl_easy_setopt(handle, CURLOPT_MAXAGE_CONN, connection_age);
  curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, words_);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
  if (!settings_.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, settings_.ca_file.c_str());
  if (is_on_this_machine(request_.url)) curl_easy_setopt(handle, CURLOPT_PROXY, "");
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
  if (settings_.prepare) settings_.prepare(handle);
}

Response Transfer::finish(CURL* handle, CURLcode code) {
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &response_.status);
  response_.failure = failure_of(code);
  if (code != CURLE_OK) response_.detail = *words_ != '\0' ? words_ : curl_easy_strerror(code);
  return std::move(response_);
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

Lane::Lane(const CourierSettings& settings) : settings_(settings) { renew(); }

Lane::~Lane() {
  stop();
  curl_multi_cleanup(multi_);
}

std::unique_ptr<Transfer> Lane::take(std::unique_ptr<Transfer> transfer) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return transfer;
  waiting_.push_back(std::move(transfer));
  load_.fetch_add(1, std::memory_order_relaxed);
  curl_multi_wakeup(multi_);
  return nullptr;
}

void Lane::start() {
  thread_ = std::thread([this] { run(); });
}

void Lane::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    curl_multi_wakeup(multi_);
  }
  if (thread_.joinable()) {
    thread_.join();
  } else {
    begin_waiting();
  }
}

void Lane::run() {
  while (begin_waiting()) {
    int still = 0;
    curl_multi_perform(multi_, &still);
    end_finished();
    curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
  }
  abandon(Response::Failure::stopped);
}

bool Lane::begin_waiting() {
  std::vector<std::unique_ptr<Transfer>> taken;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(waiting_);
    stopping = stopping_;
  }
  for (auto& transfer : taken) {
    if (!stopping) {
      begin(std::move(transfer));
      continue;
    }
    load_.fetch_sub(1, std::memory_order_relaxed);
    Response response;
    response.failure = Response::Failure::stopped;
    transfer->done(std::move(response));
  }
  return !stopping;
}

void Lane::begin(std::unique_ptr<Transfer> transfer) {
  if (idle_.empty()) idle_.emplace_back(curl_easy_init());
  CURL* const handle = idle_.back().release();
  idle_.pop_back();
  transfer->last_heard = &last_heard_;
  CURLcode code = CURLE_OUT_OF_MEMORY;
  try {
    if (handle != nullptr) {
      transfer->set_up(handle);
      code = CURLE_OK;
    }
  } catch (const std::bad_alloc&) {
    // `code` says it
  }
  running_.emplace(handle, std::move(transfer));
  if (code == CURLE_OK && curl_multi_add_handle(multi_, handle) != CURLM_OK) code = CURLE_FAILED_INIT;
  if (code != CURLE_OK) end(handle, code);
}

void Lane::end_finished() {
  int left = 0;
  bool is_dead = false;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const handle = message->easy_handle;
    const auto code = message->data.result;
    // Nothing at all came for as long as a request may take: the connection is dead although nobody said so, and
    // further requests would only wait on it.
    is_dead = is_dead || (code == CURLE_OPERATION_TIMEDOUT && last_heard_ < running_.at(handle)->begun);
    end(handle, code);
  }
  if (!is_dead) return;
  abandon(Response::Failure::timed_out);
  renew();
}

void Lane::end(CURL* handle, CURLcode code) {
  const auto found = running_.find(handle);
  const auto transfer = std::move(found->second);
  running_.erase(found);
  load_.fetch_sub(1, std::memory_order_relaxed);
  Response response;
  if (handle != nullptr) {
    response = transfer->finish(handle, code);
    curl_multi_remove_handle(multi_, handle);
    if (idle_.size() < kept_handles) {
      curl_easy_reset(handle);
      idle_.emplace_back(handle);
    } else {
      curl_easy_cleanup(handle);
    }
  } else {
    response.failure = Response::Failure::unreachable;
  }
  transfer->done(std::move(response));
}

void Lane::abandon(Response::Failure failure) {
  const auto running = std::move(running_);
  running_.clear();
  load_.fetch_sub(running.size(), std::memory_order_relaxed);
  for (const auto& [handle, transfer] : running) {
    curl_multi_remove_handle(multi_, handle);
    curl_easy_cleanup(handle);
  }
  for (const auto& [handle, transfer] : running) {
    Response response;
    response.failure = failure;
    transfer->done(std::move(response));
  }
}

void Lane::renew() {
  CURLM* const fresh = curl_multi_init();
  if (fresh == nullptr) throw std::bad_alloc();
  curl_multi_setopt(fresh, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  curl_multi_setopt(fresh, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
  curl_multi_setopt(fresh, CURLMOPT_MAX_CONCURRENT_STREAMS, 1000L);
  CURLM* old = nullptr;
  {
    const std::lock_guard lock(mutex_);
    old = std::exchange(multi_, fresh);
  }
  if (old != nullptr) curl_multi_cleanup(old);
}

}  // namespace loft::push
