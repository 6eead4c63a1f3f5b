// What domains do besides being sent: actions of members, and looks at messages before they are stored.
#pragma once

#include <memory>

#include <loft/bus.hpp>
#include <loft/domain.hpp>
#include <loft/events.hpp>

#include "messaging/core.hpp"
#include "messaging/domain_table.hpp"
#include "messaging/state_lanes.hpp"

namespace loft {

/// All domains of the host, for plugins; and for Core the way of messages whose domain looks at the state.
class DomainActions final : public Domains {
 public:
  explicit DomainActions(Core& core);
  ~DomainActions() override;

  bool known(std::string_view name) const noexcept override;
  void preview(std::string_view name, Bytes content, Locale locale, std::string& out) const override;
  void search_text(std::string_view name, Bytes content, std::string& out) const override;
  bool has_action(std::string_view name) const noexcept override;
  void act(const Caller& caller, ActionRequest request, Done<std::string> done) override;

  /// Asks Domain::sending, then hands the submission to the committer. `peer` as SubmitEntry has it. Thread role: the
  /// caller's.
  void send(const Caller& caller, UserPtr sender, Submission&& submission, UserPtr peer, Done<Accepted>&& done);

  /// Thread role: control.
  void stop() { lanes_->stop(); }

 private:
  class ActJob;
  class SendJob;
  struct Asked;

  std::optional<Error> wrong_with(const DomainTable::ActionRow& row, const ActionRequest& request) const;
  void find(std::shared_ptr<Asked> asked);
  void add(std::shared_ptr<Asked> asked, MessageRecord record);
  void answer(const std::shared_ptr<Asked>& asked, Result<std::string> result);
  void send_in(ConversationState& conversation, const Caller& caller, UserPtr sender, Submission&& submission,
               Done<Accepted>&& done);
  /// On the caller's thread, or at once where it has none.
  void run_for(const Caller& caller, Function<void()> work);
  /// Runs a plugin's function; what it throws is an error and stands in the log.
  template <class F>
  Result<void> guarded(std::string_view domain, F call) const;

  Core& core_;
  const DomainTable& table_;
  const std::shared_ptr<StateLanes> lanes_;
  Proposer<PerformAction> propose_;
  Publisher<ActionDone> done_;
  Metric& actions_total_;
};

}  // namespace loft
