// What is stored about a user, in pages: nothing but the page at hand is in memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <loft/bus.hpp>
#include <loft/personal_data.hpp>
#include <loft/storage.hpp>

#include "messaging/core.hpp"

namespace loft {

/// Where the next page begins.
struct ExportPlace {
  bool begun = false;                                  ///< the user itself and what plugins keep is told
  ConversationId conversation = ConversationId::none;  ///< all before this one is told
  Seq next = 0;                                        ///< of its log; 0: the membership is not told yet
  std::optional<MessageId> push;  ///< pushes up to this one are told; nullopt: conversations are not
};

struct ExportPage {
  std::vector<std::string> lines;  ///< JSON objects, each with a `type`
  ExportPlace next;
  bool more = false;
};

/// Thread role: any that may wait. Lifetime: between start and stop of Core.
class Exporter {
 public:
  /// During setup: it is the bus's proposer of ExportUser.
  Exporter(Core& core, Storage& storage, Bus& bus) : core_(core), storage_(storage), propose_(bus) {}

  /// Errors: the storage's; what plugins refuse with. `with_received`: of direct conversations what the other one
  /// wrote, of system conversations all.
  Result<ExportPage> page(const User& user, ExportPlace place, bool with_received);

 private:
  Result<void> begin(const User& user, ExportPage& page) const;
  Result<bool> tell_conversations(const User& user, bool with_received, ExportPage& page);
  Result<void> tell(const User& user, const Membership& membership, const StoredConversation& stored, ExportPage& page);
  Result<void> tell_devices(const User& user, ExportPage& page);
  Result<bool> tell_pushes(const User& user, ExportPage& page);
  Result<bool> tell_messages(const User& user, const StoredConversation& stored, bool with_received, ExportPage& page);

  Core& core_;
  Storage& storage_;
  Proposer<ExportUser> propose_;
  std::size_t looked_at_ = 0;  ///< messages of the page at hand
  std::size_t bytes_ = 0;
};

}  // namespace loft
