#include "carrypigeon/list_page.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "carrypigeon/wire.hpp"

namespace loft::carrypigeon {
namespace {

// What is read further, where one millisecond has more messages than were asked for.
constexpr std::size_t further = 64;
// A message in short takes no more than this, however much room there is.
constexpr std::size_t long_enough = 2048;

/// One message as it stands in the list: whole, or what it is in short.
struct Form {
  std::size_t size = 0;
  std::string in_short;  ///< empty: whole
};

/// Shortens of `forms`, in that order, as many as it takes for all to fit. Each may have the same share of the room.
void shorten(std::vector<Form>& forms, const std::vector<std::size_t>& order,
             const std::vector<MessageRecord>& messages, const Services& services, std::size_t room) {
  const std::size_t share = room / forms.size() - 1;  // and a comma
  std::size_t size = forms.size();
  for (const auto& form : forms) size += form.size;
  for (const auto i : order) {
    if (size <= room) return;
    auto& form = forms[i];
    if (form.size <= share) continue;
    append_short_message(form.in_short, *messages[i].message, services, std::min(share, long_enough));
    size -= form.size - form.in_short.size();
    form.size = form.in_short.size();
  }
}

}  // namespace

HistoryQuery ListPage::query() const {
  HistoryQuery query;
  query.in = in_;
  query.with_recalled = false;
  if (messages_.empty()) {
    query.until = until_;
    query.limit = count_ + 1;  // the one behind tells whether the page ends with a millisecond
  } else {
    query.before = messages_.back().message->id;
    query.limit = further;
  }
  return query;
}

bool ListPage::take(Page page) {
  messages_.insert(messages_.end(), std::make_move_iterator(page.messages.begin()),
                   std::make_move_iterator(page.messages.end()));
  more_ = page.more && !page.messages.empty();
  return wanted().has_value();
}

std::size_t ListPage::end_of(std::size_t i) const {
  const auto moment = time(i);
  while (i < messages_.size() && time(i) == moment) ++i;
  return i;
}

std::optional<std::size_t> ListPage::wanted() const {
  const auto known = [this](std::size_t end) { return end < messages_.size() || !more_; };
  if (messages_.empty()) return known(0) ? std::optional<std::size_t>(0) : std::nullopt;
  auto end = end_of(std::min(count_, messages_.size()) - 1);
  if (!known(end)) return std::nullopt;
  if (count_ > 1 && time(end - 1) == until_ && end < messages_.size()) {
    end = end_of(end);
    if (!known(end)) return std::nullopt;
  }
  return end;
}

std::size_t ListPage::needed(std::size_t wanted, std::size_t room) const {
  const auto first = end_of(0);
  if (first >= wanted || count_ == 1 || time(0) != until_) return first;
  const auto both = end_of(first);
  // More than three hundred messages in two milliseconds do not fit, however short.
  return both * (shortest_message + 1) <= room ? both : first;
}

std::vector<MessageRecord> ListPage::append(std::string& out, const Services& services) const {
  constexpr std::string_view around = R"({"count":512,"messages":[]}})";  // with the packet's own brace
  const auto room = max_packet - out.size() - around.size();
  const auto wanted = this->wanted().value_or(0);
  std::size_t count = wanted == 0 ? 0 : needed(wanted, room);

  std::vector<Form> forms(count);
  std::size_t size = count;
  for (std::size_t i = 0; i < count; ++i) {
    forms[i].size = size_of(*messages_[i].message);
    size += forms[i].size;
  }
  if (size > room) {
    // First what was on the page before, then the largest.
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
      const bool a_known = time(a) == until_, b_known = time(b) == until_;
      return a_known != b_known ? a_known : forms[a].size > forms[b].size;
    });
    shorten(forms, order, messages_, services, room);
  } else {
    while (count < wanted) {
      const auto end = end_of(count);
      for (std::size_t i = count; i < end; ++i) size += size_of(*messages_[i].message) + 1;
      if (size > room) break;
      count = end;
    }
    forms.resize(count);
  }

  json::Writer writer(out);
  writer.object().key("count").number(count).key("messages").array();
  for (std::size_t i = 0; i < count; ++i) {
    if (i != 0) out += ',';
    forms[i].in_short.empty() ? append_message(out, *messages_[i].message) : void(out += forms[i].in_short);
  }
  writer.end_array().end_object();
  return {messages_.begin(), messages_.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace loft::carrypigeon
