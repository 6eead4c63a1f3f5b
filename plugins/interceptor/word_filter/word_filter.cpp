#include "word_filter/word_filter.hpp"

#include <algorithm>
#include <stdexcept>

#include <loft/json.hpp>

#include "word_filter/word_list.hpp"

namespace loft::word_filter {
namespace {

/// Bytes of the content that stars take the place of.
struct Masked {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t stars = 0;
};

/// What one look needs; kept, so that it allocates once a thread.
struct Scratch {
  std::vector<Symbol> symbols;
  std::vector<Hit> hits;
  std::vector<Masked> masked;
};

Scratch& scratch() {
  thread_local Scratch one;
  return one;
}

/// Calls `visit(text)` for each string that stands under one of those names, at any depth, in the order of the text;
/// until it returns false. No names: for each string.
template <class F>
bool each_text(const json::Value& value, const std::vector<std::string>& names, bool named, F& visit) {
  bool more = true;
  switch (value.type()) {
    case json::Type::string:
      return !named || visit(value);
    case json::Type::array:
      value.elements([&](const json::Value& item) { return more = each_text(item, names, named, visit); });
      return more;
    case json::Type::object:
      value.members([&](const json::Value& key, const json::Value& item) {
        const bool wanted = names.empty() ||
                            std::any_of(names.begin(), names.end(), [&](const auto& name) { return key.equals(name); });
        return more = each_text(item, names, wanted, visit);
      });
      return more;
    default:
      return true;
  }
}

/// The symbols of a string of `content`.
const std::vector<Symbol>& symbols_of(const json::Value& text, const std::string& content, Scratch& scratch) {
  scratch.symbols.clear();
  const auto inside = text.raw().substr(1, text.raw().size() - 2);
  read_json_text(inside, static_cast<std::uint32_t>(inside.data() - content.data()), scratch.symbols);
  return scratch.symbols;
}

std::string with_stars(const std::string& content, const std::vector<Masked>& masked) {
  std::string out;
  out.reserve(content.size());
  std::size_t at = 0;
  for (const auto& part : masked) {
    out.append(content, at, part.begin - at);
    out.append(part.stars, '*');
    at = part.end;
  }
  return out.append(content, at);
}

}  // namespace

void WordFilter::options(OptionTable& table) {
  table.list("words", list_, "Words that are not allowed; capitals, full-width and invisible characters hide none.");
  table.text("file", file_, "A file with further words, UTF-8, one to a line; lines that begin with # are remarks.");
  table.choice("action", action_, {"refuse", "mask"},
               "What becomes of a message with such words: it is refused, or sent with stars in their place.");
  table.choice("match", match_, {"whole_word", "substring"},
               "Whether a word counts inside of a longer one. Where a script has no spaces between words, it always "
               "does.");
  table.list("domains", domains_, "Only messages of these domains are looked at; empty: of all.");
  table.list("members", members_,
             "Texts under these names in a message's content are looked at, at any depth; empty: all texts, addresses "
             "included.");
  table.boolean("exempt_services", exempt_services_,
                "What backends with a service token (`loft_service`) send is not looked at.");
}

Result<void> WordFilter::configure() {
  if (list_.empty() && file_.empty()) {
    return Error{Code::invalid, "words", "there are none; give `words` or `file`, or remove this plugin"};
  }
  words_ = Words(match_ == Match::whole_word);
  for (const auto& word : list_) {
    if (words_.add(word)) continue;
    return Error{Code::invalid, "words",
                 "holds '" + word + "'; a word has 1 to " + std::to_string(Words::longest) + " visible characters"};
  }
  return {};
}

void WordFilter::setup(Host& host) {
  if (!file_.empty()) {
    if (auto read = read_file(file_, words_); !read) throw std::runtime_error("file: " + read.error().detail);
  }
  words_.finish();
  const bool masks = action_ == Action::mask;
  met_ = &host.metrics().counter("forbidden_words_total", "Messages in which a word was found that is not allowed.",
                                 masks ? "action=\"mask\"" : "action=\"refuse\"");
  host.log().info("words that are not allowed", {{"words", words_.size()}});
  host.bus().intercept<SubmitMessage>(masks ? Stage::rewrite : Stage::policy,
                                      [this](SubmitMessage& event) { return look(event); });
}

bool WordFilter::looks_at(std::string_view domain) const noexcept {
  return domains_.empty() || std::find(domains_.begin(), domains_.end(), domain) != domains_.end();
}

Verdict WordFilter::look(SubmitMessage& event) const {
  auto& submission = event.submission;
  if (!looks_at(submission.domain) || (exempt_services_ && event.caller.service)) return Verdict::pass();
  const auto content = json::parse(submission.content);
  if (!content) return Verdict::pass();  // the domain says what is wrong with it
  auto& my = scratch();
  my.masked.clear();
  bool found = false;
  auto visit = [&](const json::Value& text) {
    const auto& symbols = symbols_of(text, submission.content, my);
    if (action_ == Action::refuse) return !(found = words_.any(symbols));
    my.hits.clear();
    words_.cover(symbols, my.hits);
    for (const auto& hit : my.hits) {
      my.masked.push_back({symbols[hit.first].begin, symbols[hit.last - 1].end, hit.last - hit.first});
    }
    return true;
  };
  each_text(*content, members_, members_.empty(), visit);
  if (!found && my.masked.empty()) return Verdict::pass();
  met_->add();
  if (found) {
    return Verdict::refuse(Code::forbidden, "content.forbidden_word", "the text holds a word that is not allowed here");
  }
  submission.content = with_stars(submission.content, my.masked);
  return Verdict::pass();
}

}  // namespace loft::word_filter
