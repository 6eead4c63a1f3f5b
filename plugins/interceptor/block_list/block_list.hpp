// Users keep others' messages from themselves.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <loft/contract.hpp>
#include <loft/events.hpp>
#include <loft/personal_data.hpp>

#include "block_list/editor.hpp"
#include "block_list/routes.hpp"
#include "block_list/table.hpp"

namespace loft::block_list {

enum class InGroups : std::uint8_t { withhold, deliver };

/// An interceptor, and a contract for those who mount it: without routes nobody can edit a list.
class BlockListPlugin final : public Contract {
 public:
  void options(OptionTable& table) override;
  Result<void> configure() override;
  void setup(Host& host) override;
  void start() override;

  void routes(Routes& routes) override { declare(routes, *services_); }
  // Nobody logs in here.
  void encode(const Delivery&, Variant, Encoded&) const override {}

 private:
  Verdict write(const WriteToUser& event) const;
  Verdict deliver(const DeliverTo& event) const;
  Verdict erase(EraseUser& event);
  Verdict tell(ExportUser& event) const;

  std::string on_direct_;  // which earlier versions had
  InGroups in_groups_ = InGroups::withhold;
  std::uint32_t limit_ = 500;

  Table table_;
  std::optional<Editor> editor_;
  std::optional<Services> services_;
  Metric* refused_ = nullptr;
  Metric* withheld_ = nullptr;
};

}  // namespace loft::block_list
