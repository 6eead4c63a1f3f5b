// Refuses messages with words that the operator does not want, or puts stars in their place.
#include <string>
#include <vector>

#include <loft/events.hpp>
#include <loft/plugin.hpp>

namespace {

class WordFilter final : public loft::Plugin {
 public:
  void options(loft::OptionTable& table) override {
    table.list("words", words_, "Words that no message may have, as they are written.");
    table.boolean("mask", mask_, "Send the message with stars in their place, instead of refusing it.");
  }

  loft::Result<void> configure() override {
    for (const auto& word : words_) {
      if (word.empty() || word.find_first_of("\"\\") != std::string::npos)
        return loft::Error{loft::Code::invalid, "words",
                           "a word is a text without quotes and backslashes, and not empty"};
    }
    return {};
  }

  // The stages run in the order check, rewrite, policy. What changes messages belongs into rewrite, so that policy sees
  // what will be stored.
  void setup(loft::Host& host) override {
    auto& found = host.metrics().counter("example_word_filter_found_total", "Messages that had a word of the list");
    host.bus().intercept<loft::SubmitMessage>(mask_ ? loft::Stage::rewrite : loft::Stage::policy,
                                              [this, &found](loft::SubmitMessage& event) -> loft::Verdict {
                                                if (!filter(event.submission.content)) return {};
                                                found.add();
                                                if (mask_) return {};
                                                return loft::Verdict::refuse(loft::Code::forbidden,
                                                                             "content.forbidden_word",
                                                                             "the message has a forbidden word");
                                              });
  }

 private:
  /// Whether any word is there; with `mask_` stars take its place.
  bool filter(std::string& content) const {
    bool any = false;
    for (const auto& word : words_) {
      for (auto at = content.find(word); at != std::string::npos; at = content.find(word, at + word.size())) {
        any = true;
        if (!mask_) return true;
        content.replace(at, word.size(), word.size(), '*');
      }
    }
    return any;
  }

  std::vector<std::string> words_;
  bool mask_ = false;
};

}  // namespace

LOFT_PLUGIN(WordFilter, "policy.word_filter", "1.0.0", "Refuses messages with certain words, or masks the words")
