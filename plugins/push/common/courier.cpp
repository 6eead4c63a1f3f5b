#include "common/courier.hpp"

#include <algorithm>

#include "common/lane.hpp"

namespace loft::push {
namespace {

/// One of the window; free again when the request is answered, or forgotten.
struct Place {
  explicit Place(std::atomic<std::size_t>& count) noexcept : count(&count) {}
  Place(Place&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
  Place& operator=(Place&&) = delete;
  ~Place() { leave(); }
  void leave() noexcept {
    if (auto* const taken = std::exchange(count, nullptr)) taken->fetch_sub(1, std::memory_order_relaxed);
  }
  std::atomic<std::size_t>* count;
};

Response failed(Response::Failure failure) {
  Response response;
  response.failure = failure;
  return response;
}

}  // namespace

void prepare_http2(void* handle) {
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
  // A second request waits for the connection that the first one opens, instead of opening another.
  curl_easy_setopt(handle, CURLOPT_PIPEWAIT, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "loft");
}

Courier::Courier(CourierSettings settings) : settings_(std::move(settings)) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  for (std::size_t i = 0; i < settings_.connections; ++i) lanes_.push_back(std::make_unique<Lane>(settings_));
}

Courier::~Courier() { stop(); }

void Courier::start() {
  for (auto& lane : lanes_) lane->start();
}

void Courier::stop() noexcept {
  for (auto& lane : lanes_) lane->stop();
}

void Courier::send(Request request, Function<void(Response)> done) {
  const bool is_full = under_way_.fetch_add(1, std::memory_order_relaxed) >= settings_.window;
  Place place(under_way_);
  if (is_full) {
    place.leave();
    return done(failed(Response::Failure::full));
  }
  const auto lane =
      std::min_element(lanes_.begin(), lanes_.end(), [](auto& a, auto& b) { return a->load() < b->load(); });
  auto counted = [place = std::move(place), done = std::move(done)](Response response) mutable {
    place.leave();
    done(std::move(response));
  };
  auto refused = (*lane)->take(std::make_unique<Transfer>(std::move(request), std::move(counted), settings_));
  if (refused) refused->done(failed(Response::Failure::stopped));
}

Response Courier::ask(Request request) const {
  const Easy handle(curl_easy_init());
  if (!handle) return failed(Response::Failure::unreachable);
  Transfer transfer(std::move(request), {}, settings_);
  transfer.set_up(handle.get());
  const auto code = curl_easy_perform(handle.get());
  return transfer.finish(handle.get(), code);
}

}  // namespace loft::push
