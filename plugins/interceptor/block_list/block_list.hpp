// Users keep others' messages from themselves.
#pragma once

#include <memory>
#include <optional>

#include <loft/contract.hpp>
#include <loft/events.hpp>

#include "block_list/editor.hpp"
#include "block_list/routes.hpp"
#include "block_list/table.hpp"

namespace loft::block_list {

enum class OnDirect : std::uint8_t { refuse, drop_silently };
enum class InGroups : std::uint8_t { withhold, deliver };

/// An interceptor, and a contract for those who mount it: without routes nobody can edit a list.
class BlockListPlugin final : public Contract {
 public:
  void options(OptionTable& table) override;
  void setup(Host& host) override;
  void start() override;

  void routes(Routes& routes) override { declare(routes, *services_); }
  // Nobody logs in here.
  void encode(const Delivery&, Variant, Encoded&) const override {}

 private:
  Verdict submit(const SubmitMessage& event) const;
  Verdict deliver(const DeliverTo& event) const;
  void stored(const MessageRecord& record);
  void hide(UserId user, MessageId message, unsigned thread);

  OnDirect on_direct_ = OnDirect::refuse;
  InGroups in_groups_ = InGroups::withhold;
  std::uint32_t limit_ = 500;

  Table table_;
  std::optional<Editor> editor_;
  std::optional<Services> services_;
  Bus* bus_ = nullptr;
  Messaging* messaging_ = nullptr;
  Logger* log_ = nullptr;
  Metric* refused_ = nullptr;
  Metric* withheld_ = nullptr;
};

}  // namespace loft::block_list
