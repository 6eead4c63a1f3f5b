#pragma once

#include <loft/events.hpp>
#include <loft/plugin.hpp>

namespace acme {

/// Refuses messages that shout.
class Quiet final : public loft::Plugin {
 public:
  void options(loft::OptionTable& table) override { table.text("word", word_, "What nobody may shout."); }
  loft::Result<void> configure() override {
    if (word_.empty()) return loft::Error{loft::Code::invalid, "word", "must not be empty"};
    return {};
  }
  void setup(loft::Host& host) override {
    refused_ = &host.metrics().counter("acme_shouts_total", "Messages refused because they shouted");
    host.bus().intercept<loft::SubmitMessage>(loft::Stage::policy, [this](loft::SubmitMessage& event) -> loft::Verdict {
      if (event.submission.content.find(word_) == std::string::npos) return {};
      refused_->add();
      return loft::Verdict::refuse(loft::Code::forbidden, "acme.shouting", "please write quietly");
    });
  }

 private:
  std::string word_ = "HELLO";
  loft::Metric* refused_ = nullptr;
};

}  // namespace acme
