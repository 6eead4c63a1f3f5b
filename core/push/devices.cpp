#include "push/devices.hpp"

#include <algorithm>

#include <loft/utf8.hpp>

namespace loft::push {
namespace {

constexpr Millis patience = 30'000;  // of who registers

std::string wrong_with(const Device& device) {
  const auto word = [](std::string_view text) {
    return !text.empty() && text.size() <= 20 && std::all_of(text.begin(), text.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
  };
  const auto printable = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  };
  if (!word(device.channel) || device.channel == "email") return "the channel must be one of `push`, such as apns";
  if (device.token.empty() || device.token.size() > max_device_token || !printable(device.token))
    return "the token must have 1 to " + std::to_string(max_device_token) + " bytes of printable ASCII";
  for (const auto* text : {&device.platform, &device.client, &device.app, &device.locale}) {
    if (text->size() > max_device_text || !utf8::valid(*text))
      return "platform, device id, app and locale have at most " + std::to_string(max_device_text) + " bytes of UTF-8";
  }
  return {};
}

}  // namespace

Error no_ledger() {
  return {Code::unavailable, "push.no_ledger", "this storage keeps neither pushes nor devices; use another one"};
}

void Devices::intercept(Bus& bus) {
  bus.intercept_waiting<RegisterDevice>(Stage::policy, patience, [this](RegisterDevice& event, Resume resume) {
    auto shared = std::make_shared<Resume>(std::move(resume));
    // The event stays as long as the answer is owed, and nobody else reads it meanwhile.
    const bool taken = threads_.run_blocking([this, &event, shared] {
      auto device = event.device;
      device.user = event.caller.user;
      device.registered = clock_.now();
      const auto id = add(std::move(device));
      (*shared)(id ? Verdict() : Verdict(id.error()));
    });
    if (!taken) (*shared)(Verdict::refuse(Code::overloaded, "pool.full", "try again later"));
  });
  bus.intercept_waiting<UnregisterDevice>(Stage::policy, patience, [this](UnregisterDevice& event, Resume resume) {
    auto shared = std::make_shared<Resume>(std::move(resume));
    const bool taken = threads_.run_blocking([this, &event, shared] {
      const auto removed = remove(event.caller.user, event.channel, event.token, event.client);
      if (removed) event.removed = *removed;
      (*shared)(removed ? Verdict() : Verdict(removed.error()));
    });
    if (!taken) (*shared)(Verdict::refuse(Code::overloaded, "pool.full", "try again later"));
  });
}

Result<std::uint64_t> Devices::add(Device device) {
  if (ledger_ == nullptr) return no_ledger();
  if (auto wrong = wrong_with(device); !wrong.empty()) return Error{Code::invalid, "device.invalid", std::move(wrong)};
  device.id = 0;
  device.last_success = device.failed = 0;
  device.failure.clear();
  if (device.registered == 0) device.registered = clock_.now();
  const Erased::Hold hold(erased_);
  if (hold.has(device.user)) return Error{Code::not_found, "user.unknown", "the user was erased"};
  const auto id = ledger_->register_device(device);
  if (!id) return id.error();
  if (back_) back_(device.user, device.client);
  if (auto made = make_room(device, *id); !made) return made.error();
  log_.debug("a device is registered", {{"channel", device.channel}, {"device", *id}, {"user", raw(device.user)}});
  return *id;
}

Result<void> Devices::make_room(const Device& added, std::uint64_t id) {
  auto all = ledger_->devices(added.user);
  if (!all) return all.error();
  std::erase_if(*all, [&](const Device& device) { return device.id == id; });
  const auto remove = [&](const Device& device) {
    return ledger_->remove_device(device.user, device.channel, device.token);
  };
  // The same device with an older token goes first: it takes nobody's place.
  const auto is_same = [&](const Device& device) {
    return !added.client.empty() && device.client == added.client && device.app == added.app &&
           device.channel == added.channel;
  };
  for (const auto& device : *all) {
    if (!is_same(device)) continue;
    if (auto removed = remove(device); !removed) return removed.error();
  }
  std::erase_if(*all, is_same);
  std::sort(all->begin(), all->end(), [](const Device& a, const Device& b) { return a.registered < b.registered; });
  const auto room = settings_.devices - 1;
  for (std::size_t i = 0; i + room < all->size(); ++i) {
    if (auto removed = remove((*all)[i]); !removed) return removed.error();
  }
  return {};
}

Result<std::size_t> Devices::remove(UserId user, std::string_view channel, std::string_view token,
                                    std::string_view client) {
  if (ledger_ == nullptr) return no_ledger();
  if (token.empty() && client.empty())
    return Error{Code::invalid, "device.invalid", "say which device: its token, or its own id"};
  const auto all = ledger_->devices(user);
  if (!all) return all.error();
  std::size_t removed = 0;
  if (back_ && !client.empty()) back_(user, std::string(client));
  for (const auto& device : *all) {
    if (!channel.empty() && device.channel != channel) continue;
    if (!token.empty() && device.token != token) continue;
    if (!client.empty() && device.client != client) continue;
    const auto gone = ledger_->remove_device(user, device.channel, device.token);
    if (!gone) return gone.error();
    removed += *gone ? 1 : 0;
    if (back_) back_(user, device.client);
  }
  return removed;
}

}  // namespace loft::push
