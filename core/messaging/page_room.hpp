#pragma once

#include <cstddef>

#include <loft/message.hpp>

namespace loft {

/// How much a page may still hold. A session's answer must not fill its connection's outbox, where others' messages
/// wait as well; a page that is full before its limit says that there is more.
class PageRoom {
 public:
  explicit PageRoom(std::size_t bytes) : left_(bytes) {}

  /// Whether the message belongs to this page: the first one does in any case.
  bool takes(const MessageRecord& record) noexcept {
    constexpr std::size_t around = 512;  // ids, names and times beside the content
    const auto size = record.message->content.size() + around;
    if (size > left_ && !is_empty_) return false;
    left_ -= size < left_ ? size : left_;
    is_empty_ = false;
    return true;
  }

 private:
  std::size_t left_;
  bool is_empty_ = true;
};

}  // namespace loft
