#pragma once

#include <loft/events.hpp>
#include <loft/plugin.hpp>

namespace my_plugin {

/// Refuses messages with more bytes of content than the operator allows.
class MyPlugin final : public loft::Plugin {
 public:
  void options(loft::OptionTable& table) override {
    table.size("max_content", max_content_, "The largest content of a message that passes.").range(1, 1 << 20);
  }

  void setup(loft::Host& host) override {
    refused_ = &host.metrics().counter("my_plugin_refused_total", "Messages refused because they were too long");
    host.bus().intercept<loft::SubmitMessage>(loft::Stage::policy, [this](loft::SubmitMessage& event) -> loft::Verdict {
      if (event.submission.content.size() <= max_content_) return {};
      refused_->add();
      return loft::Verdict::refuse(loft::Code::too_large, "my_plugin.too_long",
                                   "content has more than " + std::to_string(max_content_) + " bytes");
    });
  }

 private:
  std::size_t max_content_ = 4096;
  loft::Metric* refused_ = nullptr;
};

}  // namespace my_plugin
