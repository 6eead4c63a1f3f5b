// Mail, where no app takes a notification.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include <loft/push.hpp>

#include "common/courier.hpp"
#include "common/verdict.hpp"
#include "smtp/mail.hpp"

namespace loft::push {

class Smtp final : public Push {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;
  void start() override;
  void stop(Millis deadline) noexcept override;

  std::string_view channel() const noexcept override { return "email"; }
  void send(const Notification& notification, Function<void(PushVerdict)> done) override;
  std::size_t window() const noexcept override { return window_; }
  Millis longest() const noexcept override { return patience() + timeout_ + 1'000; }
  Result<void> verify() override;

 private:
  /// So long a mail waits for those before it.
  Millis patience() const noexcept { return std::min<Millis>(timeout_, 30'000); }
  Request request() const;
  void prepare(void* handle) const;

  std::string host_name_, username_, password_, ca_file_, hello_;
  std::uint16_t port_ = 465;
  bool use_ssl_ = true;
  bool starttls_ = true;
  std::size_t connections_ = 1;
  std::size_t window_ = 50;
  Millis timeout_ = 60'000;
  smtp::Letterhead head_;

  Host* host_ = nullptr;
  std::unique_ptr<Courier> courier_;
  Told told_;
};

}  // namespace loft::push
