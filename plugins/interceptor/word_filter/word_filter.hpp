// Messages with certain words: refused, or sent with stars in their place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <loft/events.hpp>
#include <loft/plugin.hpp>

#include "word_filter/words.hpp"

namespace loft::word_filter {

enum class Action : std::uint8_t { refuse, mask };
enum class Match : std::uint8_t { whole_word, substring };

class WordFilter final : public Plugin {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;

 private:
  Verdict look(SubmitMessage& event) const;
  bool looks_at(std::string_view domain) const noexcept;

  std::vector<std::string> list_;
  std::string file_;
  Action action_ = Action::refuse;
  Match match_ = Match::whole_word;
  std::vector<std::string> domains_;
  std::vector<std::string> members_{"text", "title", "content", "description", "name", "username", "filename"};
  bool exempt_services_ = true;

  Words words_{true};
  Metric* met_ = nullptr;
};

}  // namespace loft::word_filter
